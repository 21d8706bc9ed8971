"""From a study's `mind` section to the mind itself, with its lifetime."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from graphs.items import Question
from graphs.minds.protocol import Mind
from graphs.minds.psychometric import PsychometricMind, PsychometricSettings
from graphs.panel import Juror


@asynccontextmanager
async def open_mind(settings: PsychometricSettings, *, position: int) -> AsyncGenerator[Mind]:
    """Open a mind for the time of a run.

    Args:
        settings: the study's section.
        position: the mind's number in the study, `Rating.mind`.
    """
    yield PsychometricMind(settings, position=position)


def check_mind(
    settings: PsychometricSettings,
    *,
    jurors: Sequence[Juror],
    questions: Sequence[Question],
    models: Sequence[str],
) -> None:
    """Refuse settings that name what the study lacks, before anything is asked.

    Raises:
        InputError: a planted effect or criterion names an unknown attribute, level or model.
    """
    PsychometricMind(settings).check(jurors=jurors, questions=questions, models=models)
