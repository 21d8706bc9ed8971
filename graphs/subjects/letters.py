"""The letters that options are answered by, and how their masses stand in a reply."""

from __future__ import annotations

import string

from pydantic import TypeAdapter

from graphs.records import Status
from graphs.subjects.protocol import Reply

LETTERS = string.ascii_uppercase
REPORTED = 20
"""Alternatives asked for: the most that servers report, so the most options a question can have."""
_MASSES: TypeAdapter[list[float]] = TypeAdapter(list[float])


def write_masses(masses: list[float]) -> str:
    """The text of a reply that holds the mass of each letter, A first."""
    return _MASSES.dump_json(masses).decode()


def read_masses(reply: Reply) -> list[float] | None:
    """The mass of each letter, A first; None where the question failed."""
    return _MASSES.validate_json(reply.text) if reply.status is Status.OK else None
