"""Power by simulation, for designs where a formula is only a guess.

Answers are drawn with planted components (item, rater, residual) and a planted effect, the study
is analysed as it would be, and the share of significant results is the power. The test that
clusters by items alone takes the raters as fixed: with few raters it finds effects that belong to
them and not to people; `rejections at no effect` show by how much.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import stdtr

from graphs.items import FloatArray
from juries.calibration.answers import IntArray
from juries.calibration.interval import Interval, wilson_interval
from juries.calibration.study_size import Components, Design
from personas.identity import generator

Clusters = Literal["items", "items and raters"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """Result of a power simulation.

    Attributes:
        power: share of simulated studies with a significant result.
        interval: of that share, over the simulations (Wilson).
        mean_error: mean standard error that the studies report.
        actual_error: standard deviation of their estimates.
        coverage: share of the studies' intervals that hold the planted effect.
        simulations: studies simulated.
        effect: planted.
        design: of every study.
        clusters: what the test clusters by.
    """

    power: float
    interval: Interval
    mean_error: float
    actual_error: float
    coverage: float
    simulations: int
    effect: float
    design: Design
    clusters: Clusters


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanTest:
    """A mean of answers tested against zero.

    Attributes:
        estimate: mean over items of their mean answers.
        standard_error: clustered.
        p_value: two-sided, Student's t.
        degrees: of freedom: fewest clusters less one.
    """

    estimate: float
    standard_error: float
    p_value: float
    degrees: int


def simulate_power(
    design: Design,
    components: Components,
    effect: float,
    *,
    clusters: Clusters = "items and raters",
    simulations: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Power:
    """Simulate studies with a planted effect and test each.

    Args:
        design: items, raters, and raters per item.
        components: variances of an answer's departures.
        effect: true mean, such as the difference of two models; 0 gives the test's true size.
        clusters: what the test treats as drawn from a population.
        simulations: studies to simulate.
        level: 1 minus the size of the two-sided test.
        seed: of all draws.
    """
    rng = generator(seed, "power")
    raters = _assign(design)
    tests = [
        clustered_mean(_draw(design, components, effect, raters, rng), raters, clusters=clusters)
        for _ in range(simulations)
    ]
    p_values = np.array([test.p_value for test in tests])
    estimates = np.array([test.estimate for test in tests])
    errors = np.array([test.standard_error for test in tests])
    away = np.where(errors > 0, np.abs(estimates - effect) / np.maximum(errors, 1e-300), np.inf)
    size = 1 - level
    found = int((p_values <= size).sum())
    degrees = tests[0].degrees
    return Power(
        power=found / simulations,
        interval=wilson_interval(found, simulations, level=0.95, basis="simulated studies, Wilson"),
        mean_error=float(errors.mean()),
        actual_error=float(estimates.std(ddof=1)),
        coverage=float((2 * stdtr(degrees, -away) > size).mean()),
        simulations=simulations,
        effect=effect,
        design=design,
        clusters=clusters,
    )


def clustered_mean(
    answers: FloatArray, raters: IntArray, *, clusters: Clusters = "items and raters"
) -> MeanTest:
    """Test the mean of a balanced table of answers against zero.

    Two-way clustering adds the variance of the item sums and of the rater sums and takes off that
    of the answers, which both count (Cameron, Gelbach and Miller 2011).

    Args:
        answers: [I, r], the r answers to each of I items.
        raters: whole numbers [I, r]: who gave each.
        clusters: what is taken as drawn from a population.
    """
    items = len(answers)
    estimate = float(answers.mean())
    residual: FloatArray = answers - estimate
    variance = _cluster_variance(residual.sum(axis=1), items)
    degrees = items - 1
    if clusters == "items and raters":
        who = np.unique(raters, return_inverse=True)[1].ravel()
        by_rater: FloatArray = np.bincount(who, weights=residual.ravel()).astype(np.float64)
        both = variance + _cluster_variance(by_rater, len(by_rater))
        both -= _cluster_variance(residual.ravel(), residual.size)
        variance = max(both, variance)
        degrees = min(degrees, len(by_rater) - 1)
    error = float(np.sqrt(variance)) / answers.size
    p_value = (
        2 * float(stdtr(degrees, -abs(estimate) / error)) if error > 0 else float(estimate == 0)
    )
    return MeanTest(estimate=estimate, standard_error=error, p_value=p_value, degrees=degrees)


def _cluster_variance(sums: FloatArray, clusters: int) -> float:
    return float((sums**2).sum() * clusters / (clusters - 1))


def _assign(design: Design) -> IntArray:
    """Who answers which item, [I, r]: everyone, or in turns so that loads are even."""
    slots = np.arange(design.answers).reshape(design.items, design.raters_per_item)
    return slots if design.raters is None else slots % design.raters


def _draw(
    design: Design,
    components: Components,
    effect: float,
    raters: IntArray,
    rng: np.random.Generator,
) -> FloatArray:
    """One study's answers, [I, r]."""
    item = rng.normal(0, np.sqrt(components.item), size=(design.items, 1))
    rater = rng.normal(0, np.sqrt(components.rater), size=design.people)
    residual = rng.normal(0, np.sqrt(components.residual), size=raters.shape)
    return effect + item + rater[raters] + residual
