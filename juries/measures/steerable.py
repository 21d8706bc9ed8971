"""Steerable pluralism as the jury sees it (arXiv 2402.05070, section 3.2).

A model is asked to answer item x as attribute a (a value, a perspective, a group) would want.

- `fidelity_gain(fidelity, holds)`: do jurors who hold a find the response truer to it than others?
- `identification(chosen)`: can jurors tell which attribute was asked for, against chance?
- `steering_cost(steered, unsteered, holds)`: what the response gains for those who hold a, and
  what it costs the others.

Intervals resample items and jurors. Readings without a jury: `juries.measures.prompt_steering`
and `juries.measures.goal_space`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juries.measures.estimates import Estimate
from juries.measures.two_way import TwoWay, two_way_estimate
from personas.identity import generator

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

ALL = "all attributes"


@dataclass(frozen=True, slots=True, kw_only=True)
class FidelityRow:
    """Fidelity of responses steered towards one attribute.

    Attributes:
        attribute: its name, or `all attributes` for the mean over those that are defined.
        holders: mean rating by jurors who hold it.
        others: mean rating by jurors who do not.
        gain: holders less others.
        holding: jurors who hold it.
    """

    attribute: str
    holders: Estimate
    others: Estimate
    gain: Estimate
    holding: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FidelityGain:
    """Fidelity per attribute and over all of them, each attribute with equal weight."""

    rows: tuple[FidelityRow, ...]
    overall: FidelityRow


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Identification:
    """How well jurors identify the attribute asked for.

    Attributes:
        accuracy: share of right choices; an answer without a valid choice counts as wrong.
        above_chance: accuracy less 1 / k.
        chance: 1 / k.
        recall: per attribute, share of right choices where it was asked for.
        attributes: names, in the order of `recall` and `confusion`.
        confusion: [asked for, chosen], choices of jurors; the last column counts invalid ones.
    """

    accuracy: Estimate
    above_chance: Estimate
    chance: float
    recall: tuple[Estimate, ...]
    attributes: tuple[str, ...]
    confusion: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """What steering towards one attribute changes in jurors' utilities.

    Attributes:
        attribute: its name, or `all attributes` for the mean over those that are defined.
        holders: change for jurors who hold it, steered less unsteered.
        others: change for the others; negative where they lose.
        jury: change for the whole jury.
        holding: jurors who hold it.
    """

    attribute: str
    holders: Estimate
    others: Estimate
    jury: Estimate
    holding: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SteeringCost:
    """Changes per attribute and over all of them, each attribute with equal weight."""

    rows: tuple[CostRow, ...]
    overall: CostRow


def fidelity_gain(
    fidelity: ArrayLike,
    holds: ArrayLike,
    *,
    attributes: Sequence[str] | None = None,
    weights: ArrayLike | None = None,
    resamples: int = 1000,
    rng: np.random.Generator | None = None,
) -> FidelityGain:
    """Fidelity of steered responses as rated by those who hold the attribute and by others.

    Args:
        fidelity: [attributes, items, jurors], "does this response reflect a?" on any numeric
            scale; NaN for no valid rating.
        holds: [attributes, jurors], whether the juror holds the attribute.
        attributes: names, `attribute 1` … when None.
        weights: of jurors, equal when None.
        resamples: bootstrap resamples of items and jurors.
        rng: source of the resamples; a fixed stream when None.

    Returns:
        An attribute that no juror holds, or all of them, has no gain, and that is said.

    Raises:
        ValueError: shapes or names that do not match, infinite ratings, bad weights.
    """
    rng = generator(0, "fidelity gain") if rng is None else rng
    ratings = np.asarray(fidelity, dtype=np.float64)
    members, names = _members(ratings, holds, attributes)
    drawn = TwoWay.draw(ratings, weights=weights, resamples=resamples, rng=rng)
    inside = [drawn.mean(place, members[place]) for place in range(len(names))]
    outside = [drawn.mean(place, ~members[place]) for place in range(len(names))]
    rows = [
        FidelityRow(
            attribute=name,
            holders=_estimate(a, drawn),
            others=_estimate(b, drawn),
            gain=_estimate(a - b, drawn),
            holding=holding,
        )
        for name, a, b, holding in _with_overall(names, inside, outside, members)
    ]
    return FidelityGain(rows=tuple(rows[:-1]), overall=rows[-1])


def steering_cost(
    steered: ArrayLike,
    unsteered: ArrayLike,
    holds: ArrayLike,
    *,
    attributes: Sequence[str] | None = None,
    weights: ArrayLike | None = None,
    resamples: int = 1000,
    rng: np.random.Generator | None = None,
) -> SteeringCost:
    """What those steered for gain, and what the others lose.

    Args:
        steered: [attributes, items, jurors], utility of the response steered towards each; NaN
            for no valid rating.
        unsteered: [items, jurors], utility of the response without steering. Only pairs of a
            juror and an item with both ratings count.
        holds: [attributes, jurors], whether the juror holds the attribute.
        attributes: names, `attribute 1` … when None.
        weights: of jurors, equal when None.
        resamples: bootstrap resamples of items and jurors.
        rng: source of the resamples; a fixed stream when None.

    Raises:
        ValueError: shapes or names that do not match, infinite ratings, bad weights.
    """
    rng = generator(0, "steering cost") if rng is None else rng
    after, before = np.asarray(steered, dtype=np.float64), np.asarray(unsteered, dtype=np.float64)
    members, names = _members(after, holds, attributes)
    if before.shape != after.shape[1:]:
        raise ValueError(f"unsteered has shape {before.shape}, expected {after.shape[1:]}")
    drawn = TwoWay.draw(after - before, weights=weights, resamples=resamples, rng=rng)
    inside = [drawn.mean(place, members[place]) for place in range(len(names))]
    outside = [drawn.mean(place, ~members[place]) for place in range(len(names))]
    whole = [drawn.mean(place) for place in range(len(names))]
    rows = [
        CostRow(
            attribute=name,
            holders=_estimate(a, drawn),
            others=_estimate(b, drawn),
            jury=_estimate(jury, drawn),
            holding=holding,
        )
        for (name, a, b, holding), jury in zip(
            _with_overall(names, inside, outside, members),
            [*whole, _mean_of_defined(whole)],
            strict=True,
        )
    ]
    return SteeringCost(rows=tuple(rows[:-1]), overall=rows[-1])


def identification(
    chosen: ArrayLike,
    *,
    attributes: Sequence[str] | None = None,
    weights: ArrayLike | None = None,
    resamples: int = 1000,
    rng: np.random.Generator | None = None,
) -> Identification:
    """Accuracy with which jurors identify the attribute that was asked for, k ways.

    Args:
        chosen: [attributes, items, jurors]: shown the response steered towards each attribute in
            turn, the number of the attribute that the juror thinks was asked for; -1 for no
            valid choice.
        attributes: names, `attribute 1` … when None.
        weights: of jurors, equal when None.
        resamples: bootstrap resamples of items and jurors.
        rng: source of the resamples; a fixed stream when None.

    Raises:
        ValueError: fewer than two attributes, choices that are none of them, bad names or weights.
    """
    rng = generator(0, "identification") if rng is None else rng
    choices = np.asarray(chosen)
    k = len(choices) if choices.ndim else 0
    if choices.ndim != 3 or k < 2 or not np.issubdtype(choices.dtype, np.integer):
        raise ValueError(
            f"chosen has shape {choices.shape}, expected whole numbers [two attributes or more, "
            "items, jurors]"
        )
    if choices.size and (choices.min() < -1 or choices.max() >= k):
        raise ValueError(f"a choice is none of the {k} attributes")
    names = _names(attributes, k)
    right = (choices == np.arange(k)[:, None, None]).astype(np.float64)
    drawn = TwoWay.draw(right, weights=weights, resamples=resamples, rng=rng)
    recalls = [drawn.mean(place) for place in range(k)]
    accuracy = np.mean(recalls, axis=0)
    column = np.where(choices < 0, k, choices)
    confusion = np.stack([np.bincount(row.ravel(), minlength=k + 1) for row in column])
    return Identification(
        accuracy=_estimate(accuracy, drawn),
        above_chance=_estimate(accuracy - 1 / k, drawn),
        chance=1 / k,
        recall=tuple(_estimate(recall, drawn) for recall in recalls),
        attributes=names,
        confusion=confusion.astype(np.int64),
    )


def _members(
    ratings: FloatArray, holds: ArrayLike, attributes: Sequence[str] | None
) -> tuple[BoolArray, tuple[str, ...]]:
    members = np.asarray(holds, dtype=np.bool_)
    if ratings.ndim != 3 or members.shape != ratings.shape[::2]:
        raise ValueError(
            f"ratings have shape {ratings.shape} and holds {members.shape}: expected [attributes, "
            "items, jurors] and [attributes, jurors]"
        )
    return members, _names(attributes, len(members))


def _names(attributes: Sequence[str] | None, count: int) -> tuple[str, ...]:
    if attributes is None:
        return tuple(f"attribute {place + 1}" for place in range(count))
    if len(set(attributes)) != count or len(attributes) != count:
        raise ValueError(f"{len(set(attributes))} different names for {count} attributes")
    return tuple(attributes)


def _with_overall(
    names: Sequence[str],
    inside: Sequence[FloatArray],
    outside: Sequence[FloatArray],
    members: BoolArray,
) -> list[tuple[str, FloatArray, FloatArray, int]]:
    """Each attribute's replicates, and the mean over the attributes that both sides rated."""
    both = [place for place in range(len(names)) if np.isfinite(inside[place] + outside[place])[0]]
    rows = list(zip(names, inside, outside, members.sum(axis=1).tolist(), strict=True))
    a = _mean_of_defined([inside[place] for place in both])
    b = _mean_of_defined([outside[place] for place in both])
    return [*rows, (ALL, a, b, int(members.any(axis=0).sum()))]


def _mean_of_defined(replicates: Sequence[FloatArray]) -> FloatArray:
    """Mean over attributes that are defined on all data; NaN where there is none."""
    defined = [row for row in replicates if np.isfinite(row[0])]
    return np.mean(defined, axis=0) if defined else np.full(2, np.nan)


def _estimate(replicates: FloatArray, drawn: TwoWay) -> Estimate:
    reason = "no valid rating on one side: nobody holds the attribute, or everybody does"
    return two_way_estimate(replicates, items=drawn.items, reason=reason)
