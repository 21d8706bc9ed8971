"""All six measures of a run, in the order of arXiv 2402.05070."""

from __future__ import annotations

from collections.abc import Sequence

from juries.baselines import BaselineAnswers
from juries.figures import MeasureScores, unmeasured
from juries.pluralism.distributional import distributional
from juries.pluralism.evidence import Evidence
from juries.pluralism.jury import jury_pluralistic
from juries.pluralism.objectives import find_objectives, multi_objective
from juries.pluralism.overton import overton
from juries.pluralism.steerable import steerable
from juries.pluralism.trade_offs import trade_offs
from juries.scores import RankFlip, WelfareScore

_NO_WORTH = "what each option is worth: `worth` in `scale`"


def six_measures(
    evidence: Evidence,
    baselines: Sequence[BaselineAnswers],
    welfare: tuple[WelfareScore, ...],
    flips: tuple[RankFlip, ...],
) -> tuple[MeasureScores, ...]:
    """Overton, steerable, distributional; multi-objective, trade-off steerable, jury-pluralistic.

    Args:
        evidence: of the run.
        baselines: answers without a persona, and random ones.
        welfare: scores already taken.
        flips: pairs of models that two welfare functions order differently.

    Raises:
        InputError: the study's sections name something that it lacks, or a file cannot be used.
    """
    if not evidence.has_utilities:
        needs_steered = bool(evidence.spec.steering.models)
        return (
            unmeasured("overton", evidence.produced_by, _NO_WORTH),
            steerable(evidence)
            if needs_steered
            else unmeasured("steerable", evidence.produced_by, _NO_WORTH),
            distributional(evidence, baselines),
            unmeasured("multi-objective", evidence.produced_by, _NO_WORTH),
            unmeasured("trade-off steerable", evidence.produced_by, _NO_WORTH),
            jury_pluralistic(evidence, welfare, flips),
        )
    objectives = find_objectives(evidence)
    return (
        overton(evidence),
        steerable(evidence),
        distributional(evidence, baselines),
        multi_objective(evidence, objectives),
        trade_offs(evidence, objectives),
        jury_pluralistic(evidence, welfare, flips),
    )
