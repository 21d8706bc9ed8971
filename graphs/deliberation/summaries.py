"""When what was said has outgrown what a juror may have in front of them."""

from __future__ import annotations

import numpy as np

from graphs.deliberation.context import DeliberationContext
from graphs.deliberation.floor import Floor
from graphs.records import Status


def too_long(context: DeliberationContext, floor: Floor, round_: int) -> bool:
    """Whether some juror has more talk in front of them before a round than the budget allows.

    Jurors have what they heard and what they said; what was condensed counts by its summary.
    """
    heard = context.heard(floor, round_ - 1)
    most = context.plan.spec.transcript_characters
    if sum(len(row.text or "") for talk in heard for row in talk.statements) <= most:
        return False  # nobody has more in front of them than all that was said
    condensed = max((r.number for r in heard if r.summaries), default=1)
    total = np.zeros(context.plan.seats)
    for talk in heard[condensed - 1 :]:
        length = np.zeros(context.plan.seats + 1)
        summaries = talk.summaries if talk.number == condensed else ()
        for row in (*summaries, *talk.statements):
            if row.status == Status.OK and row.text is not None:
                length[row.juror] += len(row.text)
        total += (talk.weights > 0) @ length
    return bool(total.max() > most)
