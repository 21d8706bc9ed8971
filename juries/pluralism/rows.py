"""Rows of the validity table, from estimates."""

from __future__ import annotations

from juries.figures import Bounds, ValidityRow, bounds
from juries.measures.estimates import Estimate


def estimated(check: str, estimate: Estimate, reading: str, *, digits: int = 2) -> ValidityRow:
    """An estimate with its interval, where it has one."""
    return row(check, estimate.value, bounds(estimate), reading, digits=digits)


def row(
    check: str, value: float | None, interval: Bounds | None, reading: str, *, digits: int = 2
) -> ValidityRow:
    """A value as it is shown, with so many digits, and its interval behind it."""
    shown = "n/a" if value is None else f"{value:.{digits}f}"
    if interval is not None and interval.low is not None and interval.high is not None:
        shown += f" [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"
    return ValidityRow(check=check, value=value, interval=interval, shown=shown, reading=reading)
