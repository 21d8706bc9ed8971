"""What can go wrong between a mind and a server, as values that say what to do."""

from __future__ import annotations

from enum import StrEnum

from personas.errors import JuriesError


class FaultKind(StrEnum):
    """Why an attempt brought no answer."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    BUSY = "busy"
    BROKEN = "broken"
    MALFORMED = "malformed"
    REJECTED = "rejected"
    DENIED = "denied"
    MISSING = "missing"
    REDIRECTED = "redirected"

    @property
    def server_at_fault(self) -> bool:
        """The server, not the request, is the reason: it counts towards opening the circuit."""
        return self in _SERVER_AT_FAULT

    @property
    def worth_retrying(self) -> bool:
        """The same request may be answered later."""
        return self is FaultKind.BUSY or self.server_at_fault


_SERVER_AT_FAULT = {
    FaultKind.UNREACHABLE,
    FaultKind.TIMEOUT,
    FaultKind.BROKEN,
    FaultKind.MALFORMED,
}


class AttemptError(Exception):
    """One attempt failed.

    Attributes:
        kind: what sort of failure.
        message: one line, without secrets.
        retry_after: seconds after which the server wants to be asked again.
    """

    def __init__(self, kind: FaultKind, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.retry_after = retry_after


class ReplyError(Exception):
    """A reply that is not what the API promises."""


class CallError(Exception):
    """A call that is given up, after its retries.

    Attributes:
        kind: of the last fault.
        message: the last fault in one line.
        attempts: how often the request was sent.
        seconds: from first to last.
    """

    def __init__(self, kind: FaultKind, message: str, *, attempts: int, seconds: float) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.attempts = attempts
        self.seconds = seconds


class MindUnavailableError(JuriesError):
    """No server of a mind answers any more; nothing was asked."""
