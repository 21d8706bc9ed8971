"""A promptfoo assertion that looks up what a jury said of a recorded response.

Stands beside `verdicts.json`; needs nothing but Python. Written by `juries export --to promptfoo`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def get_assert(output: str, context: dict[str, Any]) -> dict[str, Any]:
    """Grade one response by its item and model, which promptfoo hands over as variables."""
    del output  # the verdict is on the recorded response, which the echo provider repeats
    (recorded,) = json.loads(Path(__file__).with_name("verdicts.json").read_text(encoding="utf-8"))
    item, response = context["vars"]["item"], context["vars"]["response"]
    verdict = recorded["verdicts"].get(item["id"], {}).get(response["model"])
    if verdict is None or verdict["welfare"] is None:
        return {"pass": False, "score": 0.0, "reason": "The jury reached no verdict on this."}
    score = verdict["welfare"][recorded["function"]]
    reason = (
        f"{recorded['function']} = {score:.3f} over {verdict['jurors']} of {verdict['asked']} "
        f"jurors; {recorded['threshold']} passes. Judged by {recorded['judged_by']}."
    )
    return {
        "pass": score >= recorded["threshold"],
        "score": score,
        "reason": reason,
        "namedScores": verdict["welfare"],
    }
