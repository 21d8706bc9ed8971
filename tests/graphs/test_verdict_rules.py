"""Verdicts count every seat, and a jury without enough agreement is hung."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import TypeAdapter, ValidationError

from graphs.verdict_rules import (
    Approval,
    Majority,
    Mean,
    Median,
    Supermajority,
    Unanimity,
    VerdictRule,
    VerdictStatus,
    decide,
)

DECIDED, HUNG, NO_QUORUM = VerdictStatus
NONE = -1


def one(rule: VerdictRule, *points: int, scale: int = 5, weights: list[float] | None = None):
    decisions = decide(
        rule,
        np.array([points]),
        scale=scale,
        weights=None if weights is None else np.array(weights),
    )
    return decisions.status[0], float(decisions.value[0]), float(decisions.support[0])


def test_a_majority_is_more_than_half_of_all_seats() -> None:
    assert one(Majority(), 4, 4, 4, 1, 2) == (DECIDED, 4.0, pytest.approx(0.6))
    assert one(Majority(), 4, 4, 1, 1)[0] == HUNG
    assert one(Majority(), 4, 4, 4, 1, 1, NONE)[0] == HUNG
    status, value, support = one(Majority(of="valid"), 4, 4, 4, 1, 1, NONE)
    assert (status, value) == (DECIDED, 4.0)
    assert support == pytest.approx(0.6)


def test_sides_of_a_scale() -> None:
    rule = Majority(yes_from=4)
    assert one(rule, 5, 4, 5, 1, 3)[:2] == (DECIDED, 1.0)
    assert one(rule, 1, 2, 3, 5)[:2] == (DECIDED, 0.0)
    assert one(rule, 1, 5)[0] == HUNG


def test_a_supermajority_is_at_least_its_share() -> None:
    assert one(Supermajority(), 1, 1, 2)[:2] == (DECIDED, 1.0)
    assert one(Supermajority(share=0.75), 1, 1, 2)[0] == HUNG
    assert one(Supermajority(share=0.75), 1, 1, 1, 2)[:2] == (DECIDED, 1.0)


def test_one_dissenter_or_one_failed_seat_hangs_a_unanimous_jury() -> None:
    assert one(Unanimity(), 3, 3, 3)[:2] == (DECIDED, 3.0)
    assert one(Unanimity(), 3, 3, 2)[0] == HUNG
    assert one(Unanimity(), 3, 3, NONE)[0] == HUNG
    assert one(Unanimity(of="valid"), 3, 3, NONE)[:2] == (DECIDED, 3.0)


def test_the_quorum_counts_failed_seats() -> None:
    for rule in (Majority(of="valid"), Mean(), Median(), Approval(approve_from=3)):
        assert one(rule, 3, NONE, NONE)[0] == NO_QUORUM
        assert np.isnan(one(rule, 3, NONE, NONE)[1])
        assert one(rule, 3, 3, NONE, NONE)[0] == DECIDED
    assert one(Mean(quorum=1.0), 3, 3, NONE)[0] == NO_QUORUM
    assert one(Mean(quorum=0.6), 1, 1, 1, NONE, NONE)[0] == DECIDED  # exactly 3 of 5


def test_mean_and_median_are_of_valid_votes() -> None:
    assert one(Mean(), 1, 2, 5, NONE)[1] == pytest.approx(8 / 3)
    assert one(Median(), 1, 2, 5, NONE)[1] == 2.0
    assert one(Median(), 1, 2, 4, 5)[1] == 3.0


def test_approval_is_a_share_of_all_seats() -> None:
    assert one(Approval(approve_from=4), 5, 4, 3, NONE)[1] == pytest.approx(0.5)


def test_weights_count_where_the_rule_says_so() -> None:
    weights = [0.6, 0.2, 0.2]
    assert one(Majority(weighted=True), 1, 2, 2, weights=weights)[:2] == (DECIDED, 1.0)
    assert one(Majority(), 1, 2, 2, weights=weights)[:2] == (DECIDED, 2.0)
    assert one(Mean(weighted=True), 1, 5, 5, weights=weights)[1] == pytest.approx(2.6)
    assert one(Median(weighted=True), 1, 5, 5, weights=weights)[1] == 1.0
    assert one(Mean(weighted=True), 1, NONE, 5, weights=weights)[1] == pytest.approx(2.0)


BALLOTS = arrays(
    np.int8, st.tuples(st.integers(1, 4), st.integers(1, 9)), elements=st.integers(-1, 5)
)
RULES = st.sampled_from(
    [
        Majority(),
        Majority(of="valid", yes_from=3),
        Supermajority(),
        Unanimity(),
        Mean(),
        Median(),
        Approval(approve_from=4),
    ]
)


@given(RULES, BALLOTS, st.randoms())
def test_seats_are_treated_alike_and_doubling_them_changes_nothing(rule, ballots, random) -> None:
    order = list(range(ballots.shape[1]))
    random.shuffle(order)
    first = decide(rule, ballots, scale=5)
    for other in (ballots[:, order], np.repeat(ballots, 2, axis=1)):
        again = decide(rule, other, scale=5)
        assert again.status == first.status
        np.testing.assert_allclose(again.value, first.value)
        np.testing.assert_allclose(again.support, first.support)


@given(BALLOTS)
def test_stricter_rules_agree_where_they_decide(ballots) -> None:
    majority, two_thirds, all_of_them = (
        decide(rule, ballots, scale=5) for rule in (Majority(), Supermajority(), Unanimity())
    )
    for strict, loose in ((two_thirds, majority), (all_of_them, two_thirds)):
        decided = ~np.isnan(strict.value)
        np.testing.assert_array_equal(strict.value[decided], loose.value[decided])


@given(BALLOTS)
def test_mean_and_median_equal_numpys(ballots) -> None:
    mean, median = (
        decide(rule, ballots, scale=5) for rule in (Mean(quorum=0.01), Median(quorum=0.01))
    )
    for row, ballot in enumerate(ballots):
        votes = ballot[ballot >= 1]
        if votes.size:
            assert mean.value[row] == pytest.approx(votes.mean())
            assert median.value[row] == np.median(votes)
        else:
            assert mean.status[row] == NO_QUORUM
    assert mean.count(NO_QUORUM) == int((ballots < 1).all(axis=1).sum())


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="says 6 on a scale of 5"):
        one(Mean(), 6)
    with pytest.raises(ValueError, match="threshold 6 lies above"):
        one(Majority(yes_from=6), 1)
    with pytest.raises(ValueError, match="shape"):
        one(Mean(), 1, 2, weights=[1.0])
    adapter: TypeAdapter[VerdictRule] = TypeAdapter(VerdictRule)
    with pytest.raises(ValidationError):
        adapter.validate_python({"kind": "supermajority", "share": 0.4})
    assert adapter.validate_python({"kind": "unanimity"}) == Unanimity()
