"""Any part of `scores.json` as tables, so that a new measure is seen before it has a chart.

An object with `low` and `high` is shown as an interval; a list of objects as a table.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeGuard

from juries.report.page.blocks import Block, Facts, Prose, Table

_MOST_ROWS = 200


def tables_of(values: dict[str, Any]) -> Iterator[Block]:
    """Blocks that show everything in an object read from JSON."""
    for name, value in values.items():
        yield from _shown(title_of(name), value)


def title_of(name: str) -> str:
    """A key as a heading."""
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def text_of(value: Any) -> str:
    """A value as text: figures short, intervals with what was resampled."""
    if value is None:
        return "n/a"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:.3f}" if isinstance(value, float) and abs(value) < 1000 else f"{value:,.0f}"
    if _is_object(value):
        return _interval(value) if _is_interval(value) else _listed(value)
    if _is_list(value):
        return ", ".join(text_of(one) for one in value)
    return str(value)


def _shown(title: str, value: Any) -> Iterator[Block]:
    if _is_records(value):
        yield _table(title, value)
    elif _is_object(value) and not _is_interval(value):
        plain = {k: v for k, v in value.items() if not _is_records(v) and not _is_large(v)}
        if plain:
            pairs = tuple((title_of(name), text_of(one)) for name, one in plain.items())
            yield Facts(title=title, pairs=pairs)
        for name, one in value.items():
            if name not in plain:
                yield from _shown(f"{title}: {title_of(name).lower()}", one)
    elif value is not None:
        yield Prose(paragraphs=(f"{title}: {text_of(value)}",))


def _table(title: str, records: list[dict[str, Any]]) -> Table:
    columns = tuple(dict.fromkeys(key for record in records for key in record))
    return Table(
        title=title,
        columns=tuple(title_of(column) for column in columns),
        rows=tuple(
            tuple(text_of(record.get(column)) for column in columns)
            for record in records[:_MOST_ROWS]
        ),
        note=f"The first {_MOST_ROWS} of {len(records):,}." if len(records) > _MOST_ROWS else "",
    )


def _interval(value: dict[str, Any]) -> str:
    head = "".join(
        f"{text_of(value[name])} " for name in ("value", "estimate") if value.get(name) is not None
    )
    said = f"; {value['resampled']} resampled" if value.get("resampled") else ""
    return f"{head}({text_of(value['low'])} to {text_of(value['high'])}{said})"


def _listed(value: dict[str, Any]) -> str:
    return ", ".join(f"{title_of(name).lower()} {text_of(one)}" for name, one in value.items())


def _is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list | tuple)


def _is_records(value: Any) -> TypeGuard[list[dict[str, Any]]]:
    return _is_list(value) and bool(value) and all(_is_object(one) for one in value)


def _is_interval(value: dict[str, Any]) -> bool:
    return "low" in value and "high" in value


def _is_large(value: Any) -> bool:
    """Whether an object is worth a heading of its own."""
    return _is_object(value) and not _is_interval(value) and len(value) > 3
