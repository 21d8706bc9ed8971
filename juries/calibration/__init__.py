"""How far a jury can stand in for people, said with statistics.

- `alt_test`: may the jury replace one of the annotators?
- `ppi_mean` and relatives: people's mean, estimated from few people and many jury ratings.
- `plan_sample`, `simulate_power`: which items people should see, and how many.
- `calibrate`: all of it for one run, with a verdict in words and a record bound to the run.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from juries.calibration.alternative import AltTest as AltTest
    from juries.calibration.alternative import alt_test as alt_test

_HOME = {"AltTest": "alternative", "alt_test": "alternative"}

__all__ = ["AltTest", "alt_test"]


def __getattr__(name: str) -> object:
    """Import a public name from its module when it is first used; scipy stays out until then."""
    if name in _HOME:
        return getattr(importlib.import_module(f"juries.calibration.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
