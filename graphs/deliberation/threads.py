"""Deliberations that wait for people: one LangGraph thread an item, kept by a checkpointer."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from langgraph.types import Command, StateSnapshot

from graphs.deliberation.build import DeliberationGraph
from graphs.deliberation.context import DeliberationContext
from graphs.minds.human_forms import HumanAnswers, HumanForm, SeatAnswer
from personas.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An item whose jury waits for people.

    Attributes:
        form: what they are asked.
        since: when it was first asked.
        until: after which the jury goes on without them; None waits for ever.
    """

    form: HumanForm
    since: datetime
    until: datetime | None

    @property
    def expired(self) -> bool:
        """The time for an answer is over."""
        return self.until is not None and datetime.now(UTC) > self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Threads:
    """The threads of a run.

    Attributes:
        graph: of the study's protocol, compiled with a checkpointer that keeps them.
        name: prefix of their ids: the study's fingerprint.
        within: how long people have to answer; None for ever.
        answers: what people said since, by item.
        waiting: items that wait still, filled as they are visited.
    """

    graph: DeliberationGraph
    name: str
    within: timedelta | None = None
    answers: dict[int, HumanAnswers] = field(default_factory=dict[int, HumanAnswers])
    waiting: dict[int, Waiting] = field(default_factory=dict[int, Waiting])

    async def visit(self, position: int, context: DeliberationContext) -> int:
        """Take an item as far as it goes without an answer that is missing.

        Returns:
            Questions answered of the ballot that counts.
        """
        config: Any = {"configurable": {"thread_id": f"{self.name}:{position}"}}
        waiting = self._waiting(await self.graph.aget_state(config))
        given = self.answers.pop(position, None)
        while True:
            if waiting is not None and waiting.expired:
                given = _expired(waiting.form)
            if waiting is not None and given is None:
                self.waiting[position] = waiting
                return 0
            state = await self._go(config, position, context, given)
            given = None
            if not state.get("__interrupt__"):
                return state.get("counted", 0)
            waiting = self._waiting(await self.graph.aget_state(config))

    async def _go(
        self,
        config: Any,
        position: int,
        context: DeliberationContext,
        given: HumanAnswers | None,
    ) -> dict[str, Any]:
        entry: Any = {"item": position}
        if given is not None:
            entry = Command(resume=given.model_dump(mode="json"))
        return await self.graph.ainvoke(entry, config, context=context, durability="exit")

    def _waiting(self, snapshot: StateSnapshot) -> Waiting | None:
        """What a thread waits for; None where it has not begun, is over or was cut off."""
        if not snapshot.interrupts:
            return None
        since = datetime.fromisoformat(snapshot.created_at or datetime.now(UTC).isoformat())
        return Waiting(
            form=HumanForm.model_validate(snapshot.interrupts[-1].value),
            since=since,
            until=None if self.within is None else since + self.within,
        )


@asynccontextmanager
async def open_saver(path: Path, url_env: str | None = None) -> AsyncGenerator[Any]:
    """Open the checkpointer of a run: SQLite at `path`, or Postgres.

    Args:
        path: of the SQLite file.
        url_env: variable that holds the address of a Postgres database.

    Raises:
        InputError: the library for it is not installed, or the variable is not set.
    """
    if url_env is None:
        try:
            from graphs.deliberation.sqlite_saver import InlineSqliteSaver
        except ImportError as error:
            raise _missing("langgraph-checkpoint-sqlite") from error
        with InlineSqliteSaver.from_conn_string(str(path)) as saver:
            saver.setup()
            # As the ledger does: a killed process loses nothing, and no commit waits for the disk.
            saver.conn.execute("PRAGMA synchronous=NORMAL")
            yield saver
        return
    url = os.environ.get(url_env)
    if not url:
        raise InputError(
            "the address of the database for waiting threads is not set",
            where="mind.checkpoints_env",
            found=url_env,
            hint=f"Set the variable {url_env} to a postgresql:// address.",
        )
    try:
        from langgraph.checkpoint.postgres.aio import (  # pyright: ignore[reportMissingImports] (extra)
            AsyncPostgresSaver,  # pyright: ignore[reportUnknownVariableType] (extra)
        )
    except ImportError as error:
        raise _missing("langgraph-checkpoint-postgres") from error
    # The ledger's address of the same database names SQLAlchemy's driver.
    address = url.replace("postgresql+psycopg://", "postgresql://", 1)
    async with AsyncPostgresSaver.from_conn_string(address) as saver:  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] (extra)
        await saver.setup()  # pyright: ignore[reportUnknownMemberType] (extra)
        yield saver


def _missing(library: str) -> InputError:
    return InputError(
        "people at seats need a library that is not installed",
        where="mind",
        found="human",
        hint=f"Install {library}.",
    )


def _expired(form: HumanForm) -> HumanAnswers:
    """Everybody who has not answered abstains."""
    return HumanAnswers(
        round=form.round,
        kind=form.kind,
        answers=tuple(SeatAnswer(seat=seat.seat, abstain="expired") for seat in form.seats),
    )
