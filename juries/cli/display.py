"""Progress on standard error: a live bar, plain lines, or nothing."""

from __future__ import annotations

import sys
import time
from typing import TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from juries.progress import Progress as Told
from juries.progress import Silent

_PLAIN_EVERY = 5.0


def open_display(kind: str) -> Told:
    """The display of that name; a live bar becomes plain lines where there is no terminal."""
    if kind == "none":
        return Silent()
    if kind == "rich" and sys.stderr.isatty():
        return RichDisplay()
    return PlainDisplay(sys.stderr)


class RichDisplay:
    """A bar with counts, rate and time left."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._started = 0.0
        self._answered = 0

    def start(self, *, total: int, done: int) -> None:
        """Draw the bar; a further run starts one of its own."""
        self._answered = 0
        if done:
            self._console.print(f"{done:,} of {total:,} ratings were recorded before.")
        if done >= total:
            return
        self._bar = Progress(
            TextColumn("ratings"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
            refresh_per_second=8,
        )
        self._task = self._bar.add_task("ratings", total=total, completed=done, rate="")
        self._started = time.monotonic()
        self._bar.start()

    def advance(self, answered: int) -> None:
        """Move the bar."""
        self._answered += answered
        if self._bar is not None and self._task is not None:
            rate = self._answered / max(time.monotonic() - self._started, 1e-3)
            self._bar.update(self._task, advance=answered, rate=f"{rate:,.0f}/s")

    def say(self, message: str) -> None:
        """Print a line, above the bar while there is one."""
        self._console.print(f"{message} …", style="dim")

    def finish(self) -> None:
        """Leave the bar as it stands."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


class PlainDisplay:
    """A line every few seconds, for logs."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._total = self._done = self._answered = 0
        self._started = self._said = 0.0

    def start(self, *, total: int, done: int) -> None:
        """Say where the run starts."""
        self._total, self._done, self._answered = total, done, 0
        self._started = self._said = time.monotonic()
        self.say(f"{done:,} of {total:,} ratings recorded before")

    def advance(self, answered: int) -> None:
        """Say how far the run is, if the last line is some seconds old."""
        self._answered += answered
        now = time.monotonic()
        if now - self._said >= _PLAIN_EVERY:
            self._said = now
            self._report(now)

    def say(self, message: str) -> None:
        """Print a line."""
        self._stream.write(f"{message}\n")
        self._stream.flush()

    def finish(self) -> None:
        """Say how far the run came."""
        if self._answered:
            self._report(time.monotonic())

    def _report(self, now: float) -> None:
        done = self._done + self._answered
        rate = self._answered / max(now - self._started, 1e-3)
        left = (self._total - done) / max(rate, 1e-9)
        self.say(f"{done:,} of {self._total:,} ratings, {rate:,.0f}/s, {left:,.0f} s left")
