"""Reports of runs that still grow: written from a copy, anew when enough has been answered."""

from __future__ import annotations

import asyncio
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from juries.report import REPORT
from juries.view.watching import copy_of
from personas.errors import JuriesError

SOONEST = 3.0
"""Seconds between two reports of one run, at least."""
_PATIENCE = 4
"""A report is written again after so many times what writing it took."""


@dataclass(frozen=True, kw_only=True)
class _Written:
    """The report of one run as last written.

    Attributes:
        folder: the copy that it was written from, and where it lies.
        revision: of the ledger then.
        number: counts the reports of this run.
        after: the clock's reading before which it is not written again.
        problem: why there is no page, where there is none.
    """

    folder: Path
    revision: int
    number: int
    after: float
    problem: str | None = None


class Reports:
    """Keeps the newest report of each run that was asked for; `close` removes them."""

    def __init__(self) -> None:
        self._written: dict[str, _Written] = {}
        self._writing: dict[str, asyncio.Task[None]] = {}

    def number(self, name: str) -> int:
        """How many reports of this run were written; 0 for none."""
        return self._written[name].number if name in self._written else 0

    def newest(self, name: str, run: Path) -> Path | None:
        """The page of the newest report there is; never waits for one."""
        if (left := _left_by_the_run(run)) is not None:
            return left
        held = self._written.get(name)
        return None if held is None or held.problem else held.folder / REPORT

    def problem(self, name: str) -> str | None:
        """Why the newest report could not be written."""
        return self._written[name].problem if name in self._written else None

    def is_current(self, name: str, run: Path, revision: int) -> bool:
        """Whether the newest report (or the try at one) saw this state of the ledger."""
        held = self._written.get(name)
        seen = held is not None and held.revision == revision
        return revision <= 0 or seen or _left_by_the_run(run) is not None

    def refresh(self, name: str, run: Path, revision: int) -> None:
        """Begin to write a report of the run as it stands, if it is time."""
        held = self._written.get(name)
        busy = name in self._writing and not self._writing[name].done()
        early = held is not None and time.monotonic() < held.after
        if not (busy or early or self.is_current(name, run, revision)):
            self._writing[name] = asyncio.create_task(self._write(name, run, revision))

    async def _write(self, name: str, run: Path, revision: int) -> None:
        started = time.monotonic()
        problem = None
        folder = await asyncio.to_thread(copy_of, run)
        try:
            await asyncio.to_thread(_write_report, folder)
        except JuriesError as error:
            problem = str(error)
        now = time.monotonic()
        held = self._written.get(name)
        self._written[name] = _Written(
            folder=folder,
            revision=revision,
            number=1 + self.number(name),
            after=now + max(SOONEST, _PATIENCE * (now - started)),
            problem=problem,
        )
        if held is not None:
            shutil.rmtree(held.folder, ignore_errors=True)

    def close(self) -> None:
        """Remove every copy."""
        for held in self._written.values():
            shutil.rmtree(held.folder, ignore_errors=True)
        self._written.clear()


def _left_by_the_run(run: Path) -> Path | None:
    """The report that a finished run wrote itself, unless something was written since."""
    page = run / REPORT
    ledger = "ledger.json" if (run / "ledger.json").exists() else "ledger.sqlite"
    inputs = [run / name for name in ("scores.json", "run.json", ledger)]
    if not page.exists() or not all(path.exists() for path in inputs):
        return None
    written = page.stat().st_mtime_ns
    return page if all(path.stat().st_mtime_ns <= written for path in inputs) else None


def _write_report(folder: Path) -> None:
    from juries.report import write_report
    from juries.runs import open_run

    open_run(folder).score()
    write_report(folder)
