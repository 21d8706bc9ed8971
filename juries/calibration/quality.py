"""Quality of people's answers: reported by annotator, never silently dropped.

- straight-lining: nearly always the same point, where others who saw the same items did not;
- too fast: usually far quicker than others on the same questions, where times are known;
- self-consistency: the same answer to a question put twice;
- Krippendorff's alpha of everyone and of each group.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc

from graphs.items import FloatArray
from juries.calibration.answers import Answers, IntArray
from juries.calibration.interval import Figure, Interval
from juries.human.ratings import HumanRatings, groups_of
from juries.measures.agreement import krippendorff_alpha_bootstrap

_SAME_SHARE = 0.9
_SURPRISE = 1e-3
_LEAST_ANSWERS = 10
_FAST = 1 / 3


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotatorQuality:
    """One annotator's answers.

    Attributes:
        annotator: who.
        answers: first answers given.
        modal_share: share of their most frequent point.
        longest_run: most equal answers in a row, in file order.
        straight_lining: whether that point fills 90 % of ten answers or more, which given the
            others' answers to the same questions has a chance below 1 in 1,000.
        fast_share: share of answers given in less than a third of the question's median time;
            None where times are unknown.
        too_fast: whether that holds for more than half of them.
        repeats: questions answered again.
        consistent: share of repeats with the same answer; None without repeats.
    """

    annotator: str
    answers: int
    modal_share: float
    longest_run: int
    straight_lining: bool
    fast_share: float | None
    too_fast: bool
    repeats: int
    consistent: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupAlpha:
    """Krippendorff's alpha within a group; attribute and level are empty for everyone."""

    attribute: str
    level: str
    annotators: int
    alpha: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanQuality:
    """What stands out in people's answers.

    Attributes:
        annotators: one row each.
        straight_lining: names of those flagged.
        too_fast: names of those flagged.
        self_consistency: share of repeated answers that are the same, over all annotators.
        alpha: of everyone, then of each group.
        notes: what could not be looked at, and why.
    """

    annotators: tuple[AnnotatorQuality, ...]
    straight_lining: tuple[str, ...]
    too_fast: tuple[str, ...]
    self_consistency: Figure
    alpha: tuple[GroupAlpha, ...]
    notes: tuple[str, ...]


def human_quality(
    ratings: HumanRatings,
    *,
    criterion: int = 0,
    ordinal: bool = True,
    attributes: tuple[str, ...] = (),
    resamples: int = 500,
    rng: np.random.Generator,
) -> HumanQuality:
    """Look at people's answers on one criterion.

    Args:
        ratings: people's answers.
        criterion: position.
        ordinal: whether points are ordered; else alpha is nominal.
        attributes: whose levels get an alpha of their own.
        resamples: bootstrap resamples of alpha, over items.
        rng: of the draws.
    """
    answers = ratings.answers(criterion)
    here = (ratings.criterion == criterion) & (ratings.repeat == 0)
    people = len(ratings.annotators)
    given = np.bincount(answers.rater, minlength=people)
    modal, straight = _straight_lining(answers, given)
    fast = _fast_shares(answers, ratings.seconds[here])
    repeats, same = _repeats(ratings, criterion)
    rows = tuple(
        AnnotatorQuality(
            annotator=name,
            answers=int(given[a]),
            modal_share=float(modal[a]),
            longest_run=_longest_run(answers.rating[answers.rater == a]),
            straight_lining=bool(straight[a]),
            fast_share=None if np.isnan(fast[a]) else float(fast[a]),
            too_fast=bool(fast[a] > 0.5),
            repeats=int(repeats[a]),
            consistent=float(same[a] / repeats[a]) if repeats[a] else None,
        )
        for a, name in enumerate(ratings.annotators)
        if given[a]
    )
    notes = ["no times: nobody can be found too fast"] if np.isnan(fast).all() else []
    return HumanQuality(
        annotators=rows,
        straight_lining=tuple(row.annotator for row in rows if row.straight_lining),
        too_fast=tuple(row.annotator for row in rows if row.too_fast),
        self_consistency=_consistency(repeats, same, rng),
        alpha=_alphas(ratings, answers, attributes, ordinal=ordinal, resamples=resamples, rng=rng),
        notes=tuple(notes),
    )


def _straight_lining(answers: Answers, given: IntArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Share of each annotator's most frequent point, and whether it is a straight line."""
    people, points = len(answers.raters), answers.points
    counts = np.bincount(
        answers.rater * points + answers.rating - 1, minlength=people * points
    ).reshape(people, points)
    mode = counts.argmax(axis=1)
    times = counts.max(axis=1)
    modal = times / np.maximum(given, 1)
    by_unit = answers.counts()
    own = answers.rating - 1 == mode[answers.rater]
    others = by_unit[answers.unit, mode[answers.rater]] - own
    company = by_unit.sum(axis=1)[answers.unit] - 1
    usual = np.divide(others, company, out=np.full(len(own), np.nan), where=company > 0)
    known = np.isfinite(usual)
    total = np.bincount(answers.rater[known], weights=usual[known], minlength=people)
    n = np.bincount(answers.rater[known], minlength=people)
    expected = np.clip(total / np.maximum(n, 1), 1e-9, 1 - 1e-9)
    chance = np.where(times > 0, bdtrc(np.maximum(times - 1, 0), given, expected), 1.0)
    flagged = (given >= _LEAST_ANSWERS) & (modal >= _SAME_SHARE) & (n > 0) & (chance < _SURPRISE)
    return modal, flagged


def _fast_shares(answers: Answers, seconds: FloatArray) -> FloatArray:
    """Share of each annotator's answers below a third of the unit's median; NaN without times."""
    timed = np.isfinite(seconds)
    shares = np.full(len(answers.raters), np.nan)
    if not timed.any():
        return shares
    unit, who, time = answers.unit[timed], answers.rater[timed], seconds[timed]
    order = np.lexsort((time, unit))
    starts = np.flatnonzero(np.diff(unit[order], prepend=-1))
    sizes = np.diff(np.append(starts, len(order)))
    sorted_time = time[order]
    middle = (sorted_time[starts + (sizes - 1) // 2] + sorted_time[starts + sizes // 2]) / 2
    median = np.zeros(len(answers.units))
    median[unit[order][starts]] = middle
    quick = np.bincount(who, weights=time < _FAST * median[unit], minlength=len(shares))
    n = np.bincount(who, minlength=len(shares))
    return np.divide(quick, n, out=shares, where=n > 0)


def _repeats(ratings: HumanRatings, criterion: int) -> tuple[FloatArray, FloatArray]:
    """Repeated answers of each annotator, and how many equal the first one."""
    here = ratings.criterion == criterion
    first: dict[tuple[int, int, int], int] = {}
    repeats, same = np.zeros(len(ratings.annotators)), np.zeros(len(ratings.annotators))
    for row in np.flatnonzero(here).tolist():
        who = int(ratings.annotator[row])
        key = (who, int(ratings.item[row]), int(ratings.model[row]))
        point = int(ratings.rating[row])
        if ratings.repeat[row] == 0:
            first[key] = point
        else:
            repeats[who] += 1
            same[who] += first.get(key) == point
    return repeats, same


def _consistency(repeats: FloatArray, same: FloatArray, rng: np.random.Generator) -> Figure:
    """Share over all annotators; its interval resamples annotators."""
    who = np.flatnonzero(repeats)
    if not len(who):
        return Figure(value=None, reason="nobody answered a question twice")
    value = float(same.sum() / repeats.sum())
    if len(who) < 2:
        return Figure(value=value, reason="one annotator repeats; there is no spread to see")
    drawn = who[rng.integers(len(who), size=(1000, len(who)))]
    shares = same[drawn].sum(axis=1) / repeats[drawn].sum(axis=1)
    low, high = np.quantile(shares, [0.025, 0.975])
    basis = "annotators, 1,000 bootstrap resamples"
    return Figure(
        value=value, interval=Interval(low=float(low), high=float(high), level=0.95, basis=basis)
    )


def _alphas(
    ratings: HumanRatings,
    answers: Answers,
    attributes: tuple[str, ...],
    *,
    ordinal: bool,
    resamples: int,
    rng: np.random.Generator,
) -> tuple[GroupAlpha, ...]:
    everyone = np.ones(len(answers.raters), dtype=np.bool_)
    groups = [("", "", everyone)]
    for attribute in attributes:
        groups += [(attribute, name, mask) for name, mask in groups_of(ratings, attribute).items()]
    seen, column = np.unique(answers.unit, return_inverse=True)
    table = np.full((len(answers.raters), len(seen)), -1, dtype=np.int8)
    table[answers.rater, column.ravel()] = answers.rating
    return tuple(
        GroupAlpha(
            attribute=attribute,
            level=level,
            annotators=int(mask.sum()),
            alpha=_alpha(table[mask], ordinal=ordinal, resamples=resamples, rng=rng),
        )
        for attribute, level, mask in groups
    )


def _alpha(
    table: NDArray[np.int8], *, ordinal: bool, resamples: int, rng: np.random.Generator
) -> Figure:
    result = krippendorff_alpha_bootstrap(
        table, "ordinal" if ordinal else "nominal", rng=rng, resamples=resamples, missing=-1
    )
    if result.alpha.alpha is None:
        return Figure(value=None, reason=result.alpha.reason)
    found = result.interval()
    if found is None:
        return Figure(value=result.alpha.alpha, reason="undefined in every resample")
    interval = Interval(
        low=float(found.low),
        high=float(found.high),
        level=found.level,
        basis=f"items, {resamples:,} bootstrap resamples",
    )
    return Figure(value=result.alpha.alpha, interval=interval)


def _longest_run(points: IntArray) -> int:
    if not len(points):
        return 0
    edges = np.flatnonzero(np.diff(points, prepend=points[0] - 1, append=points[-1] - 1))
    return int(np.diff(edges).max())
