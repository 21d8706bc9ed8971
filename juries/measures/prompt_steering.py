"""How far prompts move a model: the prompt steerability index over budgets.

`prompt_steerability(baseline, steered, budgets)` follows arXiv 2411.12405: with p the profile of
answers without steering, p_d(k) with budget k towards d, and P_d the ideal profile (every answer
in that direction),

    gamma_d(k) = [W1(p, P_d) - W1(p_d(k), P_d)] / W1(P+, P-),

W1 the 1-Wasserstein distance between profiles, that is, between distributions of answers in
[0, 1]. 0 means unmoved, negative moved the wrong way; the most that is left to gain is
W1(p, P_d) / W1(P+, P-), which stands beside each index. (The paper's published code applies W1 to
heights of cumulative distribution curves instead; its figures are not on this scale.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juries.measures.estimates import Estimate, undefined, with_interval
from juries.measures.resampling import item_multiplicities, percentile_interval
from personas.identity import generator

FloatArray = NDArray[np.float64]
Direction = Literal["up", "down"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SteeringPoint:
    """One point of the curve: a row of chart data.

    Attributes:
        direction: `up` towards 1, `down` towards 0.
        budget: k, such as the number of steering statements in the prompt.
        index: gamma_d(k).
        ceiling: the most the index could be from this baseline.
        missing: answers without a valid value at this point, of all.
    """

    direction: Direction
    budget: float
    index: Estimate
    ceiling: float | None
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptSteerability:
    """The curve over budgets, budgets in the order given, one direction.

    Attributes:
        points: chart data.
        saturation: the smallest budget whose index is within 0.05 of the largest; None where no
            index is defined.
        questions: profiling questions resampled for the intervals.
        missing_baseline: baseline answers without a valid value.
    """

    points: tuple[SteeringPoint, ...]
    saturation: float | None
    questions: int
    missing_baseline: int


def prompt_steerability(
    baseline: ArrayLike,
    steered: ArrayLike,
    budgets: Sequence[float],
    *,
    direction: Direction = "up",
    resamples: int = 1000,
    rng: np.random.Generator | None = None,
) -> PromptSteerability:
    """Prompt steerability index per budget, with intervals over questions.

    Args:
        baseline: answers in [0, 1] without steering: [questions], or [trials, questions]. 1 is
            the answer that the dimension's upper end gives, so reverse-keyed questions must have
            been turned. NaN for no valid answer.
        steered: the same under steering towards `direction`, [budgets, questions] or
            [budgets, trials, questions].
        budgets: one number per entry of `steered`, such as 0, 1, 2, 5, 10.
        direction: the end steered towards.
        resamples: bootstrap resamples of the questions; baseline and steered answers share them.
        rng: source of the resamples; a fixed stream when None.

    Raises:
        ValueError: shapes that do not match, answers outside [0, 1], budgets that repeat.
    """
    rng = generator(0, "prompt steerability") if rng is None else rng
    base = _answers(baseline, "baseline")
    base = base[None] if base.ndim == 1 else base
    moved = _answers(steered, "steered")
    moved = moved[:, None] if moved.ndim == 2 else moved
    if base.ndim != 2 or moved.ndim != 3 or base.shape[-1] != moved.shape[-1]:
        raise ValueError(
            f"baseline has shape {np.shape(baseline)} and steered {np.shape(steered)}: expected "
            "the same questions in the last axis"
        )
    if len(budgets) != len(moved) or len(set(budgets)) < len(budgets):
        raise ValueError(f"budgets {list(budgets)} for {len(moved)} steered profiles")
    questions = base.shape[-1]
    drawn = np.concatenate(list(item_multiplicities(questions, resamples, rng)))
    once = np.column_stack([np.ones(questions), drawn])
    start = _distance_to_ideal(base, once, direction)
    points = tuple(
        _point(direction, budget, start, profile, once)
        for budget, profile in zip(budgets, moved, strict=True)
    )
    return PromptSteerability(
        points=points,
        saturation=_saturation(points),
        questions=questions,
        missing_baseline=int(np.isnan(base).sum()),
    )


def _answers(values: ArrayLike, name: str) -> FloatArray:
    array = np.asarray(values, dtype=np.float64)
    known = array[~np.isnan(array)]
    if array.ndim == 0 or array.shape[-1] == 0 or ((known < 0) | (known > 1)).any():
        raise ValueError(f"{name}: answers must lie in [0, 1] (NaN for none), shape {array.shape}")
    return array


def _distance_to_ideal(profile: FloatArray, once: FloatArray, direction: Direction) -> FloatArray:
    """W1 between a profile [trials, questions] and the ideal one, per column of `once`.

    The ideal is one point, so all mass travels there: W1 is the mean distance to it. The distance
    between the two ideals is 1.
    """
    there = ~np.isnan(profile)
    away = np.where(there, 1.0 - profile if direction == "up" else profile, 0.0).sum(axis=0)
    total, number = away @ once, there.sum(axis=0) @ once
    return np.divide(total, number, out=np.full_like(total, np.nan), where=number > 0)


def _point(
    direction: Direction, budget: float, start: FloatArray, profile: FloatArray, once: FloatArray
) -> SteeringPoint:
    gained = start - _distance_to_ideal(profile, once, direction)
    questions = len(once)
    if np.isnan(gained[0]):
        index = undefined("no valid answer", resampled="questions", n=questions)
    else:
        interval = percentile_interval(gained[1:], resampled="questions")
        index = with_interval(float(gained[0]), interval, n=questions)
    return SteeringPoint(
        direction=direction,
        budget=budget,
        index=index,
        ceiling=None if np.isnan(start[0]) else float(start[0]),
        missing=int(np.isnan(profile).sum()),
    )


def _saturation(points: Sequence[SteeringPoint]) -> float | None:
    known = {point.budget: point.index.value for point in points if point.index.value is not None}
    if not known:
        return None
    largest = max(known.values())
    return min(budget for budget, value in known.items() if value >= largest - 0.05)
