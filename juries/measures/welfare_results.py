"""What the welfare bootstrap says: intervals, paired differences, rankings and their flips."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from juries.measures.resampling import Interval, percentile_interval
from juries.measures.welfare_functions import WelfareFunction

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Difference:
    """Score of model `a` less that of model `b` under one function, on the same resamples.

    Attributes:
        function: name of the welfare function.
        a: the one model.
        b: the other.
        estimate: difference on the sample; NaN where either has no score.
        interval: of the difference.
        probability: share of (defined) replicates in which `a` scores above `b`; ties count half.
    """

    function: str
    a: str
    b: str
    estimate: float
    interval: Interval
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ranking:
    """Models from best to worst under one welfare function.

    Attributes:
        function: name of the welfare function.
        order: model names, best first; models without a score come last.
        scores: their scores, in the same order.
        probabilities: [models, models]; row m, column k is the share of replicates in which the
            m-th model of `order` takes rank k (0 is first). Tied models share their ranks evenly.
    """

    function: str
    order: tuple[str, ...]
    scores: FloatArray
    probabilities: FloatArray

    @property
    def first(self) -> FloatArray:
        """Bootstrap probability of being first, in the order of `order`."""
        return self.probabilities[:, 0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """Two models whose order depends on the welfare function.

    Attributes:
        ahead: the model ahead under `first`.
        behind: the other model, ahead under `second`.
        first: name of the one welfare function.
        second: name of the other.
        probability: share of replicates in which the two functions order the models as estimated,
            that is `ahead` first under `first` and last under `second`.
    """

    ahead: str
    behind: str
    first: str
    second: str
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WelfareBootstrap:
    """Scores of models under several welfare functions, with two-way bootstrap replicates.

    Attributes:
        models: names.
        functions: the welfare functions.
        estimate: [functions, models]; NaN for a model that no juror rated.
        replicates: [functions, models, B]; NaN where a replicate drew nobody who rated the model.
        n_items: items.
        n_jurors: jurors, those of weight 0 included.
        missing: [models], ratings missing among jurors of positive weight.
        empty_items: [models], items without any valid rating; they enter no score.
        zero_items: [models], items with a juror at utility 0 (welfare 0 for a ≤ 0, no floor).
        notes: what a reader must know, in sentences.
    """

    models: tuple[str, ...]
    functions: tuple[WelfareFunction, ...]
    estimate: FloatArray
    replicates: FloatArray
    n_items: int
    n_jurors: int
    missing: IntArray
    empty_items: IntArray
    zero_items: IntArray
    notes: tuple[str, ...]

    @property
    def bias(self) -> FloatArray:
        """Mean of the replicates less the estimate, [functions, models]; NaN where undefined."""
        there = ~np.isnan(self.replicates)
        count = there.sum(axis=-1)
        sums = np.where(there, self.replicates, 0.0).sum(axis=-1)
        mean = np.divide(sums, count, out=np.full_like(self.estimate, np.nan), where=count > 0)
        return mean - self.estimate

    def interval(self, level: float = 0.95) -> Interval:
        """Percentile intervals of the scores, ends of shape [functions, models]."""
        return percentile_interval(self.replicates, level, resampled="items and jurors")

    def differences(self, level: float = 0.95) -> tuple[Difference, ...]:
        """Every pair of models under every function, paired on the same resamples."""
        return tuple(
            self._difference(function, a, b, level)
            for function in range(len(self.functions))
            for a, b in combinations(range(len(self.models)), 2)
        )

    def _difference(self, function: int, a: int, b: int, level: float) -> Difference:
        gap = self.replicates[function, a] - self.replicates[function, b]
        defined = gap[~np.isnan(gap)]
        wins = (defined > 0).sum() + 0.5 * (defined == 0).sum()
        return Difference(
            function=self.functions[function].name,
            a=self.models[a],
            b=self.models[b],
            estimate=float(self.estimate[function, a] - self.estimate[function, b]),
            interval=percentile_interval(gap, level, resampled="items and jurors"),
            probability=float(wins / defined.size) if defined.size else float("nan"),
        )

    def rankings(self) -> tuple[Ranking, ...]:
        """The models' order under each function, with the bootstrap probability of each rank."""
        return tuple(
            self._ranking(function.name, scores, replicates)
            for function, scores, replicates in zip(
                self.functions, self.estimate, self.replicates, strict=True
            )
        )

    def _ranking(self, function: str, scores: FloatArray, replicates: FloatArray) -> Ranking:
        order = np.argsort(-scores, kind="stable").astype(np.int64)  # NaN sorts last
        return Ranking(
            function=function,
            order=tuple(self.models[int(at)] for at in order),
            scores=scores[order],
            probabilities=rank_probabilities(replicates[order]),
        )

    def flips(self) -> tuple[Flip, ...]:
        """Pairs of models that two functions order differently, likeliest first."""
        found: list[Flip] = []
        for f, g in combinations(range(len(self.functions)), 2):
            for a, b in combinations(range(len(self.models)), 2):
                here = self.estimate[f, a] - self.estimate[f, b]
                there = self.estimate[g, a] - self.estimate[g, b]
                if here * there < 0:
                    found.append(self._flip(f, g, *((a, b) if here > 0 else (b, a))))
        return tuple(sorted(found, key=lambda flip: -flip.probability))

    def _flip(self, f: int, g: int, ahead: int, behind: int) -> Flip:
        here = self.replicates[f, ahead] - self.replicates[f, behind]
        there = self.replicates[g, ahead] - self.replicates[g, behind]
        defined = ~(np.isnan(here) | np.isnan(there))
        both = (here > 0) & (there < 0) & defined
        return Flip(
            ahead=self.models[ahead],
            behind=self.models[behind],
            first=self.functions[f].name,
            second=self.functions[g].name,
            probability=float(both.sum() / max(int(defined.sum()), 1)),
        )


def rank_probabilities(replicates: FloatArray) -> FloatArray:
    """Share of replicates in which each model takes each rank, [models, models]; rows sum to 1.

    Args:
        replicates: [models, B], higher is better. Ties share their ranks evenly; a model without
            a score in a replicate (NaN) ranks below all that have one.
    """
    scores = np.where(np.isnan(replicates), -np.inf, replicates)
    models = len(scores)
    above = (scores[None] > scores[:, None]).sum(axis=1)
    level = (scores[None] == scores[:, None]).sum(axis=1)
    shares = np.empty((models, models))
    for rank in range(models):
        taken = (rank >= above) & (rank < above + level)
        shares[:, rank] = np.where(taken, 1.0 / level, 0.0).mean(axis=1)
    return shares
