from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from juries.measures import resampling
from juries.measures.bootstrap import UtilityBlocks, welfare_bootstrap
from juries.measures.resampling import (
    bootstrap_means,
    bootstrap_statistic,
    item_multiplicities,
    juror_multiplicities,
    percentile_interval,
)
from juries.measures.welfare_functions import DEFAULT_FAMILY, PowerMean, parse_welfares
from juries.measures.welfare_results import rank_probabilities

FAMILY = (
    *DEFAULT_FAMILY,
    PowerMean(power=2.5),
    PowerMean(power=-3.0),
    PowerMean(power=math.inf),
    PowerMean(power=0.004),
    PowerMean(power=-0.004),
    PowerMean(power=-900.0),
    PowerMean(power=900.0),
    PowerMean(power=0.0, floor=0.05),
    PowerMean(power=-math.inf, floor=0.05),
)
RESAMPLES = 7


def naive(utilities, functions, weights, resamples, rng):
    """The definition, one replicate, function, model and item at a time."""
    models, items, jurors = utilities.shape
    seats = juror_multiplicities(jurors, resamples, rng)
    drawn = np.concatenate(list(item_multiplicities(items, resamples, rng)))
    seats = np.column_stack([np.ones(jurors), seats])
    drawn = np.column_stack([np.ones(items), drawn])
    means = np.empty((len(functions), models, resamples + 1))
    for f, function in enumerate(functions):
        for m in range(models):
            for b in range(resamples + 1):
                total = count = 0.0
                mass = weights * seats[:, b]
                for i in range(items):
                    if drawn[i, b] == 0:
                        continue
                    value = float(function(utilities[m, i], mass))
                    if not math.isnan(value):
                        total += drawn[i, b] * value
                        count += drawn[i, b]
                means[f, m, b] = total / count if count else math.nan
    return means


def make(kind, seed, shape=(2, 11, 9)):
    rng = np.random.default_rng(seed)
    if kind == "likert":
        u = rng.choice([0.0, 0.25, 0.5, 0.75, 1.0], size=shape)
    elif kind == "continuous":
        u = rng.random(shape)
    else:  # few zeros, many missing, an item nobody rated
        u = np.where(rng.random(shape) < 0.1, 0.0, rng.random(shape))
        u[rng.random(shape) < 0.6] = np.nan
        u[0, 3] = np.nan
    weights = rng.random(shape[2])
    weights[1] = 0.0
    return u, weights / weights.sum()


@pytest.mark.parametrize("kind", ["likert", "continuous", "missing"])
@pytest.mark.parametrize("seed", [0, 1])
def test_equals_the_naive_loop_with_the_same_multiplicities(kind, seed, monkeypatch) -> None:
    monkeypatch.setattr(resampling, "BLOCK", 4)
    monkeypatch.setattr("juries.measures.bootstrap.BLOCK", 4)
    u, weights = make(kind, seed)
    result = welfare_bootstrap(
        u, FAMILY, weights=weights, resamples=RESAMPLES, rng=np.random.default_rng(5)
    )
    reference = naive(u, FAMILY, weights, RESAMPLES, np.random.default_rng(5))
    np.testing.assert_allclose(result.estimate, reference[..., 0], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(result.replicates, reference[..., 1:], rtol=1e-12, atol=1e-14)


def test_long_juries_take_the_gathering_path_and_agree() -> None:
    u, weights = make("continuous", 3, (1, 5, 60))
    u[0, :, 30:] = np.round(u[0, :, 30:], 1)
    result = welfare_bootstrap(
        u, FAMILY, weights=weights, resamples=3, rng=np.random.default_rng(5)
    )
    reference = naive(u, FAMILY, weights, 3, np.random.default_rng(5))
    np.testing.assert_allclose(result.replicates, reference[..., 1:], rtol=1e-12)


@pytest.mark.parametrize("cuts", [(1,) * 600, (300, 300), (7, 0, 593), (256, 256, 88)])
def test_results_do_not_depend_on_how_items_arrive(cuts) -> None:
    rng = np.random.default_rng(0)
    u = rng.random((2, 600, 8)).astype(np.float32)
    functions = parse_welfares(["mean", "nash", "min"])
    whole = welfare_bootstrap(u, functions, resamples=20, rng=np.random.default_rng(1))
    edges = np.cumsum((0, *cuts))
    blocks = UtilityBlocks(
        models=2,
        items=600,
        jurors=8,
        blocks=lambda: (u[:, a:b] for a, b in pairwise(edges)),
    )
    streamed = welfare_bootstrap(blocks, functions, resamples=20, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(streamed.replicates, whole.replicates)
    np.testing.assert_array_equal(streamed.estimate, whole.estimate)


def test_blocks_that_do_not_add_up_are_refused() -> None:
    u = np.full((1, 10, 3), 0.5)
    for items, message in ((9, "announced|longer"), (11, "announced|shorter")):
        blocks = UtilityBlocks(models=1, items=items, jurors=3, blocks=lambda: [u])
        with pytest.raises(ValueError, match=message):
            welfare_bootstrap(blocks, FAMILY, resamples=2, rng=np.random.default_rng(0))
    wrong = UtilityBlocks(models=1, items=10, jurors=4, blocks=lambda: [u])
    with pytest.raises(ValueError, match="a block has shape"):
        welfare_bootstrap(wrong, FAMILY, resamples=2, rng=np.random.default_rng(0))


def test_multiplicities_are_a_multinomial() -> None:
    rng = np.random.default_rng(0)
    blocks = list(item_multiplicities(700, 400, rng))
    drawn = np.concatenate(blocks)
    assert [len(block) for block in blocks] == [256, 256, 188]
    np.testing.assert_array_equal(drawn.sum(axis=0), 700)
    assert drawn.mean(axis=1) == pytest.approx(np.ones(700), abs=0.3)
    assert drawn.var() == pytest.approx(1 - 1 / 700, rel=0.02)
    assert (drawn == 0).mean() == pytest.approx((1 - 1 / 700) ** 700, rel=0.01)
    block_sums = blocks[0].sum(axis=0)
    share = 256 / 700
    assert block_sums.var() == pytest.approx(700 * share * (1 - share), rel=0.25)


def test_pairing_makes_equal_models_differ_by_nothing() -> None:
    rng = np.random.default_rng(0)
    u = rng.random((1, 40, 10))
    both = np.concatenate([u, u, u * 0.5])
    result = welfare_bootstrap(
        both, FAMILY, models=("a", "b", "c"), resamples=50, rng=np.random.default_rng(1)
    )
    first, second, _ = result.differences()[:3]
    assert (first.a, first.b, first.estimate) == ("a", "b", 0.0)
    assert float(first.interval.low) == float(first.interval.high) == 0.0
    assert first.probability == 0.5
    assert second.probability == 1.0
    assert float(second.interval.low) > 0
    ranking = result.rankings()[0]
    assert ranking.order == ("a", "b", "c")
    np.testing.assert_allclose(ranking.first, [0.5, 0.5, 0.0])
    np.testing.assert_allclose(ranking.probabilities.sum(axis=0), 1.0)


def test_a_planted_flip_is_found() -> None:
    # 'even' gives everyone 0.6; 'split' gives most 1.0 and some 0.05: mean prefers split
    rng = np.random.default_rng(0)
    even = 0.6 + 0.02 * rng.standard_normal((60, 40))
    split = np.where(rng.random((60, 40)) < 0.25, 0.05, 1.0)
    result = welfare_bootstrap(
        np.stack([even, split]),
        parse_welfares(["mean", "harmonic", "cvar:0.2"]),
        models=("even", "split"),
        resamples=200,
        rng=np.random.default_rng(1),
    )
    flips = result.flips()
    assert {(flip.ahead, flip.first, flip.second) for flip in flips} == {
        ("split", "power:1", "power:-1"),
        ("split", "power:1", "cvar:0.2"),
    }
    assert all(flip.probability == 1.0 for flip in flips)


def test_counts_and_notes_say_what_is_missing() -> None:
    u = np.full((2, 6, 4), 0.5)
    u[0, 0] = np.nan
    u[0, 1, 2] = np.nan
    u[1, 2, 0] = 0.0
    result = welfare_bootstrap(
        u, parse_welfares(["nash", "min"]), resamples=10, rng=np.random.default_rng(0)
    )
    assert result.missing.tolist() == [5, 0]
    assert result.empty_items.tolist() == [1, 0]
    assert result.zero_items.tolist() == [0, 1]
    text = " ".join(result.notes)
    assert "size of the jury (here 4)" in text
    assert "model 1 0, model 2 1" in text
    assert "1 item-model pair" in text


def test_a_shift_of_the_replicates_is_said() -> None:
    u = np.random.default_rng(0).random((1, 60, 12)) + 0.01
    result = welfare_bootstrap(
        u, parse_welfares(["mean", "harmonic", "min"]), rng=np.random.default_rng(1)
    )
    shifted = [note for note in result.notes if "quarter" in note]
    assert len(shifted) == 1
    assert "power:-inf" in shifted[0]
    assert "power:1 " not in shifted[0]
    assert (result.bias[2] > 0).all()


def test_a_model_that_nobody_rated_has_no_score_but_breaks_nothing() -> None:
    u = np.full((2, 5, 3), 0.5)
    u[1] = np.nan
    result = welfare_bootstrap(u, FAMILY, resamples=10, rng=np.random.default_rng(0))
    assert np.isnan(result.estimate[:, 1]).all()
    interval = result.interval()
    assert interval.undefined[0].tolist() == [0, 10]
    ranking = result.rankings()[0]
    assert ranking.order == ("model 1", "model 2")
    np.testing.assert_allclose(ranking.probabilities, np.eye(2))


@pytest.mark.parametrize(
    ("utilities", "message"),
    [
        (np.full((1, 0, 3), 0.5), "nothing to score"),
        (np.full((2, 3), 0.5), "expected floats"),
        (np.full((1, 2, 3), 1), "expected floats"),
        (np.full((1, 2, 3), -0.5), "not negative"),
        (np.full((1, 2, 3), np.inf), "finite"),
    ],
)
def test_bad_utilities_are_refused(utilities, message) -> None:
    with pytest.raises(ValueError, match=message):
        welfare_bootstrap(utilities, FAMILY, resamples=2, rng=np.random.default_rng(0))


def test_rank_probabilities_share_ties() -> None:
    replicates = np.array([[1.0, 2.0], [1.0, 1.0], [0.0, np.nan]])
    np.testing.assert_allclose(
        rank_probabilities(replicates), [[0.75, 0.25, 0], [0.25, 0.75, 0], [0, 0, 1]]
    )


def test_interval_covers_the_population_mean() -> None:
    """Items, jurors and their interaction all vary; the two-way interval is conservative."""
    hits = 0
    for study in range(120):
        rng = np.random.default_rng(study)
        item = 0.08 * rng.standard_normal((30, 1))
        juror = 0.08 * rng.standard_normal((1, 25))
        u = 1.0 + item + juror + 0.1 * rng.standard_normal((30, 25))
        result = welfare_bootstrap(
            u[None], (PowerMean(power=1.0),), resamples=300, rng=np.random.default_rng(study)
        )
        hits += 1.0 in result.interval()
    assert hits >= 0.9 * 120


def test_bootstrap_means_agree_with_the_formula_and_with_the_loop() -> None:
    rng = np.random.default_rng(0)
    values = rng.standard_normal((500, 2))
    values[:50, 1] = np.nan
    result = bootstrap_means(values, resamples=2000, rng=np.random.default_rng(1))
    np.testing.assert_allclose(result.estimate, np.nanmean(values, axis=0))
    assert result.missing.tolist() == [0, 50]
    assert result.replicates[0].std() == pytest.approx(values[:, 0].std() / 500**0.5, rel=0.06)
    looped = bootstrap_statistic(
        lambda index: values[index, 0].mean(), 500, resamples=2000, rng=np.random.default_rng(2)
    )
    assert looped.replicates.std() == pytest.approx(result.replicates[0].std(), rel=0.06)
    scalar = bootstrap_means(values[:, 0], resamples=10, rng=np.random.default_rng(1))
    assert scalar.estimate.shape == ()


def test_percentile_interval_says_how_many_replicates_were_undefined() -> None:
    interval = percentile_interval([[1.0, 2.0, np.nan], [np.nan] * 3], 0.5, resampled="items")
    assert interval.undefined.tolist() == [1, 3]
    assert interval.low[0] == 1.25
    assert np.isnan(interval.low[1])
    with pytest.raises(ValueError, match="level"):
        percentile_interval([1.0], 1.5, resampled="items")
    with pytest.raises(ValueError, match="no replicates"):
        percentile_interval(np.empty((2, 0)), resampled="items")
