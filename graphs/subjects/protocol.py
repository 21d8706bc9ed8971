"""What a subject must do: answer a conversation, and say what it is."""

from __future__ import annotations

from collections.abc import Sequence
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
        options: of a multiple-choice question, in the order shown; the first has the letter A.
    """

    key: str
    messages: tuple[Message, ...]
    sample: int = 0
    options: tuple[str, ...] = ()


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


def as_text(messages: Sequence[Message]) -> str:
    """A conversation as one text for a base model, a blank line between messages."""
    return "\n\n".join(message.content for message in messages)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectIdentity:
    """A subject that need not be opened: replies on record are found by it.

    Attributes:
        name: shown beside every figure.
        version: changes whenever the same conversation could be answered differently.
        kind: what kind of subject this is.
    """

    name: str
    version: str
    kind: SubjectKind


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
