"""A cell of a foreign table as an attribute value, without reading anything into it.

- `flatten(data)`: nested objects as joined names, lists as one text.
- `typed(columns)`: text columns whose every value is a number become numbers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import cast

from personas.persona import AttributeValue

_WHOLE = re.compile(r"[+-]?(0|[1-9][0-9]{0,14})")
_NUMBER = re.compile(r"[+-]?(0|[1-9][0-9]{0,14})(\.[0-9]+)?")


def flatten(data: Mapping[str, object]) -> dict[str, object]:
    """Nested objects become `outer_inner`, lists of plain values one text joined by `; `."""
    flat: dict[str, object] = {}
    for name, value in data.items():
        if isinstance(value, Mapping):
            inner = flatten(cast("Mapping[str, object]", value))
            flat.update({f"{name}_{key}": cell for key, cell in inner.items()})
        elif isinstance(value, list | tuple):
            cells = cast("Iterable[object]", value)
            flat[name] = "; ".join(str(cell) for cell in cells if cell is not None)
        else:
            flat[name] = value
    return flat


def clean(value: object, missing: frozenset[str]) -> AttributeValue | None:
    """A cell as an attribute value; None where it is missing.

    Raises:
        TypeError: where the cell is of a kind that no attribute holds.
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float | Decimal):
        number = float(value)
        return number if math.isfinite(number) else None
    if isinstance(value, str):
        text = value.strip()
        return None if not text or text in missing else text
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def as_number(value: AttributeValue) -> int | float | None:
    """The number a cell holds or spells, None where it is something else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    try:
        return float(value)
    except ValueError:
        return None


def typed(
    rows: list[dict[str, AttributeValue]], names: Iterable[str]
) -> list[dict[str, AttributeValue]]:
    """Turn text columns that are numbers throughout into numbers.

    A column with a leading zero anywhere (a postal code) stays text throughout.
    """
    convert: dict[str, type[int] | type[float]] = {}
    for name in names:
        cells = [row[name] for row in rows if name in row]
        if not all(isinstance(cell, str) for cell in cells):
            continue
        texts = cast("list[str]", cells)
        if all(_WHOLE.fullmatch(text) for text in texts):
            convert[name] = int
        elif all(_NUMBER.fullmatch(text) for text in texts):
            convert[name] = float
    if not convert:
        return rows
    return [
        {name: convert[name](cell) if name in convert else cell for name, cell in row.items()}
        for row in rows
    ]
