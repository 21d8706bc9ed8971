from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from juries.measures.agreement import krippendorff_alpha
from juries.measures.coincidences import LEVELS
from juries.measures.group_association import benjamini_hochberg, grasp


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def ratings_of(seed, raters=9, items=14, missing=0.3, values=4):
    draw = rng(seed)
    common = draw.integers(1, values + 1, size=items)
    own = draw.integers(1, values + 1, size=(raters, items))
    table = np.where(draw.random((raters, items)) < 0.5, common, own).astype(float)
    table[draw.random((raters, items)) < missing] = np.nan
    return table


def naive_xrr(left, right, gap):
    """Cross-replication reliability by loops (arXiv 2106.07393, equations 9 and 10)."""
    observed = total = 0.0
    pool_left, pool_right = [], []
    for item in range(left.shape[1]):
        a = left[~np.isnan(left[:, item]), item]
        b = right[~np.isnan(right[:, item]), item]
        if not len(a) or not len(b):
            continue
        pool_left += list(a)
        pool_right += list(b)
        mean = np.mean([gap(x, y) for x, y in itertools.product(a, b)])
        observed += (len(a) + len(b)) * mean
        total += len(a) + len(b)
    expected = np.mean([gap(x, y) for x, y in itertools.product(pool_left, pool_right)])
    return 1 - observed / total / expected


GAPS = {
    "nominal": lambda x, y: float(x != y),
    "interval": lambda x, y: (x - y) ** 2,
    "ratio": lambda x, y: ((x - y) / (x + y)) ** 2,
}


@pytest.mark.parametrize("level", GAPS)
@pytest.mark.parametrize("seed", range(4))
def test_cohesions_equal_their_definitions(level, seed) -> None:
    table = ratings_of(seed)
    groups = list("aaaabbbcc")
    result = grasp(table, groups, level, permutations=3, rng=rng())
    for entry in result.groups:
        own = np.array([label == entry.group for label in groups])
        assert entry.in_group.value == pytest.approx(
            krippendorff_alpha(table[own], level).alpha, abs=1e-12
        )
        expected = naive_xrr(table[own], table[~own], GAPS[level])
        assert entry.cross_group.value == pytest.approx(expected, abs=1e-12)
        if expected > 0:
            assert entry.gai.value == pytest.approx(entry.in_group.value / expected)


def test_ordinal_cohesion_uses_everybodys_ranks() -> None:
    table = ratings_of(1, missing=0)
    counts = [(table == value).sum() for value in (1, 2, 3, 4)]
    ranks = np.cumsum(counts) - np.array(counts) / 2
    ranked = ranks[table.astype(int) - 1]
    groups = list("aaaabbbbb")
    by_rank = grasp(ranked, groups, "interval", permutations=9, rng=rng(3)).groups
    ordinal = grasp(table, groups, "ordinal", permutations=9, rng=rng(3)).groups
    for figure in ("in_group", "cross_group", "gai"):
        expected = [getattr(each, figure).value for each in by_rank]
        assert [getattr(each, figure).value for each in ordinal] == pytest.approx(expected)


def planted(seed, size, shift):
    """A group that votes as a block on half of the items, where the others are split."""
    draw = rng(seed)
    table = draw.integers(0, 3, size=(40, 80))
    common = draw.integers(0, 3, size=80)
    table = np.where(draw.random(table.shape) < 0.4, common, table)
    block = draw.integers(0, 3, size=80)
    own = draw.random((size, 80)) < shift
    table[:size] = np.where(own, block, table[:size])
    return table


def test_a_planted_group_is_found_and_the_others_are_not() -> None:
    table = planted(0, 10, 0.5)
    groups = ["block"] * 10 + ["left"] * 15 + ["right"] * 15
    result = grasp(table, groups, permutations=400, rng=rng())
    block, left, right = result.groups
    assert block.gai.value > 1.5
    assert block.gai.q < 0.02
    assert "beyond chance" in block.reading
    assert left.in_group.value < block.in_group.value
    assert right.gai.q > 0.05 or right.gai.value < block.gai.value
    assert result.n_ratings == 3200


@pytest.mark.parametrize("figure", ["in_group", "cross_group", "gai"])
def test_each_figure_is_adjusted_for_the_number_of_groups(figure) -> None:
    """A group without an index (one rater) is not among those tested."""
    groups = ["a"] * 9 + ["b"] * 10 + ["c"] * 10 + ["d"] * 10 + ["alone"]
    found = grasp(planted(0, 9, 0.3), groups, permutations=200, rng=rng(2)).groups
    tested = [getattr(entry, figure) for entry in found if getattr(entry, figure).p is not None]
    assert 4 <= len(tested) <= 5
    expected = scipy.stats.false_discovery_control([each.p for each in tested])
    np.testing.assert_allclose([each.q for each in tested], expected)
    assert any(each.q > each.p for each in tested)


def test_p_values_are_calibrated_without_association() -> None:
    rejected = [
        entry.gai.p <= 0.1
        for seed in range(100)
        for entry in grasp(
            planted(seed, 0, 0.0), ["a"] * 12 + ["b"] * 28, permutations=99, rng=rng(seed)
        ).groups[:1]
    ]
    assert np.mean(rejected) <= 0.19  # binomial(100, 0.1) stays below with probability 0.996


@pytest.mark.parametrize(
    ("table", "groups", "reason"),
    [
        (np.ones((3, 4)), "aab", "do not vary"),
        (ratings_of(0), "abbbbbbbb", "fewer than two raters"),
        (ratings_of(0), "aaaaaaaaa", "nobody outside"),
        ([[1, np.nan], [2, np.nan], [np.nan, 1], [np.nan, 2]], "aabb", "on both sides"),
        ([[1, np.nan, 2], [np.nan, 2, np.nan], [1, 2, 1], [2, 1, 1]], "aabb", "rated twice"),
        ([[1, 2], [1, 2], [2, 1], [2, 1]], "aabb", "cross-group cohesion is not positive"),
    ],
)
def test_undefined_figures_have_a_reason(table, groups, reason) -> None:
    first = grasp(table, list(groups), permutations=5, rng=rng()).groups[0]
    assert first.gai.value is None
    assert first.gai.p is None
    assert reason in first.reason
    assert reason in first.reading


def test_raters_without_a_group_take_no_part() -> None:
    table = ratings_of(2)
    part = grasp(table[:7], list("aaaabbb"), permutations=5, rng=rng())
    whole = grasp(table, [*"aaaabbb", None, None], permutations=5, rng=rng())
    assert whole.groups == part.groups
    assert whole.n_unlabelled == 2


def test_bad_calls_are_refused() -> None:
    with pytest.raises(ValueError, match="2 labels for 9 raters"):
        grasp(ratings_of(0), ["a", "b"], rng=rng())
    with pytest.raises(ValueError, match="round them"):
        grasp(rng().random((3, 200)), ["a", "a", "b"], rng=rng())
    assert set(GAPS) < set(LEVELS)


@given(p=st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_benjamini_hochberg_equals_scipy(p) -> None:
    np.testing.assert_allclose(
        benjamini_hochberg(p), scipy.stats.false_discovery_control(p), rtol=1e-12
    )


def test_benjamini_hochberg_refuses_what_is_no_p_value() -> None:
    with pytest.raises(ValueError, match="p-values"):
        benjamini_hochberg([0.5, 1.5])
    assert benjamini_hochberg([]).size == 0
