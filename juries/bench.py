"""A jury that sits without a run: one prompt and its responses in, verdicts out.

For tools that bring their own items one by one, such as an evaluation framework. Nothing is
recorded; a study that should be resumed or shared is run with `juries run`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graphs.items import FloatArray, Item, Question, Response, questions
from graphs.minds.opening import MindSettings, check_mind, open_mind
from graphs.minds.protocol import Mind, RatingTask
from graphs.minds.psychometric import PsychometricSettings
from graphs.panel import Juror, Panel
from graphs.records import Rating, Status
from juries.jury import read_population, seat_jury
from juries.paired_verdicts import rated_scale
from juries.spec import Study
from juries.verdicts import Verdicts, collect, columns, read_rows
from personas.errors import InputError
from personas.identity import content_hash


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hearing:
    """What a jury said of the responses to one prompt.

    Attributes:
        models: names of the responses.
        utilities: [models, jurors]; NaN where there is no valid answer.
        weights: of the jurors, [jurors].
        statuses: how many questions ended in which status, by model.
        asked: questions put about each response.
    """

    models: tuple[str, ...]
    utilities: FloatArray
    weights: FloatArray
    statuses: Mapping[str, Mapping[str, int]]
    asked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seated:
    mind: Mind
    panel: Panel


class Jury:
    """A seated jury with its minds open; see `open_jury`."""

    def __init__(self, study: Study, jurors: tuple[Juror, ...], seated: Sequence[_Seated]) -> None:
        self.study = study
        self.jurors = jurors
        self._seated = tuple(seated)
        self._questions: tuple[Question, ...] = questions(study.scale)
        self._weights = np.array([juror.weight for juror in jurors])

    @property
    def produced_by(self) -> str:
        """The label that stands beside every figure."""
        minds = ", ".join(f"{each.mind.name} ({each.mind.kind})" for each in self._seated)
        return f"{minds}; not calibrated against people"

    async def hear(self, prompt: str, responses: Mapping[str, str]) -> Hearing:
        """Put responses to the jury.

        Args:
            prompt: what was asked.
            responses: text by the name of a model.
        """
        item = Item(
            id=content_hash([prompt, dict(responses)]),
            prompt=prompt,
            responses=tuple(Response(model=m, text=t) for m, t in responses.items()),
        )
        rows: list[Rating] = []
        for each in self._seated:
            task = RatingTask(
                item=item,
                position=0,
                panel=each.panel,
                questions=self._questions,
                replicates=self.study.replicates,
                seed=self.study.seed,
            )
            async for block in each.mind.rate(task):
                rows.extend(block)
        return self._heard(item, rows)

    def _heard(self, item: Item, rows: Sequence[Rating]) -> Hearing:
        models = tuple(response.model for response in item.responses)
        wanted = columns(self._questions)
        answers = [tuple(getattr(row, name) for name in wanted) for row in rows]
        verdicts: Verdicts = collect(
            read_rows([answers] if answers else [], items=[item], models=models),
            items=[item],
            models=models,
            jurors=len(self.jurors),
            questions=self._questions,
            replicates=self.study.replicates,
        )
        return Hearing(
            models=models,
            utilities=verdicts.overall()[:, 0].astype(np.float64),
            weights=self._weights,
            statuses={
                model: {
                    status.value: int(count)
                    for status, count in zip(Status, verdicts.statuses[at], strict=True)
                    if count
                }
                for at, model in enumerate(models)
            },
            asked=int(verdicts.asked[0]) if models else 0,
        )


def _models_named(settings: MindSettings) -> set[str]:
    """Models that planted effects name: those of the study's items, which are not read here."""
    if not isinstance(settings, PsychometricSettings):
        return set()
    return {model for effect in settings.planted for model in effect.models or ()}


@asynccontextmanager
async def open_jury(study: Study, base: Path) -> AsyncGenerator[Jury]:
    """Seat the jury of a study and open its minds; the study's items are not read.

    Args:
        study: as written.
        base: the folder that its paths are relative to.

    Raises:
        InputError: the study or its population cannot be used, or its scale has no utilities.
    """
    asked = questions(rated_scale(study.scale, "a jury without a run"))
    if any(question.utilities is None for question in asked):
        raise InputError("the scale states no `worth` of its options, so there is no welfare")
    population, _ = read_population(study.population, base)
    shares = [(each.shown, each.share) for each in study.seated_minds]
    jurors, _ = seat_jury(population, study.jury, shares, seed=study.seed)
    async with AsyncExitStack() as stack:
        seated: list[_Seated] = []
        for position, each in enumerate(study.seated_minds):
            panel = Panel(tuple(juror for juror in jurors if juror.mind == each.shown))
            models = sorted(_models_named(each.mind))
            check_mind(each.mind, jurors=panel.jurors, questions=asked, models=models)
            mind = await stack.enter_async_context(
                open_mind(each.mind, position=position, seed=study.seed)
            )
            seated.append(_Seated(mind=mind, panel=panel))
        yield Jury(study, jurors, seated)
