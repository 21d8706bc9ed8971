"""Verdicts for evaluation tools: Inspect's precomputed scores, and a promptfoo evaluation."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import yaml

from juries.measures.welfare_functions import WelfareFunction
from juries.targets.evidence import Evidence
from personas.files import replacing, write_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Row = dict[str, object]


def inspect_rows(
    evidence: Evidence, model: str, functions: Sequence[WelfareFunction]
) -> Iterator[Row]:
    """Records that Inspect's `precomputed_scores` reads, one an item that the model answered.

    `value` is the welfare under the first function. An item that nobody validly rated has no
    record, and Inspect leaves it unscored.
    """
    at = evidence.models.index(model)
    for place in np.flatnonzero(evidence.present[at]).tolist():
        scores = _scores(evidence, at, place, functions)
        if scores is None:
            continue
        welfare, valid = scores
        first = functions[0]
        yield {
            "id": evidence.items[place].id,
            "value": welfare[first.name],
            "explanation": (
                f"{first.label} over {valid} of {evidence.asked(place)} jurors. "
                f"Judged by {evidence.origin.produced_by}."
            ),
            "metadata": {
                "welfare": welfare,
                "jurors": valid,
                "asked": evidence.asked(place),
                "study": evidence.origin.fingerprint,
                "uncalibrated": evidence.origin.uncalibrated,
            },
        }


def write_promptfoo(
    folder: Path, evidence: Evidence, functions: Sequence[WelfareFunction], *, threshold: float
) -> int:
    """Write a promptfoo evaluation that shows a jury's verdicts; how many tests.

    The folder gets `promptfooconfig.yaml` (the echo provider repeats each recorded response),
    `tests.jsonl`, `verdicts.json`, and `get_assert.py`, which looks verdicts up and needs nothing
    but Python. What models and datasets wrote stands one level down in a test's variables:
    promptfoo reads the file that a variable itself names by `file://`, and fills in a template that
    it is, but takes what lies inside an object as it is.

    Args:
        folder: made if need be.
        evidence: a run's utilities.
        functions: welfare functions; the first decides pass or fail.
        threshold: welfare from which a response passes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tests: list[Row] = []
    verdicts: dict[str, dict[str, Row]] = {}
    for place, item in enumerate(evidence.items):
        for response in item.responses:
            at = evidence.models.index(response.model)
            scores = _scores(evidence, at, place, functions)
            variables = {
                "item": {"id": item.id, "prompt": item.prompt},
                "response": {"model": response.model, "text": response.text},
            }
            tests.append({"description": f"{item.id}: {response.model}", "vars": variables})
            verdicts.setdefault(item.id, {})[response.model] = {
                "welfare": None if scores is None else scores[0],
                "jurors": 0 if scores is None else scores[1],
                "asked": evidence.asked(place),
            }
    config = {
        "description": f"{evidence.origin.study}. Judged by {evidence.origin.produced_by}.",
        "prompts": ["{{response.text}}"],
        "providers": ["echo"],
        "defaultTest": {"assert": [{"type": "python", "value": "file://get_assert.py"}]},
        "tests": "file://tests.jsonl",
    }
    write_rows(folder / "tests.jsonl", tests)
    decides = {"function": functions[0].name, "threshold": threshold}
    about = {"judged_by": evidence.origin.produced_by, **decides, "verdicts": verdicts}
    write_rows(folder / "verdicts.json", [about])
    with replacing(folder / "get_assert.py") as file:
        source = resources.files("juries.exports").joinpath("promptfoo_assert.py")
        file.write(source.read_text(encoding="utf-8"))
    with replacing(folder / "promptfooconfig.yaml") as file:
        yaml.safe_dump(config, file, sort_keys=False, allow_unicode=True)
    return len(tests)


def _scores(
    evidence: Evidence, model: int, item: int, functions: Sequence[WelfareFunction]
) -> tuple[dict[str, float], int] | None:
    """Welfare by function and how many jurors validly rated, or None where none did."""
    utilities = evidence.utilities[model, item].astype(np.float64)
    valid = int((~np.isnan(utilities)).sum())
    if not valid:
        return None
    return {f.name: float(f(utilities, evidence.weights)) for f in functions}, valid
