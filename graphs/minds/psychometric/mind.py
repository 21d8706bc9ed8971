"""The embedded rater simulator as a `Mind`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import repeat

import numpy as np

from graphs.items import Question
from graphs.minds.deliberator import MediateTask, RankTask, Round, SpeakTask
from graphs.minds.protocol import MindKind, RatingTask
from graphs.minds.psychometric.asking import (
    Answers,
    ChoiceQuestion,
    Occasion,
    OrdinalQuestion,
    compile_question,
)
from graphs.minds.psychometric.checking import check_settings
from graphs.minds.psychometric.lexicon import shipped_lexicon
from graphs.minds.psychometric.model import expected_point
from graphs.minds.psychometric.settings import PsychometricSettings
from graphs.minds.psychometric.talker import Talker
from graphs.minds.psychometric.traits import Traits, panel_traits
from graphs.panel import Juror, Panel
from graphs.records import Preference, Rating, Statement, Status, pack
from personas.identity import content_hash, generator

MODEL_VERSION = 1
"""Raised whenever the code could answer the same question differently."""


class PsychometricMind:
    """A rater simulator with declared parameters (see `PsychometricSettings` for the model).

    Answers depend on the study's seed, the item, its responses and the set of jurors asked
    together; not on seat order, on the order or concurrency of items, on how many replicates are
    asked, or on which cells are answered already. It is a tool for demos, tests with known truth
    and power analysis, and never evidence about people.

    Args:
        settings: the declared parameters; the defaults plant nothing.
        position: of this mind in the study, as `Rating.mind` names it.
    """

    name = "embedded rater simulator"
    kind: MindKind = "simulator"

    def __init__(self, settings: PsychometricSettings | None = None, *, position: int = 0) -> None:
        self.settings = PsychometricSettings() if settings is None else settings
        content = self.settings.model_dump(mode="json")
        self.version = content_hash([MODEL_VERSION, shipped_lexicon().hash, content])
        """Hash of the settings, the lexicon and the model's version."""
        self._position = position
        self._traits = lru_cache(maxsize=8)(self._traits_of)
        self._compiled = lru_cache(maxsize=8)(self._compile)
        self._talker = Talker(self.settings, position, traits=self._traits, asked=self._compiled)

    def check(
        self, *, jurors: Sequence[Juror], questions: Sequence[Question], models: Sequence[str]
    ) -> None:
        """Refuse settings that name what the study does not have, before anything is rated.

        Raises:
            InputError: for a planted effect that names no juror, model, criterion or option of
                the study, loadings or thresholds of an unknown criterion, or thresholds that
                don't fit their scale.
        """
        check_settings(self.settings, jurors=jurors, questions=questions, models=models)
        for question in questions:
            compile_question(question, self.settings)

    async def rate(self, task: RatingTask) -> AsyncIterator[Sequence[Rating]]:
        """Yield the rows of each question and replicate together, responses outer, jurors inner."""
        for rows in self.answers(task):
            yield rows

    async def revise(
        self, task: RatingTask, heard: tuple[Round, ...]
    ) -> AsyncIterator[Sequence[Rating]]:
        """Yield rows as `rate` does, from positions that what was heard has moved."""
        for rows in self.answers(task, heard):
            yield rows

    async def speak(self, task: SpeakTask) -> AsyncIterator[Sequence[Statement]]:
        """Yield all turns at once; a stance is the speaker's position, or the side given."""
        yield self._talker.speak(task)

    async def mediate(self, task: MediateTask) -> AsyncIterator[Sequence[Statement]]:
        """Yield all drafts at once: means and medians of stances, later steps to the critics."""
        yield self._talker.mediate(task)

    async def rank(self, task: RankTask) -> AsyncIterator[Sequence[Preference]]:
        """Yield all rankings at once: the nearer to the juror's position, the better."""
        yield self._talker.rank(task)

    def answers(self, task: RatingTask, heard: tuple[Round, ...] = ()) -> Iterator[list[Rating]]:
        """The rows of `rate` and `revise`, without an event loop."""
        if not (len(task.panel) and task.item.responses):
            return
        traits = self._traits(task.panel, task.seed)
        stand = self._talker.stand(task.item, task.panel, task.questions, task.seed)
        moved = self._talker.moved(stand, task.panel, heard, task.seed)
        for criterion, question in enumerate(self._compiled(task.questions)):
            occasions = _occasions(task, traits, question.name)
            answers = question.answers(
                stand.held[criterion], occasions, None if moved is None else moved[criterion]
            )
            for replicate, answer in enumerate(answers):
                rows = self._rows(task, traits.positions, criterion, replicate, answer)
                yield rows if not task.answered else _unanswered(rows, task)

    def _rows(
        self,
        task: RatingTask,
        jurors: list[int],
        criterion: int,
        replicate: int,
        answers: Answers,
    ) -> list[Rating]:
        probabilities = answers.probabilities
        packed = pack(probabilities)
        width = 4 * probabilities.shape[-1]
        responses = range(probabilities.shape[0])
        columns: tuple[Iterable[object], ...] = (
            repeat(task.position),
            [response for response in responses for _ in jurors],
            repeat(-1),
            jurors * len(responses),
            repeat(task.round),
            repeat(criterion),
            repeat(replicate),
            repeat(Status.OK.value),
            answers.points.ravel().tolist(),
            expected_point(probabilities).ravel().tolist(),
            [packed[start : start + width] for start in range(0, len(packed), width)],
            repeat(1.0),
            answers.reasons,
            repeat(None),
            repeat(self._position),
            repeat(None),
        )
        return list(map(Rating._make, zip(*columns, strict=False)))

    def _traits_of(self, panel: Panel, seed: int) -> Traits:
        return panel_traits(panel.jurors, self.settings, seed)

    def _compile(
        self, questions: tuple[Question, ...]
    ) -> tuple[OrdinalQuestion | ChoiceQuestion, ...]:
        return tuple(compile_question(question, self.settings) for question in questions)


def _occasions(task: RatingTask, traits: Traits, criterion: str) -> Iterator[Occasion]:
    """The noise of each replicate; each response draws from a stream of its own."""
    jurors = len(traits.positions)
    shape = (len(task.item.responses), jurors)
    for replicate in range(task.replicates):
        normals, uniforms = np.empty(shape), np.empty(shape)
        for row, response in enumerate(task.item.responses):
            names = (task.item.id, response.model, criterion, task.round, replicate)
            stream = generator(task.seed, "psychometric", "occasion", *names)
            normals[row] = stream.standard_normal(jurors)[traits.rank]
            uniforms[row] = stream.random(jurors)[traits.rank]
        yield Occasion(normals=normals, uniforms=uniforms)


def _unanswered(rows: list[Rating], task: RatingTask) -> list[Rating]:
    return [row for row in rows if row[:7] not in task.answered]
