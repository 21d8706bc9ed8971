"""The exact prompts of language models for the item page; text they share stands once."""

from __future__ import annotations

from typing import Any

from juries.prompts import SentPrompt, item_prompts
from juries.report.source import Source
from personas.errors import JuriesError

MOST_CALLS = 100_000
"""Calls beyond which a report leaves prompts out: rendering them again would take minutes."""


class Prompts:
    """Renders what was sent about each item; nothing for runs without language models."""

    def __init__(self, source: Source) -> None:
        minds = source.record.minds
        asked = any(mind.kind == "language model" for mind in minds)
        calls = sum(int(one.get("usage", {}).get("calls", 0)) for one in source.record.asking)
        self._directory = source.directory
        self._wanted = asked and calls <= MOST_CALLS
        self.note = ""
        if asked and not self._wanted:
            self.note = (
                f"This report leaves out the prompts of {calls:,} calls; "
                "`juries transcript RUN ITEM --prompts` prints those of an item."
            )

    def of(self, item: str) -> dict[str, Any]:
        """Prompts about one item as plain values.

        `lines` holds every line of text once; a message is a role and numbers of lines.
        """
        if not self._wanted:
            return {}
        try:
            found = item_prompts(self._directory, item)
        except JuriesError as error:  # as where a file of the study's own prompts is gone
            return {"prompts_note": f"Prompts could not be rendered again: {error}"}
        lines: dict[str, int] = {}
        packed = [_packed(one, lines) for one in found.sent]
        made: dict[str, Any] = {"prompts": packed, "lines": list(lines)}
        if found.missing:
            made["prompts_note"] = (
                f"{found.missing} calls were sent prompts that come out otherwise now: their "
                "wording has changed since."
            )
        return made


def _packed(one: SentPrompt, lines: dict[str, int]) -> dict[str, Any]:
    return {
        "seat": one.seat,
        "round": one.round,
        "purpose": one.purpose,
        "about": one.about,
        "calls": one.calls,
        "replies": list(one.replies),
        "messages": [
            [
                message.role,
                [lines.setdefault(line, len(lines)) for line in message.content.split("\n")],
            ]
            for message in one.messages
        ],
    }
