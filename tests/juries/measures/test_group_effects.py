"""Group effects: arithmetic by hand, invariances, and coverage of crossed random effects."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from juries.measures.group_effects import group_difference, group_effects

SIDE = np.array([True, True, False, False])
SMALL = np.array([[3.0, 5.0, 1.0, 2.0], [4.0, 6.0, 4.0, 1.0], [2.0, 5.0, 1.0, 1.0]])
"""Three items and two jurors a side: item gaps 2.5, 2.5 and 2.5 - 0."""


def crossed(rng, items, left, right, *, juror, gap, chance, effect=0.0):
    """Ratings [items, jurors] of two groups, and who is of the first."""
    member = np.arange(left + right) < left
    own = gap * rng.standard_normal((items, 2))
    table = rng.standard_normal((items, 1)) + juror * rng.standard_normal(member.size)
    table = table + np.where(member, own[:, :1] + effect, own[:, 1:])
    return table + chance * rng.standard_normal(table.shape), member


def analysis_of_variance(table, member):
    """Squared standard error and degrees of freedom from mean squares, complete ratings."""
    items = len(table)
    gaps = table[:, member].mean(axis=1) - table[:, ~member].mean(axis=1)
    parts = [(gaps.var(ddof=1) / items, items - 1)]
    for side in (member, ~member):
        own = table[:, side]
        n = own.shape[1]
        parts.append((own.mean(axis=0).var(ddof=1) / n, n - 1))
        left = own - own.mean(axis=0) - own.mean(axis=1)[:, None] + own.mean()
        freedom = (items - 1) * (n - 1)
        parts.append((-(left**2).sum() / freedom / (items * n), freedom))
    variance = sum(part for part, _ in parts)
    return variance, variance**2 / sum(part**2 / freedom for part, freedom in parts)


def test_on_complete_ratings_it_is_the_analysis_of_variance():
    table, member = crossed(np.random.default_rng(0), 9, 5, 7, juror=1.0, gap=1.0, chance=0.5)
    found = group_difference(table, member, ~member)
    variance, freedom = analysis_of_variance(table, member)
    value = table[:, member].mean() - table[:, ~member].mean()
    assert found.effect.value == pytest.approx(value, rel=1e-12)
    assert found.standard_error == pytest.approx(math.sqrt(variance), rel=1e-10)
    assert found.degrees_of_freedom == pytest.approx(freedom, rel=1e-10)
    assert (found.jurors, found.other_jurors, found.items) == (5, 7, 9)


def test_two_jurors_a_side_by_hand():
    """Jurors' means 3, 16/3 and 2, 4/3; item gaps 2.5, 2.5, 2.5: items add nothing.

    V_J = ((16/3 - 3)² / 2 + (2 - 4/3)² / 2) / 2 = (49/9 + 4/9) / 4 = 53/36, V_I = 0.
    """
    found = group_difference(SMALL, SIDE, ~SIDE)
    assert found.effect.value == pytest.approx(2.5)
    assert found.standard_error == pytest.approx(math.sqrt(53 / 36))
    freedom = 53**2 / (49**2 + 4**2)  # both sides have one degree of freedom
    assert found.degrees_of_freedom == pytest.approx(freedom)
    assert found.from_jurors == 1.0


def least_squares(table, member, weights):
    """The effect by weighted least squares on item dummies and the group."""
    item, juror = np.nonzero(np.isfinite(table))
    design = np.column_stack([np.eye(len(table))[item], member[juror].astype(float)])
    root = np.sqrt(weights[juror])
    return np.linalg.lstsq(design * root[:, None], table[item, juror] * root, rcond=None)[0][-1]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), missing=st.floats(0, 0.6))
def test_the_effect_is_least_squares_within_items(seed, missing):
    rng = np.random.default_rng(seed)
    table, member = crossed(rng, 8, 3, 5, juror=1.0, gap=0.5, chance=1.0)
    table[rng.random(table.shape) < missing] = np.nan
    weights = rng.gamma(2.0, size=8)
    found = group_difference(table, member, ~member, weights=weights)
    if found.effect.value is not None:
        expected = least_squares(table, member, weights)
        assert found.effect.value == pytest.approx(expected, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), scale=st.floats(0.1, 10), shift=st.floats(-5, 5))
def test_items_jurors_scale_and_item_levels_do_not_matter(seed, scale, shift):
    rng = np.random.default_rng(seed)
    table, member = crossed(rng, 10, 4, 6, juror=1.0, gap=0.5, chance=1.0)
    table[rng.random(table.shape) < 0.2] = np.nan
    weights = rng.gamma(2.0, size=10)
    first = group_difference(table, member, ~member, weights=weights)
    items, seats = rng.permutation(10), rng.permutation(10)
    moved = scale * table + shift * rng.standard_normal((10, 1))
    member = member[seats]
    again = group_difference(moved[items][:, seats], ~member, member, weights=7 * weights[seats])
    assert again.effect.value == pytest.approx(-scale * first.effect.value, abs=1e-9)
    assert again.standard_error == pytest.approx(scale * first.standard_error, rel=1e-8)
    assert again.degrees_of_freedom == pytest.approx(first.degrees_of_freedom, rel=1e-6)


def test_the_sparse_path_agrees_with_the_complete_one():
    """One answer missing of 3,000 moves the standard error by little."""
    table, member = crossed(np.random.default_rng(3), 60, 20, 30, juror=0.5, gap=0.3, chance=0.7)
    whole = group_difference(table, member, ~member)
    table[0, 0] = np.nan
    part = group_difference(table, member, ~member)
    assert part.standard_error == pytest.approx(whole.standard_error, rel=0.01)
    assert part.degrees_of_freedom == pytest.approx(whole.degrees_of_freedom, rel=0.05)


@pytest.mark.parametrize(
    ("shape", "sds", "missing", "weighted"),
    [
        ((20, 12, 12), (0.7, 0.3, 0.7), 0.0, False),
        ((20, 12, 12), (0.7, 0.3, 0.7), 0.0, True),
        ((40, 6, 18), (0.4, 0.2, 0.9), 0.0, False),
        ((60, 15, 30), (0.5, 0.2, 0.7), 0.85, False),
    ],
)
def test_coverage_of_crossed_random_effects(shape, sds, missing, weighted):
    """1,500 studies: the binomial standard error of 95 % is 0.56 %, and 2 % are 3.5 of them."""
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(1500):
        juror, gap, chance = sds
        table, member = crossed(rng, *shape, juror=juror, gap=gap, chance=chance, effect=0.4)
        table[rng.random(table.shape) < missing] = np.nan
        weights = rng.gamma(4.0, size=member.size) if weighted else None
        effect = group_difference(table, member, ~member, weights=weights).effect
        hits += effect.low <= 0.4 <= effect.high
    assert abs(hits / 1500 - 0.95) <= 0.02


def test_pure_chance_is_covered_but_not_three_times_over():
    """No juror and no group by item at all: a part cut at 0 leaves the interval a little wide."""
    rng = np.random.default_rng(6)
    hits = 0
    for _ in range(1000):
        table, member = crossed(rng, 20, 12, 12, juror=0.0, gap=0.0, chance=1.0)
        effect = group_difference(table, member, ~member).effect
        hits += effect.low <= 0 <= effect.high
    assert 0.94 <= hits / 1000 <= 0.99


def test_several_groups_stand_against_the_others_and_two_against_each_other():
    rng = np.random.default_rng(7)
    table = rng.random((2, 12, 9))
    rows = group_effects(table, list("aaabbbccc"), models=("ash", "birch"))
    assert [(row.model, row.group, row.against) for row in rows[:3]] == [
        ("ash", "a", "the others"),
        ("ash", "b", "the others"),
        ("ash", "c", "the others"),
    ]
    first = np.array([label == "a" for label in "aaabbbccc"])
    assert rows[3].model == "birch"
    assert rows[3].effect == group_difference(table[1], first, ~first).effect
    pair = group_effects(table[:1], list("aaaabbbbb"))
    assert [(row.group, row.against) for row in pair] == [("a", "b"), ("b", "a")]
    assert pair[0].p_value == pytest.approx(pair[1].p_value)
    assert (pair[0].p_value < 0.05) == (pair[0].effect.low > 0 or pair[0].effect.high < 0)
    assert "may not differ" in pair[0].reading or "differ" in pair[0].reading


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ([[1.0, 2.0, np.nan, np.nan]], "no item was rated by both groups"),
        ([[1.0, 2.0, 3.0, 5.0]], "only one item"),
        ([[1.0, np.nan, 3.0, 5.0], [2.0, np.nan, 2.0, 2.0]], "one juror on a side"),
        ([[1.0, 1.0, 2.0, 2.0], [3.0, 3.0, 4.0, 4.0]], "do not vary"),
    ],
)
def test_what_cannot_be_seen_is_said(table, reason):
    found = group_difference(table, SIDE, ~SIDE)
    assert reason in found.effect.reason
    assert found.effect.low is None
    assert found.standard_error is None
    assert found.p_value is None
    assert reason in found.reading


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: group_difference(SMALL, SIDE, SIDE), "both sides"),
        (lambda: group_difference(SMALL, SIDE[:3], ~SIDE[:3]), "sides"),
        (lambda: group_difference(np.full((3, 4), np.inf), SIDE, ~SIDE), "finite"),
        (lambda: group_difference(SMALL, SIDE, ~SIDE, level=1.0), "level"),
        (lambda: group_difference(SMALL, SIDE, ~SIDE, weights=[1, 1, 1, -1]), "weights"),
        (lambda: group_effects(SMALL[None], ["a"] * 4), "one group only"),
        (lambda: group_effects(SMALL, ["a"] * 4), "labels"),
        (lambda: group_effects(SMALL[None], list("aabb"), models=("x", "y")), "names"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
