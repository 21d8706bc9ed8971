"""The embedded rater simulator as a `Mind`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from graphs.items import Pairwise, Question, Shown, compares, shown
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
from graphs.minds.psychometric.comparing import Comparison
from graphs.minds.psychometric.lexicon import shipped_lexicon
from graphs.minds.psychometric.model import expected_point
from graphs.minds.psychometric.settings import PsychometricSettings
from graphs.minds.psychometric.standing import see
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
        self._compile(tuple(questions))

    async def rate(self, task: RatingTask) -> AsyncIterator[Sequence[Rating]]:
        """Yield the rows of each question and replicate together.

        Responses, or ordered pairs of them, are outer, jurors inner.
        """
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
        subjects = shown(task.item, task.questions)
        if not (len(task.panel) and subjects):
            return
        traits = self._traits(task.panel, task.seed)
        for question in task.questions:
            if isinstance(question, Pairwise):
                yield from self._comparisons(task, question, subjects, traits)
                return
        stand = self._talker.stand(task.item, task.panel, task.questions, task.seed)
        moved = self._talker.moved(stand, task.panel, heard, task.seed)
        for criterion, question in enumerate(self._compiled(task.questions)):
            answers = question.answers(
                stand.held[criterion],
                _occasions(task, subjects, traits, question.name),
                None if moved is None else moved[criterion],
            )
            for replicate, answer in enumerate(answers):
                yield self._rows(task, subjects, criterion, replicate, answer)

    def _comparisons(
        self, task: RatingTask, question: Pairwise, pairs: Sequence[Shown], traits: Traits
    ) -> Iterator[list[Rating]]:
        sight = see(task.item, traits, self.settings, task.seed)
        comparison = Comparison(question, self.settings)
        occasions = _occasions(task, pairs, traits, comparison.name)
        answers = comparison.answers(sight, pairs, occasions, task.seed)
        for replicate, answer in enumerate(answers):
            yield self._rows(task, pairs, 0, replicate, answer)

    def _rows(
        self,
        task: RatingTask,
        subjects: Sequence[Shown],
        criterion: int,
        replicate: int,
        answers: Answers,
    ) -> list[Rating]:
        probabilities = answers.probabilities
        packed = pack(probabilities)
        width = 4 * probabilities.shape[-1]
        jurors = self._traits(task.panel, task.seed).positions
        columns: tuple[Iterable[object], ...] = (
            repeat(task.position),
            [subject.response for subject in subjects for _ in jurors],
            [subject.against for subject in subjects for _ in jurors],
            jurors * len(subjects),
            repeat(task.round),
            repeat(criterion),
            repeat(replicate),
            repeat(Status.OK.value),
            answers.points.ravel().tolist(),
            _expected(task, probabilities),
            [packed[start : start + width] for start in range(0, len(packed), width)],
            repeat(1.0),
            answers.reasons,
            repeat(None),
            repeat(self._position),
            repeat(None),
        )
        rows = list(map(Rating._make, zip(*columns, strict=False)))
        return rows if not task.answered else _unanswered(rows, task)

    def _traits_of(self, panel: Panel, seed: int) -> Traits:
        return panel_traits(panel.jurors, self.settings, seed)

    def _compile(
        self, questions: tuple[Question, ...]
    ) -> tuple[OrdinalQuestion | ChoiceQuestion, ...]:
        return tuple(
            compile_question(question, self.settings)
            for question in questions
            if not isinstance(question, Pairwise)
        )


def _expected(task: RatingTask, probabilities: NDArray[np.float64]) -> Iterable[float | None]:
    """The mean point of each distribution; of preferences there is none to speak of."""
    if compares(task.questions):
        return repeat(None)
    return expected_point(probabilities).ravel().tolist()


def _occasions(
    task: RatingTask, subjects: Sequence[Shown], traits: Traits, criterion: str
) -> Iterator[Occasion]:
    """The noise of each replicate; each response or pair draws from a stream of its own."""
    jurors = len(traits.positions)
    shape = (len(subjects), jurors)
    models = [response.model for response in task.item.responses]
    for replicate in range(task.replicates):
        normals, uniforms = np.empty(shape), np.empty(shape)
        for row, subject in enumerate(subjects):
            own = [models[place] for place in subject if place >= 0]
            names = (task.item.id, *own, criterion, task.round, replicate)
            stream = generator(task.seed, "psychometric", "occasion", *names)
            normals[row] = stream.standard_normal(jurors)[traits.rank]
            uniforms[row] = stream.random(jurors)[traits.rank]
        yield Occasion(normals=normals, uniforms=uniforms)


def _unanswered(rows: list[Rating], task: RatingTask) -> list[Rating]:
    return [row for row in rows if row[:7] not in task.answered]
