"""Which model serves a weighing of objectives best, and where the answer changes.

Objectives are mean utilities in [0, 1] per model: the rubric's criteria, or groups of jurors. A
commensurating function makes one number of them (arXiv 2402.05070, section 4):
`juries.measures.commensuration`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import comb

import numpy as np
from numpy.typing import NDArray

from juries.measures.commensuration import Family, Kind, best_by_weight, family
from juries.measures.resampling import Interval, percentile_interval
from juries.measures.two_way import TwoWay
from juries.targets.evidence import Evidence, labelled_groups, require_two_responses
from juries.targets.provenance import Provenance
from personas.errors import InputError
from personas.identity import generator

FloatArray = NDArray[np.float64]

_MOST_WEIGHTS = 5_000
_STEPS = 10
_SAME = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """Where the best model changes as weight moves from one objective to another.

    Attributes:
        from_objective: all weight at share 0.
        to_objective: all weight at share 1.
        share: of the weight on `to_objective` at which the best model changes.
        below: best model at smaller shares.
        above: best model at larger shares.
    """

    from_objective: str
    to_objective: str
    share: float
    below: str
    above: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TradeOffs:
    """Models against weighings of objectives; M models, K objectives, F functions.

    Attributes:
        models: names.
        objectives: names.
        values: mean utility, [M, K].
        intervals: of the values, over items and jurors.
        weights: of each function, [F, K], rows sum to 1.
        kinds: `weighted sum` or `weighted Chebyshev`, length F.
        scores: commensurated value, higher is better, [M, F].
        regret: score of the best model less that of each, [M, F].
        best: position of the best model under each function, [F]; the first of equals.
        certainty: share of resamples in which that model is (also) best, [F]; of those in which
            any model has a score.
        switches: along each edge between two objectives, under weighted sums.
        provenance: where they come from.
    """

    models: tuple[str, ...]
    objectives: tuple[str, ...]
    values: FloatArray
    intervals: Interval
    weights: FloatArray
    kinds: tuple[Kind, ...]
    scores: FloatArray
    regret: FloatArray
    best: NDArray[np.int64]
    certainty: FloatArray
    switches: tuple[Switch, ...]
    provenance: Provenance

    @property
    def always_best(self) -> tuple[str, ...]:
        """Models that no other is better than under any function; several where they tie."""
        most: list[float] = self.regret.max(axis=1).tolist()
        return tuple(
            name for name, regret in zip(self.models, most, strict=True) if regret <= _SAME
        )


def trade_offs(
    evidence: Evidence,
    *,
    groups: Sequence[str] = (),
    steps: int | None = None,
    resamples: int = 1000,
    level: float = 0.95,
) -> TradeOffs:
    """Weigh objectives against each other.

    Args:
        evidence: a run's utilities.
        groups: attributes whose levels are the objectives; without them the rubric's criteria.
        steps: grid of weights in multiples of 1 / steps; 10 when None, or fewer where that would
            make more than 5,000 weights.
        resamples: two-way bootstrap resamples (items and jurors).
        level: coverage of the intervals.

    Raises:
        InputError: fewer than two responses or objectives, or a grid of too many weights.
    """
    require_two_responses(evidence)
    names, replicates = _objectives(evidence, groups, resamples)
    if len(names) < 2:
        raise InputError(
            "there is one objective only, so nothing to trade off",
            found=", ".join(names),
            hint="Name groups of jurors, or use a rubric with several criteria.",
        )
    unrated = [name for n, name in enumerate(names) if np.isnan(replicates[:, n, 0]).all()]
    if unrated:
        raise InputError(
            "an objective has no value on any response",
            found=", ".join(unrated),
            hint="Leave the group out, or run again with the same --out to ask what failed.",
        )
    steps = _finest(len(names)) if steps is None else steps
    families = _functions(len(names), steps)
    points = np.moveaxis(replicates, 1, -1)
    scored = np.concatenate([np.moveaxis(each.values(points), -1, 1) for each in families], axis=1)
    # A model without any value stays without a score; in a resample without a small group's
    # jurors no model has one, and the resample says nothing.
    scores, drawn = scored[..., 0], np.where(np.isnan(scored), -np.inf, scored)[..., 1:]
    regret = np.nanmax(scores, axis=0) - scores
    best = np.nanargmax(scores, axis=0)
    top = drawn.max(axis=0)
    chosen = np.take_along_axis(drawn, best[None, :, None], axis=0)[0]
    said = np.isfinite(top)
    kept = ((chosen >= top - _SAME) & said).sum(axis=-1) / np.maximum(said.sum(axis=-1), 1)
    return TradeOffs(
        models=evidence.models,
        objectives=names,
        values=replicates[..., 0],
        intervals=percentile_interval(replicates[..., 1:], level, resampled="items and jurors"),
        weights=np.concatenate([each.weights for each in families]),
        kinds=tuple(each.kind for each in families for _ in each.weights),
        scores=scores,
        regret=regret,
        best=best,
        certainty=kept,
        switches=_switches(replicates[..., 0], evidence.models, names),
        provenance=evidence.origin.of(
            "trade_offs",
            settings={"groups": list(groups), "steps": steps, "resamples": resamples},
        ),
    )


def _functions(objectives: int, steps: int) -> tuple[Family, Family]:
    """Weighted sums and weighted Chebyshev values over one grid, if it is not too fine."""
    if steps < 1:
        raise InputError(f"steps is {steps}", expected="1 or more")
    count = _weights(objectives, steps)
    if count > _MOST_WEIGHTS:
        raise InputError(
            f"{objectives} objectives in steps of 1/{steps} make {count:,} weights",
            expected=f"at most {_MOST_WEIGHTS:,}",
            hint="Use fewer steps, or fewer objectives.",
        )
    return (
        family("weighted sum", objectives, steps=steps),
        family("weighted Chebyshev", objectives, steps=steps),
    )


def _finest(objectives: int) -> int:
    fitting = [n for n in range(1, _STEPS + 1) if _weights(objectives, n) <= _MOST_WEIGHTS]
    return max(fitting, default=1)


def _weights(objectives: int, steps: int) -> int:
    """How many weights the grid has."""
    return comb(steps + objectives - 1, objectives - 1)


def _switches(
    values: FloatArray, models: Sequence[str], objectives: Sequence[str]
) -> tuple[Switch, ...]:
    """Exact shares at which the best model changes; models without a value are left out."""
    known = np.flatnonzero(~np.isnan(values).any(axis=1))
    found: list[Switch] = []
    for first, second in combinations(range(len(objectives)), 2):
        # The envelope runs along the weight of its first objective.
        along = best_by_weight(values[known][:, [second, first]], family("weighted sum", 2))
        found.extend(
            Switch(
                from_objective=objectives[first],
                to_objective=objectives[second],
                share=after.low,
                below=models[int(known[before.response])],
                above=models[int(known[after.response])],
            )
            for before, after in pairwise(along)
            if after.low is not None
        )
    return tuple(found)


def _objectives(
    evidence: Evidence, groups: Sequence[str], resamples: int
) -> tuple[tuple[str, ...], FloatArray]:
    """Names, and mean utilities [models, objectives, 1 + resamples]."""
    rng = generator(evidence.seed, "targets", "trade_offs")
    if groups:
        members = labelled_groups(evidence, groups)
        drawn = TwoWay.draw(
            evidence.utilities.astype(np.float64),
            weights=evidence.weights,
            resamples=resamples,
            rng=rng,
        )
        means = [
            [drawn.mean(model, who) for who in members.values()]
            for model in range(len(evidence.models))
        ]
        return tuple(members), np.array(means)
    criteria, models, items, jurors = evidence.by_criterion.shape
    drawn = TwoWay.draw(
        evidence.by_criterion.reshape(criteria * models, items, jurors).astype(np.float64),
        weights=evidence.weights,
        resamples=resamples,
        rng=rng,
    )
    means = [
        [drawn.mean(criterion * models + model) for criterion in range(criteria)]
        for model in range(models)
    ]
    return evidence.criteria, np.array(means)
