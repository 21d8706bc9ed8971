"""Where jurors differ: distributions, contested responses, and views that the jury's choice hides.

Contested responses and minority views are picked as the largest of many, so their intervals do not
say how a new jury would see them; every table says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from graphs.items import FloatArray
from juries.measures.best_responses import BestResponses, best_responses
from juries.measures.group_means import GroupMeans
from juries.measures.resampling import juror_multiplicities, percentile_interval
from juries.report.source import Source
from personas.identity import generator

SHOWN = 12
"""Contested responses and minority views that are listed."""
_RESAMPLES = 500
_FEWEST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """How often a point was given to one model by one group, by weight.

    Attributes:
        attribute: what the group is a level of, or `everyone`.
        level: the group.
        model: name.
        criterion: which question.
        shares: of the K points among valid answers; they sum to 1.
        answers: valid answers behind them.
    """

    attribute: str
    level: str
    model: str
    criterion: str
    shares: tuple[float, ...]
    answers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Contested:
    """A response on which jurors are far apart.

    Attributes:
        item: its position.
        model: whose response.
        spread: weighted standard deviation of utilities over jurors.
        low: of the 95 % interval, jurors resampled; `high` its other end.
        mean: the jury's weighted mean utility.
    """

    item: int
    model: str
    spread: float
    low: float
    high: float
    mean: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MinorityView:
    """An item on which a group would have chosen another response than the jury.

    Attributes:
        item: its position.
        attribute: what the group is a level of.
        level: the group.
        jurors: how many of them rated.
        jury_best: the model that the jury prefers here.
        group_best: the model that the group prefers.
        loss: mean utility that the group loses by the jury's choice.
        low: of the 95 % interval, jurors of the group resampled; `high` its other end.
    """

    item: int
    attribute: str
    level: str
    jurors: int
    jury_best: str
    group_best: str
    loss: float
    low: float
    high: float


def distributions(source: Source) -> Iterator[Distribution]:
    """Points given, by model and criterion: by everyone, then by each scored group."""
    everyone = {"everyone": {"everyone": list(range(len(source.jurors)))}}
    for attribute, levels in (everyone | source.groups()).items():
        for level, seats in levels.items():
            for c, (criterion, question) in enumerate(
                zip(source.criteria, source.questions, strict=True)
            ):
                for m, model in enumerate(source.models):
                    points = source.verdicts.points[c, m][:, seats]
                    mass = np.broadcast_to(source.weights[seats], points.shape)
                    counts = np.array(
                        [mass[points == k + 1].sum() for k in range(len(question.points))]
                    )
                    if counts.sum() > 0:
                        yield Distribution(
                            attribute=attribute,
                            level=level,
                            model=model,
                            criterion=criterion,
                            shares=tuple((counts / counts.sum()).tolist()),
                            answers=int((points > 0).sum()),
                        )


def contested(source: Source) -> tuple[Contested, ...]:
    """The responses with the largest spread, widest first."""
    values = source.utilities
    spread = np.stack(
        [_spread(values[m], source.weights[:, None])[:, 0] for m in range(len(values))]
    )
    seen = (~np.isnan(values)).sum(axis=2) >= _FEWEST
    order = np.argsort(-np.where(seen, np.nan_to_num(spread), -1.0), axis=None, kind="stable")
    found: list[Contested] = []
    rng = generator(source.record.seed, "report", "contested")
    masses = juror_multiplicities(len(source.jurors), _RESAMPLES, rng) * source.weights[:, None]
    widest: list[int] = order[:SHOWN].tolist()
    for flat in widest:
        m, i = divmod(flat, spread.shape[1])
        if not seen[m, i]:
            break
        row = values[m, i][None].astype(np.float64)
        interval = percentile_interval(_spread(row, masses)[0], resampled="jurors")
        there = ~np.isnan(row[0])
        found.append(
            Contested(
                item=i,
                model=source.models[m],
                spread=float(spread[m, i]),
                low=float(interval.low),
                high=float(interval.high),
                mean=float(np.average(row[0, there], weights=source.weights[there])),
            )
        )
    return tuple(found)


def _spread(values: FloatArray | np.ndarray, masses: FloatArray) -> FloatArray:
    """Weighted standard deviation of each row [rows, jurors] under each column of masses."""
    there = (~np.isnan(values)).astype(np.float64)
    filled = np.nan_to_num(values).astype(np.float64)
    total = there @ masses
    with np.errstate(invalid="ignore", divide="ignore"):  # 0/0 is NaN: nobody validly answered
        mean = (filled @ masses) / total
        square = (filled**2 @ masses) / total - mean**2
    return np.sqrt(np.maximum(square, 0.0))


def choices_by_group(source: Source) -> dict[str, BestResponses]:
    """What each group would choose and what it loses by the jury's choice, by attribute."""
    if len(source.models) < 2:
        return {}
    return {
        attribute: best_responses(
            source.utilities.astype(np.float64),
            _labels(source, levels),
            rng=generator(source.record.seed, "report", "choices", attribute),
            weights=source.weights,
            models=source.models,
            resamples=_RESAMPLES,
        )
        for attribute, levels in source.groups().items()
        if len(levels) > 1
    }


def minority_views(source: Source, choices: dict[str, BestResponses]) -> tuple[MinorityView, ...]:
    """Items on which a group loses most by the jury's choice, largest loss first."""
    found: list[tuple[float, str, int, int]] = []
    for attribute, choice in choices.items():
        labels = _labels(source, source.groups()[attribute])
        setting = GroupMeans(
            source.utilities.astype(np.float64), labels, source.weights, source.models
        )
        means, raters = setting.means(setting.member), setting.raters(setting.member)
        for g in range(len(choice.groups)):
            for i in np.flatnonzero((choice.best[g] >= 0) & (choice.best[g] != choice.jury_best)):
                mine, theirs = choice.best[g, i], choice.jury_best[i]
                loss = means[mine, i, g] - means[theirs, i, g]
                if loss > 0 and raters[mine, i, g] >= _FEWEST:
                    found.append((float(loss), attribute, g, int(i)))
    found.sort(key=lambda one: (-one[0], one[1:]))
    return tuple(_view(source, choices[one[1]], *one[1:]) for one in found[:SHOWN])


def _view(
    source: Source, choice: BestResponses, attribute: str, group: int, item: int
) -> MinorityView:
    level = choice.groups[group]
    seats = np.array(source.groups()[attribute][level])
    mine, theirs = int(choice.best[group, item]), int(choice.jury_best[item])
    pair = source.utilities[[mine, theirs], item][:, seats].astype(np.float64)
    rng = generator(source.record.seed, "report", "minority", attribute, level, str(item))
    drawn = juror_multiplicities(len(seats), _RESAMPLES, rng) * source.weights[seats][:, None]
    masses = np.concatenate([source.weights[seats][:, None], drawn], axis=1)
    there = (~np.isnan(pair)).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):  # a replicate that drew no rater: NaN
        means = (np.nan_to_num(pair) @ masses) / (there @ masses)
    gaps = means[0] - means[1]
    interval = percentile_interval(gaps[1:], resampled="jurors of the group")
    return MinorityView(
        item=item,
        attribute=attribute,
        level=level,
        jurors=int(there.min(axis=0).sum()),
        jury_best=source.models[theirs],
        group_best=source.models[mine],
        loss=float(gaps[0]),
        low=float(interval.low),
        high=float(interval.high),
    )


def _labels(source: Source, levels: dict[str, list[int]]) -> list[str]:
    labels = [""] * len(source.jurors)
    for level, seats in levels.items():
        for seat in seats:
            labels[seat] = level
    return labels
