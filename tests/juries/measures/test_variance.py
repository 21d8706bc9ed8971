from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from juries.measures import resampling
from juries.measures.resampling import item_multiplicities, juror_multiplicities
from juries.measures.variance import intraclass_correlations, variance_shares

SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
).T
PUBLISHED = [0.1657, 0.2898, 0.7148, 0.4428, 0.6201, 0.9093]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def simulate(seed, personas, items, replicates, item, persona, interplay, noise):
    draw = rng(seed)
    table = item**0.5 * draw.standard_normal((1, items, 1))
    table = table + persona**0.5 * draw.standard_normal((personas, 1, 1))
    table = table + interplay**0.5 * draw.standard_normal((personas, items, 1))
    return 3 + table + noise**0.5 * draw.standard_normal((personas, items, replicates))


def anova(table):
    """Expected mean squares of the balanced crossed design with replicates."""
    b, a, r = table.shape
    mean = table.mean()
    cells = table.mean(axis=2)
    ms_item = b * r * ((cells.mean(axis=0) - mean) ** 2).sum() / (a - 1)
    ms_persona = a * r * ((cells.mean(axis=1) - mean) ** 2).sum() / (b - 1)
    gap = cells - cells.mean(axis=0) - cells.mean(axis=1)[:, None] + mean
    ms_both = r * (gap**2).sum() / ((a - 1) * (b - 1))
    rest = ((table - cells[:, :, None]) ** 2).sum()
    if r == 1:
        return [(ms_item - ms_both) / b, (ms_persona - ms_both) / a, ms_both]
    error = rest / (a * b * (r - 1))
    return [
        (ms_item - ms_both) / (b * r),
        (ms_persona - ms_both) / (a * r),
        (ms_both - error) / r,
        error,
    ]


@pytest.mark.parametrize("replicates", [1, 2, 4])
def test_balanced_ratings_give_the_analysis_of_variance(replicates) -> None:
    table = simulate(0, 7, 11, replicates, 1.0, 0.5, 0.7, 1.2)
    result = variance_shares(table, resamples=2, rng=rng())
    np.testing.assert_allclose(result.components, anova(table), rtol=1e-10)
    assert len(result.sources) == (3 if replicates == 1 else 4)


def naive(table, personas, items):
    """Means over pairs, by loops; `personas` and `items` are multiplicities."""
    sums = {kind: [0.0, 0.0] for kind in ("cell", "item", "persona", "neither")}
    cells = [
        (j, i, r, table[j, i, r])
        for j, i, r in np.ndindex(table.shape)
        if not math.isnan(table[j, i, r])
    ]
    for (j, i, r, x), (k, h, s, y) in itertools.product(cells, repeat=2):
        if (j, i, r) == (k, h, s):
            continue
        if j == k and i == h:
            kind, weight = "cell", personas[j] * items[i]
        elif i == h:
            kind, weight = "item", personas[j] * personas[k] * items[i]
        elif j == k:
            kind, weight = "persona", personas[j] * items[i] * items[h]
        else:
            kind, weight = "neither", personas[j] * personas[k] * items[i] * items[h]
        sums[kind][0] += weight * (x - y) ** 2 / 2
        sums[kind][1] += weight
    means = {kind: a / b if b else math.nan for kind, (a, b) in sums.items()}
    rest = means["item"] + means["persona"] - means["neither"]
    return [
        means["neither"] - means["item"],
        means["neither"] - means["persona"],
        rest - means["cell"],
        means["cell"],
    ]


@pytest.mark.parametrize("seed", range(3))
def test_gaps_and_bootstrap_equal_the_loop_over_pairs(seed, monkeypatch) -> None:
    monkeypatch.setattr(resampling, "BLOCK", 3)
    table = simulate(seed, 5, 7, 3, 1.0, 0.5, 0.7, 1.2)
    table[rng(seed + 9).random(table.shape) < 0.4] = np.nan
    result = variance_shares(table, resamples=5, rng=rng(seed))
    np.testing.assert_allclose(result.components, naive(table, np.ones(5), np.ones(7)), rtol=1e-9)
    stream = rng(seed)
    personas = juror_multiplicities(5, 5, stream)
    items = np.concatenate(list(item_multiplicities(7, 5, stream)))
    for b in range(5):
        values = np.array(naive(table, personas[:, b], items[:, b]))
        if np.isnan(values).any():
            assert np.isnan(result.replicates[:, b]).all()
            continue
        cut = np.maximum(values, 0)
        np.testing.assert_allclose(result.replicates[:, b], cut / cut.sum(), rtol=1e-8, atol=1e-12)


def test_planted_shares_are_recovered() -> None:
    """Means over simulated studies, ratings missing, lie within 10 % of the planted variances."""
    planted = [1.0, 0.4, 0.6, 0.8]
    found = []
    for seed in range(60):
        table = simulate(seed, 40, 60, 2, *planted)
        table[rng(seed).random(table.shape) < 0.3] = np.nan
        found.append(variance_shares(table, resamples=1, rng=rng()).components)
    np.testing.assert_allclose(np.mean(found, axis=0), planted, rtol=0.1)


def test_one_large_study_recovers_every_share_within_ten_per_cent() -> None:
    planted = np.array([1.0, 0.5, 0.5, 1.0])
    table = simulate(3, 600, 600, 2, *planted)
    result = variance_shares(table, resamples=1, rng=rng())
    np.testing.assert_allclose(result.shares, planted / planted.sum(), rtol=0.1)
    assert result.persona_share == pytest.approx(1 / 3, rel=0.1)


def test_intervals_cover_the_planted_persona_share() -> None:
    planted = np.array([0.5, 0.2, 0.2, 0.3])
    hits = np.zeros(4)
    for seed in range(100):
        table = simulate(seed, 40, 50, 2, *planted)
        low_high = variance_shares(table, resamples=300, rng=rng(seed)).interval()
        hits += (low_high.low <= planted / planted.sum()) & (
            planted / planted.sum() <= low_high.high
        )
    assert (hits >= 85).all(), hits


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), scale=st.floats(0.1, 10), shift=st.floats(-100, 100))
def test_shares_ignore_shift_scale_and_order(seed, scale, shift) -> None:
    table = simulate(seed, 6, 8, 2, 1.0, 0.5, 0.7, 1.2)
    table[rng(seed).random(table.shape) < 0.2] = np.nan
    expected = variance_shares(table, resamples=1, rng=rng()).components
    order = rng(seed)
    moved = shift + scale * table[order.permutation(6)][:, order.permutation(8)]
    result = variance_shares(moved, resamples=1, rng=rng()).components
    np.testing.assert_allclose(result, expected * scale**2, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (np.ones((1, 4, 2)), "two items and two personas"),
        (np.ones((4, 1, 2)), "two items and two personas"),
        (np.full((4, 3, 2), np.nan), "two items and two personas"),
        (np.ones((4, 3, 2)), "do not vary"),
        (np.ones((4, 3)), "do not vary"),
        (np.where(np.eye(3), 1.0, np.nan), "overlap too little"),
    ],
)
def test_undefined_shares_have_a_reason(table, reason) -> None:
    result = variance_shares(table, resamples=3, rng=rng())
    assert result.shares is None
    assert result.interval() is None
    assert reason in result.reason
    assert "undefined" in result.reading


def test_readings_say_when_personas_do_nothing() -> None:
    idle = variance_shares(simulate(0, 20, 30, 3, 1.0, 0.0, 0.0, 1.0), resamples=9, rng=rng())
    assert "not diverse" in idle.reading
    lively = variance_shares(simulate(0, 20, 30, 3, 0.2, 1.0, 1.0, 0.1), resamples=9, rng=rng())
    assert "not diverse" not in lively.reading
    once = variance_shares(simulate(0, 20, 30, 1, 0.2, 1.0, 1.0, 0.1), resamples=9, rng=rng())
    assert once.sources[-1] == "persona x item + replicate"
    assert "ask each question more than once" in once.reading


def test_bad_tables_are_refused() -> None:
    for table in (np.ones(3), np.full((2, 2, 2), np.inf)):
        with pytest.raises(ValueError, match="personas, items, replicates"):
            variance_shares(table, rng=rng())
    with pytest.raises(ValueError, match="complete"):
        intraclass_correlations([[1.0, np.nan], [1.0, 2.0]], rng=rng())


def test_shrout_and_fleiss_published_coefficients() -> None:
    result = intraclass_correlations(SHROUT_FLEISS, rng=rng())
    np.testing.assert_array_equal(np.round(result.values, 4), PUBLISHED)
    interval = result.interval()
    assert (interval.low < result.values).all()
    assert (interval.high > result.values).all()


def test_icc_of_single_jurors_is_the_item_share() -> None:
    components = variance_shares(SHROUT_FLEISS, resamples=1, rng=rng()).components
    assert components[0] / components.sum() == pytest.approx(0.2898, abs=5e-5)


def test_icc_bootstrap_equals_resampled_tables() -> None:
    table = simulate(1, 4, 12, 1, 1.0, 0.3, 0.5, 0.5)[:, :, 0]
    result = intraclass_correlations(table, resamples=5, rng=rng(4))
    drawn = np.concatenate(list(item_multiplicities(12, 5, rng(4)))).astype(int)
    for b in range(5):
        again = intraclass_correlations(np.repeat(table, drawn[:, b], axis=1), rng=rng())
        np.testing.assert_allclose(result.replicates[:, b], again.values, rtol=1e-9)


@pytest.mark.parametrize(
    ("table", "reason"), [([[1.0, 2.0]], "two jurors"), (np.ones((3, 4)), "do not vary")]
)
def test_undefined_icc_has_a_reason(table, reason) -> None:
    result = intraclass_correlations(table, rng=rng(), resamples=3)
    assert result.values is None
    assert result.interval() is None
    assert reason in result.reason
