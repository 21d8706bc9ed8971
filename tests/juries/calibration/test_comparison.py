"""Jury against people: planted likeness, bias and spread are found, within their intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from juries.calibration import Answers, JuryAnswers, compare_halves
from juries.calibration.comparison import Resampling, group_agreement, item_agreement
from juries.calibration.resampling import cluster_figures, correlation_of_sums, moments


def how(seed: int = 0, resamples: int = 300, splits: int = 60) -> Resampling:
    return Resampling(
        resamples=resamples, splits=splits, level=0.95, rng=np.random.default_rng(seed)
    )


def sides(world, **settings):
    people, jury = world(**settings)
    answers = jury.answers(0)
    ours = JuryAnswers(answers=answers, weights=jury.weights, means=jury.unit_means(0))
    cluster = np.arange(len(answers.units)) // len(jury.models)
    return people.answers(0), ours, cluster


def test_a_jury_that_answers_as_people_do_lies_at_the_ceiling(world):
    people, ours, cluster = sides(world, items=200, jurors=40)
    found = group_agreement(people, ours, cluster, ordinal=True, how=how())

    assert found.halves is not None
    assert abs(found.halves.excess.value) < 0.02
    assert found.halves.random.value > 1.5 * found.halves.ceiling.value
    assert found.halves.jury_correlation.value == pytest.approx(
        found.halves.ceiling_correlation.value, abs=0.05
    )
    assert 1.0 in found.variance_ratio.interval
    assert 0.0 in found.difference.interval
    assert found.people == 30
    assert found.jurors == 40


@pytest.mark.parametrize(("bias", "sign"), [(0.8, 1), (-0.8, -1)])
def test_a_planted_bias_is_found_and_shows_as_distance(world, bias, sign):
    people, ours, cluster = sides(world, bias=bias, items=200)
    found = group_agreement(people, ours, cluster, ordinal=True, how=how())
    items = item_agreement(people, ours, cluster, ordinal=True, how=how())

    assert found.halves is not None
    assert found.halves.excess.value > 0.03
    assert found.halves.pooled_jury.value > 2 * found.halves.pooled_ceiling.value
    # points are clipped at the ends of the scale, so a little of the bias is lost
    assert 0.6 < sign * items.difference.value < 0.85
    assert items.absolute_difference.value > 0.6


def test_jurors_who_are_too_alike_have_a_variance_ratio_below_one(world):
    people, ours, cluster = sides(world, likeness=0.4, items=200)
    ratio = group_agreement(people, ours, cluster, ordinal=True, how=how()).variance_ratio

    assert ratio.interval.high < 0.5


def test_correlations_are_scipys_and_their_interval_covers(world):
    people, ours, cluster = sides(world, noise=0.7, items=150)
    found = item_agreement(people, ours, cluster, ordinal=True, how=how())

    x, y = ours.means, people.means()
    assert found.pearson.value == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert found.spearman.value == pytest.approx(spearmanr(x, y).statistic)
    assert found.pearson.interval.low < found.pearson.value < found.pearson.interval.high
    assert found.units == 300


def test_the_interval_of_a_correlation_covers_its_population_value():
    rng = np.random.default_rng(3)
    covered = 0
    for seed in range(200):
        x = rng.standard_normal((60, 1)) + 0.5 * rng.standard_normal((60, 2))
        y = 0.6 * x + 0.8 * rng.standard_normal((60, 2)) * np.sqrt(1.25)
        figure = cluster_figures(
            moments(x.ravel(), y.ravel()),
            np.repeat(np.arange(60), 2),
            {"r": correlation_of_sums},
            resamples=200,
            level=0.95,
            rng=np.random.default_rng(seed),
        )["r"]
        covered += 0.6 in figure.interval
    assert 0.9 <= covered / 200 <= 0.985


def test_responses_to_one_item_are_resampled_together():
    """Copies of a unit within its item add no information, and must not narrow the interval."""
    rng = np.random.default_rng(4)
    values = rng.standard_normal(80)
    statistic = {"mean": lambda sums: sums[..., 1] / sums[..., 0]}

    def width(copies: int) -> float:
        column = np.repeat(values, copies)
        figure = cluster_figures(
            np.stack([np.ones_like(column), column], axis=1),
            np.repeat(np.arange(80), copies),
            statistic,
            resamples=2000,
            level=0.95,
            rng=np.random.default_rng(1),
        )["mean"]
        return figure.interval.width

    assert width(5) == pytest.approx(width(1), rel=1e-9)
    theory = 2 * 1.96 * values.std(ddof=1) / np.sqrt(80)
    assert width(1) == pytest.approx(theory, rel=0.08)


def test_a_choice_is_compared_by_its_most_frequent_option():
    people = Answers.from_rows(
        [("u", "a", 1), ("u", "b", 1), ("v", "a", 2), ("w", "a", 3), ("w", "b", 3)], points=3
    )
    jury = Answers.from_rows([("u", "j", 1), ("v", "j", 3), ("w", "j", 3), ("w", "k", 1)], points=3)
    ours = JuryAnswers(
        answers=jury, weights=np.array([0.6, 0.4]), means=np.full(3, np.nan), no_persona=jury
    )
    found = item_agreement(people, ours, np.arange(3), ordinal=False, how=how())

    assert found.same_choice.value == pytest.approx(2 / 3)
    assert found.pearson is None
    assert found.baselines["random"].value == pytest.approx(1 / 3)
    assert found.baselines["no persona"].value == pytest.approx(1 / 3)  # w: tie goes to the lower


def test_fewer_than_two_people_have_no_ceiling():
    people = Answers.from_rows([("u", "a", 1), ("v", "a", 2)], points=3)
    shares = np.full((2, 3), 1 / 3)
    assert compare_halves(people, shares, ordinal=True, rng=np.random.default_rng(0)) is None


def test_units_that_one_side_alone_answered_count_on_neither():
    people = Answers.from_rows([("u", "a", 1), ("u", "b", 2), ("v", "a", 3)], points=3)
    jury = Answers.from_rows([("u", "j", 3)], points=3).on_units(people.units)
    ours = JuryAnswers(answers=jury, weights=np.ones(1), means=jury.means())
    found = item_agreement(people, ours, np.arange(2), ordinal=True, how=how())

    assert found.units == 1
    assert found.pearson.value is None
    assert "only 1 units" in found.pearson.reason


@given(st.integers(0, 2**16))
def test_swapping_people_and_jury_turns_the_difference_round(seed):
    rng = np.random.default_rng(seed)
    tables = [
        Answers.from_matrix(
            rng.integers(1, 6, size=(4, 12)), points=5, units=list("abcdefghijkl"), raters="wxyz"
        )
        for _ in range(2)
    ]
    found = []
    for first, second in (tables, tables[::-1]):
        ours = JuryAnswers(answers=second, weights=np.ones(4), means=second.means())
        found.append(item_agreement(first, ours, np.arange(12), ordinal=True, how=how()))

    assert found[0].difference.value == pytest.approx(-found[1].difference.value)
    assert found[0].absolute_difference.value == pytest.approx(found[1].absolute_difference.value)
    assert found[0].same_choice.value == found[1].same_choice.value
