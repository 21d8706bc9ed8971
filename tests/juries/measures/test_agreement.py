from __future__ import annotations

import itertools
import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from juries.measures import alpha_resampling, resampling
from juries.measures.agreement import krippendorff_alpha, krippendorff_alpha_bootstrap
from juries.measures.coincidences import LEVELS, encode, item_histograms
from juries.measures.effective import effective_jurors
from juries.measures.resampling import (
    item_multiplicities,
    juror_multiplicities,
    row_multiplicities,
)

NO = math.nan
KRIPPENDORFF_2011 = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NO, NO, NO],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NO, 3],
    [NO, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NO],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NO],
]
PUBLISHED = {"nominal": 0.743421, "ordinal": 0.815388, "interval": 0.849107, "ratio": 0.797403}


def naive_alpha(table, level, copies=None):
    """The definition by loops over pairs of ratings; `copies` repeats jurors without self-pairs."""
    table = np.asarray(table, dtype=float)
    copies = np.ones(len(table)) if copies is None else copies
    units = []
    for item in range(table.shape[1]):
        given_by = [j for j in range(len(table)) if copies[j] and not np.isnan(table[j, item])]
        if len(given_by) > 1:
            units.append([(table[j, item], copies[j]) for j in given_by])
    flat = [pair for unit in units for pair in unit]
    if not flat:
        return None
    n = sum(w for _, w in flat)
    marginal = {v: sum(w for x, w in flat if x == v) for v, _ in flat}

    def gap(a, b):
        if level == "nominal":
            return float(a != b)
        if level == "interval":
            return (a - b) ** 2
        if level == "ratio":
            return ((a - b) / (a + b)) ** 2 if a + b else 0.0
        low, high = sorted((a, b))
        between = sum(count for v, count in marginal.items() if low <= v <= high)
        return (between - (marginal[low] + marginal[high]) / 2) ** 2 if a != b else 0.0

    observed = 0.0
    for unit in units:
        m = sum(w for _, w in unit)
        pairs = m**2 - sum(w**2 for _, w in unit)
        total = sum(
            v * w * gap(a, b)
            for (at, (a, v)), (to, (b, w)) in itertools.product(enumerate(unit), repeat=2)
            if at != to
        )
        observed += total * m / pairs
    expected = sum(marginal[a] * marginal[b] * gap(a, b) for a in marginal for b in marginal)
    if not expected:
        return None
    return 1 - observed / n / (expected / (n**2 - sum(w**2 for _, w in flat)))


def table_of(seed, jurors=5, items=9, values=5, missing=0.3, dtype=float):
    rng = np.random.default_rng(seed)
    common = rng.integers(1, values + 1, size=items)
    own = rng.integers(1, values + 1, size=(jurors, items))
    table = np.where(rng.random((jurors, items)) < 0.5, common, own)
    gone = rng.random((jurors, items)) < missing
    return np.where(gone, np.nan if dtype is float else -1, table).astype(dtype)


@pytest.mark.parametrize("level", LEVELS)
def test_krippendorffs_published_example(level) -> None:
    result = krippendorff_alpha(KRIPPENDORFF_2011, level)
    assert round(result.alpha, 6) == PUBLISHED[level]
    assert (result.n_pairable, result.n_items, result.n_jurors) == (40, 11, 4)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), jurors=st.integers(2, 6), items=st.integers(2, 12))
@pytest.mark.parametrize("level", LEVELS)
def test_equals_the_definition_by_loops(level, seed, jurors, items) -> None:
    table = table_of(seed, jurors, items)
    expected = naive_alpha(table, level)
    result = krippendorff_alpha(table, level)
    if result.alpha is None:
        assert expected is None or result.n_items < 2
    else:
        assert result.alpha == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("level", LEVELS)
def test_every_way_to_hand_over_the_same_ratings(level) -> None:
    small = table_of(1, 300, 40, dtype=np.int8)  # more jurors than a byte can count
    floats = np.where(small < 0, np.nan, small)
    expected = krippendorff_alpha(floats, level)
    assert krippendorff_alpha(small, level, missing=-1) == expected
    wide = np.where(small < 0, 999, small.astype(np.int64))
    assert krippendorff_alpha(wide, level, missing=999) == expected
    single = krippendorff_alpha(floats.astype(np.float32), level)
    assert single.alpha == pytest.approx(expected.alpha, abs=1e-12)
    if level != "ratio":
        shifted = krippendorff_alpha(floats * 0.25 - 3, level)
        assert shifted.alpha == pytest.approx(expected.alpha, abs=1e-12)


@pytest.mark.parametrize("level", LEVELS)
def test_order_of_jurors_and_items_is_nothing(level) -> None:
    rng = np.random.default_rng(0)
    table = table_of(2)
    shuffled = table[rng.permutation(5)][:, rng.permutation(9)]
    expected = krippendorff_alpha(table, level).alpha
    assert krippendorff_alpha(shuffled, level).alpha == pytest.approx(expected, abs=1e-12)


def test_nominal_alpha_ignores_what_values_are_called() -> None:
    table = table_of(3)
    renamed = np.where(np.isnan(table), np.nan, (table * 7) % 5 + 10)
    assert krippendorff_alpha(renamed, "nominal").alpha == pytest.approx(
        krippendorff_alpha(table, "nominal").alpha, abs=1e-12
    )


def test_two_jurors_without_gaps_agree_with_scotts_pi() -> None:
    """Scott's pi with the small-sample correction: alpha = 1 - (1 - pi)(2N - 1) / 2N."""
    table = table_of(4, 2, 30, 3, missing=0)
    n = 2 * table.shape[1]
    share = np.array([(table == v).sum() / n for v in (1, 2, 3)])
    chance = float((share**2).sum())
    scott = ((table[0] == table[1]).mean() - chance) / (1 - chance)
    expected = 1 - (1 - scott) * (n - 1) / n
    assert krippendorff_alpha(table, "nominal").alpha == pytest.approx(expected, abs=1e-12)


def test_perfect_and_chance_agreement() -> None:
    rng = np.random.default_rng(0)
    same = np.tile(rng.integers(1, 6, size=200).astype(float), (4, 1))
    noise = rng.integers(1, 6, size=(40, 2000)).astype(float)
    for level in LEVELS:
        assert krippendorff_alpha(same, level).alpha == 1.0
        assert abs(krippendorff_alpha(noise, level).alpha) < 0.005


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ([[3, 3, 3], [3, 3, NO]], "all ratings are equal"),
        ([[1, 2, 3]], "one juror"),
        ([[1, 2, 3], [NO, NO, NO]], "one juror"),
        ([[1], [2], [4]], "only one item"),
        ([[1, 2, NO], [NO, 3, 4]], "only one item"),
        ([[1, NO], [NO, 2]], "no item was rated by two jurors"),
        ([[NO, NO], [NO, NO]], "no juror rated anything"),
        (np.empty((0, 4)), "no juror"),
        (np.empty((4, 0)), "no juror"),
    ],
)
@pytest.mark.parametrize("level", LEVELS)
def test_undefined_alpha_has_a_reason_and_no_number(table, reason, level) -> None:
    result = krippendorff_alpha(table, level)
    assert result.alpha is None
    assert reason in result.reason
    assert "undefined" in result.reading
    boot = krippendorff_alpha_bootstrap(table, level, resamples=3, rng=np.random.default_rng(0))
    assert boot.undefined == 3
    assert boot.interval() is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: krippendorff_alpha([1, 2, 3]), "jurors, items"),
        (lambda: krippendorff_alpha([["a"]]), "expected numbers"),
        (lambda: krippendorff_alpha([[1.0, np.inf]]), "finite"),
        (lambda: krippendorff_alpha([[1.0, 2.0]], "cardinal"), "nominal, ordinal"),
        (lambda: krippendorff_alpha([[-1.0, 2.0], [1.0, 1.0]], "ratio"), "not negative"),
        (
            lambda: krippendorff_alpha(np.random.default_rng(0).random((2, 300)), "ordinal"),
            "more than 256 distinct",
        ),
        (
            lambda: krippendorff_alpha_bootstrap(
                [[1, 2], [1, 2]], over="both", rng=np.random.default_rng(0)
            ),
            "over 'both'",
        ),
    ],
)
def test_bad_ratings_are_refused(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_any_number_of_distinct_values_at_the_interval_level() -> None:
    rng = np.random.default_rng(0)
    table = rng.random((4, 150)) + rng.random(150)
    table[rng.random(table.shape) < 0.3] = np.nan
    result = krippendorff_alpha(table, "interval")
    assert result.alpha == pytest.approx(naive_alpha(table, "interval"), abs=1e-12)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("jurors", [3, 40])  # few: equal histograms are joined; many: they are not
def test_item_bootstrap_equals_the_loop(level, jurors, monkeypatch) -> None:
    for module in (resampling, alpha_resampling):
        monkeypatch.setattr(module, "BLOCK", 7)
    values = 2 if jurors == 3 else 5
    table = table_of(5, jurors, 60, values)
    boot = krippendorff_alpha_bootstrap(table, level, resamples=6, rng=np.random.default_rng(9))
    rng = np.random.default_rng(9)
    if jurors == 40:
        drawn = np.concatenate(list(item_multiplicities(60, 6, rng)))
    else:
        drawn = drawn_items(table, rng)
    for b in range(6):
        resampled = np.repeat(table, drawn[:, b].astype(int), axis=1)
        expected = krippendorff_alpha(resampled, level).alpha
        assert boot.replicates[b] == pytest.approx(expected, abs=1e-11)


def drawn_items(table, rng):
    """Multiplicities of items that stand for the joined rows: any item of a row will do."""
    codes = encode(table, None)
    joined = item_histograms(codes)
    assert len(joined.weight) < table.shape[1]
    rows = np.concatenate(list(row_multiplicities(joined.weight, 6, rng)))
    result = np.zeros((table.shape[1], 6))
    for row, counts in zip(joined.counts, rows, strict=True):
        for item in range(table.shape[1]):
            own = [(codes.codes[:, item] == label).sum() for label in codes.labels]
            own = own if sum(own) > 1 else [0] * len(own)
            if np.array_equal(own, row):
                result[item] = counts
                break
    return result


@pytest.mark.parametrize("level", LEVELS)
def test_juror_bootstrap_equals_the_loop_without_self_pairs(level, monkeypatch) -> None:
    monkeypatch.setattr(alpha_resampling, "BLOCK", 4)
    table = table_of(6, 6, 10)
    boot = krippendorff_alpha_bootstrap(
        table, level, over="jurors", resamples=8, rng=np.random.default_rng(2)
    )
    copies = juror_multiplicities(6, 8, np.random.default_rng(2))
    for b in range(8):
        assert boot.replicates[b] == pytest.approx(
            naive_alpha(table, level, copies[:, b]), abs=1e-11
        )


def test_bootstraps_of_many_valued_ratings_equal_the_loop() -> None:
    rng = np.random.default_rng(3)
    table = rng.random((5, 80)) + rng.random(80)
    table[rng.random(table.shape) < 0.2] = np.nan
    items = krippendorff_alpha_bootstrap(
        table, "interval", resamples=4, rng=np.random.default_rng(1)
    )
    drawn = np.concatenate(list(item_multiplicities(80, 4, np.random.default_rng(1))))
    jurors = krippendorff_alpha_bootstrap(
        table, "interval", over="jurors", resamples=4, rng=np.random.default_rng(1)
    )
    copies = juror_multiplicities(5, 4, np.random.default_rng(1))
    for b in range(4):
        again = np.repeat(table, drawn[:, b].astype(int), axis=1)
        assert items.replicates[b] == pytest.approx(naive_alpha(again, "interval"), abs=1e-11)
        assert jurors.replicates[b] == pytest.approx(
            naive_alpha(table, "interval", copies[:, b]), abs=1e-11
        )


def test_intervals_over_items_cover_alpha() -> None:
    """Ratings from item effect plus noise; interval alpha tends to the item share of variance."""
    share, hits = 0.4, 0
    for study in range(150):
        rng = np.random.default_rng(study)
        item = rng.standard_normal(80) * share**0.5
        table = item + rng.standard_normal((6, 80)) * (1 - share) ** 0.5
        boot = krippendorff_alpha_bootstrap(table, "interval", resamples=400, rng=rng)
        hits += share in boot.interval()
    assert 0.88 <= hits / 150 <= 0.99


def test_real_ratings_of_offensiveness(shared_data) -> None:
    """POPQUORN (arXiv 2306.06826); the alphas are those of evalica 0.4."""
    path = shared_data("popquorn_offensiveness.csv")
    frame = pl.read_csv(path, infer_schema_length=None)
    wide = frame.pivot(
        on="instance_id", index="user_id", values="offensiveness", aggregate_function="first"
    ).drop("user_id")
    table = wide.to_numpy().astype(float)
    independent = {
        "nominal": 0.133900,
        "ordinal": 0.286489,
        "interval": 0.287175,
        "ratio": 0.272294,
    }
    for level, alpha in independent.items():
        result = krippendorff_alpha(table, level)
        assert round(result.alpha, 6) == alpha
        assert (result.n_pairable, result.n_items, result.n_jurors) == (13_036, 1_500, 262)
    interval = krippendorff_alpha_bootstrap(table, rng=np.random.default_rng(0)).interval()
    assert (float(interval.low), float(interval.high)) == pytest.approx((0.264, 0.306), abs=0.004)


@pytest.mark.parametrize(("n", "r"), [(6, 0.42)])
def test_effective_jurors_check_figure(n, r) -> None:
    rng = np.random.default_rng(0)
    basis, _ = np.linalg.qr(rng.standard_normal((40, n + 1)) - 0)
    basis -= basis.mean(axis=0)
    basis, _ = np.linalg.qr(basis)
    errors = basis[:, :1] * r**0.5 + basis[:, 1:] * (1 - r) ** 0.5  # exact correlations r
    truth = rng.integers(1, 6, size=40).astype(float)
    result = effective_jurors(truth + errors.T, truth)
    assert result.mean_correlation == pytest.approx(r, abs=1e-12)
    assert round(result.n_effective, 2) == 1.94
    assert result.n_pairs == 15
    assert result.low < result.n_effective < result.high
    assert "worth 1.94" in result.reading


def test_effective_jurors_equal_numpys_correlations_with_gaps() -> None:
    rng = np.random.default_rng(1)
    table = rng.standard_normal((5, 30)) + rng.standard_normal(30)
    table[rng.random(table.shape) < 0.2] = np.nan
    r = []
    for a, b in itertools.combinations(table, 2):
        both = ~np.isnan(a + b)
        r.append(np.corrcoef(a[both], b[both])[0, 1])
    result = effective_jurors(table)
    assert result.mean_correlation == pytest.approx(np.mean(r), abs=1e-12)
    assert result.basis == "ratings"
    assert "lower bound" in result.reading
    scaled = effective_jurors(table * np.arange(1, 6)[:, None] + 3)
    assert scaled.mean_correlation == pytest.approx(np.mean(r), abs=1e-12)


def test_weights_of_independent_jurors_give_kishs_size() -> None:
    weights = np.array([4.0, 1, 1, 1, 1])
    rng = np.random.default_rng(0)
    result = effective_jurors(rng.standard_normal((5, 40_000)), np.zeros(40_000), weights)
    assert result.n_effective == pytest.approx(8**2 / 20, rel=0.05)
    assert result.low < 3.2 < result.high


def test_the_jackknife_covers_the_true_number() -> None:
    hits = 0
    for study in range(100):
        rng = np.random.default_rng(study)
        errors = 0.5**0.5 * rng.standard_normal(100) + 0.5**0.5 * rng.standard_normal((8, 100))
        result = effective_jurors(errors, np.zeros(100))
        hits += result.low <= 8 / 4.5 <= result.high
    assert hits >= 88


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ([[1, 2, 3.0]], "two jurors"),
        ([[1, 2, 3.0], [2, 2, 2]], "no two jurors"),
        ([[1, 2, NO], [1, 2, 3]], "no two jurors"),
        ([[1, 2, 3.0], [3, 2, 1]], "no variance"),
    ],
)
def test_undefined_effective_number_has_a_reason(table, reason) -> None:
    result = effective_jurors(table)
    assert result.n_effective is None
    assert reason in result.reason
    assert "undefined" in result.reading


def test_effective_jurors_refuse_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="reference has shape"):
        effective_jurors([[1.0, 2.0]], [1.0])
    with pytest.raises(ValueError, match="finite"):
        effective_jurors([[1.0, np.inf]])
