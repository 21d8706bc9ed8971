"""The trade-off steerable benchmark of a run: steered models, else steering by selection."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

import numpy as np

from graphs.items import FloatArray
from juries.figures import Figure, MeasureScores, figure, unmeasured
from juries.measures.commensuration import Family, family
from juries.measures.steered_trade_offs import TradeOff, trade_off
from juries.pluralism.evidence import Evidence
from juries.pluralism.objectives import MOST_RESAMPLES, Objectives
from juries.pluralism.selection import HALVES, best_response, chosen_values, split_in_halves
from juries.pluralism.steered import known
from personas.errors import InputError

_MOST_FUNCTIONS = 66
_WHERE = "scores.trade_off"
_MEASURE = "trade-off steerable"


def trade_offs(evidence: Evidence, objectives: Objectives | str) -> MeasureScores:
    """Steering towards trade-offs: by models that were steered, else by selection."""
    if isinstance(objectives, str):
        return unmeasured(_MEASURE, evidence.produced_by, objectives)
    means = objectives.means(evidence)
    if np.isnan(means).all(axis=1).any():
        return unmeasured(_MEASURE, evidence.produced_by, "every model rated on every objective")
    if evidence.spec.trade_off.steered:
        return _by_models(evidence, objectives, means)
    if len(evidence.models) < 2:
        return unmeasured(_MEASURE, evidence.produced_by, "a second model to choose among")
    return _by_selection(evidence, objectives, means)


def _by_selection(evidence: Evidence, objectives: Objectives, means: FloatArray) -> MeasureScores:
    functions = family(
        evidence.spec.trade_off.family,
        len(objectives.names),
        steps=evidence.spec.trade_off.steps or _steps(len(objectives.names)),
    )
    if (smallest := min(len(seats) for seats in objectives.seats)) < HALVES:
        return unmeasured(_MEASURE, evidence.produced_by, f"groups of two, not {smallest}")
    steered, known_means = select_by_weights(evidence, objectives, functions)
    if np.isnan(np.concatenate([steered, known_means])).all(axis=1).any():
        needs = "more jurors an item: on none did both halves of every group rate every model"
        return unmeasured(_MEASURE, evidence.produced_by, needs)
    first = int(np.nanmean(means, axis=1).mean(axis=-1).argmax())
    found = trade_off(
        steered, functions, known=np.delete(known_means, first, axis=0),
        unsteered=known_means[first], resamples=min(evidence.spec.resamples, MOST_RESAMPLES),
        rng=evidence.rng("trade-off"),
    )  # fmt: skip
    baseline = evidence.models[first]
    return MeasureScores(
        measure="trade-off steerable",
        reading=_trade_off_reading(found, f"the best single model ({baseline})"),
        method=(
            f"steering by selection over {len(functions.weights)} {found.kind}s of "
            f"{', '.join(objectives.names)}: the response that half of the jurors put highest "
            "under the weights, judged by the other half"
        ),
        produced_by=evidence.produced_by,
        figures=_trade_off_figures(found, objectives.names),
        needs="models that were steered themselves: name them in `scores.trade_off.steered`",
    )


def select_by_weights(
    evidence: Evidence, objectives: Objectives, functions: Family
) -> tuple[FloatArray, FloatArray]:
    """What selection reaches under each function, and what each model reaches.

    Each half of the jurors judges what the other half chose; the two are averaged.

    Returns:
        [functions, items, objectives] and [models, items, objectives].
    """
    labels = (
        ["all"] * len(evidence.jurors)
        if objectives.by == "criteria"
        else list(evidence.labels(objectives.by))
    )
    half = split_in_halves(labels, evidence.rng("halves", objectives.by))
    tables = [
        objectives.means(evidence, (half == side).astype(np.float64)) for side in range(HALVES)
    ]
    reached = np.zeros((len(functions.weights), *tables[0].shape[1:]))
    for side in range(HALVES):
        values = functions.values(tables[1 - side])
        for place in range(len(functions.weights)):
            choice = best_response(values[..., place])
            reached[place] += chosen_values(tables[side], choice) / HALVES
    return reached, np.mean(tables, axis=0)


def _steps(objectives: int) -> int:
    """The finest grid with at most `_MOST_FUNCTIONS` functions, 10 steps at most."""
    fits = [
        steps
        for steps in range(1, 11)
        if comb(steps + objectives - 1, objectives - 1) <= _MOST_FUNCTIONS
    ]
    return max(fits, default=1)


def _by_models(evidence: Evidence, objectives: Objectives, means: FloatArray) -> MeasureScores:
    spec = evidence.spec.trade_off
    places: list[int] = []
    weights: list[FloatArray] = []
    for model, wanted in spec.steered.items():
        places.append(known(model, evidence.models, "model", _WHERE))
        row = np.zeros(len(objectives.names))
        for name, weight in wanted.items():
            row[known(name, objectives.names, "objective", _WHERE)] = weight
        if row.sum() <= 0:
            raise InputError(
                f"the weights that {model!r} was steered towards sum to 0", where=_WHERE
            )
        weights.append(row / row.sum())
    ideal = np.ones(len(objectives.names))
    functions = Family(kind=spec.family, weights=np.stack(weights), ideal=ideal)
    base = None if spec.baseline is None else known(spec.baseline, evidence.models, "model", _WHERE)
    others = [m for m in range(len(evidence.models)) if m not in places and m != base]
    found = trade_off(
        means[places],
        functions,
        known=means[others] if others else None,
        unsteered=None if base is None else means[base],
        resamples=min(evidence.spec.resamples, MOST_RESAMPLES),
        rng=evidence.rng("trade-off"),
    )
    return MeasureScores(
        measure="trade-off steerable",
        reading=_trade_off_reading(found, spec.baseline or "no baseline"),
        method=f"models steered towards {len(weights)} {found.kind}s of "
        f"{', '.join(objectives.names)}",
        produced_by=evidence.produced_by,
        figures=_trade_off_figures(found, objectives.names),
        needs=None if base is not None else "the model without steering, as `baseline`",
    )


def _trade_off_figures(found: TradeOff, names: Sequence[str]) -> tuple[Figure, ...]:
    figures = [
        figure("score", "all functions", found.score),
        figure("regret to the best known", "all functions", found.regret),
        figure("gain over the unsteered", "all functions", found.gain),
        figure("share of the Pareto front reached", "all functions", found.front_reached),
        figure("share of the hypervolume reached", "all functions", found.volume_reached),
    ]
    for row in found.rows:
        parts = zip(names, row.weights, strict=True)
        of = ", ".join(f"{name} {weight:.2f}" for name, weight in parts if weight)
        figures.append(figure("score", of, row.score))
        figures.append(figure("regret to the best known", of, row.regret))
    return tuple(figures)


def _trade_off_reading(found: TradeOff, baseline: str) -> str:
    text = f"score {found.score} over {len(found.rows)} trade-offs, regret {found.regret}"
    if found.gain.value is not None:
        text += f"; gain over {baseline} {found.gain}"
    if found.front_reached.value is not None:
        text += f"; {found.front_reached.value:.0%} of the known Pareto front reached"
    return text
