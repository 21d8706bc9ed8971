"""People's answers matched to a study: one typed table whatever file they came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphs.items import FloatArray
from juries.calibration.answers import Answers, IntArray
from juries.human.raw import Problem
from personas.persona import AttributeValue


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HumanRatings:
    """M answers of A annotators to questions of a study.

    Attributes:
        items: names, length I; positions in `item` count in these.
        models: names, length L.
        criteria: names, length C.
        labels: labels of each criterion's points, lowest first, length C.
        annotators: names, length A.
        item: [M].
        model: [M].
        criterion: [M].
        annotator: [M].
        rating: point 1..K, [M].
        seconds: time taken, [M]; NaN where unknown.
        repeat: 0 for an annotator's first answer to a question, 1 for the second …, [M].
        attributes: of each annotator, in the order of `annotators`.
        problems: what was wrong with the file, and what was done.
        source: format it was read from.
    """

    items: tuple[str, ...]
    models: tuple[str, ...]
    criteria: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    annotators: tuple[str, ...]
    item: IntArray
    model: IntArray
    criterion: IntArray
    annotator: IntArray
    rating: IntArray
    seconds: FloatArray
    repeat: IntArray
    attributes: tuple[Mapping[str, AttributeValue], ...]
    problems: tuple[Problem, ...]
    source: str

    def __len__(self) -> int:
        return len(self.rating)

    def answers(self, criterion: int = 0, *, models: Sequence[int] | None = None) -> Answers:
        """First answers on one criterion; a unit is a response, named `item/model`.

        Args:
            criterion: position.
            models: positions of the models to keep; all without.
        """
        kept = (self.criterion == criterion) & (self.repeat == 0)
        if models is not None:
            kept &= np.isin(self.model, models)
        unit = self.item * len(self.models) + self.model
        return Answers(
            units=unit_names(self.items, self.models),
            raters=self.annotators,
            unit=unit[kept],
            rater=self.annotator[kept],
            rating=self.rating[kept],
            points=len(self.labels[criterion]),
        )

    def levels(self, attribute: str) -> tuple[tuple[str, ...], IntArray]:
        """Levels of an attribute and each annotator's, [A]; -1 where the source does not say."""
        names: dict[str, int] = {}
        codes = [
            names.setdefault(str(row[attribute]), len(names)) if attribute in row else -1
            for row in self.attributes
        ]
        return tuple(names), np.array(codes, dtype=np.int64)

    def attribute_names(self) -> tuple[str, ...]:
        """Attributes that any annotator has, in order of first appearance."""
        return tuple(dict.fromkeys(name for row in self.attributes for name in row))

    def rows(self) -> list[dict[str, object]]:
        """One plain row an answer, its rating as the scale's label; source `csv` reads it back."""
        return [
            {
                "item_id": self.items[i],
                "model": self.models[m],
                "criterion": self.criteria[c],
                "annotator_id": self.annotators[a],
                "rating": self.labels[c][rating - 1],
                **({} if np.isnan(seconds) else {"seconds": float(seconds)}),
                **self.attributes[a],
            }
            for i, m, c, a, rating, seconds in zip(
                self.item,
                self.model,
                self.criterion,
                self.annotator,
                self.rating,
                self.seconds,
                strict=True,
            )
        ]


def unit_names(items: Sequence[str], models: Sequence[str]) -> tuple[str, ...]:
    """Names of all responses, item-major: `item/model`."""
    return tuple(f"{item}/{model}" for item in items for model in models)


def groups_of(
    ratings: HumanRatings, attribute: str, *, least: int = 2
) -> dict[str, NDArray[np.bool_]]:
    """Annotators of each level of an attribute, [A]; smaller levels than `least` are left out."""
    names, codes = ratings.levels(attribute)
    masks = {name: codes == code for code, name in enumerate(names)}
    return {name: mask for name, mask in masks.items() if mask.sum() >= least}
