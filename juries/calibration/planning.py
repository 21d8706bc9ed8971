"""Which items people should see, with the inclusion probabilities that keep estimates valid.

Every plan is a stratified simple random sample, so that the inclusion probability of every item
is exact and positive, and the estimator's variance has a formula:

- `uncertainty`, `disagreement`: the items at the top of the ranking are taken for certain; the
  rest of the items are the random stratum.
- `neyman`: strata by predicted spread, sizes in proportion to stratum size times mean spread
  (Neyman 1934), mixed with a share allocated in proportion to size alone, which guards against
  predictions of the spread that are wrong.
- `random`: one stratum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphs.items import FloatArray
from juries.calibration.answers import IntArray
from personas.errors import InputError
from personas.identity import generator

Strategy = Literal["neyman", "uncertainty", "disagreement", "random"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
_LEAST = 2  # answers in a stratum below which its variance cannot be estimated


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """Which of N units people are to see; the arrays are in the order of `units`.

    Attributes:
        units: names of all units of the population, length N.
        score: what the units were ranked by, [N]; higher is more in need of people.
        rank: place in that ranking, 1 the highest, [N].
        stratum: stratum of each unit, [N], from 0.
        inclusion: probability of being selected, exact, [N].
        selected: whether it was, [N].
        strategy: how the strata were made.
        random_share: share of the budget that no prediction had a say in.
        seed: of the draw.
    """

    units: tuple[str, ...]
    score: FloatArray
    rank: IntArray
    stratum: IntArray
    inclusion: FloatArray
    selected: NDArray[np.bool_]
    strategy: Strategy
    random_share: float
    seed: int

    @property
    def budget(self) -> int:
        """Units selected."""
        return int(self.selected.sum())

    @property
    def stratum_sizes(self) -> IntArray:
        """Units in each stratum."""
        return np.bincount(self.stratum)

    @property
    def chosen(self) -> tuple[str, ...]:
        """The units selected, most in need of people first."""
        order: list[int] = np.argsort(self.rank).tolist()
        return tuple(self.units[i] for i in order if self.selected[i])


def plan_sample(
    units: Sequence[str],
    scores: ArrayLike,
    budget: int,
    *,
    strategy: Strategy = "neyman",
    random_share: float = 0.25,
    strata: int = 4,
    seed: int = 0,
) -> Sample:
    """Choose the units that people are to see.

    Args:
        units: names of all units.
        scores: what each is ranked by, [N], finite and not negative: the predicted standard
            deviation for `neyman`, an uncertainty or disagreement for the others. `random` ranks
            by them and does not use them otherwise.
        budget: how many units people can see; more than there are means all.
        strategy: how the score is used.
        random_share: share of the budget that the scores have no say in, in (0, 1].
        strata: number of strata by score for `neyman`; fewer where the budget is small.
        seed: of the draw, and of the order of equal scores.

    Raises:
        InputError: a budget too small to estimate anything, or a share that leaves items out.
    """
    score = np.asarray(scores, dtype=np.float64)
    if score.shape != (len(units),) or not np.isfinite(score).all() or (score < 0).any():
        raise ValueError("scores must hold one finite number, not negative, for each unit")
    if strategy not in STRATEGIES:
        raise ValueError(f"strategy is one of {', '.join(STRATEGIES)}, not {strategy!r}")
    if not 0 < random_share <= 1:
        raise InputError(
            "without a random share some items could never be drawn, and no estimate from the "
            "sample would be valid",
            found=random_share,
            expected="above 0, at most 1",
        )
    budget = min(budget, len(units))
    if budget < min(_LEAST, len(units)) or not len(units):
        raise InputError("the budget is too small", found=budget, expected="at least 2 items")
    rng = generator(seed, "planning", strategy)
    order = np.lexsort((rng.permutation(len(units)), -score))
    rank = np.empty(len(units), dtype=np.int64)
    rank[order] = np.arange(1, len(units) + 1)
    stratum, sizes = _strata(score, rank, budget, strategy, random_share, strata)
    population = np.bincount(stratum, minlength=len(sizes))
    selected = np.zeros(len(units), dtype=np.bool_)
    for number, size in enumerate(sizes):
        members = np.flatnonzero(stratum == number)
        selected[rng.choice(members, size=size, replace=False)] = True
    return Sample(
        units=tuple(units),
        score=score,
        rank=rank,
        stratum=stratum,
        inclusion=(sizes / population)[stratum],
        selected=selected,
        strategy=strategy,
        random_share=random_share,
        seed=seed,
    )


def _strata(
    score: FloatArray, rank: IntArray, budget: int, strategy: Strategy, share: float, strata: int
) -> tuple[IntArray, IntArray]:
    """Stratum of each unit and the number to draw in each stratum."""
    units = len(score)
    if strategy == "random" or budget == units:
        return np.zeros(units, dtype=np.int64), np.array([budget])
    if strategy == "neyman":
        strata = max(1, min(strata, budget // (2 * _LEAST)))
        stratum = (rank - 1) * strata // units
        population = np.bincount(stratum, minlength=strata)
        spread = np.bincount(stratum, weights=score, minlength=strata) / population
        return stratum, allocate(population, spread, budget, random_share=share)
    drawn = min(budget, max(_LEAST, round(share * budget)))
    certain = budget - drawn
    if certain == 0:
        return np.zeros(units, dtype=np.int64), np.array([drawn])
    return (rank > certain).astype(np.int64), np.array([certain, drawn])


def allocate(
    population: ArrayLike, spread: ArrayLike, budget: int, *, random_share: float = 0.0
) -> IntArray:
    """How many units to draw in each stratum.

    A share of the budget is allocated in proportion to size, the rest in proportion to size times
    spread (Neyman); nobody is drawn twice, so what a stratum cannot take goes to the others.

    Args:
        population: units in each stratum, all positive.
        spread: standard deviation within each stratum, in any unit; all zero means equal.
        budget: units to draw, between two a stratum (or all of it) and all units.
        random_share: share allocated by size alone.

    Returns:
        Whole numbers that sum to the budget.
    """
    sizes = np.asarray(population, dtype=np.int64)
    sd = np.asarray(spread, dtype=np.float64)
    least = np.minimum(sizes, _LEAST)
    if not least.sum() <= budget <= sizes.sum():
        raise ValueError(f"budget {budget} must lie in {least.sum()}..{sizes.sum()}")
    by_spread = sizes * (sd if sd.any() else np.ones_like(sd))
    ideal = random_share * sizes / sizes.sum() + (1 - random_share) * by_spread / by_spread.sum()
    wanted = _bounded(ideal, least, sizes, budget)
    drawn = np.floor(wanted + 1e-9).astype(np.int64)
    for index in np.argsort(drawn - wanted, kind="stable")[: budget - drawn.sum()]:
        drawn[index] += 1
    return drawn


def _bounded(ideal: FloatArray, least: IntArray, most: IntArray, budget: int) -> FloatArray:
    """Shares of the budget proportional to `ideal`, clipped to bounds: bisection on the scale."""
    low, high = 0.0, float(most.max() / max(ideal[ideal > 0].min(), 1e-12))
    for _ in range(200):
        scale = (low + high) / 2
        if np.clip(scale * ideal, least, most).sum() < budget:
            low = scale
        else:
            high = scale
    clipped = np.clip(high * ideal, least, most)
    spare = budget - clipped.sum()
    return clipped + spare * (most - clipped) / max((most - clipped).sum(), 1e-12)
