"""The example study, with a jury that talks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from juries.runs import Run, run

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
Talk = Callable[..., Run]


@pytest.fixture
def talking(tmp_path: Path) -> Talk:
    """Run the example study with a deliberation; the same `out` goes on where it stopped."""

    def deliberate(
        deliberation: dict[str, Any] | None,
        *,
        out: str = "run",
        limit: int | None = 6,
        seats: int = 20,
        mind: dict[str, Any] | None = None,
        without: tuple[str, ...] = (),
        **changes: Any,
    ) -> Run:
        study = yaml.safe_load((EXAMPLES / "study.yaml").read_text())
        for section in ("items", "population"):
            study[section]["path"] = str(EXAMPLES / study[section]["path"])
        study["jury"]["seats"] = seats
        study["mind"].update(mind or {})
        study["scores"].update(welfare=["power:1", "power:-inf"], resamples=200, groups=[])
        study["baselines"] = {"share": 0.0}
        if deliberation is not None:
            study["deliberation"] = deliberation
        study.update(changes)
        for section in without:
            del study[section]
        path = tmp_path / "study.yaml"
        path.write_text(yaml.safe_dump(study, sort_keys=False))
        return run(path, out=tmp_path / out, limit=limit)

    return deliberate
