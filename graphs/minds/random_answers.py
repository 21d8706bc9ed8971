"""A mind that answers at random: what a jury must differ from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from graphs.items import Shown, shown
from graphs.minds.protocol import MindKind, RatingTask
from graphs.records import Rating, Status
from personas.identity import generator


class RandomMind:
    """Every point of the scale is as likely as any other, whatever is asked.

    Only the point drawn is recorded, never the flat distribution behind it: a random answer is to
    be compared with answers, not with expectations.

    Args:
        position: of this mind in the study, as `Rating.mind` names it.
    """

    name = "random answers"
    version = "1"
    kind: MindKind = "simulator"

    def __init__(self, *, position: int = 0) -> None:
        self._position = position

    async def rate(self, task: RatingTask) -> AsyncIterator[Sequence[Rating]]:
        """Yield the rows of each question together, from a stream named by item and question."""
        for criterion, question in enumerate(task.questions):
            for replicate in range(task.replicates):
                names = (task.item.id, criterion, task.round, replicate)
                stream = generator(task.seed, "random answers", *names)
                subjects = shown(task.item, task.questions)
                shape = (len(subjects), len(task.panel))
                drawn = stream.integers(1, len(question.points) + 1, size=shape).tolist()
                rows = (
                    self._row(task, subject, juror.position, criterion, replicate, point)
                    for subject, points in zip(subjects, drawn, strict=True)
                    for juror, point in zip(task.panel.jurors, points, strict=True)
                )
                yield [row for row in rows if row.cell not in task.answered]

    def _row(
        self,
        task: RatingTask,
        subject: Shown,
        juror: int,
        criterion: int,
        replicate: int,
        point: int,
    ) -> Rating:
        return Rating(
            item=task.position,
            response=subject.response,
            against=subject.against,
            juror=juror,
            round=task.round,
            criterion=criterion,
            replicate=replicate,
            status=Status.OK.value,
            rating=point,
            expected=None,
            probabilities=None,
            label_mass=None,
            reason=None,
            raw=None,
            mind=self._position,
            call=None,
        )
