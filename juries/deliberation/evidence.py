"""Ballots of a deliberation round by round, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphs.deliberation.plan import Plan
from graphs.items import FloatArray, Item, Question
from graphs.ledger import Ledger
from graphs.topology.spec import redrawn_each_round
from juries.verdicts import Verdicts, collect, columns, read_rows

Points = NDArray[np.int8]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ballots:
    """One question put to the jury is one response under one criterion; Q questions, J jurors.

    Attributes:
        items: which item each question belongs to, shape [Q].
        models: which model's response, shape [Q].
        criteria: which criterion, shape [Q].
        first: points of the first ballot, 1..K, -1 for no valid answer, shape [Q, J].
        final: of the final ballot.
        talk: positions with talk, shape [rounds + 1, Q, J]: the first ballot, running votes, the
            final ballot; talk that ended early leaves NaN at the end. Positions are utilities in
            0..1, under the whole distribution where it is known.
        control: the same without talk, NaN for items that were not sampled.
        control_items: how many items were sampled and rated again without talk.
        utilities: overall utility of each response before and after, shape [2, M * I, J], and the
            item of each row in `rows`.
        rows: which item each row of `utilities` belongs to.
    """

    items: NDArray[np.int64]
    models: NDArray[np.int64]
    criteria: NDArray[np.int64]
    first: Points
    final: Points
    talk: FloatArray
    control: FloatArray
    control_items: int
    utilities: FloatArray
    rows: NDArray[np.int64]


def gather_ballots(
    ledger: Ledger,
    plan: Plan,
    *,
    items: Sequence[Item],
    models: Sequence[str],
    questions: Sequence[Question],
    replicates: int = 1,
) -> Ballots:
    """Read every round of a deliberation from the ledger.

    Args:
        ledger: of the run.
        plan: of its deliberation.
        items: those that the run covers.
        models: names, in the order of the result.
        questions: what was asked about each response.
        replicates: how often each question was put in each ballot.
    """
    spec = plan.spec

    def verdicts(round_: int) -> Verdicts:
        return collect(
            read_rows(
                ledger.blocks(columns(questions), items=len(items), rounds=round_),
                items=items,
                models=models,
            ),
            items=items,
            models=models,
            jurors=plan.seats,
            questions=questions,
            replicates=replicates,
        )

    first, final = verdicts(0), verdicts(spec.final_round)
    there = np.broadcast_to(first.present, (len(questions), *first.present.shape))
    criteria, model, item = np.nonzero(there)

    def flat(found: Verdicts) -> FloatArray:
        return found.utilities[there].astype(np.float64)

    voting = range(1, spec.running_votes + 1)
    talk = _closed_up([flat(first), *(flat(verdicts(round_)) for round_ in voting), flat(final)])
    silent = [flat(verdicts(round_)) for round_ in spec.control_rounds]
    sampled: Mask = np.zeros(len(item), dtype=np.bool_)
    if silent:
        sampled = np.any(np.isfinite(silent[-1]), axis=1)
    control = np.stack([np.where(sampled[:, None], flat(first), np.nan), *silent])
    _, rows = np.nonzero(first.present)
    return Ballots(
        items=item,
        models=model,
        criteria=criteria,
        first=first.points[there],
        final=final.points[there],
        talk=talk,
        control=control,
        control_items=len(np.unique(item[sampled])),
        utilities=np.stack([v.overall()[first.present].astype(np.float64) for v in (first, final)]),
        rows=rows,
    )


def hearing(plan: Plan, rounds: int) -> FloatArray:
    """Who would hear whom between one ballot and the next, shape [rounds, hearer, speaker].

    In protocols without neighbours everybody is taken to hear everybody else alike.
    """
    if plan.spec.protocol.kind not in {"discussion", "devils_advocate"}:
        return np.full((rounds, plan.seats, plan.seats), 1 / plan.seats)
    if not redrawn_each_round(plan.spec.topology):
        return np.broadcast_to(plan.network(1).weights, (rounds, plan.seats, plan.seats))
    return np.stack([plan.network(number).weights for number in range(1, rounds + 1)])


def _closed_up(path: list[FloatArray]) -> FloatArray:
    """Ballots in order, with no gap before the final one where talk ended early."""
    stacked = np.stack(path)
    held: Mask = np.any(np.isfinite(stacked), axis=2)
    for question in np.flatnonzero(~held[:-1].all(axis=0) & held[-1]):
        last = int(held[:-1, question].sum())
        stacked[last, question] = stacked[-1, question]
        stacked[last + 1 :, question] = np.nan
    return stacked
