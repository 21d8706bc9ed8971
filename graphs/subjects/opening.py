"""From a study's `subject` section to the subject itself, with its lifetime."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from graphs.subjects.protocol import Subject
from graphs.subjects.settings import LiveSettings, SyntheticSettings
from graphs.subjects.synthetic import SyntheticSubject


@asynccontextmanager
async def open_subject(
    settings: SyntheticSettings | LiveSettings, *, seed: int
) -> AsyncGenerator[Subject]:
    """Open a subject for the time of a run.

    Args:
        settings: the study's section.
        seed: of the study.
    """
    if isinstance(settings, SyntheticSettings):
        yield SyntheticSubject(settings, seed=seed)
        return
    from graphs.subjects.live import LiveSubject

    async with LiveSubject(settings, seed=seed) as subject:
        yield subject
