"""Juries of simulated people rate model outputs; verdicts become pluralistic scores.

- `run(study)` runs a study file and returns a `Run`; `open_run(folder)` opens one made before.
- `Run.scores()` and `Run.ratings` are what it concluded and every rating behind it.
- `juries.measures` holds the statistics: arrays in, frozen results out.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from juries.runs import Run, load_study, open_run, run
    from juries.scores import Scores
    from juries.spec import Study

_HOMES = {
    "Run": "juries.runs",
    "Scores": "juries.scores",
    "Study": "juries.spec",
    "load_study": "juries.runs",
    "open_run": "juries.runs",
    "run": "juries.runs",
}
__all__ = ["Run", "Scores", "Study", "load_study", "open_run", "run"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import juries` stays light."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
