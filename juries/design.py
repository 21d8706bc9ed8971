"""The design of a study: which jurors are asked about which items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

from graphs.assignment import Assignment, balanced_assignment
from personas.errors import InputError
from personas.identity import generator
from personas.settings import Settings

if TYPE_CHECKING:
    from juries.spec import Study


class DesignSpec(Settings):
    """A sparse design: each juror is asked about some of the items only.

    Every item is put to the same number of jurors and every juror is put the same number of items,
    up to one; who is asked what is drawn from the seed.

    Attributes:
        share: of the items that each juror is asked about.
        items_per_juror: how many they are, in place of a share.
    """

    share: Annotated[float, Field(gt=0, le=1)] | None = None
    items_per_juror: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Self:
        if (self.share is None) == (self.items_per_juror is None):
            raise ValueError("give share or items_per_juror, one of them")
        return self


def assignment_of(study: Study, *, items: int, jurors: int) -> Assignment | None:
    """Who is asked about what in a sparse design; None where everybody is asked everything.

    It depends on the study's seed and on the numbers of items and jurors alone, so a run that goes
    on, its workers and its readers all come to the same.

    Args:
        study: as it runs.
        items: of the whole study, whatever a run covers.
        jurors: how many sit.

    Raises:
        InputError: more items a juror than there are, or an item that no juror would be put.
    """
    design = study.design
    if design is None or not items or not jurors:
        return None
    each = design.items_per_juror
    if each is not None and each > items:
        raise InputError(
            "a juror cannot be asked about more items than there are",
            where="design.items_per_juror",
            found=str(each),
            expected=f"{items} at most",
        )
    pairs = round(items * jurors * design.share) if design.share else jurors * (each or 0)
    if pairs < items:
        raise InputError(
            "some items would be put to no juror",
            where="design",
            found=f"{pairs:,} pairs of an item and a juror",
            expected=f"{items:,} or more: one juror an item",
            hint="Ask each juror about more items, or seat more jurors.",
        )
    rng = generator(study.seed, "design")
    return balanced_assignment(items, jurors, pairs=pairs, rng=rng)
