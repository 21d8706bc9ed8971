"""Voting rules over ranked or approved candidates: Schulze, Borda, instant runoff, approval.

Ballots are ranks: 1 for the candidate liked best, equal numbers for candidates liked alike, 0 for
one that the voter did not rank, which comes below all that they did. A voter who ranked nobody
abstains. Ties are never broken silently: a rule returns all winners, and `break_tie` draws one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from personas.identity import generator

FloatArray = NDArray[np.float64]
Ranks = NDArray[np.integer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a rule made of the ballots.

    Attributes:
        rule: its name.
        winners: candidates, ascending; several where the rule leaves a tie.
        scores: one per candidate, shape [candidates]; the docstring of the rule says what.
    """

    rule: str
    winners: tuple[int, ...]
    scores: FloatArray

    @property
    def tied(self) -> bool:
        """Whether the rule alone does not decide."""
        return len(self.winners) > 1


def ranks_from_orders(orders: Sequence[Sequence[int]], candidates: int) -> NDArray[np.int16]:
    """Ballots from orders of candidates, best first; those left out are not ranked.

    Returns:
        Ranks, shape [voters, candidates].

    Raises:
        ValueError: an order names a candidate twice, or one who does not stand.
    """
    ranks = np.zeros((len(orders), candidates), dtype=np.int16)
    for voter, order in enumerate(orders):
        if len(set(order)) < len(order) or not all(0 <= c < candidates for c in order):
            raise ValueError(f"ballot {voter} is no order of {candidates} candidates: {order}")
        ranks[voter, list(order)] = np.arange(1, len(order) + 1)
    return ranks


def pairwise(ranks: Ranks, weights: FloatArray | None = None) -> FloatArray:
    """Weight of the voters who prefer one candidate to another.

    Args:
        ranks: shape [voters, candidates], see the module.
        weights: shape [voters]; 1 each by default.

    Returns:
        Shape [candidate, other candidate], the diagonal 0.
    """
    placed = _places(ranks)
    prefers = placed[:, :, None] < placed[:, None, :]
    return np.tensordot(_weights(ranks, weights), prefers, axes=1)


def condorcet_winner(ranks: Ranks, weights: FloatArray | None = None) -> int | None:
    """The candidate whom a majority prefers to each other one, or None where there is none."""
    preferred = pairwise(ranks, weights)
    beats = (preferred > preferred.T).sum(axis=1)
    winners = np.flatnonzero(beats == len(preferred) - 1)
    return int(winners[0]) if winners.size else None


def schulze(ranks: Ranks, weights: FloatArray | None = None) -> Outcome:
    """Schulze's method (2011) with winning votes: the strongest beatpaths decide.

    Scores count the candidates whom each one beats by a stronger path; winners are beaten by none.
    """
    preferred = pairwise(ranks, weights)
    strength = np.where(preferred > preferred.T, preferred, 0.0)
    for via in range(len(strength)):
        through = np.minimum(strength[:, via, None], strength[None, via, :])
        strength = np.maximum(strength, through)
    np.fill_diagonal(strength, 0.0)
    beats = strength > strength.T
    unbeaten = np.flatnonzero(~beats.any(axis=0))
    return Outcome(
        rule="Schulze", winners=tuple(unbeaten.tolist()), scores=beats.sum(axis=1).astype(float)
    )


def borda(ranks: Ranks, weights: FloatArray | None = None) -> Outcome:
    """Borda count: a point for each candidate ranked below, half a point for each ranked alike.

    Candidates whom a voter did not rank share the bottom. Scores are points.
    """
    weight = _weights(ranks, weights)
    preferred = pairwise(ranks, weights)
    alike = weight.sum() - preferred - preferred.T
    np.fill_diagonal(alike, 0.0)
    return _highest("Borda", (preferred + alike / 2).sum(axis=1))


def instant_runoff(ranks: Ranks, weights: FloatArray | None = None) -> Outcome:
    """Instant runoff: the weakest in first preferences goes until one is left.

    Where several are weakest, each elimination is followed, and everyone who wins on some path is
    a winner (parallel universes; Conitzer, Rognlie and Xia 2009). A voter who likes several best
    splits their vote among them. Scores are first preferences before any elimination.
    """
    weight = _weights(ranks, weights)
    standing = [frozenset(range(ranks.shape[1]))]
    seen = set(standing)
    winners: set[int] = set()
    while standing:
        left = standing.pop()
        if len(left) == 1:
            winners |= left
            continue
        members = sorted(left)
        first = _first_preferences(ranks[:, members], weight)
        weakest = np.flatnonzero(np.isclose(first, first.min(), rtol=0, atol=1e-9))
        for index in weakest.tolist():
            after = left - {members[index]}
            if after not in seen:
                seen.add(after)
                standing.append(after)
    return Outcome(
        rule="instant runoff",
        winners=tuple(sorted(winners)),
        scores=_first_preferences(ranks, weight),
    )


def approval(approved: NDArray[np.bool_], weights: FloatArray | None = None) -> Outcome:
    """Approval voting: whoever most voters approve of. Scores are the approving weight.

    Args:
        approved: shape [voters, candidates].
        weights: shape [voters]; 1 each by default.
    """
    return _highest("approval", _weights(approved, weights) @ approved)


def break_tie(outcome: Outcome, *, seed: int, names: Sequence[str | int] = ()) -> int:
    """One winner: the only one, or one drawn from the tied; `names` make the draw's stream."""
    if not outcome.tied:
        return outcome.winners[0]
    return int(generator(seed, "tie", *names).choice(outcome.winners))


def _places(ranks: Ranks) -> NDArray[np.int64]:
    places = ranks.astype(np.int64)
    return np.where(places > 0, places, places.max(initial=0) + 1)


def _weights(ballots: NDArray[np.generic], weights: FloatArray | None) -> FloatArray:
    return np.ones(len(ballots)) if weights is None else weights


def _first_preferences(ranks: Ranks, weights: FloatArray) -> FloatArray:
    placed = _places(ranks)
    first = (ranks > 0) & (placed == placed.min(axis=1, keepdims=True))
    count = first.sum(axis=1)
    share = np.divide(weights, count, out=np.zeros(len(count)), where=count > 0)
    return share @ first


def _highest(rule: str, scores: FloatArray) -> Outcome:
    top = np.flatnonzero(np.isclose(scores, scores.max(), rtol=0, atol=1e-9))
    return Outcome(rule=rule, winners=tuple(top.tolist()), scores=scores)
