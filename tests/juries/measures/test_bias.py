from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from juries.measures.baselines import against_baseline
from juries.measures.bias import length_bias, repeatability
from juries.measures.diversity import persona_separability, within_group_spread
from juries.measures.order_effects import option_order_effect, position_effect
from juries.measures.resampling import item_multiplicities
from juries.measures.sensitivity import conclusion_stability, model_order


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def shown(seed, gain, items=60, jurors=8, models=4, noise=0.3):
    """Every juror sees the responses to an item in a random order; place k gains `gain[k]`."""
    draw = rng(seed)
    rows = []
    for item in range(items):
        worth = draw.standard_normal(models)
        for _ in range(jurors):
            for place, model in enumerate(draw.permutation(models)):
                y = worth[model] + gain[place] + noise * draw.standard_normal()
                rows.append((y, place, item * models + model, item))
    return [np.array(column) for column in zip(*rows, strict=True)]


def test_planted_position_effects_are_recovered() -> None:
    gain = np.array([0.3, 0.1, -0.1, -0.3])
    result = position_effect(*shown(0, gain), rng=rng(1))
    np.testing.assert_allclose(result.effects, gain, atol=0.05)
    assert result.effects.sum() == pytest.approx(0, abs=1e-9)
    assert (result.interval.low < gain).all()
    assert (gain < result.interval.high).all()
    assert result.first_less_last.value == pytest.approx(0.6, abs=0.06)
    assert "gains +0" in result.reading
    assert "chance" not in result.reading


def test_position_effects_are_least_squares_with_unit_effects() -> None:
    y, place, unit, item = shown(3, [0.2, 0.0, -0.1], items=8, jurors=3, models=3)
    y[::7] = np.nan
    result = position_effect(y, place, unit, item, resamples=4, rng=rng(2))
    kept = ~np.isnan(y)

    def dummies(weights):
        units = (unit[:, None] == np.unique(unit)).astype(float)
        places = (place[:, None] == np.arange(3)).astype(float)
        design = np.hstack([units, places])[kept]
        scale = np.sqrt(weights[item[kept]])[:, None]
        found = np.linalg.lstsq(design * scale, y[kept] * scale[:, 0], rcond=None)[0][-3:]
        return found - found.mean()

    np.testing.assert_allclose(result.effects, dummies(np.ones(8)), atol=1e-9)
    drawn = np.concatenate(list(item_multiplicities(8, 4, rng(2))))
    ends = [dummies(drawn[:, b])[0] - dummies(drawn[:, b])[2] for b in range(4)]
    low, high = np.quantile(ends, [0.025, 0.975])
    assert result.first_less_last.low == pytest.approx(low, abs=1e-9)
    assert result.first_less_last.high == pytest.approx(high, abs=1e-9)


def test_a_better_model_always_shown_first_is_no_position_effect() -> None:
    """Confounded with position between units, but units vary within: only that counts."""
    y, place, unit, item = shown(5, [0.0, 0.0], models=2, noise=0.1)
    result = position_effect(y + 2.0 * (unit % 2), place, unit, item, rng=rng())
    assert abs(result.first_less_last.value) < 0.05
    assert result.first_less_last.low < 0 < result.first_less_last.high
    assert "chance" in result.reading


@pytest.mark.parametrize(
    ("positions", "units", "reason"),
    [
        ([0, 0, 0, 0], [0, 0, 1, 1], "shown in two positions"),
        ([0, 1, 2, 3], [0, 0, 1, 1], "not connected"),
    ],
)
def test_undefined_position_effects_have_a_reason(positions, units, reason) -> None:
    result = position_effect([1.0, 2, 3, 4], positions, units, units, resamples=3, rng=rng())
    assert result.effects is None
    assert result.first_less_last.value is None
    assert reason in result.reason
    assert "undefined" in result.reading


def test_bad_positions_are_refused() -> None:
    with pytest.raises(ValueError, match="one entry per rating"):
        position_effect([1.0], [0, 1], [0, 0], [0, 0], rng=rng())
    with pytest.raises(ValueError, match="whole numbers"):
        position_effect([1.0, 2.0], [0, 0.5], [0, 0], [0, 0], rng=rng())


def test_choices_by_place() -> None:
    draw = rng(0)
    items = np.repeat(np.arange(200), 5)
    fair = draw.integers(0, 4, size=1000)
    fair[:50] = -1
    result = option_order_effect(fair, 4, items, rng=rng(1))
    assert result.n == 950
    assert result.p > 0.02
    assert result.shares.sum() == pytest.approx(1)
    first = np.where(draw.random(1000) < 0.2, 0, fair)
    biased = option_order_effect(first, 4, items, rng=rng(1))
    assert biased.shares[0] == pytest.approx(0.4, abs=0.04)
    assert biased.interval.low[0] > 0.25
    assert biased.p < 0.01
    assert biased.distance > biased.chance
    assert "Place 1 was chosen most" in biased.reading
    nothing = option_order_effect([-1, -1], 4, [0, 1], rng=rng())
    assert nothing.shares is None
    assert "no choice" in nothing.reading
    with pytest.raises(ValueError, match="below 4 options"):
        option_order_effect([4], 4, [0], rng=rng())


def test_length_bias_is_the_within_item_correlation() -> None:
    draw = rng(0)
    lengths = draw.integers(20, 400, size=(4, 150)).astype(float)
    y = (
        0.1 * np.log2(1 + lengths)
        + draw.standard_normal(150)
        + 0.1 * draw.standard_normal((4, 150))
    )
    y[1, 3] = lengths[2, 9] = np.nan
    result = length_bias(y, lengths, rng=rng(1))
    there = ~np.isnan(y + lengths)
    x = np.where(there, np.log2(1 + lengths), np.nan)
    z = np.where(there, y, np.nan)
    x, z = x - np.nanmean(x, axis=0), z - np.nanmean(z, axis=0)
    expected = np.corrcoef(x[there], z[there])[0, 1]
    assert result.correlation.value == pytest.approx(expected, abs=1e-12)
    assert result.correlation.low < expected < result.correlation.high
    assert result.slope.value == pytest.approx(0.1, abs=0.01)
    assert result.n_items == 150
    assert "per doubling" in result.reading


@pytest.mark.parametrize(
    ("ratings", "lengths", "reason"),
    [
        ([[0.5, 0.6]], [[1, 2]], "two rated responses"),
        ([[0.5, 0.6], [0.5, 0.6]], [[1, 2], [3, 4]], "nothing varies"),
        ([[0.5, 0.6], [0.1, 0.2]], [[3, 2], [3, 2]], "nothing varies"),
    ],
)
def test_undefined_length_bias_has_a_reason(ratings, lengths, reason) -> None:
    result = length_bias(ratings, lengths, resamples=5, rng=rng())
    assert result.correlation.value is None
    assert reason in result.reading
    with pytest.raises(ValueError, match="lengths"):
        length_bias([[1.0]], [[-1.0]], rng=rng())


def test_repeatability_counts_pairs() -> None:
    table = np.array([[[1, 1, 2], [3, 3, 3]], [[4, np.nan, 5], [2, np.nan, np.nan]]])
    result = repeatability(table, resamples=200, rng=rng())
    assert result.agreement.value == pytest.approx((1 + 0 + 0 + 3 + 0) / 7)
    assert result.difference.value == pytest.approx((0 + 1 + 1 + 0 + 1) / 7)
    assert result.n_cells == 3
    assert "57% of the time" in result.reading
    once = repeatability(np.ones((3, 4, 1)), resamples=3, rng=rng())
    assert once.agreement.value is None
    assert "asked twice" in once.reading
    with pytest.raises(ValueError, match="jurors, items, replicates"):
        repeatability(np.ones((3, 4)), rng=rng())


def test_flattened_groups_show_a_ratio_below_one() -> None:
    draw = rng(0)
    item = draw.standard_normal(120)
    people = item + 1.0 * draw.standard_normal((20, 120))
    jurors = item + 0.5 * draw.standard_normal((12, 120))
    jurors[draw.random(jurors.shape) < 0.1] = np.nan
    spread = within_group_spread(
        jurors, list("aaaaaabbbbbb"), people=people, people_groups=["a"] * 20, rng=rng(1)
    )
    a, b = spread
    assert a.variance.value == pytest.approx(0.25, rel=0.15)
    assert a.reference.value == pytest.approx(1.0, rel=0.1)
    assert a.ratio.low < 0.25 < a.ratio.high
    assert "flattened" in a.reading
    assert b.ratio.value is None
    assert "no comparison with people" in b.reading
    alone = within_group_spread(jurors, list("aaaaaabbbbbb"), rng=rng(1))[0]
    assert alone.variance == a.variance
    assert alone.ratio is None


def test_item_variance_is_unbiased_and_matches_numpy() -> None:
    table = rng(2).random((6, 30))
    spread = within_group_spread(table, ["a"] * 6, resamples=10, rng=rng())[0]
    assert spread.variance.value == pytest.approx(table.var(axis=0, ddof=1).mean())
    single = within_group_spread(table[:1], ["a"], resamples=10, rng=rng())[0]
    assert single.variance.value is None
    for people, labels in ((table, None), (table[:, :3], ["a"] * 6)):
        with pytest.raises(ValueError, match=r"rated by people|a label each"):
            within_group_spread(table, ["a"] * 6, people=people, people_groups=labels, rng=rng())


def test_caricatures_are_separable_and_like_minded_groups_are_not() -> None:
    draw = rng(0)
    groups = ["a"] * 10 + ["b"] * 10
    same = draw.standard_normal((20, 50))
    plain = persona_separability(same, groups, permutations=100, rng=rng(1))
    assert plain.p > 0.05
    assert plain.chance == pytest.approx(0.5, abs=0.1)
    assert "cannot be told apart" in plain.reading
    apart = same.copy()
    apart[:10] += 1.5 * draw.standard_normal(50)
    result = persona_separability(apart, [*groups], permutations=100, rng=rng(1))
    assert result.accuracy.value > 0.9
    assert result.p < 0.02
    assert "caricature" in result.reading


def naive_hits(table, labels):
    hits = []
    for j, row in enumerate(table):
        distance = {}
        for name in sorted(set(labels)):
            others = [k for k, label in enumerate(labels) if label == name and k != j]
            gaps = []
            for i in range(table.shape[1]):
                seen = [table[k, i] for k in others if not np.isnan(table[k, i])]
                if seen and not np.isnan(row[i]):
                    gaps.append((row[i] - np.mean(seen)) ** 2)
            distance[name] = np.mean(gaps) if gaps else np.nan
        hits.append(min(distance, key=distance.get) == labels[j])
    return np.array(hits)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_separability_equals_the_loop_that_leaves_one_out(seed) -> None:
    draw = rng(seed)
    table = draw.random((9, 40))
    table[draw.random(table.shape) < 0.3] = np.nan
    labels = list("aaabbbccc")
    hits = naive_hits(table, labels)
    expected = np.mean([hits[:3].mean(), hits[3:6].mean(), hits[6:].mean()])
    result = persona_separability(table, labels, permutations=2, resamples=5, rng=rng())
    assert result.accuracy.value == pytest.approx(expected)
    with_single = persona_separability(
        np.vstack([table, table[:1]]), [*labels, "z"], permutations=2, resamples=5, rng=rng()
    )
    assert with_single.accuracy.value == result.accuracy.value
    assert with_single.groups == ("a", "b", "c")


def test_undefined_separability_has_a_reason() -> None:
    one = persona_separability(np.ones((3, 4)), ["a", "a", "b"], rng=rng())
    assert "two groups of at least two" in one.reading
    apart = np.full((4, 4), np.nan)
    apart[0, 0] = apart[1, 1] = apart[2, 2] = apart[3, 3] = 1.0
    nothing = persona_separability(apart, list("aabb"), resamples=3, rng=rng())
    assert nothing.accuracy.value is None
    assert "item in common" in nothing.reading


def test_baselines() -> None:
    draw = rng(0)
    item = draw.standard_normal(200)
    jury = 0.5 + item + 1.0 * draw.standard_normal((12, 200))
    plain = item + 0.5 * draw.standard_normal((10, 200))
    plain[:, 5] = np.nan
    result = against_baseline(jury, plain, "no persona", rng=rng(1))
    assert result.shift.value == pytest.approx(
        float((jury.mean(axis=0) - plain.mean(axis=0))[~np.isnan(plain[0])].mean())
    )
    assert result.spread_ratio.low < 4 < result.spread_ratio.high
    kept = ~np.isnan(plain[0])
    expected = scipy.stats.pearsonr(jury.mean(axis=0)[kept], plain.mean(axis=0)[kept]).statistic
    assert result.correlation.value == pytest.approx(expected, abs=1e-12)
    assert result.shift.n == 199
    assert "with no persona: wider" in result.reading
    assert "narrower" in against_baseline(plain, jury, "people", rng=rng(1)).reading
    assert "no clear" in against_baseline(jury, jury[::-1], "itself", rng=rng(1)).reading


def test_baselines_that_cannot_be_compared_say_why() -> None:
    jury = rng(0).random((4, 6))
    constant = against_baseline(jury, np.ones((3, 6)), "no persona", resamples=5, rng=rng())
    assert constant.spread_ratio.value is None
    assert "never varies" in constant.reading
    assert "item means do not vary" in constant.correlation.reason
    nothing = against_baseline(jury, np.full((3, 6), np.nan), "random", resamples=5, rng=rng())
    assert nothing.shift.value is None
    assert "no item was rated by both" in nothing.reading
    with pytest.raises(ValueError, match="answers, items"):
        against_baseline(jury, np.ones((3, 5)), "random", rng=rng())


def test_sensitivity_counts_conclusions_that_change() -> None:
    first = model_order({"a": 0.5, "b": 0.4, "c": 0.45})
    assert first == {"a > b": "yes", "a > c": "yes", "b > c": "no"}
    second = model_order({"a": 0.5, "b": 0.55, "c": None})
    assert second == {"a > b": "no", "a > c": "undefined", "b > c": "undefined"}
    third = model_order({"a": 0.5, "b": 0.49, "c": 0.45}, margin=0.02)
    assert third == {"a > b": "tie", "a > c": "yes", "b > c": "yes"}
    result = conclusion_stability({"list": first, "prose": second, "interview": third})
    assert result.changed == 1.0
    assert result.changed_from_reference == {"prose": 1.0, "interview": pytest.approx(2 / 3)}
    assert result.conclusions[0].share == pytest.approx(1 / 3)
    assert result.conclusions[-1].conclusion == "a > c"
    assert "100% of 3 conclusions change" in result.reading
    same = conclusion_stability({"x": first, "y": first})
    assert same.changed == 0
    assert "hold in all 2" in same.reading
    empty = conclusion_stability({"x": {}, "y": {}})
    assert empty.changed is None
    assert "no conclusion" in empty.reading
    lacking = conclusion_stability({"x": first, "y": {}})
    assert lacking.changed == 1.0
    with pytest.raises(ValueError, match="two to compare"):
        conclusion_stability({"x": first})
    with pytest.raises(ValueError, match="margin"):
        model_order({"a": 1.0}, margin=-1)
