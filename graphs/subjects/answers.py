"""Asking many conversations at once, with every reply kept on disk.

A reply is appended to a JSONL file under a key of what was asked: the subject's version, the
messages, the question's key and the sample. A run that was killed is started again and asks only
what is missing; failed questions are asked again.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from graphs.records import Status
from graphs.subjects.protocol import Ask, Reply, Subject
from personas.errors import InputError, JuriesError
from personas.identity import content_hash


class AnswerLog:
    """Replies on disk, by what was asked.

    Args:
        path: of the JSONL file; made when the first reply comes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known = self._read()

    def get(self, subject: Subject, ask: Ask) -> Reply | None:
        """The recorded reply; None where there is none, or where it failed."""
        row = self._known.get(_key(subject, ask))
        if row is None or row["status"] == Status.FAILED.value:
            return None
        return Reply(
            key=ask.key, sample=ask.sample, status=Status(row["status"]), text=row["text"] or ""
        )

    def put(self, subject: Subject, ask: Ask, reply: Reply) -> None:
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
    log: AnswerLog,
    *,
    in_flight: int = 16,
    advance: Callable[[int], None] | None = None,
) -> tuple[Reply, ...]:
    """Replies to all conversations, in order; those on record are not asked again.

    Args:
        subject: the model under test.
        asks: conversations with keys of their own.
        log: where replies are kept.
        in_flight: conversations at once.
        advance: told of each reply.

    Raises:
        MindUnavailableError: no server answers any more; what was answered is kept.
    """
    gate = asyncio.Semaphore(in_flight)

    async def one(ask: Ask) -> Reply:
        known = log.get(subject, ask)
        if known is None:
            async with gate:
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


def _first(several: BaseExceptionGroup[JuriesError]) -> BaseException:
    first = several.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


def _key(subject: Subject, ask: Ask) -> str:
    messages = [[message.role, message.content] for message in ask.messages]
    return content_hash([subject.version, ask.key, ask.sample, messages])
