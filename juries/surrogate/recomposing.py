"""The scores of another jury, without new calls: `juries recompose RUN --jury other.yaml`.

Whoever sat keeps the recorded ratings, and what they were never asked is drawn as by `juries fill`;
of the others the surrogate draws ratings from their attributes, with a severity of their own for
each. The result is a prediction, says so, and does not replace a run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from graphs.panel import Juror
from juries.jury import read_population, seat_jury
from juries.measures.welfare_functions import WelfareFunction
from juries.paired_verdicts import rated_scale
from juries.spec import JurySpec, PopulationSpec
from juries.surrogate.filled_run import asked_cells
from juries.surrogate.filling import (
    FilledScores,
    Pooling,
    completed_utilities,
    never_asked,
    pool_scores,
)
from juries.surrogate.fitting import SurrogateSettings
from juries.surrogate.modelling import RunModel, model_run
from personas.identity import generator
from personas.settings import Settings

if TYPE_CHECKING:
    from juries.concluding import Gathered
    from juries.runs import Run

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


class Composition(Settings):
    """Another jury.

    Attributes:
        population: who may sit; the run's population when absent.
        jury: how seats are filled.
        seed: of the draw; the run's when absent.
    """

    population: PopulationSpec | None = None
    jury: JurySpec = Field(default_factory=JurySpec)
    seed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recomposed:
    """What another jury would be expected to conclude.

    Attributes:
        scores: welfare with intervals; `imputed` is the share that is predicted.
        recorded: seats whose persona sat in the run.
        predicted: seats that the surrogate answers for.
    """

    scores: FilledScores
    recorded: int
    predicted: int


def recompose(
    run: Run,
    composition: Composition,
    base: Path,
    functions: Sequence[WelfareFunction],
    *,
    pooling: Pooling | None = None,
    settings: SurrogateSettings | None = None,
) -> Recomposed:
    """Score a run's responses by another jury.

    Args:
        run: whose ratings the surrogate learns from.
        composition: the other jury.
        base: the folder that its paths are relative to.
        functions: welfare functions.
        pooling: how completed data sets are pooled.
        settings: of the surrogate.

    Raises:
        InputError: the composition cannot be seated, or the run is too small to learn from.
    """
    pooling = pooling or Pooling(seed=run.record.seed)
    rated_scale(run.study.scale, "a surrogate of the jury")
    gathered = run.gather()
    study = run.study
    section = composition.population or study.population
    population, _ = read_population(section, base if composition.population else Path())
    seed = study.seed if composition.seed is None else composition.seed
    seated, _ = seat_jury(population, composition.jury, [("surrogate", 1.0)], seed=seed)
    model = model_run(gathered, settings)
    before = {juror.id: juror.position for juror in gathered.jurors}
    # Who sits twice now and sat once has that one seat's ratings at both.
    known = np.array([before.get(j.id, before.get(j.persona.id, -1)) for j in seated])
    recorded = int((known >= 0).sum())
    missing = never_asked(gathered, asked_cells(run, gathered))
    scores = pool_scores(
        _completed(gathered, model, seated, known, missing, pooling),
        functions,
        models=gathered.verdicts.models,
        weights=np.array([juror.weight for juror in seated]),
        imputed=_imputed(gathered, missing, known),
        points=model.points,
        reports=tuple(each.report for each in model.surrogates),
        pooling=pooling,
    )
    return Recomposed(scores=scores, recorded=recorded, predicted=len(seated) - recorded)


def _imputed(gathered: Gathered, missing: BoolArray, known: NDArray[np.int64]) -> float:
    """Of the ratings of the other jury, the share that nobody gave."""
    responses = int(gathered.verdicts.present.sum())
    predicted = responses * int((known < 0).sum()) + int(missing[:, :, known[known >= 0]].sum())
    return predicted / max(1, responses * len(known))


def _completed(
    gathered: Gathered,
    model: RunModel,
    seated: Sequence[Juror],
    known: NDArray[np.int64],
    missing: BoolArray,
    pooling: Pooling,
) -> Iterator[FloatArray]:
    """Utilities of the other jury, [M, I, seats], one array a draw."""
    verdicts = gathered.verdicts
    models, items = np.nonzero(verdicts.present)
    response = models * verdicts.present.shape[1] + items
    new = np.flatnonzero(known < 0)
    features = model.personas([seated[int(seat)].persona.attributes for seat in new])
    rows = np.tile(response, len(new))
    people = np.repeat(np.arange(len(new)), len(response))
    for draw, filled in enumerate(completed_utilities(gathered, model, missing, pooling)):
        rng = generator(pooling.seed, "surrogate", "recompose", draw)
        utilities = np.full((*verdicts.present.shape, len(seated)), np.nan)
        utilities[:, :, known >= 0] = filled[:, :, known[known >= 0]]
        total = np.zeros(len(rows))
        for surrogate, worth, weight in zip(
            model.surrogates, model.utilities, model.weights, strict=True
        ):
            if not len(rows):
                break
            severity = rng.normal(0.0, surrogate.severity, len(new))
            given = surrogate.predict_new(rows, features[people], severity[people], member=draw)
            total += weight * model.worth(given, worth, rng)
        drawn = total.reshape(len(new), len(response))
        utilities[models[:, None], items[:, None], new[None, :]] = drawn.T
        yield utilities
