"""Who has to argue what: advocates in a debate, and the devil's advocate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from graphs.deliberation.floor import Floor
from graphs.deliberation.spec import Debate, DevilsAdvocate
from graphs.deliberation.standings import Camp, camps, opposite
from graphs.items import Item, Question
from graphs.minds.deliberator import Side

if TYPE_CHECKING:
    from graphs.deliberation.plan import Plan


def sides(
    plan: Plan, item: Item, questions: Sequence[Question], floor: Floor, round_: int
) -> dict[int, Side]:
    """By seat, what is to be argued in a round, whatever its holder thinks; often nothing.

    Debate: advocates of each side by the first ballot, or none where all are on one side. Devil's
    advocate: one seat against the view that leads by the latest ballot, or none where none leads.
    """

    def found(ballot: int) -> tuple[Camp, ...]:
        return camps(item, questions, floor.ballots(ballot), seats=plan.seats)

    if isinstance(plan.spec.protocol, Debate):
        first = found(0)
        if len(first) < 2:
            return {}
        return {
            seat: camp.side for camp in first for seat in plan.advocates(floor.item, camp.seats)
        }
    if isinstance(plan.spec.protocol, DevilsAdvocate):
        leading = found(round_ - 1) or found(0)
        return {plan.objector(floor.item, round_): opposite(leading)} if leading else {}
    return {}
