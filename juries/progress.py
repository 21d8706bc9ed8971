"""How long work tells how far it is; the library itself prints nothing."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told of a run's progress; the command line draws it."""

    def start(self, *, total: int, done: int) -> None:
        """A run begins: `total` questions, of which `done` were answered before."""
        ...

    def advance(self, answered: int) -> None:
        """So many more questions were answered."""
        ...

    def say(self, message: str) -> None:
        """A step worth a line, such as what is being computed."""
        ...

    def finish(self) -> None:
        """The run ended, whether or not it completed."""
        ...


class Silent:
    """Says nothing: the default in Python."""

    def start(self, *, total: int, done: int) -> None:
        """Ignore it."""

    def advance(self, answered: int) -> None:
        """Ignore it."""

    def say(self, message: str) -> None:
        """Ignore it."""

    def finish(self) -> None:
        """Ignore it."""
