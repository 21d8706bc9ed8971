"""What an interval of people's mean costs: by people only, by the jury only, by both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtri

from juries.calibration.study_size import Components, labels_for_half_width, ppi_factor

Who = Literal["people only", "jury only", "jury and people"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What one person's answer, one item's preparation and one juror's answer cost, in one unit."""

    person_answer: float
    juror_answer: float
    item: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """One way of estimating people's mean over N items.

    Attributes:
        who: answers.
        items_by_people: items that people see.
        people_answers: answers of people.
        juror_answers: answers of jurors.
        cost: of all answers.
        half_width: half the interval of people's mean; None where there is no valid one.
        note: what the row rests on.
    """

    who: Who
    items_by_people: int
    people_answers: int
    juror_answers: int
    cost: float
    half_width: float | None
    note: str


def cost_table(
    *,
    items: int,
    half_width: float,
    components: Components,
    raters_per_item: int,
    jurors: int,
    correlation: float,
    costs: Costs,
    level: float = 0.95,
) -> tuple[CostRow, ...]:
    """People only, jury only, and both, for one interval of people's mean over `items` items.

    Args:
        items: of the study, all rated by the jury where there is one.
        half_width: wanted of people's mean, over the population of items.
        components: of people's answers.
        raters_per_item: people who see an item.
        jurors: who rate every item.
        correlation: of the jury's and people's item means.
        costs: of an answer.
        level: of the interval.
    """
    variance = components.item + (components.rater + components.residual) / raters_per_item
    sd, quantile = float(np.sqrt(variance)), float(ndtri(0.5 + level / 2))

    def row(who: Who, correlation: float, jurors: int, note: str) -> CostRow:
        seen = labels_for_half_width(
            half_width, sd, correlation=correlation, unlabelled=items, level=level
        )
        error = sd * float(np.sqrt(ppi_factor(seen, correlation, items) / seen))
        return _priced(who, seen, raters_per_item, items * jurors, costs, quantile * error, note)

    blind = "estimates the jury's mean; its distance from people's is unknown"
    paired = f"PPI at a correlation of {correlation:.2f} with people's item means"
    return (
        row("people only", 0.0, 0, f"{raters_per_item} people an item"),
        _priced("jury only", 0, raters_per_item, items * jurors, costs, None, blind),
        row("jury and people", correlation, jurors, paired),
    )


def _priced(
    who: Who,
    seen: int,
    raters_per_item: int,
    juror_answers: int,
    costs: Costs,
    half_width: float | None,
    note: str,
) -> CostRow:
    of_people = costs.item + raters_per_item * costs.person_answer
    return CostRow(
        who=who,
        items_by_people=seen,
        people_answers=seen * raters_per_item,
        juror_answers=juror_answers,
        cost=seen * of_people + juror_answers * costs.juror_answer,
        half_width=half_width,
        note=note,
    )
