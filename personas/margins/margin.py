"""Margins: the shares of a population's levels, on one attribute or several jointly.

- `load_margin(name_or_path)`: a shipped table by name, or a user's CSV, JSONL or Parquet.
- `Margin.collapse`: levels merged, for a sample that cannot tell them apart.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Self, cast

from personas.errors import InputError, nearest
from personas.tables import SUFFIXES, Row, read_rows, require_columns

SHARE = "share"
_FOLDER = resources.files("personas.margins")
_TOLERANCE = 0.015  # published shares are rounded; more than this off 1 is another mistake

Level = tuple[str, ...]
"""One value per attribute of a margin, as text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """Target shares of the levels of one attribute, or of several attributes jointly.

    Attributes:
        name: how reports call it.
        attributes: the attributes it is about.
        shares: target share of each level; they sum to 1. A persona's value belongs to a level
            when its text is equal.
        source: where the figures come from.
        licence: their licence, None where unknown.
    """

    name: str
    attributes: tuple[str, ...]
    shares: Mapping[Level, float]
    source: str
    licence: str | None = None

    @classmethod
    def of(
        cls,
        attributes: str | tuple[str, ...],
        shares: Mapping[str, float] | Mapping[Level, float],
        *,
        name: str | None = None,
        source: str = "given in code",
        licence: str | None = None,
    ) -> Self:
        """A margin from level to share, checked and scaled to sum to 1.

        Args:
            attributes: one name, or several for a joint margin.
            shares: by level: a text, or a tuple of one text per attribute.
            name: by default the attributes joined by ` x `.
            source: where the figures come from.
            licence: their licence.

        Raises:
            InputError: where a share is no finite number of at least 0, or they are further than
                0.015 from summing to 1.
        """
        names = (attributes,) if isinstance(attributes, str) else attributes
        title = name or " x ".join(names)
        levels: dict[Level, float] = {}
        for level, share in shares.items():
            key = (level,) if isinstance(level, str) else level
            if len(key) != len(names):
                raise ValueError(f"level {key} for attributes {names}")
            if not (math.isfinite(share) and share >= 0):
                raise InputError(
                    f"the share of {_said(key)} in margin {title!r} cannot be used",
                    found=share,
                    expected="a finite number of at least 0",
                )
            levels[key] = share
        total = sum(levels.values())
        if abs(total - 1) > _TOLERANCE:
            hint = "Divide per cents by 100." if abs(total - 100) <= 100 * _TOLERANCE else None
            raise InputError(
                f"the shares of margin {title!r} do not sum to 1", found=round(total, 6), hint=hint
            )
        return cls(
            name=title,
            attributes=names,
            shares={level: share / total for level, share in levels.items()},
            source=source,
            licence=licence,
        )

    def collapse(self, merged: Mapping[str, str], *, attribute: str | None = None) -> Margin:
        """The margin with levels merged: old level to new, levels not named stay.

        Args:
            merged: e.g. `{"Asian": "Other", "Mixed": "Other"}`.
            attribute: which attribute's levels; needed for a joint margin only.

        Raises:
            InputError: where the margin has no such attribute or level.
        """
        name = attribute or self.attributes[0]
        if name not in self.attributes or (attribute is None and len(self.attributes) > 1):
            raise InputError(
                f"margin {self.name!r} cannot be collapsed on {attribute!r}",
                expected="one of " + ", ".join(self.attributes),
            )
        place = self.attributes.index(name)
        known = {level[place] for level in self.shares}
        for level in merged:
            if level not in known:
                raise InputError(
                    f"margin {self.name!r} has no level {level!r}", hint=nearest(level, known)
                )
        shares: dict[Level, float] = {}
        for level, share in self.shares.items():
            new = (*level[:place], merged.get(level[place], level[place]), *level[place + 1 :])
            shares[new] = shares.get(new, 0.0) + share
        return replace(self, shares=shares)


def shipped_margins() -> Mapping[str, Mapping[str, str]]:
    """The margins that come with the package: by name, their title, source, year and notes."""
    text = (_FOLDER / "sources.json").read_text(encoding="utf-8")
    return cast("Mapping[str, Mapping[str, str]]", json.loads(text))


def load_margin(margin: str | Path, *, columns: Mapping[str, str] | None = None) -> Margin:
    """A shipped margin by name, or a table with a column per attribute and a column `share`.

    Args:
        margin: a name of `shipped_margins()`, or a path.
        columns: attribute of the population to column of the table, `share` included, where the
            names differ. By default every column but `share` is an attribute of that name.

    Raises:
        InputError: for a name that is neither, a missing column, a repeated level, or a share
            that cannot be used, naming the row.
    """
    shipped = shipped_margins()
    if isinstance(margin, str) and margin in shipped:
        about = shipped[margin]
        source = f"{about['source']}; {about['year']}"
        with resources.as_file(_FOLDER / f"{margin}.csv") as path:
            return _read(path, margin, columns or {}, source, about["licence"])
    path = Path(margin)
    if path.suffix.lower() not in SUFFIXES and not path.exists():
        raise InputError(
            f"there is no margin {str(margin)!r}",
            expected="a file, or one of " + ", ".join(shipped),
            hint=nearest(str(margin), shipped),
        )
    return _read(path, path.stem, columns or {}, f"file {path.name}", None)


def _read(
    path: Path, name: str, columns: Mapping[str, str], source: str, licence: str | None
) -> Margin:
    theirs = dict(columns)
    share_column = theirs.pop(SHARE, SHARE)
    shares: dict[Level, float] = {}
    names: tuple[str, ...] = ()
    for row in read_rows(path):
        require_columns([share_column, *theirs.values()], row.data, where=path, line=row.number)
        # Columns that the map does not rename keep their names.
        renamed = {column: ours for ours, column in theirs.items()}
        found = {renamed.get(column, column): column for column in row.data}
        found.pop(renamed.get(share_column, share_column))
        if not found:
            raise InputError("the margin has no attribute column", where=path, line=row.number)
        names = names or tuple(found)
        require_columns(names, found, where=path, line=row.number)
        level = tuple(str(row.data[found[attribute]]).strip() for attribute in names)
        if level in shares:
            raise InputError(f"the level {_said(level)} stands twice", where=path, line=row.number)
        shares[level] = _share(path, row, share_column)
    try:
        return Margin.of(names, shares, name=name, source=source, licence=licence)
    except InputError as error:
        raise InputError(error.problem, where=path, found=sum(shares.values())) from error


def _share(path: Path, row: Row, column: str) -> float:
    cell = row.data[column]
    try:
        share = float(cast("float | str", cell))
    except (TypeError, ValueError):
        share = math.nan
    if not (math.isfinite(share) and share >= 0):
        raise InputError(
            "the share cannot be used",
            where=path,
            line=row.number,
            found=cell,
            expected="a finite number of at least 0",
        )
    return share


def _said(level: Level) -> str:
    return " x ".join(map(repr, level))
