"""A run whose jury deliberates: what is asked of which minds, and what that comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphs.deliberation.context import DeliberationContext, TalkingBench
from graphs.deliberation.plan import Plan, check_deliberation
from graphs.deliberation.spec import Deliberation, Mediator
from graphs.items import Item, Question, questions
from graphs.minds.deliberator import Deliberator
from graphs.panel import Juror
from graphs.rating import Bench
from graphs.recorder import Recorder
from personas.errors import InputError

if TYPE_CHECKING:
    from juries.spec import Study


def plan_deliberation(study: Study, jurors: Sequence[Juror], items: Sequence[Item]) -> Plan | None:
    """The study's deliberation held against its jury, scale and items; None where it has none.

    Raises:
        InputError: they do not fit.
    """
    if study.deliberation is None:
        return None
    return check_deliberation(
        study.deliberation,
        jurors=jurors,
        questions=questions(study.scale),
        most_responses=max(len(item.responses) for item in items),
        seed=study.seed,
    )


def deliberation_context(
    study: Study,
    plan: Plan,
    items: Sequence[Item] | Mapping[int, Item],
    *,
    benches: Sequence[Bench],
    ledger: Recorder,
    partial: Set[int],
) -> DeliberationContext:
    """What the graph works with.

    Args:
        study: as it runs.
        plan: of its deliberation.
        items: by position; those that are put to the jury.
        benches: opened minds with their jurors.
        ledger: takes every row.
        partial: items of which the ledger holds rows already.

    Raises:
        InputError: a mind that cannot talk.
    """
    return DeliberationContext(
        items=items,
        benches=tuple(_talking(bench) for bench in benches),
        questions=questions(study.scale),
        plan=plan,
        ledger=ledger,
        seed=study.seed,
        replicates=study.replicates,
        partial=partial,
    )


def _talking(bench: Bench) -> TalkingBench:
    if not isinstance(bench.mind, Deliberator):
        raise InputError(
            "this mind cannot deliberate",
            where="mind",
            found=bench.mind.name,
            hint="Leave out `deliberation`, or choose another mind.",
        )
    return TalkingBench(mind=bench.mind, panel=bench.panel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What a deliberation asks for at most, for the dry run.

    Attributes:
        ratings: questions put in all ballots, without the control.
        turns: statements, drafts and rankings; summaries are not foreseen.
        control_items: how many items the jury rates again without talk.
        control_ratings: questions put for them.
    """

    ratings: int
    turns: int
    control_items: int
    control_ratings: int


def workload(
    plan: Plan, items: Sequence[Item], asked: Sequence[Question], replicates: int
) -> Workload:
    """Count what talk to the last round would ask.

    Args:
        plan: of the deliberation.
        items: those that the run covers.
        asked: questions about each response.
        replicates: how often each is put in each ballot.
    """
    spec = plan.spec
    per_ballot = [len(item.responses) * len(asked) * plan.seats * replicates for item in items]
    sampled = [count for n, count in enumerate(per_ballot) if plan.is_control(n)]
    return Workload(
        ratings=sum(per_ballot) * (2 + spec.running_votes),
        turns=sum(_turns(spec, plan.seats, len(item.responses)) for item in items),
        control_items=len(sampled),
        control_ratings=sum(sampled) * len(spec.control_rounds),
    )


def _turns(spec: Deliberation, seats: int, responses: int) -> int:
    """Turns about one item, at most."""
    protocol = spec.protocol
    if isinstance(protocol, Mediator):
        # opinions or critiques, drafts, rankings
        return spec.rounds * (2 * seats + protocol.candidates)
    if protocol.kind == "debate":
        sides = max(2, responses)  # for and against a single one
        return spec.rounds * min(seats, sides * protocol.advocates)
    return spec.rounds * seats if protocol.kind in {"discussion", "devils_advocate"} else 0
