"""Conformity is recovered from simulated talk, and chance alone is not called conformity."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphs.dynamics import trajectory
from juries.measures.deliberation.conformity import conformity, local_mean, local_median
from personas.identity import generator

JURORS = 10


def everybody(jurors: int = JURORS) -> np.ndarray:
    return np.full((jurors, jurors), 1 / jurors)


def simulate(seed: int, *, susceptibility: float, noise: float, questions: int = 300):
    """Talk and its control: the same starts, ratings with chance in them at every ballot."""
    random = generator(seed, "talk")
    start = random.normal(3.0, 1.0, (questions, JURORS))
    talked = trajectory(start, weights=everybody(), rounds=1, susceptibility=susceptibility)
    silent = np.stack([start, start])
    first = random.normal(0, noise, start.shape)  # the first ballot is shared

    def rated(truth: np.ndarray) -> np.ndarray:
        return truth + np.stack([first, random.normal(0, noise, start.shape)])

    return rated(talked), rated(silent)


def measured(talk, control, *, resamples=200, local="mean", weights=None, seed=0):
    return conformity(
        talk,
        control,
        weights=everybody(talk.shape[2]) if weights is None else weights,
        items=np.arange(talk.shape[1]),
        local=local,
        resamples=resamples,
        rng=generator(seed, "bootstrap"),
    )


def test_without_chance_the_index_is_susceptibility_times_what_others_weigh() -> None:
    talk, control = simulate(1, susceptibility=0.6, noise=0.0)
    found = measured(talk, control)
    assert found.index.value == pytest.approx(0.6 * (1 - 1 / JURORS))
    assert found.drift.value == 0.0
    assert found.moves == found.control_moves == 300 * JURORS


def test_chance_alone_looks_like_conformity_until_the_control_is_subtracted() -> None:
    talk, control = simulate(2, susceptibility=0.0, noise=1.0)
    found = measured(talk, control)
    assert found.talk.low is not None
    assert found.talk.low > 0.3
    assert found.index.low is not None
    assert found.index.high is not None
    assert found.index.low < 0 < found.index.high


def test_with_chance_the_index_is_attenuated_by_reliability_only() -> None:
    """Gaps are observed with error: E[true gap | observed] is the reliability times the gap."""
    talk, control = simulate(3, susceptibility=0.6, noise=0.5, questions=3000)
    reliability = 1.0 / (1.0 + 0.5**2)
    expected = 0.6 * (1 - 1 / JURORS) * reliability
    found = measured(talk, control)
    assert found.index.value == pytest.approx(expected, abs=0.02)
    assert found.talk.value is not None
    assert found.talk.value > expected + 0.1


def test_intervals_cover_the_truth() -> None:
    covered = 0
    for seed in range(60):
        talk, control = simulate(seed, susceptibility=0.0, noise=0.7, questions=60)
        index = measured(talk, control, seed=seed).index
        assert index.low is not None
        assert index.high is not None
        covered += index.low <= 0 <= index.high
    assert 52 <= covered <= 60  # 95 % of 60 is 57; below 52 has probability < 0.005


def test_a_control_on_some_items_only_is_enough() -> None:
    talk, control = simulate(4, susceptibility=0.6, noise=0.5)
    control[:, 60:] = np.nan
    found = measured(talk, control)
    assert found.control_moves == 60 * JURORS
    assert (found.talk.n, found.drift.n) == (300, 60)
    assert found.index.low is not None
    assert found.index.low > 0.2


def test_what_cannot_be_said_is_said() -> None:
    talk, _ = simulate(5, susceptibility=0.5, noise=0.0, questions=5)
    alone = measured(talk, None)
    assert alone.talk.value is not None
    assert alone.index.value is None
    assert "no control" in alone.index.reason
    agreed = np.full((2, 5, JURORS), 3.0)
    assert measured(agreed, agreed).talk.reason == "nobody had a gap to close"


def test_only_those_heard_count() -> None:
    """Juror 0 hears juror 1 alone; the rest of the jury stands elsewhere."""
    weights = np.array([[0.5, 0.5, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    talk = np.array([[[1.0, 5.0, 1.0]], [[3.0, 5.0, 1.0]]])
    found = measured(talk, None, weights=weights)
    assert found.moves == 1
    assert found.talk.value == pytest.approx(0.5)


def test_weights_may_change_by_round() -> None:
    first = np.array([[0.5, 0.5, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    second = np.array([[0.5, 0.0, 0.5], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    talk = np.array([[[2.0, 4.0, 0.0]], [[3.0, 4.0, 0.0]], [[2.0, 4.0, 0.0]]])
    found = measured(talk, None, weights=np.stack([first, second]))
    assert found.talk.value == pytest.approx((1 + 1) / (2 + 3))


@given(st.integers(0, 10_000), st.integers(2, 6))
def test_local_mean_and_median_equal_the_written_out_ones(seed, jurors) -> None:
    random = generator(seed, "local")
    positions = random.integers(1, 6, (3, jurors)).astype(float)
    positions[random.random(positions.shape) < 0.2] = np.nan
    weights = random.integers(0, 3, (jurors, jurors)).astype(float)
    means, medians = local_mean(positions, weights), local_median(positions, weights)
    for question in range(3):
        for hearer in range(jurors):
            heard = [
                positions[question, j]
                for j in range(jurors)
                for _ in range(int(weights[hearer, j]))
                if j != hearer and np.isfinite(positions[question, j])
            ]
            if heard:
                assert means[question, hearer] == pytest.approx(np.mean(heard))
                assert medians[question, hearer] == np.median(heard)
            else:
                assert np.isnan(means[question, hearer])
                assert np.isnan(medians[question, hearer])


def test_the_median_does_not_follow_one_loud_outlier() -> None:
    talk = np.array([[[3.0, 3.0, 3.0, 100.0, 1.0]], [[3.0, 3.0, 3.0, 100.0, 3.0]]])
    assert measured(talk, None, local="median").talk.value == pytest.approx(2 / (97 + 2))
