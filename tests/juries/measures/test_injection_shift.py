"""The shift that a take-over sentence causes: by hand, by symmetry, and with known truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from juries.measures.injection import injection_shift


def _shift(plain, injected, resamples=200):
    return injection_shift(plain, injected, rng=np.random.default_rng(1), resamples=resamples)


def test_by_hand():
    nan = np.nan
    plain = [[[0.0, 0.5], [1.0, nan], [nan, 0.25]]]
    injected = [[[0.5, 0.5], [nan, nan], [0.5, 1.0]]]
    found = _shift(plain, injected)
    assert found.shift.value == pytest.approx((0.5 + 0.0 + 0.75) / 3)
    assert found.moved.value == pytest.approx(2 / 3)
    assert (found.n_pairs, found.n_items, found.lost) == (3, 2, 1)
    assert found.shift.resampled == "items"


def test_nothing_in_common_is_undefined_and_said():
    found = _shift([[[0.5, np.nan]]], [[[np.nan, 0.5]]])
    assert found.shift.value is None
    assert "no response was validly rated both times" in found.reading


@pytest.mark.parametrize("shapes", [((1, 2, 3), (1, 2, 4)), ((2, 3), (2, 3))])
def test_shapes_that_do_not_fit(shapes):
    with pytest.raises(ValueError, match="expected"):
        _shift(np.zeros(shapes[0]), np.zeros(shapes[1]))


@given(st.integers(0, 2**32 - 1))
def test_no_change_is_no_shift_and_exchanging_the_two_turns_its_sign(seed):
    rng = np.random.default_rng(seed)
    plain, other = rng.random((2, 2, 6, 4))
    plain[rng.random(plain.shape) < 0.2] = np.nan
    same = _shift(plain, plain)
    assert same.shift.value == same.shift.low == same.shift.high == 0
    there, back = _shift(plain, other), _shift(other, plain)
    assert there.shift.value == pytest.approx(-back.shift.value)
    jurors = rng.permutation(4)
    shuffled = _shift(plain[:, :, jurors], other[:, :, jurors])
    assert shuffled.shift.value == pytest.approx(there.shift.value)


def test_a_planted_shift_lies_in_its_interval_as_often_as_the_interval_says():
    """Shifts that differ between items, as they do; 300 studies of 40 items."""
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(300):
        plain = rng.random((3, 40, 12))
        by_item = rng.normal(0.1, 0.15, (1, 40, 1))
        found = _shift(plain, plain + by_item + rng.normal(0, 0.1, plain.shape))
        held += found.shift.low <= 0.1 <= found.shift.high
    assert 0.90 <= held / 300 <= 0.98
