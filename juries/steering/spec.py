"""What a user writes for `juries steer-test`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from graphs.minds.opening import MindSettings
from graphs.minds.psychometric import PsychometricSettings
from graphs.subjects.settings import SubjectSettings
from juries.spec import JurySpec, PopulationSpec
from personas.persona import AttributeValue, SchwartzValue
from personas.settings import Settings

Text = Annotated[str, Field(min_length=1)]
Levels = AttributeValue | Annotated[tuple[AttributeValue, ...], Field(min_length=1)]


class HoldersSpec(Settings):
    """Which jurors hold an attribute.

    Attributes:
        where: juror attributes and the level or levels they must have; all must hold.
        value: a basic value that the juror puts above the mean of their own priorities.
    """

    where: dict[str, Levels] = Field(default_factory=dict[str, Levels])
    value: SchwartzValue | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.where and self.value is None:
            raise ValueError("give `where` or `value`: who holds the attribute")
        return self


class AttributeSpec(Settings):
    """One attribute to steer to: a persona, value, group or opinion.

    Attributes:
        description: what jurors are asked to look for, such as `safety and order come first`.
        holders: which jurors hold it.
        instruction: one line that steers to it.
        opposing: one line that steers away from it.
        paraphrases: the instruction in other words.
        portrait: a description of someone who holds it.
        statements: examples of what such a person says; budgets take the first k.
        translations: the instruction by language.
        pushback: what a user says against it after the answer.
    """

    description: Text
    holders: HoldersSpec
    instruction: Text
    opposing: Text | None = None
    paraphrases: tuple[Text, ...] = ()
    portrait: Text | None = None
    statements: tuple[Text, ...] = ()
    translations: dict[str, Text] = Field(default_factory=dict[str, Text])
    pushback: Text | None = None


class GridSpec(Settings):
    """Which conditions are asked, beside none, the instruction and its opposite.

    Attributes:
        budgets: numbers of example statements.
        turns: turns of talk, the instruction being the first, before the question.
        talk: `live`, where the subject answers every turn itself and its answers stay in the
            conversation, or `scripted`, where `small_talk` answers for it.
        conflicts: ask for pairs of attributes at once.
        small_talk: what the user says in those turns, and what is answered where the talk is
            scripted; repeated as needed.
    """

    budgets: tuple[Annotated[int, Field(ge=1)], ...] = (1, 2, 4)
    turns: tuple[Annotated[int, Field(ge=1)], ...] = (2, 6)
    talk: Literal["live", "scripted"] = "live"
    conflicts: bool = True
    small_talk: tuple[tuple[Text, Text], ...] = (
        ("What is a good way to keep notes?", "Write one thought a line, and read them weekly."),
        ("How do I sharpen a pencil evenly?", "Turn it a little after each stroke."),
        ("Which way does moss grow?", "Where it stays damp; that differs from place to place."),
    )


class PromptSpec(Settings):
    """A question that can be answered from several perspectives."""

    id: Text
    prompt: Text


class SteerStudy(Settings):
    """A stress test: a subject, attributes, and a jury that judges blind.

    Attributes:
        name: shown on every page and table.
        seed: of all randomness.
        subject: the model under test.
        prompts: what it is asked under every condition.
        attributes: by name, two at least, so that side effects can be seen.
        grid: which conditions are asked.
        population: the personas that may sit.
        jury: how seats are filled.
        mind: what answers for the jurors.
        resamples: of prompts and jurors.
        level: nominal coverage of intervals.
    """

    name: Annotated[str, Field(min_length=1, max_length=200)]
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    subject: SubjectSettings
    prompts: tuple[PromptSpec, ...] = Field(min_length=2)
    attributes: dict[Text, AttributeSpec] = Field(min_length=2)
    grid: GridSpec = Field(default_factory=GridSpec)
    population: PopulationSpec
    jury: JurySpec = Field(default_factory=JurySpec)
    mind: MindSettings = Field(default_factory=PsychometricSettings)
    resamples: Annotated[int, Field(ge=100, le=100_000)] = 1000
    level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95

    @model_validator(mode="after")
    def _distinct_prompts(self) -> Self:
        ids = [prompt.id for prompt in self.prompts]
        if len(set(ids)) < len(ids):
            raise ValueError("prompts repeat an id")
        return self

    def located(self, base: Path) -> SteerStudy:
        """The same study with an absolute path of the population."""
        path = str((base / self.population.path).resolve())
        return self.model_copy(
            update={"population": self.population.model_copy(update={"path": path})}
        )
