"""Prediction-powered means: against ppi-python, in repeated studies, and where they do not pay."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from juries.calibration import (
    PpiData,
    Undefined,
    ppi_difference,
    ppi_groups,
    ppi_independent_difference,
    ppi_mean,
    ppi_stratified,
)


def study(rng: np.random.Generator, n: int, rest: int, correlation: float):
    """Labels and predictions with a known correlation; the labels' mean is 3, variance 1."""
    truth = rng.standard_normal(n + rest)
    noise = rng.standard_normal(n + rest)
    prediction = 2.4 + 0.8 * (correlation * truth + np.sqrt(1 - correlation**2) * noise)
    return 3 + truth[:n], prediction[:n], prediction[n:]


@pytest.fixture(scope="module")
def ppi_py():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("ppi_py", reason="ppi-python is not installed")


@pytest.mark.parametrize("lam", [None, 0.0, 0.4, 1.0])
@pytest.mark.parametrize("correlation", [0.1, 0.6, 0.95])
def test_estimate_and_interval_agree_with_ppi_python(ppi_py, lam, correlation):
    y, f, rest = study(np.random.default_rng(3), 150, 4000, correlation)

    result = ppi_mean(y, f, rest, lam=lam, level=0.9)

    theirs = ppi_py.ppi_mean_pointestimate(y, f, rest, lam=lam)
    low, high = ppi_py.ppi_mean_ci(y, f, rest, alpha=0.1, lam=lam)
    np.testing.assert_allclose(result.estimate, np.ravel(theirs)[0], atol=1e-9)
    np.testing.assert_allclose(result.interval.low, np.ravel(low)[0], atol=1e-9)
    np.testing.assert_allclose(result.interval.high, np.ravel(high)[0], atol=1e-9)


def test_a_weighted_estimate_agrees_with_ppi_python(ppi_py):
    rng = np.random.default_rng(4)
    y, f, rest = study(rng, 120, 900, 0.8)
    weights, weights_rest = rng.uniform(0.2, 4, 120), rng.uniform(0.5, 2, 900)

    result = ppi_mean(y, f, rest, weights=weights, weights_unlabelled=weights_rest)

    theirs = ppi_py.ppi_mean_pointestimate(y, f, rest, w=weights, w_unlabeled=weights_rest)
    np.testing.assert_allclose(result.estimate, np.ravel(theirs)[0], atol=1e-9)


def test_400_studies_cover_the_truth_at_the_width_theory_says():
    rng = np.random.default_rng(2026)
    n, rest, correlation = 200, 2000, 0.8
    covered, ratios = 0, []
    for _ in range(400):
        result = ppi_mean(*study(rng, n, rest, correlation))
        covered += 3.0 in result.interval
        ratios.append(result.interval.width / result.people_only.interval.width)

    assert abs(covered / 400 - 0.95) <= 0.02
    theory = np.sqrt(1 - correlation**2 * rest / (n + rest))
    assert np.mean(ratios) == pytest.approx(theory, rel=0.01)


def test_400_small_studies_keep_their_coverage_with_students_t():
    rng = np.random.default_rng(5)
    results = [
        3.0 in ppi_mean(*study(rng, 12, 400, 0.7), small_sample=True).interval for _ in range(400)
    ]
    assert abs(np.mean(results) - 0.95) <= 0.02


def test_biased_predictions_do_not_bias_the_estimate():
    rng = np.random.default_rng(6)
    estimates = []
    for _ in range(400):
        y, f, rest = study(rng, 60, 600, 0.9)
        estimates.append(ppi_mean(y, f - 1.5, rest - 1.5).estimate)

    error = np.std(estimates, ddof=1) / np.sqrt(400)
    assert abs(np.mean(estimates) - 3) < 4 * error


def test_inverse_probability_weights_undo_a_planned_sample():
    rng = np.random.default_rng(8)
    population = 4000
    covered, weighted, plain = 0, [], []
    y, f, _ = study(rng, population, 2, 0.8)
    y = y + 0.0
    chance = np.clip(0.02 + 0.04 * (y > 3.5), 0, 1)  # items that people rate high are sought out
    for _ in range(400):
        drawn = rng.random(population) < chance
        result = ppi_mean(y[drawn], f[drawn], f, weights=1 / chance[drawn])
        weighted.append(result.estimate)
        plain.append(y[drawn].mean())
        covered += y.mean() in result.interval

    error = np.std(weighted, ddof=1) / np.sqrt(400)
    assert abs(np.mean(weighted) - y.mean()) < 4 * error
    assert np.mean(plain) - y.mean() > 0.2
    assert abs(covered / 400 - 0.95) <= 0.02


def test_uninformative_predictions_are_said_not_to_pay():
    rng = np.random.default_rng(9)
    y, _, rest = study(rng, 50, 500, 0.5)
    unrelated = rng.standard_normal(50)
    slope, level = np.polyfit(y, unrelated, 1)
    unrelated -= slope * y + level  # exactly uncorrelated in this sample too

    result = ppi_mean(y, unrelated + 0.05 * y, rest)

    assert not result.pays
    assert result.threshold == pytest.approx(1 / np.sqrt(48))
    assert any("do not pay" in note for note in result.notes)
    assert result.interval.width == pytest.approx(result.people_only.interval.width, rel=0.1)


def test_constant_predictions_leave_people_alone():
    y = np.array([1.0, 2.0, 4.0, 5.0])
    result = ppi_mean(y, np.full(4, 0.1), np.full(30, 0.1))

    assert result.lam == 0
    assert result.correlation is None
    assert result.estimate == pytest.approx(3.0)
    assert result.interval.width == pytest.approx(result.people_only.interval.width)
    assert not result.pays


def test_predictions_that_are_the_labels_leave_only_the_error_of_all_units():
    rng = np.random.default_rng(10)
    y, rest = rng.standard_normal(40), rng.standard_normal(4000)
    result = ppi_mean(y, y, rest, lam=1)

    assert result.estimate == pytest.approx(rest.mean())
    assert result.effective_labels == pytest.approx(40 * y.var() / rest.var() * 100, rel=1e-9)


@given(st.floats(-50, 50), st.floats(0.1, 20), st.integers(0, 2**16))
def test_labels_shift_and_scale_with_their_unit(shift, scale, seed):
    y, f, rest = study(np.random.default_rng(seed), 30, 90, 0.6)
    plain = ppi_mean(y, f, rest)
    moved = ppi_mean(shift + scale * y, shift + scale * f, shift + scale * rest)

    assert moved.lam == pytest.approx(plain.lam, abs=1e-6)
    assert moved.estimate == pytest.approx(shift + scale * plain.estimate, rel=1e-6, abs=1e-6)
    assert moved.standard_error == pytest.approx(scale * plain.standard_error, rel=1e-6)


def test_a_paired_difference_of_two_models_covers_and_is_narrower_than_unpaired():
    rng = np.random.default_rng(12)
    covered, paired, unpaired = 0, [], []
    for _ in range(400):
        ease, n = rng.standard_normal(1200), 150  # what makes an item easy for both models
        y = [gap + ease + 0.5 * rng.standard_normal(1200) for gap in (0.3, 0.0)]
        f = [one + 0.6 * rng.standard_normal(1200) for one in y]
        a, b = (PpiData.of(y[m][:n], f[m][:n], f[m][n:]) for m in (0, 1))
        result = ppi_difference(a, b)
        covered += 0.3 in result.interval
        paired.append(result.interval.width)
        unpaired.append(ppi_independent_difference(a.mean(), b.mean()).interval.width)

    assert abs(covered / 400 - 0.95) <= 0.02
    assert np.mean(paired) < 0.8 * np.mean(unpaired)


def test_strata_cover_the_truth_and_are_narrower_than_pooling_them():
    rng = np.random.default_rng(13)
    shares = {"easy": 0.7, "hard": 0.3}
    centre = {"easy": 2.0, "hard": 5.0}
    covered, widths, pooled = 0, [], []
    for _ in range(400):
        strata = {}
        for name, correlation in (("easy", 0.9), ("hard", 0.2)):
            count, rest = round(200 * shares[name]), round(2000 * shares[name])
            y, f, unseen = study(rng, count, rest, correlation)
            strata[name] = PpiData.of(y - 3 + centre[name], f, unseen)
        result = ppi_stratified(strata, shares)
        covered += 0.7 * 2 + 0.3 * 5 in result.interval
        widths.append(result.interval.width)
        pooled.append(
            ppi_mean(
                *(
                    np.concatenate([getattr(one, field) for one in strata.values()])
                    for field in ("labels", "predictions_labelled", "predictions_unlabelled")
                )
            ).interval.width
        )

    assert abs(covered / 400 - 0.95) <= 0.02
    assert np.mean(widths) < 0.8 * np.mean(pooled)


def test_each_group_has_its_estimate_and_a_group_of_one_says_why_it_has_none():
    rng = np.random.default_rng(14)
    groups = {
        "a": PpiData.of(*study(rng, 20, 100, 0.8)),
        "b": PpiData.of([1.0], [1.0], [1.0, 2.0]),
    }
    results = ppi_groups(groups)

    assert results["a"].interval.basis == "units, Student t"
    assert isinstance(results["b"], Undefined)
    assert "1 labelled and 2 unlabelled" in results["b"].reason


@pytest.mark.parametrize(
    ("labels", "predictions", "rest", "message"),
    [
        ([1, 2], [1], [1, 2], "2 labels for 1 predictions"),
        ([1], [1], [1, 2], "1 labelled and 2 unlabelled"),
        ([1, np.nan], [1, 2], [1, 2], "labels holds numbers that are not finite"),
        ([[1, 2]], [1, 2], [1, 2], "shape"),
    ],
)
def test_arrays_that_cannot_be_used_are_refused(labels, predictions, rest, message):
    with pytest.raises(ValueError, match=message):
        ppi_mean(labels, predictions, rest)


def test_weights_and_levels_are_checked():
    y, f, rest = study(np.random.default_rng(1), 10, 10, 0.5)
    with pytest.raises(ValueError, match="positive number"):
        ppi_mean(y, f, rest, weights=np.zeros(10))
    with pytest.raises(ValueError, match="level"):
        ppi_mean(y, f, rest, level=95)
    with pytest.raises(ValueError, match="shares"):
        ppi_stratified({"a": PpiData.of(y, f, rest)}, {"a": 0.5})
