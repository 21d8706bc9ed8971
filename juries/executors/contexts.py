"""From opened minds and a recorder to what a graph works with; and one item put to the jury."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from graphs.assignment import Assignment
from graphs.deliberation.build import deliberation_graph
from graphs.deliberation.context import DeliberationContext
from graphs.deliberation.plan import Plan
from graphs.deliberation.threads import Threads
from graphs.items import Item, questions
from graphs.rating import Bench, RatingContext, rating_graph
from graphs.recorder import Recorder
from graphs.tracing import span
from juries.deliberation.asking import deliberation_context
from juries.spec import Study

Context = RatingContext | DeliberationContext
"""What the nodes of a graph work with."""


def make_context(
    study: Study,
    plan: Plan | None,
    items: Sequence[Item] | Mapping[int, Item],
    *,
    benches: Sequence[Bench],
    ledger: Recorder,
    partial: Set[int],
    assignment: Assignment | None = None,
) -> Context:
    """What the study's graph works with.

    Args:
        study: as it runs.
        plan: of its deliberation; None where it has none.
        items: by position; those that are put to the jury.
        benches: opened minds with their jurors.
        ledger: takes every row.
        partial: items of which rows are known already.
        assignment: who is asked about which item; None where every juror is asked about all.

    Raises:
        InputError: a mind that cannot talk, in a study where juries do.
    """
    if plan is not None:
        return deliberation_context(
            study, plan, items, benches=benches, ledger=ledger, partial=partial
        )
    return RatingContext(
        items=items,
        benches=tuple(benches),
        questions=questions(study.scale),
        ledger=ledger,
        seed=study.seed,
        replicates=study.replicates,
        partial=partial,
        assignment=assignment,
    )


async def put_item(position: int, context: Context, threads: Threads | None = None) -> int:
    """Put one item to the jury; how many questions of the ballot that counts were answered.

    Args:
        position: of the item.
        context: of the study's graph.
        threads: in which deliberations wait for people, where they sit on the jury.
    """
    item = context.items[position]
    with span("juries.item", {"juries.item": position, "juries.item.id": item.id}):
        if isinstance(context, RatingContext):
            rated = await rating_graph().ainvoke({"item": position}, context=context)
            return rated.get("recorded", 0)
        if threads is not None:
            return await threads.visit(position, context)
        graph = deliberation_graph(context.plan.spec.protocol.kind)
        talked = await graph.ainvoke({"item": position}, context=context)
        return talked.get("counted", 0)
