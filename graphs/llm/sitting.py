"""One item before one panel: which conversations are put, in which groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from graphs.items import Item, Question, compares
from graphs.llm.elicitation.rows import Plan
from graphs.llm.labels import Order, as_written, orders
from graphs.llm.rendering import Renderer, Subject
from graphs.llm.session import Put
from graphs.minds.protocol import RatingTask
from graphs.panel import Panel
from graphs.records import Cell
from personas.identity import generator


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sitting:
    """What a task asks, whether of responses or of pairs of them."""

    item: Item
    position: int
    panel: Panel
    asked: tuple[Question, ...]
    seed: int
    round: int
    replicates: int
    answered: frozenset[Cell]

    @classmethod
    def of(cls, task: RatingTask) -> Sitting:
        """The sitting of a task."""
        return cls(
            item=task.item,
            position=task.position,
            panel=task.panel,
            asked=task.questions,
            seed=task.seed,
            round=task.round,
            replicates=task.replicates,
            answered=task.answered,
        )

    def subjects(self, renderer: Renderer) -> Iterator[Subject]:
        """The responses, or ordered pairs of them, quoted."""
        render = renderer.pairs if compares(self.asked) else renderer.responses
        return render(self.item, self.seed)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """Questions put together about a subject on one occasion.

    Attributes:
        criteria: positions of the questions.
        seats: places in the panel of the jurors who have yet to answer.
        shown: for each question, the order in which each juror of the panel sees its options.
        uniforms: for each juror of the panel, with which a rating is drawn.
    """

    sitting: Sitting
    subject: Subject
    criteria: tuple[int, ...]
    plan: Plan
    replicate: int
    seats: tuple[int, ...]
    shown: tuple[tuple[Order, ...], ...]
    uniforms: tuple[float, ...]

    def chunks(self, size: int) -> Iterator[tuple[Group, tuple[int, ...]]]:
        """The group's seats, so many at a time."""
        for start in range(0, len(self.seats), size):
            yield self, self.seats[start : start + size]

    def puts(self, renderer: Renderer, seats: Sequence[int]) -> list[Put]:
        """The conversations for some of the seats."""
        return [self._put(renderer, seat) for seat in seats]

    def cells(self, seat: int) -> tuple[Cell, ...]:
        """The questions that a juror of the panel answers in this group."""
        sitting, subject = self.sitting, self.subject
        juror = sitting.panel.jurors[seat].position
        return tuple(
            Cell(
                sitting.position, subject.response, subject.against, juror, sitting.round,
                criterion, self.replicate,
            )
            for criterion in self.criteria
        )  # fmt: skip

    def _put(self, renderer: Renderer, seat: int) -> Put:
        juror = self.sitting.panel.jurors[seat]
        each = tuple(by_seat[seat] for by_seat in self.shown)
        return Put(
            juror=juror,
            cells=self.cells(seat),
            orders=each,
            messages=renderer.messages(self.subject, juror.portrait, self.plan.form, each),
            uniform=self.uniforms[seat],
            notes=self.subject.notes,
        )


def groups(
    sitting: Sitting,
    renderer: Renderer,
    plans: Sequence[tuple[tuple[int, ...], Plan]],
    *,
    shuffle: bool,
) -> Iterator[Group]:
    """Everything that a sitting still has to ask, response by response.

    Args:
        sitting: the task.
        renderer: quotes the responses.
        plans: positions of questions that are put together, with their plan.
        shuffle: options are shown in balanced orders, not as they are written.
    """
    shown: dict[tuple[int, int], tuple[tuple[Order, ...], ...]] = {}
    for subject in sitting.subjects(renderer):
        for criteria, plan in plans:
            for replicate in range(sitting.replicates):
                occasion = (criteria[0], replicate)
                if occasion not in shown:  # the same for every response
                    shown[occasion] = _shown(sitting, plan, *occasion, shuffle=shuffle)
                group = _group(sitting, subject, criteria, plan, replicate, shown[occasion])
                if group.seats:
                    yield group


def _shown(
    sitting: Sitting, plan: Plan, criterion: int, replicate: int, *, shuffle: bool
) -> tuple[tuple[Order, ...], ...]:
    """In which order each juror sees the options of each question."""
    panel = sitting.panel
    if not shuffle:
        return tuple((as_written(len(asked.points)),) * len(panel) for asked in plan.form.asked)
    return tuple(
        # Criteria in one conversation all run the same way, that of the first.
        orders(
            panel,
            asked,
            seed=sitting.seed,
            item=sitting.item.id,
            criterion=criterion,
            replicate=replicate,
        )
        for asked in plan.form.asked
    )


def _group(
    sitting: Sitting,
    subject: Subject,
    criteria: tuple[int, ...],
    plan: Plan,
    replicate: int,
    shown: tuple[tuple[Order, ...], ...],
) -> Group:
    item, panel = sitting.item, sitting.panel
    stream = generator(
        sitting.seed, "llm draw", item.id, subject.response, subject.against, criteria[0],
        sitting.round, replicate,
    )  # fmt: skip
    everyone = Group(
        sitting=sitting,
        subject=subject,
        criteria=criteria,
        plan=plan,
        replicate=replicate,
        seats=tuple(range(len(panel))),
        shown=shown,
        uniforms=tuple(stream.random(len(panel)).tolist()),
    )
    if not sitting.answered:
        return everyone
    waiting = (s for s in everyone.seats if not sitting.answered.issuperset(everyone.cells(s)))
    return replace(everyone, seats=tuple(waiting))
