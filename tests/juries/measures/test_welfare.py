from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from juries.measures.leximin_order import leximin
from juries.measures.welfare import (
    inequality_averse_mean,
    lower_tail_mean,
    power_mean,
    quantile,
)
from juries.measures.welfare_functions import (
    DEFAULT_FAMILY,
    InequalityAverseMean,
    LowerTailMean,
    PowerMean,
    Quantile,
    parse_welfare,
    parse_welfares,
)
from personas.errors import InputError

FAMILY = [
    *DEFAULT_FAMILY,
    PowerMean(power=2.5),
    PowerMean(power=math.inf),
    PowerMean(power=-40.0),
    PowerMean(power=0.0, floor=0.05),
]

utilities = arrays(np.float64, st.integers(1, 12), elements=st.floats(0, 1, width=32))


@pytest.mark.parametrize(
    ("power", "expected"),
    [(1, 0.75), (0, 0.25 ** (1 / 3)), (-1, 0.5), (-math.inf, 0.25), (math.inf, 1.0)],
)
def test_worked_example(power: float, expected: float) -> None:
    assert power_mean([1, 1, 0.25], power) == pytest.approx(expected, abs=1e-15)


def test_nash_check_figure() -> None:
    assert round(float(power_mean([1, 1, 0.25], 0)), 4) == 0.6300


@pytest.mark.parametrize("power", [1e-9, -1e-9, 1e-14, -1e-14])
def test_limit_at_zero_keeps_its_digits(power: float) -> None:
    u = [0.9, 0.3, 0.05]
    assert power_mean(u, power) == pytest.approx(float(power_mean(u, 0)), rel=1e-8)


@pytest.mark.parametrize("power", [5000.0, -5000.0, 1e6, -1e6])
def test_large_powers_neither_overflow_nor_underflow(power: float) -> None:
    u = [0.001, 0.5, 0.002]
    limit = 0.5 if power > 0 else 0.001
    assert power_mean(u, power) == pytest.approx(limit * 3 ** (-1 / power), rel=1e-9)


def test_zero_utility_and_floor() -> None:
    assert power_mean([0, 1, 1], 0) == 0
    assert power_mean([0, 1, 1], -1) == 0
    assert power_mean([0, 1, 1], 1e-3) < 1e-100
    assert power_mean([0, 1, 1], 0, [0, 1, 1]) == 1  # the juror at 0 has no weight
    assert power_mean([0, 1, 1], 0, floor=0.01) == pytest.approx(0.01 ** (1 / 3))
    assert power_mean([0, 0, 0], 2) == 0


@pytest.mark.parametrize("function", FAMILY, ids=lambda f: f.name)
def test_missing_jurors_are_left_out(function: object) -> None:
    full = function([0.2, 0.9], [0.25, 0.5])
    assert function([0.2, math.nan, 0.9], [0.25, 0.3, 0.5]) == pytest.approx(full, rel=1e-14)
    nobody = function([[math.nan, math.nan], [0.5, math.nan]])
    assert np.isnan(nobody[0])
    assert nobody[1] == pytest.approx(0.5)
    assert np.isnan(function([math.nan, 0.5], [1, 0]))


@settings(max_examples=60, deadline=None)
@given(u=utilities, seed=st.integers(0, 1000))
@pytest.mark.parametrize("function", FAMILY, ids=lambda f: f.name)
def test_relabelling_and_doubling_change_nothing(function, u, seed) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.integers(1, 5, size=len(u)).astype(float)
    value = function(u, weights)
    order = rng.permutation(len(u))
    assert function(u[order], weights[order]) == pytest.approx(value, rel=1e-9, abs=1e-12)
    assert function(np.append(u, u[0]), np.append(weights, 0.0)) == pytest.approx(value, rel=1e-9)
    split = weights.copy()
    split[0] /= 2
    doubled = function(np.append(u, u[0]), np.append(split, split[0]))
    assert doubled == pytest.approx(value, rel=1e-9, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(u=utilities, seed=st.integers(0, 1000))
@pytest.mark.parametrize("function", FAMILY, ids=lambda f: f.name)
def test_monotone_and_between_the_ends(function, u, seed) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.random(len(u)) + 0.1
    value = function(u, weights)
    low = 0.05 if function == PowerMean(power=0.0, floor=0.05) else 0.0
    assert value <= max(u.max(), low) + 1e-12
    raised = u + rng.random(len(u)) * (1 - u)
    assert function(raised, weights) >= value - 1e-12
    if not isinstance(function, InequalityAverseMean):
        assert value >= u.min() - 1e-12


@settings(max_examples=100, deadline=None)
@given(u=utilities)
def test_power_mean_rises_with_the_power(u: np.ndarray) -> None:
    powers = [-math.inf, -50, -2, -1, -0.5, -1e-6, 0, 1e-6, 0.5, 1, 2, 50, math.inf]
    values = [float(power_mean(u, power)) for power in powers]
    assert all(b >= a - 1e-12 for a, b in pairwise(values))


@given(c=st.floats(0.001, 1), power=st.floats(-300, 300))
def test_a_unanimous_jury_gets_what_it_says(c: float, power: float) -> None:
    assert power_mean([c] * 7, power) == pytest.approx(c, rel=1e-9)


def test_quantile_is_the_inverse_weighted_cdf() -> None:
    u = np.linspace(0.1, 1.0, 10)
    assert quantile(u, 0.3) == pytest.approx(0.3)  # three tenths reach 0.3 despite rounding
    assert quantile(u, 0.31) == pytest.approx(0.4)
    assert quantile([0.2, 0.8], 0.5, [0.4, 0.6]) == 0.8
    rng = np.random.default_rng(0)
    sample = rng.random(37)
    for level in (0.05, 0.33, 0.5, 0.9):
        reference = np.quantile(sample, level, method="inverted_cdf")
        assert quantile(sample, level) == reference


def test_lower_tail_takes_a_fraction_of_the_boundary_juror() -> None:
    # 30 % of four equal jurors: the first whole quarter, then 0.05 of the second
    assert lower_tail_mean([0.1, 0.5, 0.9, 1.0], 0.3) == pytest.approx(
        (0.25 * 0.1 + 0.05 * 0.5) / 0.3
    )
    assert lower_tail_mean([0.1, 0.5, 0.9, 1.0], 1.0) == pytest.approx(0.625)
    assert lower_tail_mean([0.4, 0.1], 1e-9) == pytest.approx(0.1)


def test_inequality_averse_mean_by_hand() -> None:
    # mean 0.5; mean absolute difference over all ordered pairs: 2 · 0.25 · 1 = 0.5
    assert inequality_averse_mean([0, 1], 0.5) == pytest.approx(0.5 - 0.5 * 0.25)
    rng = np.random.default_rng(1)
    u, w = rng.random(9), rng.random(9)
    p = w / w.sum()
    spread = np.sum(np.outer(p, p) * np.abs(u[:, None] - u[None])) / 2
    assert inequality_averse_mean(u, 0.7, w) == pytest.approx(p @ u - 0.7 * spread)


def test_axis_and_shapes() -> None:
    rng = np.random.default_rng(2)
    table = rng.random((3, 4, 5))
    for function in FAMILY:
        by_rows = function(table, axis=1)
        assert by_rows.shape == (3, 5)
        assert by_rows[1, 2] == pytest.approx(float(function(table[1, :, 2])))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: power_mean([0.5, -0.1], 1), "not negative"),
        (lambda: power_mean([0.5, math.inf], 1), "finite"),
        (lambda: power_mean([0.5], math.nan), "power is NaN"),
        (lambda: power_mean([0.5], 0, floor=-1), "floor"),
        (lambda: power_mean([0.5, 0.5], 1, [1, -1]), "weights must be"),
        (lambda: power_mean([0.5, 0.5], 1, [0, 0]), "weights must be"),
        (lambda: power_mean([0.5, 0.5], 1, [math.nan, 1]), "weights must be"),
        (lambda: power_mean([0.5, 0.5], 1, [1]), "weights have shape"),
        (lambda: power_mean(np.empty((2, 0)), 1), "no jurors"),
        (lambda: quantile([0.5], 0), "level"),
        (lambda: lower_tail_mean([0.5], 0), "share"),
        (lambda: inequality_averse_mean([0.5], 1.5), "aversion"),
        (lambda: leximin([0.5], [0.5, 0.5]), "shapes"),
        (lambda: leximin([math.nan], [0.5]), "no juror"),
    ],
)
def test_what_cannot_be_computed_is_refused(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_leximin_starts_at_the_worst_off() -> None:
    result = leximin([0.1, 0.5, 0.9], [0.9, 0.1, 0.4])
    assert (result.order, result.share) == (1, pytest.approx(1 / 3))
    assert (result.a, result.b) == (0.5, 0.4)
    assert leximin([0.1, 0.5], [0.5, 0.1]).order == 0
    assert leximin([0.1, 0.5], [0.1 + 1e-9, 0.4], tolerance=1e-6).order == 1


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 6))
def test_leximin_equals_comparing_sorted_lists(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 3, size=(2, n)) / 2
    expected = compare(a, b)
    assert leximin(a, b).order == expected
    assert leximin(b, a).order == -expected
    copies = rng.integers(1, 4, size=n)  # integer weights equal repeated jurors
    assert leximin(a, b, copies).order == compare(np.repeat(a, copies), np.repeat(b, copies))


def compare(a: np.ndarray, b: np.ndarray) -> int:
    left, right = sorted(a.tolist()), sorted(b.tolist())
    return (left > right) - (left < right)


@pytest.mark.parametrize(
    ("text", "function"),
    [
        ("power:1", PowerMean(power=1.0)),
        ("Utilitarian", PowerMean(power=1.0)),
        ("nash", PowerMean(power=0.0)),
        ("harmonic", PowerMean(power=-1.0)),
        ("rawlsian", PowerMean(power=-math.inf)),
        (" power:-inf ", PowerMean(power=-math.inf)),
        ("power:0,floor=0.01", PowerMean(power=0.0, floor=0.01)),
        ("quantile:0.1", Quantile(level=0.1)),
        ("median", Quantile(level=0.5)),
        ("cvar:0.2", LowerTailMean(share=0.2)),
        ("inequality:0.5", InequalityAverseMean(aversion=0.5)),
    ],
)
def test_names_parse(text, function) -> None:
    assert parse_welfare(text) == function
    assert function.label
    assert function.name


@given(power=st.floats(allow_nan=False), floor=st.floats(0, 1))
def test_a_name_parses_back_to_the_same_function(power: float, floor: float) -> None:
    function = PowerMean(power=power, floor=floor)
    assert parse_welfare(function.name) == function


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rawlsain", "Did you mean 'rawlsian'"),
        ("wat", "Short names"),
        ("power", "needs a number"),
        ("power:x", "bad welfare function"),
        ("power:nan", "bad welfare function"),
        ("quantile:1.5", "0 < Q < 1"),
        ("cvar:0", "0 < Q <= 1"),
        ("inequality:2", "0 <= L <= 1"),
        ("quantile:0.1,floor=0.1", "bad welfare function"),
        ("power:0,flour=0.1", "bad welfare function"),
    ],
)
def test_unreadable_functions_say_what_is_expected(text, message) -> None:
    with pytest.raises(InputError, match=message):
        parse_welfare(text, where="study.yaml")


def test_a_function_named_twice_is_refused() -> None:
    assert len(parse_welfares(["mean", "nash"])) == 2
    with pytest.raises(InputError, match="named twice"):
        parse_welfares(["mean", "utilitarian"])
    with pytest.raises(InputError, match="no welfare function"):
        parse_welfares([])
