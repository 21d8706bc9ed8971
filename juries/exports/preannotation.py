"""A run's answers as pre-annotations: what the jury would answer to every question, and why.

A question that no juror validly answered has no prediction: it is left blank, never guessed.
Everything here was made by simulated people, and says so with run and model version.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graphs.items import Choice, FloatArray
from juries.calibration.run_answers import JuryTable

if TYPE_CHECKING:
    from juries.runs import Run

Detail = Literal["aggregate", "groups", "jurors"]
SYNTHETIC = "Predicted by a jury of simulated people, not answered by anyone."


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What one source (the jury, a group of jurors, a juror) answers to one question.

    Attributes:
        point: 1..K: the rounded weighted mean on an ordinal scale, else the most frequent option;
            None where nobody validly answered.
        label: of the point; empty where there is none.
        confidence: weighted share of the jurors who chose the point.
        mean: weighted mean point; None for choices.
        disagreement: weighted standard deviation of points; for choices 1 minus `confidence`.
        answered: jurors who validly answered.
        asked: jurors asked.
    """

    point: int | None
    label: str
    confidence: float | None
    mean: float | None
    disagreement: float | None
    answered: int
    asked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PreAnnotation:
    """One response with its predictions.

    Attributes:
        item_id: of the item.
        model: whose response.
        prompt: what the model was asked.
        response: what it answered.
        aggregate: the jury's prediction by criterion.
        detail: predictions by source (`side = left`, or a juror) and criterion.
        rationale: counts of answers and jurors' reasons, by criterion; why it is blank, if it is.
    """

    item_id: str
    model: str
    prompt: str
    response: str
    aggregate: Mapping[str, Prediction]
    detail: Mapping[str, Mapping[str, Prediction]]
    rationale: Mapping[str, str]

    @property
    def blank(self) -> bool:
        """Whether the jury failed on every question about the response."""
        return all(prediction.point is None for prediction in self.aggregate.values())

    @property
    def confidence(self) -> float | None:
        """Mean confidence over the criteria answered; None where blank."""
        return _mean([p.confidence for p in self.aggregate.values()])

    @property
    def disagreement(self) -> float | None:
        """Mean disagreement over the criteria answered; None where blank."""
        return _mean([p.disagreement for p in self.aggregate.values()])


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where pre-annotations come from.

    Attributes:
        run: fingerprint of the run.
        minds: name and version of every mind.
        kinds: what kind of mind each is.
    """

    run: str
    minds: tuple[str, ...]
    kinds: tuple[str, ...]

    def version(self, source: str) -> str:
        """The model version that a tool shows, such as `juries/1a2b…/aggregate`."""
        return f"juries/{self.run}/{source}"

    @property
    def sentence(self) -> str:
        """What every record says of itself."""
        minds = ", ".join(f"{m} ({k})" for m, k in zip(self.minds, self.kinds, strict=True))
        return f"{SYNTHETIC} Run {self.run}; {minds}."


def origin(run: Run) -> Origin:
    """Where a run's pre-annotations come from."""
    return Origin(
        run=run.record.fingerprint,
        minds=tuple(f"{mind.name} {mind.version}" for mind in run.record.minds),
        kinds=tuple(mind.kind for mind in run.record.minds),
    )


def preannotations(
    run: Run,
    jury: JuryTable,
    *,
    detail: Detail = "aggregate",
    by: Sequence[str] = (),
    items: Sequence[str] | None = None,
) -> Iterator[PreAnnotation]:
    """Predictions for every response of a run, in the order of its items.

    Args:
        run: for jurors' reasons and the counts of what they did not validly say.
        jury: the run's answers.
        detail: predictions beside the aggregate: none, by group (of the attributes `by`), or by
            juror.
        by: attributes that make the groups.
        items: ids of the items wanted; all without.
    """
    sources = _sources(jury, detail, by)
    everyone = np.ones(len(jury.jurors), dtype=np.bool_)
    remarks = _Remarks(run)
    wanted = None if items is None else set(items)
    for i, item in enumerate(jury.items):
        if wanted is not None and item.id not in wanted:
            continue
        for response in item.responses:
            m = jury.models.index(response.model)
            aggregate = _predictions(jury, m, i, everyone)
            yield PreAnnotation(
                item_id=item.id,
                model=response.model,
                prompt=item.prompt,
                response=response.text,
                aggregate=aggregate,
                detail={name: _predictions(jury, m, i, who) for name, who in sources.items()},
                rationale={
                    criterion: remarks.rationale(item.id, response.model, criterion, prediction)
                    for criterion, prediction in aggregate.items()
                },
            )


def _sources(jury: JuryTable, detail: Detail, by: Sequence[str]) -> dict[str, NDArray[np.bool_]]:
    seats = np.arange(len(jury.jurors))
    if detail == "jurors":
        return {name: seats == position for position, name in enumerate(jury.jurors)}
    if detail == "aggregate":
        return {}
    found: dict[str, NDArray[np.bool_]] = {}
    for attribute in by:
        levels = sorted({str(row[attribute]) for row in jury.attributes if attribute in row})
        found |= {f"{attribute} = {level}": jury.group(attribute, level) for level in levels}
    return found


def _predictions(
    jury: JuryTable, model: int, item: int, who: NDArray[np.bool_]
) -> dict[str, Prediction]:
    return {
        name: _predict(
            jury.points[criterion, model, item, who],
            jury.weights[who],
            tuple(question.points),
            asked=int(jury.put[item, who].sum()),
            ordinal=not isinstance(question, Choice),
        )
        for criterion, (name, question) in enumerate(
            zip(jury.criteria, jury.questions, strict=True)
        )
    }


def _predict(
    points: NDArray[np.int8],
    weights: FloatArray,
    labels: tuple[str, ...],
    *,
    asked: int,
    ordinal: bool,
) -> Prediction:
    valid = points >= 1
    if not valid.any():
        return Prediction(
            point=None, label="", confidence=None, mean=None, disagreement=None, answered=0,
            asked=asked,
        )  # fmt: skip
    said, weight = points[valid].astype(np.int64), weights[valid] / weights[valid].sum()
    shares = np.bincount(said - 1, weights=weight, minlength=len(labels))
    mean = float(weight @ said)
    point = int(np.floor(mean + 0.5)) if ordinal else int(shares.argmax()) + 1
    confidence = min(1.0, float(shares[point - 1]))  # weights may sum to a hair above 1
    spread = float(np.sqrt(weight @ (said - mean) ** 2))
    return Prediction(
        point=point,
        label=labels[point - 1],
        confidence=confidence,
        mean=mean if ordinal else None,
        disagreement=spread if ordinal else 1 - confidence,
        answered=int(valid.sum()),
        asked=asked,
    )


class _Remarks:
    """Counts of statuses and a few reasons for every question, from the ratings table."""

    _KEY = ("item_id", "model", "criterion")

    def __init__(self, run: Run) -> None:
        rows = pl.scan_parquet(run.directory.ratings).filter(pl.col("replicate") == 0)
        last = rows.filter(pl.col("round") == pl.col("round").max().over(self._KEY))
        self._failures = {
            row[:3]: row[3]
            for row in last.filter(pl.col("status") != "ok")
            .group_by(*self._KEY)
            .agg(pl.col("status").cast(pl.String).value_counts(sort=True))
            .collect()
            .iter_rows()
        }
        self._reasons = {
            row[:3]: list(zip(row[3], row[4], strict=True))
            for row in last.filter((pl.col("status") == "ok") & pl.col("reason").is_not_null())
            .sort("weight", descending=True, maintain_order=True)
            .unique(subset=[*self._KEY, "rating"], keep="first", maintain_order=True)
            .group_by(*self._KEY, maintain_order=True)
            .agg("rating", "reason")
            .collect()
            .iter_rows()
        }

    def rationale(self, item: str, model: str, criterion: str, said: Prediction) -> str:
        """A few sentences: how many said what, and why."""
        key = (item, model, criterion)
        failed = ", ".join(f"{one['count']} {one['status']}" for one in self._failures.get(key, []))
        if said.point is None:
            return f"Left blank: no juror validly answered ({failed or 'nothing was recorded'})."
        parts = [
            f"{said.confidence:.0%} of {said.answered} simulated jurors (by weight): {said.label}."
        ]
        if failed:
            parts.append(f"Not counted: {failed}.")
        reasons = self._reasons.get(key, [])
        reasons.sort(key=lambda one: abs(one[0] - (said.point or 0)))
        for rating, reason in dict.fromkeys((*reasons[:1], *reasons[-1:])):
            parts.append(f"One who chose {rating}: {reason}")
        return " ".join(parts)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
