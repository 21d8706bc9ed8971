"""From a study's `mind` section to the mind itself, with its lifetime."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated

from pydantic import Field

from graphs.items import Question
from graphs.llm.prompts import load_prompts
from graphs.llm.settings import LlmSettings
from graphs.minds.human_settings import HumanSettings
from graphs.minds.protocol import Mind
from graphs.minds.psychometric import PsychometricMind, PsychometricSettings
from graphs.panel import Juror

MindSettings = Annotated[
    PsychometricSettings | LlmSettings | HumanSettings, Field(discriminator="kind")
]


@asynccontextmanager
async def open_mind(
    settings: PsychometricSettings | LlmSettings | HumanSettings,
    *,
    position: int,
    seed: int = 0,
    logs: Path = Path(),
    say: Callable[[str], None] | None = None,
) -> AsyncGenerator[Mind]:
    """Open a mind for the time of a run.

    Args:
        settings: the study's section.
        position: the mind's number in the study, `Rating.mind`.
        seed: of the study.
        logs: folder for the log of a server that is started for the run.
        say: told how far such a server is.
    """
    if isinstance(settings, PsychometricSettings):
        yield PsychometricMind(settings, position=position)
        return
    if isinstance(settings, HumanSettings):
        from graphs.minds.human import HumanMind

        yield HumanMind(settings, position=position)
        return
    from graphs.minds.llm import open_llm_mind

    with served(settings, logs=logs, say=say) as asked:
        assert isinstance(asked, LlmSettings)  # noqa: S101 (what went in comes out)
        mind = open_llm_mind(asked, position=position, seed=seed)
        async with mind as opened:
            yield opened


@contextmanager
def served(
    settings: MindSettings, *, logs: Path = Path(), say: Callable[[str], None] | None = None
) -> Generator[MindSettings]:
    """Start the servers that a mind's settings ask for, and stop them at the end of the block.

    Args:
        settings: any mind's section; it comes back as it is unless servers were started.
        logs: folder for their logs.
        say: told how far they are.

    Yields:
        The settings with the servers' addresses in them.
    """
    if not isinstance(settings, LlmSettings) or settings.serve is None:
        yield settings
        return
    from graphs.llm.vllm import serve

    with serve(settings.model, settings.serve, logs=logs, say=say) as endpoints:
        yield settings.model_copy(update={"endpoints": endpoints, "serve": None})


def check_mind(
    settings: PsychometricSettings | LlmSettings | HumanSettings,
    *,
    jurors: Sequence[Juror],
    questions: Sequence[Question],
    models: Sequence[str],
) -> None:
    """Refuse settings that name what the study lacks, before anything is asked.

    Raises:
        InputError: a planted effect or criterion names an unknown attribute, level or model; or a
            prompt cannot be used.
    """
    if isinstance(settings, LlmSettings):
        load_prompts(settings.prompts)
    if not isinstance(settings, PsychometricSettings):
        return
    PsychometricMind(settings).check(jurors=jurors, questions=questions, models=models)
