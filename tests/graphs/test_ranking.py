"""Voting rules give the published winners, say their ties and keep the axioms."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphs.ranking import (
    approval,
    borda,
    break_tie,
    condorcet_winner,
    instant_runoff,
    pairwise,
    ranks_from_orders,
    schulze,
)

MEMPHIS, NASHVILLE, CHATTANOOGA, KNOXVILLE = range(4)
TENNESSEE = ranks_from_orders(
    [
        (MEMPHIS, NASHVILLE, CHATTANOOGA, KNOXVILLE),
        (NASHVILLE, CHATTANOOGA, KNOXVILLE, MEMPHIS),
        (CHATTANOOGA, KNOXVILLE, NASHVILLE, MEMPHIS),
        (KNOXVILLE, CHATTANOOGA, NASHVILLE, MEMPHIS),
    ],
    candidates=4,
)
TENNESSEE_VOTERS = np.array([42.0, 26.0, 15.0, 17.0])

SCHULZE_45 = {
    "ACBED": 5,
    "ADECB": 5,
    "BEDAC": 8,
    "CABED": 3,
    "CAEBD": 7,
    "CBADE": 2,
    "DCEBA": 7,
    "EBADC": 8,
}
"""Schulze's example of 45 voters and five candidates (Social Choice and Welfare, 2011)."""

strict = st.integers(2, 5).flatmap(
    lambda m: st.lists(st.permutations(range(m)), min_size=1, max_size=7).map(
        lambda orders: ranks_from_orders(orders, m)
    )
)
weak = st.integers(2, 5).flatmap(
    lambda m: st.lists(
        st.lists(st.integers(0, m), min_size=m, max_size=m), min_size=1, max_size=7
    ).map(lambda rows: np.array(rows, dtype=np.int16))
)
RULES = [schulze, borda, instant_runoff]


# published figures


def test_tennessee() -> None:
    assert condorcet_winner(TENNESSEE, TENNESSEE_VOTERS) == NASHVILLE
    assert schulze(TENNESSEE, TENNESSEE_VOTERS).winners == (NASHVILLE,)
    assert instant_runoff(TENNESSEE, TENNESSEE_VOTERS).winners == (KNOXVILLE,)
    counted = borda(TENNESSEE, TENNESSEE_VOTERS)
    np.testing.assert_allclose(counted.scores, [126, 194, 173, 107])
    assert counted.winners == (NASHVILLE,)


def test_schulzes_45_voters_elect_e() -> None:
    ranks = ranks_from_orders([["ABCDE".index(c) for c in order] for order in SCHULZE_45], 5)
    voters = np.array(list(SCHULZE_45.values()), dtype=float)
    assert pairwise(ranks, voters)[0].tolist() == [0, 20, 26, 30, 22]
    outcome = schulze(ranks, voters)
    assert outcome.winners == ("ABCDE".index("E"),)
    # E > A > C > B > D: each beats those after it
    assert outcome.scores.tolist() == [3, 1, 2, 0, 4]


# written-out references


def plain_runoff(ranks: np.ndarray, left: tuple[int, ...]) -> set[int]:
    if len(left) == 1:
        return set(left)
    tally = dict.fromkeys(left, 0.0)
    for ballot in ranks:
        ranked = [c for c in left if ballot[c] > 0]
        if ranked:
            best = min(ballot[c] for c in ranked)
            favourites = [c for c in ranked if ballot[c] == best]
            for c in favourites:
                tally[c] += 1 / len(favourites)
    fewest = min(tally.values())
    out = [c for c in left if abs(tally[c] - fewest) < 1e-9]
    return set().union(*(plain_runoff(ranks, tuple(c for c in left if c != o)) for o in out))


def plain_schulze(ranks: np.ndarray) -> set[int]:
    """The strongest path found by trying every path."""
    m = ranks.shape[1]
    placed = np.where(ranks > 0, ranks, 10**6)
    d = [[sum(b[i] < b[j] for b in placed) for j in range(m)] for i in range(m)]
    link = [[d[i][j] if d[i][j] > d[j][i] else 0 for j in range(m)] for i in range(m)]

    def strongest(i: int, j: int) -> int:
        others = [c for c in range(m) if c not in {i, j}]
        paths = ((i, *middle, j) for size in range(m - 1) for middle in permutations(others, size))
        return max(min(link[a][b] for a, b in zip(p, p[1:], strict=False)) for p in paths)  # noqa: RUF007 (written out)

    return {
        i for i in range(m) if all(strongest(i, j) >= strongest(j, i) for j in range(m) if j != i)
    }


@given(weak)
def test_runoff_and_schulze_equal_the_written_out_rules(ranks: np.ndarray) -> None:
    assert set(instant_runoff(ranks).winners) == plain_runoff(ranks, tuple(range(ranks.shape[1])))
    assert set(schulze(ranks).winners) == plain_schulze(ranks)


# axioms


@pytest.mark.parametrize("rule", RULES)
@given(ranks=weak, data=st.data())
def test_voters_and_candidates_are_treated_alike(rule, ranks, data) -> None:
    voters = data.draw(st.permutations(range(len(ranks))))
    names = data.draw(st.permutations(range(ranks.shape[1])))
    outcome = rule(ranks)
    assert rule(ranks[voters]).winners == outcome.winners
    renamed = rule(ranks[:, names])
    assert {names[c] for c in renamed.winners} == set(outcome.winners)
    np.testing.assert_allclose(renamed.scores, outcome.scores[list(names)])


@pytest.mark.parametrize("rule", RULES)
@given(ranks=weak)
def test_a_voter_of_weight_two_counts_as_two(rule, ranks) -> None:
    weights = np.ones(len(ranks))
    weights[0] = 2.0
    twice = rule(np.vstack([ranks, ranks[:1]]))
    assert rule(ranks, weights).winners == twice.winners


@given(strict)
def test_schulze_elects_the_condorcet_winner_and_runoff_never_the_loser(ranks) -> None:
    winner, loser = condorcet_winner(ranks), condorcet_winner(ranks.max() + 1 - ranks)
    if winner is not None:
        assert schulze(ranks).winners == (winner,)
    if loser is not None:
        assert loser not in instant_runoff(ranks).winners
        assert loser not in borda(ranks).winners


@given(strict, st.data())
def test_raising_a_schulze_winner_keeps_them(ranks, data) -> None:
    winner = schulze(ranks).winners[0]
    voter = data.draw(st.integers(0, len(ranks) - 1))
    raised = ranks.copy()
    above = raised[voter] == raised[voter, winner] - 1
    raised[voter, above] += 1
    raised[voter, winner] -= 1 if above.any() else 0
    assert winner in schulze(raised).winners


@pytest.mark.parametrize("rule", RULES)
@given(order=st.permutations(range(4)), voters=st.integers(1, 5))
def test_a_unanimous_favourite_wins(rule, order, voters) -> None:
    assert rule(ranks_from_orders([order] * voters, 4)).winners == (order[0],)


@given(strict)
def test_borda_points_are_conserved(ranks) -> None:
    voters, m = ranks.shape
    assert borda(ranks).scores.sum() == pytest.approx(voters * m * (m - 1) / 2)


# ties and ballots


def test_ties_are_all_winners_until_drawn() -> None:
    ranks = ranks_from_orders([(0, 1, 2), (1, 0, 2)], 3)
    for rule in RULES:
        outcome = rule(ranks)
        assert outcome.winners == (0, 1)
        assert outcome.tied
    drawn = {break_tie(schulze(ranks), seed=seed, names=("item", 3)) for seed in range(20)}
    assert drawn == {0, 1}
    assert break_tie(schulze(ranks), seed=4) == break_tie(schulze(ranks), seed=4)


def test_a_condorcet_cycle_is_a_three_way_tie() -> None:
    ranks = ranks_from_orders([(0, 1, 2), (1, 2, 0), (2, 0, 1)], 3)
    assert condorcet_winner(ranks) is None
    for rule in RULES:
        assert rule(ranks).winners == (0, 1, 2)


def test_candidates_left_out_come_below_and_abstainers_change_nothing() -> None:
    ranks = ranks_from_orders([(0,), (0,), (1, 2)], 3)
    assert pairwise(ranks).tolist() == [[0, 2, 2], [1, 0, 1], [1, 0, 0]]
    assert borda(ranks).scores.tolist() == [4, 3, 2]
    with_abstainer = np.vstack([ranks, np.zeros((1, 3), dtype=np.int16)])
    for rule in RULES:
        assert rule(with_abstainer).winners == rule(ranks).winners


def test_approval() -> None:
    approved = np.array([[1, 1, 0], [0, 1, 0], [1, 0, 0]], dtype=bool)
    assert approval(approved).winners == (0, 1)
    assert approval(approved, np.array([1.0, 1.0, 2.0])).winners == (0,)
    assert approval(approved).scores.tolist() == [2, 2, 0]


@pytest.mark.parametrize("order", [(0, 0), (0, 3), (-1,)])
def test_an_impossible_ballot_is_refused(order) -> None:
    with pytest.raises(ValueError, match="ballot 0"):
        ranks_from_orders([order], 3)
