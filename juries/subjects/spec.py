"""What a study says of models that it asks itself."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from graphs.subjects.settings import LiveSettings, SubjectSettings
from juries.spec_measures import SteeredModel
from personas.persona import AttributeValue
from personas.settings import Settings

Text = Annotated[str, Field(min_length=1)]
PROMPT = "{prompt}"


class SteeringPrompt(Settings):
    """The same subject, asked to answer as an attribute would want.

    Attributes:
        prompt: system message that asks for it, after the subject's own.
        towards: attribute and level that it asks for, such as `{outlook: decisive}`.
        criterion: the criterion on which steering is read off; without it the overall utility.
        direction: which end of the criterion is asked for.
        budget: how much steering goes in, such as the number of statements in the prompt.
        goal: criterion to the utility in 0..1 that is asked for.
    """

    prompt: Text
    towards: dict[Text, AttributeValue] = Field(min_length=1, max_length=1)
    criterion: str | None = None
    direction: Literal["up", "down"] = "up"
    budget: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    goal: dict[Text, Annotated[float, Field(ge=0, le=1)]] = Field(default_factory=dict[str, float])


class SurveyAsking(Settings):
    """How the survey of `scores.distribution` is put to a subject: by exact letter probabilities.

    Attributes:
        orders: how often each question is put, each time with its options in another order.
        examples: questions with random labels shown before each.
        least_mass: probability of a valid letter below which an answer does not count.
        limit: only the first so many questions.
    """

    orders: Annotated[int, Field(ge=1, le=1000)] = 5
    examples: Annotated[int, Field(ge=0, le=50)] = 3
    least_mass: Annotated[float, Field(ge=0, le=1)] = 0.5
    limit: Annotated[int, Field(ge=1)] | None = None


class SubjectSpec(Settings):
    """A model under test that the study asks.

    Its responses stand beside those of the items file and are judged like them. What is asked of a
    model: `system` and the steering prompt as the system message, then `template`.

    Attributes:
        subject: which model, where, and how it is sampled.
        name: among the models; without it the model's own.
        system: system message of every conversation.
        template: what the user says, `{prompt}` standing for the item's prompt.
        samples: responses drawn to each prompt; with several, each is judged as a model of its
            own, `name #1` and on. 0 asks for none, where only the survey is wanted.
        steering: by the name that the steered model has among the models.
        survey: put the survey of `scores.distribution` to it; without it, it is not asked.
    """

    subject: SubjectSettings
    name: Text | None = None
    system: Text | None = None
    template: Text = PROMPT
    samples: Annotated[int, Field(ge=0, le=100)] = 1
    steering: dict[Text, SteeringPrompt] = Field(default_factory=dict[str, SteeringPrompt])
    survey: SurveyAsking | None = None

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if PROMPT not in self.template:
            raise ValueError(f"`template` has no {PROMPT}, where the item's prompt stands")
        if not self.samples and (self.survey is None or self.steering):
            raise ValueError("`samples: 0` asks nothing, unless for the `survey` alone")
        return self

    @property
    def shown(self) -> str:
        """The name among the models."""
        if self.name is not None:
            return self.name
        if isinstance(self.subject, LiveSettings):
            return self.subject.model
        return "synthetic subject"

    def responses(self, variant: str) -> tuple[str, ...]:
        """Names of the responses of one variant: the subject as it is, or a steered one."""
        if self.samples < 2:
            return (variant,) * self.samples
        return tuple(f"{variant} #{number}" for number in range(1, self.samples + 1))

    @property
    def variants(self) -> dict[str, str | None]:
        """Name to system message: the subject as it is, then steered."""
        own = [] if self.system is None else [self.system]
        steered = {
            name: "\n\n".join([*own, steering.prompt]) for name, steering in self.steering.items()
        }
        return {self.shown: self.system, **steered}

    @property
    def models(self) -> tuple[str, ...]:
        """Names of all its responses to an item, in order."""
        return tuple(name for variant in self.variants for name in self.responses(variant))

    @property
    def steered(self) -> tuple[SteeredModel, ...]:
        """Its steered responses, as `scores.steering.models` has them."""
        return tuple(
            SteeredModel(model=model, baseline=baseline, **said.model_dump(exclude={"prompt"}))
            for name, said in self.steering.items()
            for model, baseline in zip(
                self.responses(name), self.responses(self.shown), strict=True
            )
        )
