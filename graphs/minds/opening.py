"""From a study's `mind` section to the mind itself, with its lifetime."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from graphs.minds.protocol import Mind
from graphs.minds.psychometric import PsychometricMind, PsychometricSettings


@asynccontextmanager
async def open_mind(settings: PsychometricSettings, *, position: int) -> AsyncGenerator[Mind]:
    """Open a mind for the time of a run.

    Args:
        settings: the study's section.
        position: the mind's number in the study, `Rating.mind`.
    """
    yield PsychometricMind(settings, position=position)
