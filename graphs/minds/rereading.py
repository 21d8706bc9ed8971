"""Going through a recorded item again: what the ledger holds is said again, and prompts are kept.

The ledger stores no prompt, only its hash: the study renders it again, word for word, from the
item, the juror and what was heard. Nothing is sent to anybody.

- `Reciter`: a mind that repeats what was recorded, of any kind of mind.
- `Rereader`: the same for a language model, which also renders what it was sent.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import NoReturn

from graphs.llm.capabilities import Capabilities
from graphs.llm.client import Client
from graphs.llm.elicitation.reasons import add_reasons
from graphs.llm.elicitation.rows import Plan, Result
from graphs.llm.faults import CallError, FaultKind
from graphs.llm.labels import candidates
from graphs.llm.planning import grouped, unchecked_plan
from graphs.llm.prompts import load_prompts
from graphs.llm.rendering import Message, Renderer
from graphs.llm.session import Fields, Outcome, Put, Session
from graphs.llm.settings import LlmSettings, Method
from graphs.llm.sitting import Group, Sitting, groups
from graphs.llm.talk.ballots import Rewrite, in_talk
from graphs.llm.talk.conversation import Conversations
from graphs.llm.talk.ranking import rank
from graphs.llm.talk.speaking import mediate, speak
from graphs.minds.deliberator import MediateTask, RankTask, Round, SpeakTask
from graphs.minds.protocol import MindKind, RatingTask
from graphs.panel import Juror
from graphs.records import Cell, Poll, Preference, Rating, Statement, Status, Turn

_NOT_SENT = "rendered again, not sent"
_METHODS: tuple[Method, ...] = ("probabilities", "structured")
"""Drawn replies are asked for in the words of `probabilities`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The rows of one item, by what they answer."""

    ratings: dict[Cell, Rating] = field(default_factory=dict[Cell, Rating])
    statements: dict[Turn, Statement] = field(default_factory=dict[Turn, Statement])
    preferences: dict[Poll, Preference] = field(default_factory=dict[Poll, Preference])

    @classmethod
    def of(cls, rows: Iterable[Rating | Statement | Preference]) -> Recorded:
        """Rows in any order."""
        found = cls()
        for row in rows:
            if isinstance(row, Rating):
                found.ratings[row.cell] = row
            elif isinstance(row, Statement):
                found.statements[row.turn] = row
            else:
                found.preferences[row.poll] = row
        return found


class Reciter:
    """Repeats what was recorded for the jurors of one mind.

    Args:
        name: of the mind.
        kind: of the mind.
        recorded: rows of the item.
    """

    version = "recorded"

    def __init__(self, name: str, kind: MindKind, recorded: Recorded) -> None:
        self.name = name
        self.kind: MindKind = kind
        self.recorded = recorded

    async def rate(self, task: RatingTask) -> AsyncIterator[Sequence[Rating]]:
        """Yield the ratings that the ledger holds."""
        yield self._rated(task)

    async def revise(
        self,
        task: RatingTask,
        heard: tuple[Round, ...],  # noqa: ARG002 (of `Deliberator`)
    ) -> AsyncIterator[Sequence[Rating]]:
        """Yield the ratings that the ledger holds."""
        yield self._rated(task)

    async def speak(self, task: SpeakTask) -> AsyncIterator[Sequence[Statement]]:
        """Yield the statements that the ledger holds."""
        turns = [Turn(task.position, task.round, task.kind, seat, -1) for seat in task.speakers]
        yield [self.recorded.statements[turn] for turn in turns if turn in self.recorded.statements]

    async def mediate(self, task: MediateTask) -> AsyncIterator[Sequence[Statement]]:
        """Yield the drafts that the ledger holds."""
        rows = self.recorded.statements.values()
        yield [
            row
            for row in rows
            if (row.round, row.kind) == (task.round, "candidate") and row.about < task.candidates
        ]

    async def rank(self, task: RankTask) -> AsyncIterator[Sequence[Preference]]:
        """Yield the rankings that the ledger holds."""
        polls = [Poll(task.position, task.round, juror.position) for juror in task.panel.jurors]
        yield [self.recorded.preferences[p] for p in polls if p in self.recorded.preferences]

    def _rated(self, task: RatingTask) -> list[Rating]:
        seats = {juror.position for juror in task.panel.jurors}
        rows = self.recorded.ratings.values()
        return [row for row in rows if row.round == task.round and row.juror in seats]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rendered:
    """A conversation as it was, or would have been, put to a server.

    Attributes:
        juror: for whom; `position` -1 for the mediator.
        cells: the questions that its reply answers; of turns in talk, without a response.
        purpose: what for, as `Call.purpose` has it; draws count as `rate`.
        round: of talk; 0 before it.
        messages: what was sent.
        hash: of the messages, as `Call.prompt` has it.
    """

    juror: Juror
    cells: tuple[Cell, ...]
    purpose: str
    round: int
    messages: tuple[Message, ...]
    hash: str


class Rereader(Reciter):
    """Repeats what was recorded for a language model's jurors, and renders what it was sent.

    Ways of asking that leave no trace in the study (the labels that a server's tokenizer allows,
    the method that it can do) are all rendered; the ledger's hashes tell which one was sent.

    Args:
        settings: of the mind.
        position: of the mind in the study.
        seed: of the study.
        recorded: rows of the item.
    """

    def __init__(
        self, settings: LlmSettings, *, position: int, seed: int, recorded: Recorded
    ) -> None:
        super().__init__(settings.model, "language model", recorded)
        self._session = _Unsent(settings, position=position, seed=seed)
        self._settings = settings
        self._renderer = Renderer(load_prompts(settings.prompts), settings)

    @property
    def rendered(self) -> list[Rendered]:
        """Everything rendered so far."""
        return self._session.rendered

    async def rate(self, task: RatingTask) -> AsyncIterator[Sequence[Rating]]:
        """Render what was asked, and yield the ratings that the ledger holds."""
        await self._ask(task, None)
        yield self._rated(task)

    async def revise(
        self, task: RatingTask, heard: tuple[Round, ...]
    ) -> AsyncIterator[Sequence[Rating]]:
        """Render what was asked after what was heard, and yield the ratings of the ledger."""
        await self._ask(task, in_talk(self._renderer, self._conversations(task), heard))
        yield self._rated(task)

    async def speak(self, task: SpeakTask) -> AsyncIterator[Sequence[Statement]]:
        """Render what speakers were asked, and yield the statements of the ledger."""
        await speak(self._session, self._conversations(task), task)
        async for rows in super().speak(task):
            yield rows

    async def mediate(self, task: MediateTask) -> AsyncIterator[Sequence[Statement]]:
        """Render what the mediator was asked, and yield the drafts of the ledger."""
        await mediate(self._session, self._renderer, task)
        async for rows in super().mediate(task):
            yield rows

    async def rank(self, task: RankTask) -> AsyncIterator[Sequence[Preference]]:
        """Render what jurors were asked to rank, and yield the rankings of the ledger."""
        await rank(self._session, self._renderer, self._conversations(task), task)
        async for rows in super().rank(task):
            yield rows

    def _conversations(self, task: RatingTask | SpeakTask | RankTask) -> Conversations:
        return Conversations(self._renderer, task.item, seed=task.seed)

    async def _ask(self, task: RatingTask, rewrite: Rewrite | None) -> None:
        """Render a ballot in every way in which it may have been asked."""
        sitting = Sitting.of(task)
        shuffle = self._settings.option_order == "balanced"
        for method, scheme in product(_METHODS, (0, 1)):
            plans = [
                (criteria, self._plan(sitting, criteria, method, scheme))
                for criteria in grouped(sitting.asked, self._settings, method)
            ]
            for group in groups(sitting, self._renderer, plans, shuffle=shuffle):
                if group.subject.refusal is None:
                    await self._put(group, rewrite)

    def _plan(
        self, sitting: Sitting, criteria: tuple[int, ...], method: Method, scheme: int
    ) -> Plan:
        asked = tuple(sitting.asked[criterion] for criterion in criteria)
        plan = unchecked_plan(asked, self._settings, method)
        labels = [candidates(question) for question in asked]
        form = replace(plan.form, labels=tuple(each[min(scheme, len(each) - 1)] for each in labels))
        return replace(plan, form=form)

    async def _put(self, group: Group, rewrite: Rewrite | None) -> None:
        session = self._session
        puts = group.puts(self._renderer, group.seats)
        if rewrite is not None:
            puts = [rewrite(put, group.plan.form) for put in puts]
        affinity = group.sitting.item.id
        await session.converse(puts, {}, affinity=affinity)
        if self._settings.reason == "separate":
            answered = [put for put in puts if all(self._valid(cell) for cell in put.cells)]
            rows = [self.recorded.ratings[cell] for put in answered for cell in put.cells]
            result = Result(rows=rows, calls=[])
            await add_reasons(
                session, self._renderer, group.plan, answered, result, affinity=affinity
            )

    def _valid(self, cell: Cell) -> bool:
        row = self.recorded.ratings.get(cell)
        return row is not None and row.status == Status.OK


class _NoServer(Client):
    """Sends nothing."""

    async def send(self, *_: object, **__: object) -> NoReturn:
        """Never answers."""
        raise CallError(FaultKind.UNREACHABLE, _NOT_SENT, attempts=0, seconds=0.0)


class _Unsent(Session):
    """Keeps what would be put to servers."""

    def __init__(self, settings: LlmSettings, *, position: int, seed: int) -> None:
        super().__init__(
            client=_NoServer((), settings.limits),
            settings=settings,
            capabilities=Capabilities(),
            position=position,
            seed=seed,
        )
        self.rendered: list[Rendered] = []

    async def converse(
        self, puts: Sequence[Put], fields: Fields, *, affinity: str, seeded: bool = False
    ) -> list[Outcome]:
        """Keep the conversations; none is answered."""
        outcomes = await super().converse(puts, fields, affinity=affinity, seeded=seeded)
        self.rendered += map(_rendered, puts, outcomes)
        return outcomes


def _rendered(put: Put, outcome: Outcome) -> Rendered:
    return Rendered(
        juror=put.juror,
        cells=put.cells,
        purpose=put.purpose,
        round=put.cells[0].round,
        messages=tuple(put.messages),
        hash=outcome.call.prompt,
    )
