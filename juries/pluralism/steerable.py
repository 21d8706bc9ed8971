"""Steerable pluralism of a run: steered models where there are any, else steering by selection."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from graphs.items import FloatArray
from juries.figures import Figure, MeasureScores, figure, unmeasured
from juries.measures.steerable import CostRow, SteeringCost, steering_cost
from juries.pluralism.evidence import Evidence, weighted_mean
from juries.pluralism.selection import HALVES, best_response, chosen_values, split_in_halves
from juries.pluralism.steered import steered_models

_FEWEST = 2 * HALVES


def steerable(evidence: Evidence) -> MeasureScores:
    """Steerability from steered models, or from selecting among the responses given."""
    if evidence.spec.steering.models:
        return steered_models(evidence)
    attribute = evidence.attribute(evidence.spec.steering.attribute)
    needs = _lacking(evidence, attribute)
    if needs or attribute is None:
        return unmeasured("steerable", evidence.produced_by, needs)
    levels = tuple(evidence.groups(attribute, _FEWEST))
    steered, unsteered, holds = by_selection(evidence, attribute)
    cost = steering_cost(
        steered,
        unsteered,
        holds,
        attributes=levels,
        weights=evidence.weights,
        resamples=evidence.spec.resamples,
        rng=evidence.rng("steerable"),
    )
    return MeasureScores(
        measure="steerable",
        reading=_reading(cost, attribute),
        method=(
            f"steering by selection: for each {attribute} the response that half of its jurors "
            "like best, judged by the other half, against the choice of half the jury"
        ),
        produced_by=evidence.produced_by,
        figures=cost_figures(cost),
        needs="models that were steered themselves: name them in `scores.steering.models`",
    )


def _lacking(evidence: Evidence, attribute: str | None) -> str | None:
    if attribute is None:
        return (
            "an attribute to steer towards: name one in `scores.groups` or in "
            "`scores.steering.attribute`"
        )
    if len(evidence.models) < 2:
        return "a second model: selection needs responses to choose among"
    if len(evidence.groups(attribute, _FEWEST)) < 2:
        return f"two levels of {attribute!r} with {_FEWEST} jurors each"
    return None


def by_selection(
    evidence: Evidence, attribute: str
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Utilities of what was chosen for each group and for the jury, judged by the other half.

    Returns:
        Steered [levels, items, jurors], unsteered [items, jurors], and who holds which level
        [levels, jurors].
    """
    half = split_in_halves(evidence.labels(attribute), evidence.rng("halves", attribute))
    groups = evidence.groups(attribute, _FEWEST)
    everyone = np.arange(len(evidence.jurors))
    holds = np.stack([np.isin(everyone, seats) for seats in groups.values()])
    electorates = [*holds, np.ones_like(holds[0])]
    shape = (len(electorates), len(evidence.items), len(evidence.jurors))
    judged = np.full(shape, np.nan)
    for side in range(HALVES):
        judges = np.flatnonzero(half == side)
        for place, members in enumerate(electorates):
            voters = np.flatnonzero(members & (half != side))
            means = weighted_mean(evidence.utilities[:, :, voters], evidence.weights[voters])
            judged[place][:, judges] = chosen_values(
                evidence.utilities[:, :, judges], best_response(means)
            )
    return judged[:-1], judged[-1], holds


def cost_figures(cost: SteeringCost) -> tuple[Figure, ...]:
    """What steering changes for holders, others and the jury, per level and over all."""
    figures: list[Figure] = []
    for row in (*cost.rows, cost.overall):
        figures.append(figure("gain of those steered for", row.attribute, row.holders))
        figures.append(figure("change for the others", row.attribute, row.others))
        figures.append(figure("change for the jury", row.attribute, row.jury))
    return tuple(figures)


def _reading(cost: SteeringCost, attribute: str) -> str:
    rows = [row for row in cost.rows if row.holders.value is not None]
    if not rows:
        return "no group has ratings in both halves"
    most = max(rows, key=_gain)
    return (
        f"choosing for a group's taste gains it {cost.overall.holders} in utility and changes the "
        f"others' by {cost.overall.others}; most for {attribute} = {most.attribute} "
        f"({most.holders.value:+.3f})"
    )


def _gain(row: CostRow) -> float:
    return row.holders.value or 0.0
