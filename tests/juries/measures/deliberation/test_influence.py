"""Who moved whom is recovered from simulated talk."""

from __future__ import annotations

import numpy as np
import pytest

from graphs.dynamics import trajectory
from juries.measures.deliberation.influence import influence
from personas.identity import generator

WEIGHTS = np.array(
    [
        [0.4, 0.6, 0.0, 0.0],
        [0.1, 0.3, 0.4, 0.2],
        [0.5, 0.0, 0.5, 0.0],
        [0.0, 0.0, 0.0, 1.0],
    ]
)
SUSCEPTIBILITY = np.array([0.9, 0.5, 1.0, 0.7])
HEARD = (WEIGHTS > 0) & ~np.eye(4, dtype=bool)
TRUTH = np.where(HEARD, SUSCEPTIBILITY[:, None] * WEIGHTS, np.nan)


def talk(seed: int, *, rounds: int = 3, questions: int = 200, noise: float = 0.0) -> np.ndarray:
    random = generator(seed, "talk")
    start = random.normal(size=(questions, 4))
    path = trajectory(start, weights=WEIGHTS, rounds=rounds, susceptibility=SUSCEPTIBILITY)
    return path + random.normal(0, noise, path.shape)


def estimated(positions: np.ndarray, *, weights: np.ndarray = WEIGHTS, resamples: int = 200):
    items = np.arange(positions.shape[1]) // 2
    rng = generator(0, "bootstrap")
    return influence(positions, weights=weights, items=items, resamples=resamples, rng=rng)


def test_pull_and_hold_are_recovered_exactly_without_chance() -> None:
    found = estimated(talk(1))
    np.testing.assert_allclose(found.pull, TRUTH, atol=1e-8)
    np.testing.assert_allclose(found.hold[:3], 1 - SUSCEPTIBILITY[:3], atol=1e-8)
    assert np.isnan(found.hold[3])  # hears nobody: no regression
    np.testing.assert_allclose(found.low[HEARD], TRUTH[HEARD], atol=1e-6)
    np.testing.assert_allclose(found.by_speaker[0], np.nanmean(TRUTH[:, 0]))
    assert found.observations.tolist() == [600, 600, 600, 0]
    assert found.undefined == ()


def test_intervals_cover_the_truth_where_moves_have_chance_in_them() -> None:
    covered = 0
    for seed in range(40):
        random = generator(seed, "moves")
        start = random.normal(size=(150, 4))
        after = trajectory(start, weights=WEIGHTS, rounds=1, susceptibility=SUSCEPTIBILITY)[1]
        positions = np.stack([start, after + random.normal(0, 0.3, after.shape)])
        found = estimated(positions)
        covered += int(((found.low <= TRUTH) & (found.high >= TRUTH))[HEARD].sum())
    assert covered >= 0.9 * 40 * HEARD.sum()  # 95 % nominal


def test_chance_in_ratings_pulls_to_everybody_and_the_control_shows_as_much() -> None:
    """Without talk, ratings off by chance come back: the talk must be compared with that."""
    random = generator(3, "silent")
    truth = random.normal(size=(3000, 4))
    silent = np.stack([truth, truth]) + random.normal(0, 0.7, (2, 3000, 4))
    found = estimated(silent)
    assert found.low[1, 2] > 0.05


def test_two_neighbours_who_always_agree_cannot_be_told_apart() -> None:
    positions = talk(2)
    positions[:, :, 3] = positions[:, :, 2]
    found = estimated(positions)
    assert found.undefined == (1,)
    assert np.isnan(found.pull[1]).all()
    assert found.pull[0, 1] == pytest.approx(TRUTH[0, 1])


def test_too_few_moves_are_undefined_and_missing_ones_left_out() -> None:
    few = estimated(talk(4, rounds=1, questions=3), resamples=50)
    assert few.undefined == (1,)
    gaps = talk(5)
    gaps[1, :50, 1] = np.nan
    found = estimated(gaps)
    np.testing.assert_allclose(found.pull, TRUTH, atol=1e-8)
    # juror 1's own moves into and out of the gap, and what juror 0 heard in it
    assert found.observations.tolist() == [550, 500, 600, 0]


def test_breakout_tables_are_pooled_over_rounds() -> None:
    """A speaker heard in one round only is estimated from that round."""
    first = np.array([[0.5, 0.5, 0, 0], [0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5], [0, 0, 0.5, 0.5]])
    second = first[[0, 2, 1, 3]][:, [0, 2, 1, 3]]
    random = generator(6, "tables")
    positions = [random.normal(size=(300, 4))]
    for weights in (first, second):
        positions.append(positions[-1] @ weights.T)
    found = estimated(np.stack(positions), weights=np.stack([first, second]))
    assert found.pull[0, 1] == pytest.approx(0.5)
    assert found.pull[0, 2] == pytest.approx(0.5)
    assert np.isnan(found.pull[0, 3])
