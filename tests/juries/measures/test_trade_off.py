"""Trade-off steerable score: worked example, invariances, recovery, edges."""

from itertools import pairwise
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from juries.measures.commensuration import Family, best_by_weight, family, simplex_grid
from juries.measures.steered_trade_offs import trade_off

THREE = family("weighted sum", 2, steps=2)  # weights (0, 1), (1/2, 1/2), (1, 0)
# What the model reached when steered towards each of the three, on four items.
STEERED = np.array([[0.2, 0.9], [0.5, 0.6], [0.8, 0.3]])[:, None, :] + np.zeros((3, 4, 2))
KNOWN = np.array([[0.65, 0.65]])[:, None, :] + np.zeros((1, 4, 2))


def test_the_worked_example_of_the_docs():
    found = trade_off(STEERED, THREE, known=KNOWN, unsteered=np.full((4, 2), 0.5))
    assert [row.weights for row in found.rows] == [(0.0, 1.0), (0.5, 0.5), (1.0, 0.0)]
    assert [row.score.value for row in found.rows] == pytest.approx([0.9, 0.55, 0.8])
    assert [row.regret.value for row in found.rows] == pytest.approx([0.0, 0.1, 0.0])
    assert [row.best for row in found.rows] == [2, 1, 4]  # 0 unsteered, 1 known, 2-4 steered
    assert found.score.value == pytest.approx(0.75)
    assert found.gain.value == pytest.approx(0.25)
    assert found.regret.value == pytest.approx(0.1 / 3)
    assert found.front_reached.value == pytest.approx(2 / 3)  # (0.65, 0.65) beats (0.5, 0.6)
    own = 0.2 * 0.9 + 0.3 * 0.6 + 0.3 * 0.3
    whole = 0.2 * 0.9 + 0.45 * 0.65 + 0.15 * 0.3
    assert found.volume_reached.value == pytest.approx(own / whole)
    assert found.known == 5


def test_a_model_alone_has_no_gain_and_reaches_its_own_front():
    found = trade_off(STEERED, THREE)
    assert found.gain.value is None
    assert found.gain.reason == "no unsteered model"
    assert found.front_reached.value == 1.0
    assert found.volume_reached.value == 1.0
    assert found.regret.value == pytest.approx(0.0)


@pytest.mark.parametrize(("objectives", "steps"), [(1, 3), (2, 10), (3, 4), (4, 5)])
def test_the_grid_holds_every_weight_once(objectives, steps):
    grid = simplex_grid(objectives, steps)
    assert len(grid) == comb(steps + objectives - 1, objectives - 1)
    assert len(np.unique(grid, axis=0)) == len(grid)
    assert grid.sum(axis=1) == pytest.approx(np.ones(len(grid)))
    assert (grid >= 0).all()


def test_chebyshev_counts_the_objective_that_falls_shortest():
    functions = Family(
        kind="weighted Chebyshev", weights=np.array([[0.5, 0.5], [0.9, 0.1]]), ideal=np.ones(2)
    )
    values = functions.values(np.array([[0.8, 0.2], [1.0, 1.0]]))
    assert values == pytest.approx(np.array([[0.6, 0.82], [1.0, 1.0]]))


@settings(max_examples=50, deadline=None)
@given(
    arrays(np.float64, (4, 3), elements=st.floats(0, 1)),
    st.sampled_from(["weighted sum", "weighted Chebyshev"]),
)
def test_more_of_an_objective_is_never_worth_less(points, kind):
    functions = family(kind, 3, steps=4)
    more = np.minimum(points + np.array([0.1, 0.0, 0.0]), 1.0)
    assert (functions.values(more) >= functions.values(points) - 1e-12).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.permutations(range(3)))
def test_the_order_of_functions_does_not_matter(seed, order):
    rng = np.random.default_rng(seed)
    steered, known = rng.random((3, 6, 2)), rng.random((2, 6, 2))
    plain = trade_off(steered, THREE, known=known, resamples=5)
    moved = Family(kind=THREE.kind, weights=THREE.weights[order], ideal=THREE.ideal)
    other = trade_off(steered[order], moved, known=known, resamples=5)
    for name in ("score", "regret", "front_reached", "volume_reached"):
        assert getattr(other, name).value == pytest.approx(getattr(plain, name).value)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_scores_equal_a_plain_loop(seed):
    rng = np.random.default_rng(seed)
    steered, known = rng.random((3, 5, 2)), rng.random((2, 5, 2))
    found = trade_off(steered, THREE, known=known, resamples=5)
    pool = [response.mean(axis=0) for response in (*known, *steered)]
    scores, regrets = [], []
    for place, weights in enumerate(THREE.weights):
        own = float(weights @ steered[place].mean(axis=0))
        scores.append(own)
        regrets.append(max(float(weights @ point) for point in pool) - own)
    assert found.score.value == pytest.approx(np.mean(scores))
    assert found.regret.value == pytest.approx(np.mean(regrets))
    assert found.regret.value >= -1e-12


def test_a_perfectly_steerable_model_is_told_from_one_that_cannot_be_steered():
    rng = np.random.default_rng(0)
    functions = family("weighted sum", 2, steps=10)
    angle = np.arctan2(functions.weights[:, 1], functions.weights[:, 0])
    arc = np.column_stack([np.cos(angle), np.sin(angle)])  # the best point of a round front
    noise = rng.normal(0, 0.05, (len(arc), 80, 2))
    steerable = trade_off(arc[:, None] + noise, functions, unsteered=arc[5] + noise[5])
    stiff = trade_off(
        np.repeat(arc[5][None], len(arc), axis=0)[:, None] + noise,
        functions,
        known=arc[:, None] + noise,
        unsteered=arc[5] + noise[5],
    )
    assert steerable.gain.low > 0.05
    assert steerable.regret.value < 0.005
    assert stiff.gain.low <= 0.005
    assert stiff.regret.low > 0.05
    assert stiff.volume_reached.value < steerable.volume_reached.value


def test_best_by_weight_change_at_the_corners_of_the_envelope():
    points = [[1.0, 0.0], [0.0, 1.0], [0.6, 0.6], [0.5, 0.5]]
    found = best_by_weight(points, family("weighted sum", 2))
    assert [row.response for row in found] == [1, 2, 0]
    assert [row.low for row in found] == pytest.approx([0.0, 0.4, 0.6])
    assert [row.high for row in found] == pytest.approx([0.4, 0.6, 1.0])
    assert sum(row.share for row in found) == pytest.approx(1.0)


@settings(max_examples=100, deadline=None)
@given(arrays(np.float64, (5, 2), elements=st.integers(0, 8).map(float)))
def test_the_envelope_is_best_everywhere(points):
    found = best_by_weight(points, family("weighted sum", 2))
    assert found[0].low == 0.0
    assert found[-1].high == 1.0
    for before, after in pairwise(found):
        assert before.high == after.low
    for row in found:
        middle = (row.low + row.high) / 2
        values = points @ [middle, 1 - middle]
        assert values[row.response] == pytest.approx(values.max())


def test_with_three_objectives_shares_are_counted_on_the_grid():
    found = best_by_weight(np.eye(3), family("weighted sum", 3, steps=3))
    assert {row.response for row in found} == {0, 1, 2}
    assert [row.share for row in found] == pytest.approx([1 / 3] * 3)
    assert found[0].low is None


def test_nothing_above_the_corner_leaves_the_volume_undefined():
    found = trade_off(-STEERED, THREE)
    assert found.volume_reached.value is None
    assert "reference" in found.volume_reached.reason


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: trade_off(STEERED[:2], THREE), "expected \\[3, items, 2\\]"),
        (lambda: trade_off(STEERED, THREE, known=KNOWN[:, :2]), "items and objectives"),
        (lambda: trade_off(STEERED * np.nan, THREE), "no valid value"),
        (lambda: family("weighted sum", 0), "at least 1"),
        (lambda: family("weighted sum", 2, ideal=[1.0]), "ideal has shape"),
        (lambda: best_by_weight([[1.0]], THREE), "points have shape"),
        (
            lambda: Family(kind="weighted sum", weights=np.array([[0.5, 0.6]]), ideal=np.ones(2)),
            "sum to 1",
        ),
        (
            lambda: Family(kind="weighted sum", weights=np.array([1.0]), ideal=np.ones(1)),
            "expected \\[functions",
        ),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
