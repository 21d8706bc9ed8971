"""What a subject must do: answer a conversation, and say what it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from graphs.records import Status

Role = Literal["system", "user", "assistant"]
SubjectKind = Literal["synthetic subject", "language model"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One conversation put to a subject.

    Attributes:
        key: names the question within a study; randomness and records go by it.
        messages: the conversation, the last one by the user.
        sample: number of the answer, where several are drawn.
    """

    key: str
    messages: tuple[Message, ...]
    sample: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What became of one conversation.

    Attributes:
        key: of the question.
        sample: of the question.
        status: `ok`, `refused` (the text, if any, says so) or `failed`.
        text: what was said; empty where nothing was.
        error: why it failed, in a line.
    """

    key: str
    sample: int
    status: Status
    text: str
    error: str | None = None


class Subject(Protocol):
    """Answers conversations. A bad answer is a reply with a status, never an exception."""

    @property
    def name(self) -> str:
        """Shown beside every figure."""
        ...

    @property
    def version(self) -> str:
        """Changes whenever the same conversation could be answered differently."""
        ...

    @property
    def kind(self) -> SubjectKind:
        """What kind of subject this is; no result may hide it."""
        ...

    async def answer(self, ask: Ask) -> Reply:
        """Answer one conversation."""
        ...
