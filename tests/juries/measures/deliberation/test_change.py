"""What changed between the first and the final ballot is counted, paired and given an interval."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from juries.measures.deliberation.change import (
    flip_matrix,
    item_means,
    juror_paths,
    welfare_changes,
)
from juries.measures.welfare_functions import DEFAULT_FAMILY
from personas.identity import generator

NONE = -1
BALLOTS = arrays(np.int8, (5, 4), elements=st.sampled_from([NONE, 1, 2, 3]))


def flips(before, after, scale=3):
    items = np.arange(len(before))
    rng = generator(0, "test")
    return flip_matrix(before, after, scale=scale, items=items, resamples=100, rng=rng)


def test_flips_of_a_small_jury() -> None:
    before = np.array([[1, 1, 3, NONE], [2, 2, 2, 2]])
    after = np.array([[1, 3, 2, 1], [2, 3, NONE, 2]])
    found = flips(before, after)
    assert found.counts.tolist() == [[1, 0, 1, 0], [0, 2, 1, 1], [0, 1, 0, 0], [1, 0, 0, 0]]
    assert found.paired == 6
    assert found.flipped.value == pytest.approx((2 / 3 + 1 / 3) / 2)
    assert found.up.value == pytest.approx((1 / 3 + 1 / 3) / 2)
    assert found.down.value == pytest.approx((1 / 3 + 0) / 2)
    assert found.flipped.resampled == "items"


@given(BALLOTS, BALLOTS)
def test_going_back_in_time_transposes_the_matrix(before, after) -> None:
    there, back = flips(before, after), flips(after, before)
    assert np.array_equal(there.counts, back.counts.T)
    assert there.counts.sum() == before.size
    assert (there.up.value, there.down.value) == (back.down.value, back.up.value)


def test_nobody_voting_twice_is_said() -> None:
    nobody = np.full((2, 3), NONE)
    found = flips(nobody, np.ones((2, 3), dtype=int))
    assert found.flipped.value is None
    assert "no valid" in found.flipped.reason
    assert found.counts[-1, 0] == 6


def test_questions_of_one_item_are_one_unit() -> None:
    values = np.array([[1.0], [3.0], [np.nan], [10.0], [np.nan]])
    items = np.array([4, 4, 4, 7, 9])
    np.testing.assert_array_equal(item_means(values, items), [[2.0], [10.0], [np.nan]])


def test_a_known_shift_is_recovered_in_mean_and_welfare() -> None:
    random = generator(5, "shift")
    before = random.uniform(0.2, 0.6, (400, 8))
    after = before + random.normal(0.1, 0.05, before.shape)
    weights = random.dirichlet(np.full(8, 5.0))
    functions = {function.name: function for function in DEFAULT_FAMILY}
    changes = welfare_changes(
        before,
        after,
        functions=functions,
        weights=weights,
        items=np.arange(400) // 2,
        resamples=300,
        rng=random,
    )
    assert [change.name for change in changes] == list(functions)
    mean = changes[0].change
    assert mean.value == pytest.approx(0.1, abs=0.005)
    assert mean.low is not None
    assert mean.high is not None
    assert mean.low < 0.1 < mean.high
    assert mean.high - mean.low < 0.01
    assert mean.n == 200
    assert changes[0].before.value == pytest.approx(0.4, abs=0.02)


def test_a_juror_lost_on_the_way_is_no_shift() -> None:
    before = np.array([[0.2, 0.8], [0.5, 0.5]])
    after = np.array([[0.2, np.nan], [np.nan, np.nan]])
    (mean,) = welfare_changes(
        before,
        after,
        functions={"mean": DEFAULT_FAMILY[0]},
        weights=np.full(2, 0.5),
        items=np.arange(2),
        resamples=100,
        rng=generator(0, "test"),
    )
    assert mean.change.value == 0.0
    assert mean.undefined == 1
    assert mean.change.low is None  # one unit is left


def test_paths_are_means_over_the_questions_answered() -> None:
    positions = np.array(
        [[[1.0, 5.0], [3.0, np.nan]], [[2.0, 5.0], [2.0, 4.0]], [[2.0, np.nan], [2.0, np.nan]]]
    )
    paths = juror_paths(positions)
    np.testing.assert_array_equal(paths.mean, [[2.0, 5.0], [2.0, 4.5], [2.0, np.nan]])
    np.testing.assert_array_equal(paths.moved, [[1.0, 0.0], [0.0, np.nan]])
    np.testing.assert_array_equal(paths.answered, [[2, 1], [2, 2], [2, 0]])
    assert paths.asked == 2
