from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from juries.measures.best_responses import best_responses
from juries.measures.inequality import atkinson, inequality_decomposition, welfare_curve
from juries.measures.juror_means import resampled_juror_means
from juries.measures.leximin_order import leximin, leximin_ranking
from juries.measures.majority import MajorityRule, tyranny_of_the_majority
from juries.measures.resampling import item_multiplicities, juror_multiplicities


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_atkinson_by_hand() -> None:
    # utilities 1 and 0.25: mean 0.625, geometric mean 0.5, harmonic mean 0.4
    assert atkinson([1, 0.25], 0) == pytest.approx(1 - 0.5 / 0.625)
    assert atkinson([1, 0.25], -1) == pytest.approx(1 - 0.4 / 0.625)
    assert atkinson([1, 0.25], 1) == 0
    assert atkinson([0.5, 0.5], -3) == pytest.approx(0)
    assert atkinson([0, 1], 0) == 1
    assert np.isnan(atkinson([0, 0], 0))
    with pytest.raises(ValueError, match="at most 1"):
        atkinson([1, 1], 2)
    with pytest.raises(ValueError, match="at most 1"):
        atkinson([1, 1], math.nan)


@given(seed=st.integers(0, 1000), scale=st.floats(0.1, 10), power=st.floats(-5, 1))
def test_atkinson_ignores_scale_and_rises_with_aversion(seed, scale, power) -> None:
    u = rng(seed).random(8) + 0.01
    assert atkinson(u * scale, power) == pytest.approx(float(atkinson(u, power)), abs=1e-9)
    assert atkinson(u, power - 0.5) >= atkinson(u, power) - 1e-12


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 1000), power=st.sampled_from([1.0, 0.5, 0.0, -1.0, -4.0, -math.inf]))
def test_the_decomposition_is_exact(seed, power) -> None:
    draw = rng(seed)
    u = draw.random((5, 9))
    u[draw.random(u.shape) < 0.2] = np.nan
    u[0] = draw.random(9)
    weights = draw.random(9) + 0.1
    groups = list(draw.choice(["a", "b", "c"], 9))
    result = inequality_decomposition(
        u, groups, power=power, weights=weights, resamples=3, rng=rng(1)
    )
    juror = np.nanmean(u, axis=0)
    assert result.atkinson == pytest.approx(float(atkinson(juror, power, weights)), abs=1e-12)
    assert (1 - result.within) * (1 - result.between) == pytest.approx(
        1 - result.atkinson, abs=1e-12
    )
    total = sum(group.weight * group.mean for group in result.groups)
    assert total == pytest.approx(float(juror @ weights / weights.sum()))
    assert sum(group.n_jurors for group in result.groups) == 9
    together = 1 - (1 - result.replicates[1]) * (1 - result.replicates[2])
    np.testing.assert_allclose(result.replicates[0], together, atol=1e-12)


def test_extreme_decompositions() -> None:
    u = np.tile([0.2, 0.2, 0.8, 0.8], (6, 1))
    between = inequality_decomposition(u, list("aabb"), resamples=50, rng=rng())
    assert between.within == pytest.approx(0, abs=1e-12)
    assert between.between_share == pytest.approx(1.0)
    assert "100% of that lies between groups" in between.reading
    within = inequality_decomposition(u, list("abab"), resamples=50, rng=rng())
    assert within.between == pytest.approx(0, abs=1e-12)
    assert within.between_share == pytest.approx(0.0, abs=1e-12)
    low, high = within.interval().low[0], within.interval().high[0]
    assert low <= within.atkinson <= high


def test_a_replicate_equals_the_index_of_the_resampled_jury() -> None:
    u = rng(3).random((7, 6))
    groups = list("aabbcc")
    result = inequality_decomposition(u, groups, power=-1.0, resamples=4, rng=rng(5))
    stream = rng(5)
    jurors = juror_multiplicities(6, 4, stream)
    items = np.concatenate(list(item_multiplicities(7, 4, stream)))
    for b in range(4):
        means = items[:, b] @ u / items[:, b].sum()
        expected = float(atkinson(means, -1.0, jurors[:, b]))
        assert result.replicates[0, b] == pytest.approx(expected, abs=1e-12)


def test_undefined_inequality_has_a_reason() -> None:
    for table in (np.zeros((3, 4)), np.full((3, 4), np.nan)):
        result = inequality_decomposition(table, list("aabb"), resamples=3, rng=rng())
        assert result.atkinson is None
        assert result.interval() is None
        assert "above 0" in result.reading
    one_zero = inequality_decomposition(
        np.array([[0.0, 1.0], [0.0, 1.0]]), ["a", "b"], resamples=3, rng=rng()
    )
    assert one_zero.atkinson == 1.0
    assert one_zero.between_share is None
    with pytest.raises(ValueError, match="one per juror"):
        inequality_decomposition(np.ones((2, 3)), ["a"], rng=rng())


def test_welfare_curve_finds_where_the_lead_changes() -> None:
    draw = rng(0)
    even = np.full((40, 30), 0.6)
    split = np.where(draw.random((40, 30)) < 0.25, 0.05, 1.0)
    curve = welfare_curve(
        np.stack([even, split]), (1.0, -1.0, 0.0, 1.0), models=("even", "split"), rng=rng(1)
    )
    assert curve.powers.tolist() == [-1.0, 0.0, 1.0]
    assert curve.leaders == ("even", "even", "split")
    assert curve.changes == ((0.0, 1.0),)
    assert (curve.lead_probability > 0.5).all()
    assert (np.diff(curve.estimate, axis=0) >= -1e-12).all()
    assert (curve.interval.low <= curve.interval.high).all()


def test_juror_means_equal_the_loop() -> None:
    u = rng(2).random((2, 5, 4))
    u[0, 1:, 3] = np.nan
    drawn = resampled_juror_means(u, weights=[1, 2, 3, 4], resamples=6, rng=rng(8))
    stream = rng(8)
    jurors = juror_multiplicities(4, 6, stream)
    items = np.concatenate(list(item_multiplicities(5, 6, stream)))
    np.testing.assert_allclose(drawn.means[:, :, 0], np.nanmean(u, axis=1))
    np.testing.assert_allclose(drawn.masses[:, 0], np.array([1, 2, 3, 4]) / 10)
    for b in range(6):
        again = np.repeat(u, items[:, b].astype(int), axis=1)
        expected = [
            [np.mean(row[~np.isnan(row)]) if (~np.isnan(row)).any() else np.nan for row in model.T]
            for model in again
        ]
        np.testing.assert_allclose(drawn.means[:, :, b + 1], expected)
        np.testing.assert_allclose(
            drawn.masses[:, b + 1], jurors[:, b] * np.array([1, 2, 3, 4]) / 10
        )
    for bad in (u[0], -u, u[:, :0]):
        with pytest.raises(ValueError, match="utilities"):
            resampled_juror_means(bad, rng=rng())


def test_leximin_ranking_follows_the_worst_off() -> None:
    draw = rng(0)
    base = 0.5 + 0.05 * draw.standard_normal((80, 12))
    generous = base + 0.3
    generous[:, :4] -= 0.5  # a third of the jury does badly
    result = leximin_ranking(
        np.stack([generous, base]), models=("generous", "plain"), resamples=100, rng=rng(1)
    )
    assert result.order == ("plain", "generous")
    pair = result.pairs[0]
    assert pair.comparison.order == -1
    assert pair.probability < 0.05
    assert "plain leaves its worst-off jurors better" in pair.reading
    expected = leximin(generous.mean(axis=0), base.mean(axis=0))
    assert pair.comparison == expected
    same = leximin_ranking(np.stack([base, base]), resamples=20, rng=rng(1)).pairs[0]
    assert (same.comparison.order, same.probability) == (0, 0.5)
    assert "alike" in same.reading


@pytest.mark.parametrize("seed", range(6))
def test_leximin_probabilities_are_those_of_comparing_one_replicate_at_a_time(seed: int) -> None:
    draw = rng(seed)
    u = draw.integers(0, 3, (3, 4, 9)) / 2  # many ties
    u[draw.random(u.shape) < 0.3] = np.nan
    weights = draw.integers(1, 4, 9) / 4
    result = leximin_ranking(u, weights=weights, resamples=60, rng=rng(seed))
    drawn = resampled_juror_means(u, weights=weights, resamples=60, rng=rng(seed))
    for pair, (a, b) in zip(result.pairs, [(0, 1), (0, 2), (1, 2)], strict=True):
        orders: list[int] = []
        for column in range(1, 61):
            left, right = drawn.means[a, :, column], drawn.means[b, :, column]
            kept = (drawn.masses[:, column] > 0) & ~np.isnan(left) & ~np.isnan(right)
            if kept.any():
                mass = drawn.masses[kept, column]
                orders.append(leximin(left[kept], right[kept], mass).order)
        assert pair.undefined == 60 - len(orders)
        assert pair.probability == pytest.approx(0.5 + sum(orders) / (2 * len(orders)))


def test_leximin_ranking_needs_common_jurors() -> None:
    u = np.full((2, 3, 4), 0.5)
    u[0, :, :2] = np.nan
    u[1, :, 2:] = np.nan
    with pytest.raises(ValueError, match="no juror rated both"):
        leximin_ranking(u, resamples=2, rng=rng())


def test_tyranny_finds_planted_items_and_not_noise() -> None:
    draw = rng(0)
    groups = ["many"] * 24 + ["few"] * 6
    fair = np.clip(0.85 + 0.1 * draw.standard_normal((40, 30)), 0, 1)
    unfair = fair.copy()
    unfair[:10, 24:] = 0.1  # a quarter of the items fail the few
    result = tyranny_of_the_majority(
        np.stack([fair, unfair]), groups, models=("fair", "unfair"), rng=rng(1)
    )
    assert result.groups == ("few", "many")
    np.testing.assert_allclose(result.shares, [0.0, 0.25])
    np.testing.assert_allclose(result.by_group[1], [0.25, 0.0])
    assert result.p[1] < 0.01
    assert result.p[0] == 1.0
    assert result.interval.low[1] < 0.25 < result.interval.high[1]
    assert len(result.cases) == 10
    case = result.cases[0]
    assert (case.model, case.group, case.n_jurors) == ("unfair", "few", 6)
    assert case.group_mean == pytest.approx(0.1)
    assert case.mean == pytest.approx(float(unfair[case.item].mean()))
    assert "25% of items" in result.reading


def test_noise_alone_is_what_chance_shows() -> None:
    noise = rng(0).random((1, 300, 24))
    result = tyranny_of_the_majority(
        noise,
        ["a"] * 18 + ["b"] * 6,
        rule=MajorityRule(high=0.5, low=0.4),
        permutations=100,
        rng=rng(1),
    )
    assert result.shares[0] > 0.02
    assert result.chance[0] == pytest.approx(result.shares[0], abs=0.05)
    assert result.p[0] > 0.05


def test_small_groups_are_not_looked_at_and_nothing_is_made_up() -> None:
    u = np.full((1, 5, 4), 0.9)
    result = tyranny_of_the_majority(u, list("aabb"), permutations=3, rng=rng())
    assert result.n_items.tolist() == [0]
    assert np.isnan(result.shares[0])
    assert np.isnan(result.p[0])
    assert "no group has 3 raters" in result.reading
    weighted = tyranny_of_the_majority(
        u,
        list("aabb"),
        weights=[1, 1, 1, 0],
        rule=MajorityRule(fewest=2),
        permutations=3,
        rng=rng(),
    )
    assert np.isnan(weighted.by_group[0, 1])
    for bad in ({"high": 0.3}, {"fewest": 0}):
        with pytest.raises(ValueError, match="fewest"):
            MajorityRule(**bad)


def test_best_responses_of_planted_groups() -> None:
    draw = rng(0)
    u = 0.5 + 0.02 * draw.standard_normal((2, 60, 20))
    u[0, :, :14] += 0.2  # the majority prefers model 1, the others model 2
    u[1, :, 14:] += 0.2
    groups = ["most"] * 14 + ["rest"] * 6
    result = best_responses(u, groups, models=("first", "second"), rng=rng(1))
    assert result.favourite == ("first", "second")
    assert (result.jury_best == 0).all()
    np.testing.assert_allclose(result.differs, [0.0, 1.0])
    assert result.regret[0] == 0.0
    assert result.regret[1] == pytest.approx(0.2, abs=0.02)
    assert result.p[1] < 0.01
    assert result.regret_interval.low[1] > 0.15
    assert "rest would choose otherwise on 100% of items" in result.reading


def test_best_responses_without_differences_show_only_chance() -> None:
    u = rng(4).random((3, 200, 24))
    result = best_responses(u, ["a"] * 12 + ["b"] * 12, permutations=100, rng=rng(1))
    np.testing.assert_allclose(result.regret, result.chance_regret, atol=0.02)
    assert (result.p > 0.02).all()


def test_best_responses_say_where_nothing_can_be_compared() -> None:
    u = np.full((2, 3, 4), 0.5)
    u[1, :, 2:] = np.nan
    result = best_responses(u, list("aabb"), permutations=3, rng=rng())
    assert result.n_items.tolist() == [3, 0]
    assert (result.best[1] == -1).all()
    assert np.isnan(result.regret[1])
    assert np.isnan(result.p[1])
    assert result.favourite == ("model 1", "model 1")
    assert "b: no item to compare" in result.reading
    with pytest.raises(ValueError, match="no choice"):
        best_responses(u[:1], list("aabb"), rng=rng())
    with pytest.raises(ValueError, match="one label per juror"):
        best_responses(u, ["a"], rng=rng())
    with pytest.raises(ValueError, match="different names"):
        best_responses(u, list("aabb"), models=("x", "x"), rng=rng())
