"""Whether a server is worth asking: a circuit breaker."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

FAULTS = 5
"""Faults in a row, with no answer between them, that open the circuit."""
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 15.0


@dataclass(slots=True, kw_only=True)
class Breaker:
    """Closed while a server answers; open after `FAULTS` faults in a row; then tried now and then.

    Attributes:
        clock: monotonic seconds.
        since: when the present row of faults began, None while the server answers.
        why: the latest fault, in a line.
    """

    clock: Callable[[], float] = time.monotonic
    since: float | None = None
    why: str = ""
    _faults: int = field(default=0, init=False)
    _retry_at: float = field(default=0.0, init=False)
    _pause: float = field(default=FIRST_PAUSE, init=False)

    @property
    def closed(self) -> bool:
        """The server answers, as far as is known."""
        return self._faults < FAULTS

    @property
    def wait(self) -> float:
        """Seconds until an open circuit may be tried again; 0 when closed or due."""
        return 0.0 if self.closed else max(0.0, self._retry_at - self.clock())

    @property
    def down_for(self) -> float:
        """Seconds since the first of the present faults; 0 while closed."""
        return 0.0 if self.closed or self.since is None else self.clock() - self.since

    def trying(self) -> None:
        """An open circuit is tried: others keep away until this try has ended."""
        self._retry_at = self.clock() + self._pause

    def answered(self) -> None:
        """The server answered, if only to say that it is busy or that a request is wrong."""
        self._faults = 0
        self._pause = FIRST_PAUSE
        self.since = None

    def open(self, why: str) -> None:
        """Nothing listens at the server's address: keep away at once."""
        self._faults = max(self._faults, FAULTS - 1)
        self.fault(why)

    def fault(self, why: str) -> None:
        """The server could not be reached, or broke."""
        now = self.clock()
        self._faults += 1
        self.why = why
        if self.since is None:
            self.since = now
        if not self.closed:
            self._retry_at = now + self._pause
            self._pause = min(LONGEST_PAUSE, self._pause * 2)
