"""Whether talk has run its course."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np

from graphs.deliberation.floor import Floor
from graphs.deliberation.spec import Deliberation, StopRules
from graphs.deliberation.standings import answers, points
from graphs.items import Choice, Question


class Stop(StrEnum):
    """Why talk about an item ended."""

    ROUNDS = "rounds"
    UNANIMOUS = "unanimous"
    STABLE = "stable"
    TOKENS = "tokens"
    CALLS = "calls"
    ONE_SIDED = "one_sided"
    NO_CANDIDATE = "no_candidate"


def reason_to_stop(
    spec: Deliberation,
    floor: Floor,
    round_: int,
    *,
    seats: int,
    responses: int,
    questions: Sequence[Question],
) -> Stop | None:
    """Why talk ends after a round, not the last, and the vote that followed; None to go on."""
    rules = spec.stop
    spent = budget_spent(rules, floor, round_)
    if spent is not None:
        return spent
    if round_ < rules.least_rounds:
        return None
    shape = {"seats": seats, "responses": responses, "questions": len(questions)}
    if rules.unanimous:
        chosen = points(floor.ballots(round_), **shape)
        if (chosen >= 1).all() and (chosen == chosen[..., :1]).all():
            return Stop.UNANIMOUS
    if rules.stable is not None:
        now, before = (answers(floor.ballots(r), **shape) for r in (round_, round_ - 1))
        nominal = isinstance(questions[0], Choice)
        if nominal:
            now, before = (points(floor.ballots(r), **shape) for r in (round_, round_ - 1))
        moved = (now != before).astype(float) if nominal else np.abs(now - before)
        # An answer lost or regained is no stability: it counts as a whole scale's move.
        widest = 1.0 if nominal else float(max(len(q.points) for q in questions) - 1)
        if float(np.nan_to_num(moved, nan=widest).mean()) <= rules.stable:
            return Stop.STABLE
    return None


def budget_spent(rules: StopRules, floor: Floor, round_: int) -> Stop | None:
    """Which budget was used up by the end of a round; None for neither."""
    if rules.tokens is not None and floor.tokens(round_) >= rules.tokens:
        return Stop.TOKENS
    if rules.calls is not None and floor.calls(round_) >= rules.calls:
        return Stop.CALLS
    return None
