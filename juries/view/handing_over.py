"""Answers of people on their way to the runs that wait for them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from graphs.minds.human_forms import HumanAnswers, HumanForm, SeatAnswer
from juries.view.watching import is_held
from personas.errors import JuriesError

_LOOK_EVERY = 0.5
"""Seconds between two looks at a folder that another process holds."""


class HandingOver:
    """Takes answers, and lets each run go on with them, one process at a time in a folder.

    An answer is kept here until the folder is free. Where a run cannot go on with it, the
    seat stays to be asked unless it was recorded, and `problem` says what happened.
    """

    def __init__(self) -> None:
        self._queued: dict[str, dict[str, HumanAnswers]] = {}
        self._going: dict[str, dict[str, HumanAnswers]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._problems: dict[str, str] = {}
        self._closing = False

    def take(self, run: str, folder: Path, item: str, form: HumanForm, answer: SeatAnswer) -> None:
        """Take one seat's answer to what is asked about an item, and begin to hand it over."""
        queued = self._queued.setdefault(run, {})
        before = queued.get(item)
        same = before is not None and (before.round, before.kind) == (form.round, form.kind)
        others = before.answers if before is not None and same else ()
        queued[item] = HumanAnswers(
            round=form.round,
            kind=form.kind,
            answers=(*(one for one in others if one.seat != answer.seat), answer),
        )
        self._problems.pop(run, None)
        if not self.busy(run):
            self._tasks[run] = asyncio.create_task(self._work(run, folder))

    def busy(self, run: str) -> bool:
        """Whether answers to this run are on their way."""
        return run in self._tasks and not self._tasks[run].done()

    def has(self, run: str, item: str, form: HumanForm, seat: int) -> bool:
        """Whether this seat's answer to what is asked now is on its way."""
        found = [
            held[run][item] for held in (self._queued, self._going) if item in held.get(run, {})
        ]
        return any(
            one.seat == seat
            for given in found
            if (given.round, given.kind) == (form.round, form.kind)
            for one in given.answers
        )

    def problem(self, run: str) -> str | None:
        """Why the last answers did not reach the run, where they did not."""
        return self._problems.get(run)

    async def close(self) -> None:
        """Begin nothing more, and wait for what has begun: its answers are being recorded."""
        self._closing = True
        await asyncio.gather(*self._tasks.values())

    async def _work(self, run: str, folder: Path) -> None:
        while self._queued.get(run) and not self._closing:
            if await asyncio.to_thread(is_held, folder):
                await asyncio.sleep(_LOOK_EVERY)
                continue
            self._going[run] = self._queued.pop(run)
            try:
                await asyncio.to_thread(_hand_over, folder, self._going[run])
            except JuriesError as error:
                self._problems[run] = str(error)
            except Exception as error:  # noqa: BLE001 (shown on the page; the server lives on)
                self._problems[run] = f"{type(error).__name__}: {error}"
            finally:
                del self._going[run]


def _hand_over(folder: Path, given: dict[str, HumanAnswers]) -> None:
    from juries.deliberation.answering import answer
    from juries.report import write_report

    run = answer(folder, given)
    if run.record.complete:
        write_report(folder)
