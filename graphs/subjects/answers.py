"""Asking many conversations at once, with every reply kept on disk.

A reply is kept under a key of what was asked: the subject's version, the messages, the question's
key and the sample. A run that was killed is started again and asks only what is missing; failed
questions are asked again. Replies are kept in a study's ledger, or in a JSONL file of their own.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from graphs.ledger import Ledger
from graphs.records import Status, SubjectReply
from graphs.subjects.protocol import Ask, Reply, Subject, SubjectIdentity
from personas.errors import InputError, JuriesError
from personas.identity import content_hash


class ReplyStore(Protocol):
    """Where replies are kept, by what was asked."""

    def get(self, subject: Subject | SubjectIdentity, ask: Ask) -> Reply | None:
        """The recorded reply; None where there is none, or where it failed."""
        ...

    def put(self, subject: Subject | SubjectIdentity, ask: Ask, reply: Reply) -> None:
        """Keep a reply."""
        ...


class LedgerReplies:
    """Replies in a study's ledger, committed with its other rows.

    Args:
        ledger: of the study; it is read once, here.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known = {row.asked: row for row in ledger.every(SubjectReply)}

    def get(self, subject: Subject | SubjectIdentity, ask: Ask) -> Reply | None:
        """The recorded reply; None where there is none, or where it failed."""
        row = self._known.get(_key(subject, ask))
        if row is None or row.status == Status.FAILED:
            return None
        return Reply(key=ask.key, sample=ask.sample, status=Status(row.status), text=row.text)

    def failed(self, subject: Subject | SubjectIdentity, ask: Ask) -> bool:
        """Whether the conversation was put, and no answer came."""
        row = self._known.get(_key(subject, ask))
        return row is not None and row.status == Status.FAILED

    def put(self, subject: Subject | SubjectIdentity, ask: Ask, reply: Reply) -> None:
        """Hand a reply to the ledger, whose next commit makes it durable.

        Raises:
            LedgerError: an earlier commit failed, so that nothing more should be asked.
        """
        row = SubjectReply(
            asked=_key(subject, ask),
            subject=subject.name,
            key=ask.key,
            sample=ask.sample,
            status=reply.status.value,
            text=reply.text,
            error=reply.error,
        )
        self._ledger.add([row])
        self._known[row.asked] = row


class AnswerLog:
    """Replies in a JSONL file, by what was asked.

    Args:
        path: of the JSONL file; made when the first reply comes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known = self._read()

    def get(self, subject: Subject | SubjectIdentity, ask: Ask) -> Reply | None:
        """The recorded reply; None where there is none, or where it failed."""
        row = self._known.get(_key(subject, ask))
        if row is None or row["status"] == Status.FAILED.value:
            return None
        return Reply(
            key=ask.key, sample=ask.sample, status=Status(row["status"]), text=row["text"] or ""
        )

    def put(self, subject: Subject | SubjectIdentity, ask: Ask, reply: Reply) -> None:
        """Append a reply and see it to the disk."""
        row: dict[str, str | None] = {
            "asked": _key(subject, ask),
            "key": ask.key,
            "sample": str(ask.sample),
            "status": reply.status.value,
            "text": reply.text,
            "error": reply.error,
        }
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._known[_key(subject, ask)] = row

    def _read(self) -> dict[str, dict[str, str | None]]:
        if not self.path.exists():
            return {}
        content = self.path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):  # the process died while it wrote the last line
            with self.path.open("r+b") as file:
                file.truncate(len(whole))
        known: dict[str, dict[str, str | None]] = {}
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                row: dict[str, str | None] = json.loads(line)
                known[str(row["asked"])] = row
            except (ValueError, KeyError, TypeError):
                raise InputError("this line holds no reply", where=self.path, line=number) from None
        return known


async def ask_all(
    subject: Subject,
    asks: Sequence[Ask],
    log: ReplyStore,
    *,
    in_flight: int = 16,
    advance: Callable[[int], None] | None = None,
    stop: asyncio.Event | None = None,
) -> tuple[Reply, ...]:
    """Replies to all conversations, in order; those on record are not asked again.

    Args:
        subject: the model under test.
        asks: conversations with keys of their own.
        log: where replies are kept.
        in_flight: conversations at once.
        advance: told of each reply.
        stop: once set, nothing further is asked; what was not asked has failed, off the record.

    Raises:
        MindUnavailableError: no server answers any more; what was answered is kept.
    """
    gate = asyncio.Semaphore(in_flight)

    async def one(ask: Ask) -> Reply:
        known = log.get(subject, ask)
        if known is None:
            async with gate:
                if stop is not None and stop.is_set():
                    return _not_asked(ask)
                known = await subject.answer(ask)
            log.put(subject, ask, known)
        if advance is not None:
            advance(1)
        return known

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(ask)) for ask in asks]
    except* JuriesError as several:  # one message says what to do; the others say the same
        raise _first(several) from None
    return tuple(task.result() for task in tasks)


def _not_asked(ask: Ask) -> Reply:
    return Reply(key=ask.key, sample=ask.sample, status=Status.FAILED, text="", error="not asked")


def _first(several: BaseExceptionGroup[JuriesError]) -> BaseException:
    first = several.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


def _key(subject: Subject | SubjectIdentity, ask: Ask) -> str:
    messages = [[message.role, message.content] for message in ask.messages]
    return content_hash([subject.version, ask.key, ask.sample, messages])
