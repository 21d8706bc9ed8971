"""The multi-objective benchmark of a run.

Objectives are the criteria of the rubric, or the mean utility of each group of jurors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphs.items import FloatArray
from juries.figures import Figure, MeasureScores, figure, unmeasured
from juries.measures.multi_objective import MultiObjective, compare_groups, compare_objectives
from juries.pluralism.evidence import Evidence, weighted_mean

MOST_RESAMPLES = 400
"""Each resample measures hypervolumes anew, model by model."""
_MOST_OBJECTIVES = 6
"""Beyond so many a grid of weights says little, and hypervolume takes minutes."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Objectives:
    """What the models are compared on.

    Attributes:
        names: of the objectives.
        by: `criteria`, or the attribute whose levels they are.
        seats: the jurors of each objective's group; all of them for a criterion.
        criteria: the criterion of each objective; None for the overall utility.
        left_out: what is no objective though it could be, in words.
    """

    names: tuple[str, ...]
    by: str
    seats: tuple[np.ndarray[tuple[int], np.dtype[np.intp]], ...]
    criteria: tuple[int | None, ...]
    left_out: str = ""

    def means(self, evidence: Evidence, within: FloatArray | None = None) -> FloatArray:
        """Mean utility per response, [models, items, objectives], of jurors `within` only."""
        weights = evidence.weights if within is None else evidence.weights * within
        columns: list[FloatArray] = []
        for seats, criterion in zip(self.seats, self.criteria, strict=True):
            table = evidence.utilities
            if criterion is not None:
                table = evidence.verdicts.utilities[criterion]
            columns.append(weighted_mean(table[:, :, seats], weights[seats]))
        return np.stack(columns, axis=-1)


def find_objectives(evidence: Evidence) -> Objectives | str:
    """The objectives that the study names or its data allow; else what is missing, in words."""
    spec = evidence.spec.objectives
    several = len(evidence.criteria) > 1
    if spec.by == "criteria" or (spec.by is None and several):
        if not several:
            return "several criteria: `scale` is not a rubric; or `scores.objectives.by: groups`"
        return _by_criteria(evidence)
    attribute = evidence.attribute(spec.attribute)
    if attribute is None:
        return (
            "several criteria (a rubric as `scale`), or groups: name an attribute in "
            "`scores.groups` or in `scores.objectives.attribute`"
        )
    groups = evidence.groups(attribute)
    if len(groups) < 2:
        return f"two levels of {attribute!r} with two jurors each"
    order = sorted(groups, key=lambda level: -len(groups[level]))
    kept, dropped = sorted(order[:_MOST_OBJECTIVES]), order[_MOST_OBJECTIVES:]
    return Objectives(
        names=tuple(kept),
        by=attribute,
        seats=tuple(groups[level] for level in kept),
        criteria=(None,) * len(kept),
        left_out=f"the smaller groups {', '.join(dropped)} are left out" if dropped else "",
    )


def _by_criteria(evidence: Evidence) -> Objectives:
    everyone = np.arange(len(evidence.jurors))
    return Objectives(
        names=evidence.criteria[:_MOST_OBJECTIVES],
        by="criteria",
        seats=(everyone,) * min(len(evidence.criteria), _MOST_OBJECTIVES),
        criteria=tuple(range(min(len(evidence.criteria), _MOST_OBJECTIVES))),
        left_out=f"only the first {_MOST_OBJECTIVES} criteria are compared"
        if len(evidence.criteria) > _MOST_OBJECTIVES
        else "",
    )


def multi_objective(evidence: Evidence, objectives: Objectives | str) -> MeasureScores:
    """Models on several objectives: the front, who dominates whom, hypervolume."""
    if isinstance(objectives, str):
        return unmeasured("multi-objective", evidence.produced_by, objectives)
    rated = [m for m in range(len(evidence.models)) if _rated(evidence, objectives, m)]
    if not rated:
        return unmeasured(
            "multi-objective", evidence.produced_by, "a model that is rated on every objective"
        )
    names = [evidence.models[m] for m in rated]
    found = _compare(evidence, objectives, rated, names)
    left_out = [model for model in evidence.models if model not in names]
    unrated = f"not rated on every objective: {', '.join(left_out)}" if left_out else ""
    return MeasureScores(
        measure="multi-objective",
        reading=_reading(found, objectives),
        method=(
            f"objectives: mean utility by {objectives.by} ({', '.join(objectives.names)}); "
            f"hypervolume from {evidence.spec.objectives.reference:g}"
        ),
        produced_by=evidence.produced_by,
        figures=_figures(found),
        needs="; ".join(filter(None, (objectives.left_out, unrated))) or None,
    )


def _rated(evidence: Evidence, objectives: Objectives, model: int) -> bool:
    return bool((~np.isnan(objectives.means(evidence)[model])).any(axis=0).all())


def _compare(
    evidence: Evidence, objectives: Objectives, rated: Sequence[int], names: Sequence[str]
) -> MultiObjective:
    reference = [evidence.spec.objectives.reference] * len(objectives.names)
    rng = evidence.rng("objectives")
    resamples = min(evidence.spec.resamples, MOST_RESAMPLES)
    if objectives.by == "criteria":
        return compare_objectives(
            objectives.means(evidence)[list(rated)], models=names, objectives=objectives.names,
            reference=reference, resamples=resamples, rng=rng,
        )  # fmt: skip
    seats = np.concatenate(objectives.seats)
    labels = np.array(evidence.labels(objectives.by))[seats]
    return compare_groups(
        evidence.utilities[list(rated)][:, :, seats], labels.tolist(), models=names,
        weights=evidence.weights[seats], reference=reference, resamples=resamples, rng=rng,
    )  # fmt: skip


def _figures(found: MultiObjective) -> tuple[Figure, ...]:
    figures: list[Figure] = []
    for row in found.rows:
        figures += [
            figure(f"objective {name}", row.model, value)
            for name, value in zip(found.objectives, row.objectives, strict=True)
        ]
        figures.append(figure("hypervolume", row.model, row.hypervolume))
        figures.append(figure("contribution to hypervolume", row.model, row.contribution))
        figures.append(
            Figure(name="probability of the front", of=row.model, value=row.front_probability)
        )
    figures.append(figure("hypervolume", "all models", found.hypervolume))
    figures += [
        Figure(name="probability of dominance", of=f"{d.a} over {d.b}", value=d.probability)
        for d in found.dominance
    ]
    return tuple(figures)


def _reading(found: MultiObjective, objectives: Objectives) -> str:
    front = [row for row in found.rows if row.on_front]
    shown = ", ".join(f"{row.model} ({row.front_probability:.0%})" for row in front)
    sure = [d for d in found.dominance if d.dominates]
    kind = "criteria" if objectives.by == "criteria" else f"groups by {objectives.by}"
    front_said = "is" if len(front) == 1 else "are"
    text = (
        f"on {len(objectives.names)} {kind} {shown} {front_said} on the Pareto front (share of "
        f"resamples); {len(sure)} of {len(found.dominance) // 2} pairs are ordered by dominance"
    )
    best = max(found.rows, key=lambda row: row.hypervolume.value or 0.0)
    return f"{text}; largest hypervolume {best.model} {best.hypervolume}"
