"""New attributes from those a source has, by declaration only.

- `Bands`: a number cut into bands, such as age bands.
- `Recode`: levels renamed or merged, such as states into regions.

A missing attribute stays missing. A value that the declaration does not cover is refused by name,
unless the declaration says what becomes of it.
"""

from __future__ import annotations

import bisect
import itertools
from functools import cached_property
from importlib import resources
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from personas.errors import InputError, nearest
from personas.persona import AttributeValue, Finite
from personas.settings import Settings
from personas.tables import read_rows

_RECODES = resources.files("personas") / "margins" / "recodes"


def shipped_recodes() -> tuple[str, ...]:
    """Names of the recodes that come with the package."""
    return tuple(
        sorted(entry.name.removesuffix(".csv") for entry in _RECODES.iterdir() if _is_csv(entry))
    )


def shipped_recode(name: str) -> dict[AttributeValue, AttributeValue | None]:
    """A recode that comes with the package: old level to new level."""
    with resources.as_file(_RECODES / f"{name}.csv") as path:
        return {str(row.data["from"]): str(row.data["to"]) for row in read_rows(path)}


def _is_csv(entry: Any) -> bool:
    return str(entry.name).endswith(".csv")


def _known(
    levels: dict[AttributeValue, AttributeValue | None] | str,
) -> dict[AttributeValue, AttributeValue | None] | str:
    if isinstance(levels, str) and levels not in shipped_recodes():
        raise ValueError(
            f"no recode {levels!r} is shipped; there are: {', '.join(shipped_recodes())}"
        )
    return levels


class Bands(Settings):
    """A numeric attribute cut into bands.

    Attributes:
        source: the attribute cut (`from` in a study file).
        breaks: the lowest value of each band, ascending.
        end: the first value above the last band (`to` in a study file); None leaves it open.
        labels: one name per band; by default `18-29` … `65+` for whole breaks, else `18 to <30`.
        outside: whether a value in no band is an error or makes the attribute missing.
    """

    model_config = ConfigDict(validate_by_name=True)

    source: str = Field(validation_alias="from")
    breaks: tuple[Finite, ...] = Field(min_length=1)
    end: Finite | None = Field(default=None, validation_alias="to")
    labels: tuple[str, ...] | None = None
    outside: Literal["refuse", "missing"] = "refuse"

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        edges = [*self.breaks, *([] if self.end is None else [self.end])]
        if any(low >= high for low, high in itertools.pairwise(edges)):
            raise ValueError("the breaks do not ascend")
        if self.labels is not None and len(self.labels) != len(self.breaks):
            raise ValueError(f"{len(self.labels)} labels for {len(self.breaks)} bands")
        if len(set(self.names)) < len(self.names):
            raise ValueError("the labels repeat")
        return self

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The label of each band, lowest first."""
        if self.labels is not None:
            return self.labels
        return tuple(map(_band_name, self.breaks, [*self.breaks[1:], self.end]))

    def derive(self, value: AttributeValue) -> AttributeValue | None:
        """The band of a value.

        Raises:
            InputError: where the value is no number, or lies in no band and `outside` is `refuse`.
        """
        if isinstance(value, bool | str):
            raise InputError(
                f"the attribute {self.source!r} is cut into bands but is not a number",
                found=value,
                hint="Recode the text instead of cutting it.",
            )
        if value >= self.breaks[0] and (self.end is None or value < self.end):
            return self.names[bisect.bisect_right(self.breaks, value) - 1]
        if self.outside == "missing":
            return None
        raise InputError(
            f"the attribute {self.source!r} lies in no band",
            found=value,
            expected=f"one of the bands {', '.join(self.names)}",
            hint="Add a band, or set `outside: missing`.",
        )


class Recode(Settings):
    """An attribute's levels renamed or merged.

    Attributes:
        source: the attribute recoded (`from` in a study file).
        map: old level to new level, None for missing; or the name of a shipped recode
            (`us_state_to_region`).
        other: what a level not in the map becomes; without it such a level is an error.
    """

    model_config = ConfigDict(validate_by_name=True)

    source: str = Field(validation_alias="from")
    map: Annotated[dict[AttributeValue, AttributeValue | None] | str, AfterValidator(_known)]
    other: AttributeValue | None = None

    @cached_property
    def table(self) -> dict[str, AttributeValue | None]:
        """The map by the text of the old level, so that YAML's 1 and a table's '1' agree."""
        levels = shipped_recode(self.map) if isinstance(self.map, str) else self.map
        return {str(old): new for old, new in levels.items()}

    def derive(self, value: AttributeValue) -> AttributeValue | None:
        """The new level of a value.

        Raises:
            InputError: where the map has no such level and `other` is not given.
        """
        key = str(value)
        if key in self.table:
            return self.table[key]
        if self.other is not None:
            return self.other
        raise InputError(
            f"the recode of {self.source!r} has no such level",
            found=value,
            expected="one of " + ", ".join(list(self.table)[:40]),
            hint=nearest(key, self.table) or "Add it to the map, or give `other`.",
        )


def _kind(value: Any) -> str:
    if isinstance(value, Bands | Recode):
        return "bands" if isinstance(value, Bands) else "recode"
    return "bands" if isinstance(value, dict) and "breaks" in value else "recode"


Derivation = Annotated[
    Annotated[Bands, Tag("bands")] | Annotated[Recode, Tag("recode")], Discriminator(_kind)
]
"""How one new attribute is derived: bands where there are `breaks`, else a recode."""


def _band_name(low: float, high: float | None) -> str:
    whole = low == int(low) and (high is None or high == int(high))
    if high is None:
        return f"{low:g}+"
    if not whole:
        return f"{low:g} to <{high:g}"
    return f"{low:g}" if high == low + 1 else f"{low:g}-{high - 1:g}"
