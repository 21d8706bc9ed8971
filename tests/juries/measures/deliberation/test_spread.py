"""Entropy, variance and polarisation agree with their definitions and known values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import kurtosis, skew

from juries.measures.deliberation.spread import (
    bimodality_coefficient,
    esteban_ray,
    spread,
    spread_changes,
)
from personas.identity import generator

SHARES = st.lists(st.floats(0.01, 1), min_size=2, max_size=7).map(
    lambda shares: np.array([shares]) / sum(shares)
)


def test_known_values_of_the_bimodality_coefficient() -> None:
    """A uniform distribution has 5/9, two equal points 1, a normal 1/3 (SAS/STAT, CLUSTER)."""
    random = generator(0, "bc")
    assert bimodality_coefficient(np.linspace(0, 1, 100_001)[None])[0] == pytest.approx(
        5 / 9, abs=1e-4
    )
    assert bimodality_coefficient(np.tile([1.0, 5.0], 20_000)[None])[0] == pytest.approx(
        1, abs=1e-3
    )
    assert bimodality_coefficient(random.normal(size=(1, 400_000)))[0] == pytest.approx(
        1 / 3, abs=0.01
    )


@given(arrays(np.float64, (3, 9), elements=st.integers(1, 5).map(float)))
def test_bimodality_uses_scipys_unbiased_skewness_and_kurtosis(positions) -> None:
    n = positions.shape[1]
    for row, found in zip(positions, bimodality_coefficient(positions), strict=True):
        if np.ptp(row) == 0:
            assert np.isnan(found)
            continue
        excess = kurtosis(row, bias=False)
        bound = 3 * (n - 1) ** 2 / ((n - 2) * (n - 3))
        assert found == pytest.approx((skew(row, bias=False) ** 2 + 1) / (excess + bound))


def test_bimodality_leaves_the_missing_out_and_needs_four_votes() -> None:
    whole = np.array([[1.0, 2.0, 4.0, 5.0, 5.0]])
    with_gaps = np.array([[1.0, np.nan, 2.0, 4.0, np.nan, 5.0, 5.0]])
    np.testing.assert_allclose(bimodality_coefficient(with_gaps), bimodality_coefficient(whole))
    assert np.isnan(bimodality_coefficient(np.array([[1.0, 2.0, 5.0]])))[0]


def test_esteban_ray_of_small_juries_by_hand() -> None:
    shares = np.array([[0.5, 0.0, 0.5], [0.0, 1.0, 0.0], [1 / 3, 1 / 3, 1 / 3]])
    two_camps, consensus, uniform = esteban_ray(shares, alpha=1.0)
    assert two_camps == pytest.approx(1.0)
    assert consensus == 0.0
    # 4 * sum of s_i^2 s_j |i - j|: four pairs half the scale apart, two the whole of it
    assert uniform == pytest.approx(4 * (1 / 27) * (4 * 0.5 + 2 * 1.0))


@given(SHARES, st.floats(0.1, 1.6))
def test_nothing_is_more_polarised_than_two_equal_camps_at_the_ends(shares, alpha) -> None:
    found = esteban_ray(shares, alpha=alpha)[0]
    assert 0 <= found <= 1 + 1e-12
    assert esteban_ray(shares[:, ::-1], alpha=alpha)[0] == pytest.approx(found)


def test_merging_two_neighbouring_camps_polarises_though_it_makes_less_unequal() -> None:
    """Esteban and Ray's first axiom: what an inequality measure would call an improvement."""
    apart = np.array([[0.4, 0.0, 0.0, 0.3, 0.0, 0.3]])
    merged = np.array([[0.4, 0.0, 0.0, 0.0, 0.6, 0.0]])
    assert esteban_ray(merged)[0] > esteban_ray(apart)[0]


def test_spread_of_ballots() -> None:
    points = np.array([[1, 1, 5, 5, -1], [3, 3, 3, 3, 3], [-1, -1, -1, -1, -1]])
    found = spread(points, scale=5)
    np.testing.assert_allclose(found.entropy, [1.0, 0.0, np.nan])
    np.testing.assert_allclose(found.variance, [4.0, 0.0, np.nan])
    np.testing.assert_allclose(found.polarisation, [1.0, 0.0, np.nan])
    assert np.isnan(found.bimodality[1:]).all()
    assert (np.signbit(found.entropy[:2])).sum() == 0  # no minus zero in a table
    weighted = spread(points, scale=5, weights=np.array([3.0, 0.0, 0.0, 1.0, 9.0]))
    assert weighted.variance[0] == pytest.approx(3.0)


@given(arrays(np.int8, (4, 6), elements=st.integers(1, 4)), st.permutations(range(6)))
def test_spread_does_not_depend_on_who_sits_where(points, order) -> None:
    first, again = spread(points, scale=4), spread(points[:, order], scale=4)
    for name in ("entropy", "variance", "bimodality", "polarisation"):
        np.testing.assert_allclose(getattr(first, name), getattr(again, name), atol=1e-12)


def test_a_jury_that_draws_together_loses_spread_and_the_lost_votes_do_not_count() -> None:
    random = generator(1, "spread")
    before = random.integers(1, 6, (300, 12))
    after = np.clip(before, 2, 4)
    after[:, 0] = -1
    changes = {
        change.name: change
        for change in spread_changes(
            before, after, scale=5, items=np.arange(300), resamples=200, rng=random
        )
    }
    for name in ("entropy", "variance"):
        assert changes[name].change.high is not None
        assert changes[name].change.high < 0
    # Camps that merge are more polarised, though they are closer: see Esteban and Ray's axiom.
    assert changes["polarisation"].change.low is not None
    assert changes["polarisation"].change.low > 0
    same = spread_changes(after, after, scale=5, items=np.arange(300), resamples=100, rng=random)
    assert [change.change.value for change in same] == [0, 0, 0, 0]
    expected = spread(np.where(after > 0, before, -1), scale=5).variance.mean()
    assert changes["variance"].before.value == pytest.approx(expected)


def test_alpha_outside_esteban_and_rays_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"0, 1\.6"):
        esteban_ray(np.array([[0.5, 0.5]]), alpha=2.0)
