"""Distances between answer distributions: published figures, scipy, invariances, bad input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy as scipy_entropy
from scipy.stats import wasserstein_distance as scipy_wasserstein

from juries.measures.distances import (
    entropy,
    js_distance,
    set_refusals_apart,
    wasserstein_distance,
    wasserstein_representativeness,
)


def pair_of_distributions(largest=6):
    """Two distributions over the same 2 to `largest` options, zeros among them."""
    counts = st.integers(2, largest).flatmap(
        lambda options: arrays(np.float64, (2, options), elements=st.integers(0, 20).map(float))
    )
    return counts.filter(lambda table: (table.sum(axis=1) > 0).all()).map(
        lambda table: table / table.sum(axis=1, keepdims=True)
    )


@pytest.mark.parametrize(
    ("p", "q", "base", "expected"),
    [
        ((1, 0), (0, 1), 2, 1.0),
        ((0.2, 0.8), (0.2, 0.8), 2, 0.0),
        ((0.5, 0.5), (1, 0), 2, 0.5579230452841438),
        ((1, 0, 0), (0, 1, 0), 2, 1.0),
        ((1, 0), (0.5, 0.5), np.e, 0.464501),
    ],
)
def test_js_distance_has_the_published_values(p, q, base, expected):
    assert js_distance(p, q, base) == pytest.approx(expected, abs=5e-7)


@given(pair_of_distributions(), st.sampled_from([2, np.e, 10]))
def test_js_distance_equals_scipy(table, base):
    p, q = table
    assert js_distance(p, q, base) == pytest.approx(float(jensenshannon(p, q, base)), abs=1e-7)


@given(pair_of_distributions(), st.randoms(use_true_random=False))
def test_js_distance_is_symmetric_and_ignores_the_order_of_options(table, random):
    p, q = table
    order = list(range(p.size))
    random.shuffle(order)
    assert js_distance(p, q) == pytest.approx(float(js_distance(q[order], p[order])), abs=1e-7)
    assert 0 <= js_distance(p, q) <= 1


@given(pair_of_distributions())
def test_splitting_an_option_in_both_changes_no_js_distance(table):
    split = np.concatenate([table[:, :1] / 2, table[:, :1] / 2, table[:, 1:]], axis=1)
    assert js_distance(*split) == pytest.approx(float(js_distance(*table)), abs=1e-7)


def test_js_distance_satisfies_the_triangle_inequality():
    p, q, r = np.random.default_rng(0).dirichlet([0.4] * 4, (3, 2000))
    assert (js_distance(p, r) <= js_distance(p, q) + js_distance(q, r) + 1e-9).all()


@pytest.mark.parametrize(
    ("positions", "p", "q", "expected"),
    [
        ([0, 1], [3 / 4, 1 / 4], [2 / 4, 2 / 4], 0.25),  # scipy's documented example
        ([0, 1, 3, 5, 6, 8], [1 / 3] * 3 + [0] * 3, [0] * 3 + [1 / 3] * 3, 5.0),
    ],
)
def test_wasserstein_has_the_published_values(positions, p, q, expected):
    assert wasserstein_distance(p, q, positions) == pytest.approx(expected)


@given(pair_of_distributions(), st.data())
def test_wasserstein_equals_scipy_at_any_positions(table, data):
    size = table.shape[1]
    places = data.draw(st.lists(st.integers(-5, 5).map(float), min_size=size, max_size=size))
    expected = scipy_wasserstein(places, places, *table)
    assert wasserstein_distance(*table, places) == pytest.approx(expected, abs=1e-9)


@given(pair_of_distributions())
def test_representativeness_is_one_less_the_share_of_the_largest_distance(table):
    p, q = table
    ends = np.eye(p.size)[[0, -1]]
    assert wasserstein_representativeness(*ends) == pytest.approx(0.0)
    assert wasserstein_representativeness(p, p) == pytest.approx(1.0)
    shifted = [10 + 3 * place for place in range(p.size)]
    plain = float(wasserstein_representativeness(p, q))
    assert wasserstein_representativeness(p, q, shifted) == pytest.approx(plain, abs=1e-9)


def test_a_middle_answer_listed_last_stands_in_the_middle():
    increase, decrease, same = np.eye(3)
    positions = [1.0, 2.0, 1.5]
    assert wasserstein_representativeness(increase, decrease, positions) == pytest.approx(0.0)
    assert wasserstein_representativeness(increase, same, positions) == pytest.approx(0.5)


def test_entropy_equals_scipy_and_has_its_ends():
    table = np.random.default_rng(1).dirichlet([0.3] * 5, 50)
    assert entropy(table) == pytest.approx(scipy_entropy(table, axis=1))
    assert entropy([0.25] * 4, 2) == pytest.approx(2.0)
    assert entropy([1.0, 0.0]) == 0.0


def test_a_million_shapes_broadcast_as_one_pair_does():
    rng = np.random.default_rng(2)
    table, one = rng.dirichlet([1] * 5, (7, 40_000)), rng.dirichlet([1] * 5)
    found = js_distance(table, one)
    assert found.shape == (7, 40_000)
    assert found[3, 33_333] == pytest.approx(float(js_distance(table[3, 33_333], one)))
    moved = wasserstein_distance(table, one)
    assert moved[6, 1] == pytest.approx(float(wasserstein_distance(table[6, 1], one)))


def test_refusals_are_set_apart():
    apart = set_refusals_apart([[0.3, 0.1, 0.6], [0.0, 0.0, 1.0]], [False, False, True])
    assert apart.opinions[0] == pytest.approx([0.75, 0.25])
    assert apart.refused == pytest.approx([0.6, 1.0])
    assert apart.defined.tolist() == [True, False]


@pytest.mark.parametrize(
    ("p", "q", "message"),
    [
        ([0.5, 0.4], [0.5, 0.5], r"sum further than 0.01 from 1; found 0.5, 0.4, sum 0.9"),
        ([0.5, 0.5], [[0.5, 0.5], [1.5, -0.5]], r"q \(row 1\): is not a probability"),
        ([0.5, np.nan], [0.5, 0.5], "is not a probability"),
        ([1.0], [1.0], "two options or more"),
        ([0.5, 0.5], [0.2, 0.3, 0.5], "p has 2 options and q has 3"),
    ],
)
def test_numbers_that_are_no_distributions_are_refused(p, q, message):
    with pytest.raises(ValueError, match=message):
        js_distance(p, q)


def test_rounding_within_the_tolerance_is_normalised_away():
    assert js_distance([0.333, 0.333, 0.333], [1 / 3] * 3) == pytest.approx(0.0, abs=1e-7)


def test_options_without_an_order_have_no_representativeness():
    with pytest.raises(ValueError, match="share one position"):
        wasserstein_representativeness([0.5, 0.5], [0.2, 0.8], [1.0, 1.0])


@pytest.mark.parametrize("base", [1, 0, -2, np.inf, np.nan])
def test_a_base_must_lie_above_one(base):
    with pytest.raises(ValueError, match="base"):
        js_distance([0.5, 0.5], [1, 0], base)
    with pytest.raises(ValueError, match="base"):
        entropy([0.5, 0.5], base)


@pytest.mark.parametrize(
    ("flags", "message"), [([True, False], "2 refusal flags"), ([True, True, False], "fewer than")]
)
def test_refusal_flags_must_fit(flags, message):
    with pytest.raises(ValueError, match=message):
        set_refusals_apart([0.2, 0.3, 0.5], flags)


@pytest.mark.parametrize("positions", [[1.0], [1.0, np.inf, 2.0]])
def test_positions_must_fit(positions):
    with pytest.raises(ValueError, match="position"):
        wasserstein_distance([0.2, 0.3, 0.5], [0.2, 0.3, 0.5], positions)
