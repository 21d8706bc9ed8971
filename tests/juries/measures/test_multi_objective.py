"""Pareto fronts, hypervolume and models on several objectives."""

import importlib.util

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from juries.measures.multi_objective import compare_groups, compare_objectives
from juries.measures.pareto import hypervolume, pareto_front

GRID = st.integers(0, 6).map(float)


def clouds(most_points=7, objectives=(1, 4)):
    shapes = st.tuples(st.integers(1, most_points), st.integers(*objectives))
    return shapes.flatmap(lambda shape: arrays(np.float64, shape, elements=GRID))


def test_the_published_hypervolume():
    assert hypervolume([(5, 5), (4, 6), (2, 7), (7, 4)], (10, 10)) == 38.0


@given(clouds())
def test_the_hypervolume_counts_the_dominated_cells(points):
    """On whole numbers the volume is the number of unit cells between a point and the corner."""
    size = points.shape[1]
    cells = np.stack(np.meshgrid(*[np.arange(6)] * size, indexing="ij"), axis=-1).reshape(-1, size)
    counted = (points[:, None, :] <= cells[None]).all(axis=-1).any(axis=0).sum()
    assert hypervolume(points, [6.0] * size, backend="own") == pytest.approx(counted)


@given(clouds(objectives=(2, 4)), st.randoms(use_true_random=False))
def test_order_duplicates_and_dominated_points_add_nothing(points, random):
    corner = [7.0] * points.shape[1]
    volume = hypervolume(points, corner)
    rows = list(range(len(points)))
    random.shuffle(rows)
    worse = np.minimum(points[0] + 1, 8.0)
    assert hypervolume([*points[rows], points[0], worse], corner) == pytest.approx(volume)
    assert hypervolume(-points, [-7.0] * points.shape[1], maximise=True) == pytest.approx(volume)
    assert hypervolume(points - 1, corner) >= volume


@pytest.mark.parametrize("objectives", [2, 3, 4, 5])
@pytest.mark.skipif(importlib.util.find_spec("moocore") is None, reason="moocore is an extra")
def test_the_hypervolume_equals_moocores(objectives):
    rng = np.random.default_rng(objectives)
    for size in (1, 4, 25):
        points, corner = rng.random((size, objectives)), np.full(objectives, 0.9)
        own = hypervolume(points, corner, backend="own")
        assert own == pytest.approx(hypervolume(points, corner, backend="moocore"), abs=1e-12)


@given(clouds())
def test_the_front_equals_a_plain_loop(points):
    expected = [
        not any((other <= point).all() and (other < point).any() for other in points)
        for point in points
    ]
    assert pareto_front(points).tolist() == expected
    assert pareto_front(-points, maximise=True).tolist() == expected


def test_a_point_beyond_the_reference_adds_nothing():
    assert hypervolume([(11, 1), (1, 10)], (10, 10)) == 0.0
    assert hypervolume([(11, 1), (9, 9)], (10, 10)) == 1.0


@pytest.mark.parametrize(
    ("points", "reference", "message"),
    [
        ([1.0, 2.0], [3.0], "points, objectives"),
        ([[1.0, np.nan]], [3.0, 3.0], "finite"),
        ([[1.0, 2.0]], [3.0], "reference has shape"),
        ([[1.0, 2.0]], [3.0, np.inf], "reference"),
        (np.zeros((0, 2)), [3.0, 3.0], "points have shape"),
    ],
)
def test_bad_points_are_refused(points, reference, message):
    with pytest.raises(ValueError, match=message):
        hypervolume(points, reference)


# Three models, four items, two objectives: A helps most, B is safest, C is worse than B in both.
VALUES = np.array(
    [
        [[0.9, 0.2], [0.8, 0.3], [0.9, 0.2], [0.8, 0.1]],
        [[0.5, 0.8], [0.4, 0.9], [0.6, 0.9], [0.5, 0.8]],
        [[0.4, 0.7], [0.3, 0.8], [0.5, 0.8], [0.4, 0.7]],
    ]
)


def test_the_worked_example_of_the_docs():
    found = compare_objectives(
        VALUES, models=["A", "B", "C"], objectives=["helpful", "safe"], resamples=200
    )
    a, b, c = found.rows
    assert [row.objectives[0].value for row in found.rows] == pytest.approx([0.85, 0.5, 0.4])
    assert [row.objectives[1].value for row in found.rows] == pytest.approx([0.2, 0.85, 0.75])
    assert [row.on_front for row in found.rows] == [True, True, False]
    holds = {(row.a, row.b): row for row in found.dominance}
    assert holds["B", "C"].dominates
    assert holds["B", "C"].probability == 1.0
    assert not holds["A", "B"].dominates
    assert found.hypervolume.value == pytest.approx(0.5 * 0.85 + 0.35 * 0.2)
    assert a.hypervolume.value == pytest.approx(0.85 * 0.2)
    assert a.contribution.value == pytest.approx(0.35 * 0.2)
    assert b.contribution.value == pytest.approx(0.495 - (0.4 * 0.75 + 0.45 * 0.2))
    assert c.contribution.value == pytest.approx(0.0)


def test_lower_can_be_better():
    flipped = VALUES * [1, -1]
    found = compare_objectives(flipped, better=["high", "low"], reference=[0.0, 0.0], resamples=20)
    straight = compare_objectives(VALUES, resamples=20)
    assert found.better == ("high", "low")
    assert found.hypervolume.value == pytest.approx(straight.hypervolume.value)
    assert [row.on_front for row in found.rows] == [row.on_front for row in straight.rows]
    assert found.rows[0].objectives[1].value == pytest.approx(-0.2)


def test_missing_values_leave_the_mean_and_nothing_else():
    holed = VALUES.copy()
    holed[0, 1, 0] = np.nan
    found = compare_objectives(holed, resamples=200)
    assert found.rows[0].objectives[0].value == pytest.approx((0.9 + 0.9 + 0.8) / 3)
    sparse = np.full((1, 4, 1), np.nan)
    sparse[0, 0, 0] = 0.5
    thin = compare_objectives(sparse, resamples=400)
    assert thin.undefined == pytest.approx(400 * 0.75**4, abs=45)
    assert thin.rows[0].objectives[0].value == 0.5


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(3)), st.permutations(range(2)))
def test_the_order_of_models_and_objectives_does_not_matter(models, objectives):
    moved = compare_objectives(
        VALUES[models][:, :, objectives],
        models=["ABC"[place] for place in models],
        resamples=20,
    )
    plain = compare_objectives(VALUES, models=list("ABC"), resamples=20)
    assert moved.hypervolume.value == pytest.approx(plain.hypervolume.value)
    assert {row.model: row.on_front for row in moved.rows} == {
        row.model: row.on_front for row in plain.rows
    }


def test_dominance_probability_grows_with_the_gap():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.2, (2, 60, 2))
    probabilities = []
    for gap in (0.0, 0.03, 0.2):
        values = 0.5 + noise + np.array([gap, 0.0])[:, None, None]
        first = compare_objectives(values, resamples=500, rng=np.random.default_rng(1))
        probabilities.append(first.dominance[0].probability)
    assert probabilities == sorted(probabilities)
    assert probabilities[0] < 0.7
    assert probabilities[2] > 0.99


def test_group_utilities_are_objectives():
    rng = np.random.default_rng(2)
    groups = np.repeat(["north", "south"], [12, 8])
    lift = np.array([[0.2, 0.0], [0.0, 0.2]])[:, (groups == "south").astype(int)]
    utilities = 0.5 + lift[:, None, :] + rng.normal(0, 0.05, (2, 40, 20))
    found = compare_groups(utilities, groups.tolist(), resamples=200)
    assert found.objectives == ("north", "south")
    expected = [utilities[0][:, groups == name].mean() for name in ("north", "south")]
    assert [mean.value for mean in found.rows[0].objectives] == pytest.approx(expected)
    assert [row.on_front for row in found.rows] == [True, True]
    assert all(row.front_probability > 0.95 for row in found.rows)
    assert found.rows[0].objectives[0].resampled == "items and jurors"
    assert found.rows[0].objectives[0].low < 0.7 < found.rows[0].objectives[0].high


def test_one_item_and_one_model_have_no_intervals():
    found = compare_objectives(VALUES[:1, :1], resamples=10)
    assert found.rows[0].objectives[0].low is None
    assert found.rows[0].contribution.value == pytest.approx(found.hypervolume.value)
    assert found.dominance == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": VALUES[0]}, "expected \\[models, items, objectives\\]"),
        ({"models": ["A"]}, "1 different names for 3 models"),
        ({"objectives": ["x", "x"]}, "1 different names for 2 objectives"),
        ({"better": ["high"]}, "2 times 'high' or 'low'"),
        ({"better": ["high", "up"]}, "2 times 'high' or 'low'"),
        ({"reference": [0.0]}, "1 values for 2 objectives"),
        ({"values": np.full((1, 3, 2), np.nan)}, "model 1 has no valid value of objective 1"),
    ],
)
def test_bad_input_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        compare_objectives(**({"values": VALUES} | change))


def test_bad_groups_are_refused():
    with pytest.raises(ValueError, match="1 group labels"):
        compare_groups(np.zeros((1, 2, 3)), ["a"])
