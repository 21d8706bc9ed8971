"""A surrogate for each question of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from juries.surrogate.fitting import Surrogate, SurrogateSettings, fit_surrogate
from juries.surrogate.table import PersonaFeatures, RatingTable, text_features
from personas.errors import InputError

if TYPE_CHECKING:
    from juries.concluding import Gathered

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunModel:
    """Surrogates of a run's jurors.

    Attributes:
        surrogates: one per criterion.
        personas: makes features of people.
        utilities: of each point, per criterion, [K].
        weights: of the criteria in the overall utility.
        points: whether the run's utilities are those of single points, not expected ones.
    """

    surrogates: tuple[Surrogate, ...]
    personas: PersonaFeatures
    utilities: tuple[FloatArray, ...]
    weights: FloatArray
    points: bool

    def worth(
        self, given: FloatArray, utilities: FloatArray, rng: np.random.Generator
    ) -> FloatArray:
        """Utility of each predicted distribution: of a point drawn, or expected, as in the run."""
        return utilities[draw_points(given, rng)] if self.points else given @ utilities


def model_run(gathered: Gathered, settings: SurrogateSettings | None = None) -> RunModel:
    """Fit a surrogate per criterion on a run's valid ratings.

    A response is a row of the table at `model x items + item`.

    Raises:
        InputError: a scale without utilities, or too few ratings.
    """
    people = [juror.persona.attributes for juror in gathered.jurors]
    personas = PersonaFeatures(people)
    jurors = personas(people)
    responses = _response_features(gathered)
    surrogates: list[Surrogate] = []
    utilities: list[FloatArray] = []
    for criterion, question in enumerate(gathered.questions):
        if question.utilities is None:
            raise InputError("the scale states no `worth` of its options, so there is no welfare")
        points = gathered.verdicts.points[criterion]
        models, items, seats = np.nonzero(points > 0)
        table = RatingTable(
            response=models * points.shape[1] + items,
            juror=seats,
            rating=points[models, items, seats].astype(np.int64) - 1,
            points=len(question.points),
            responses=responses,
            jurors=jurors,
        )
        surrogates.append(fit_surrogate(table, settings))
        utilities.append(question.utilities)
    return RunModel(
        surrogates=tuple(surrogates),
        personas=personas,
        utilities=tuple(utilities),
        weights=gathered.verdicts.weights,
        points=_are_points(gathered, utilities),
    )


def _are_points(gathered: Gathered, utilities: list[FloatArray]) -> bool:
    """Whether every recorded utility is that of the point recorded."""
    verdicts = gathered.verdicts
    return all(
        np.allclose(table[points[points > 0] - 1], known[points > 0], atol=1e-5, equal_nan=True)
        for table, points, known in zip(utilities, verdicts.points, verdicts.utilities, strict=True)
    )


def _response_features(gathered: Gathered) -> FloatArray:
    """Text components and the model of every response, [models x items, features]."""
    models, items = gathered.verdicts.models, gathered.items
    place = {model: at for at, model in enumerate(models)}
    texts = [""] * (len(models) * len(items))
    for at, item in enumerate(items):
        for response in item.responses:
            texts[place[response.model] * len(items) + at] = response.text
    of_model = np.repeat(np.eye(len(models)), len(items), axis=0)
    return np.column_stack([text_features(texts), of_model])


def draw_points(probabilities: FloatArray, rng: np.random.Generator) -> IntArray:
    """One point 0 … K - 1 from each row by inversion."""
    passed = np.cumsum(probabilities[:, :-1], axis=1) <= rng.random(len(probabilities))[:, None]
    return passed.sum(axis=1)
