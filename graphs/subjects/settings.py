"""The `subject:` section of a study: which model is under test."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from graphs.llm.settings import EndpointSettings, Limits, ServeSettings
from personas.identity import content_hash
from personas.persona import SchwartzValue
from personas.settings import Settings

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class SyntheticAttribute(Settings):
    """How a synthetic subject is steered on one attribute.

    Attributes:
        value: what its texts speak to as they express the attribute.
        up: phrases that push it towards the attribute wherever they stand in a conversation.
        down: phrases that push it away.
        base: expression without a push, 0 to 1.
        steerability: share of the room above `base` that an unlimited push upwards takes.
        opposability: the same below it.
        half: pushes that reach half of that.
        decay: what is left of a push after each further turn of the user.
        refuses: share of pushed conversations that it declines.
    """

    value: SchwartzValue
    up: tuple[str, ...] = ()
    down: tuple[str, ...] = ()
    base: Share = 0.2
    steerability: Share = 0.8
    opposability: Share = 0.8
    half: Annotated[float, Field(gt=0, le=100)] = 1.0
    decay: Share = 1.0
    refuses: Share = 0.0


class SyntheticOptions(Settings):
    """How a synthetic subject answers questions with options: by declared shares.

    Options of a question that `weights` does not name get weights drawn from the seed, the
    question and the option, so that another order of the options changes nothing.

    Attributes:
        weights: of options, by their text; relative to each other.
        concentration: of the gamma distribution that other weights are drawn from; the smaller,
            the more uneven the answers.
        sharpness: power to which shares are raised; above 1 the answers gather on one option, as
            they do in models after alignment.
        first: a taste for the option shown first: its weight is multiplied by this.
        valid: mass of valid letters.
    """

    weights: dict[str, Positive] = Field(default_factory=dict[str, float])
    concentration: Positive = 1.0
    sharpness: Positive = 1.0
    first: Positive = 1.0
    valid: Share = 0.98


class SyntheticSettings(Settings):
    """A subject of known steerability: it writes words of values, and no sense.

    Attributes:
        attributes: by name; it knows no other.
        spill: share of a push on one attribute that the next one gets too: a known side effect.
        noise: standard deviation of the expression from reply to reply.
        options: how it answers questions with options.
    """

    kind: Literal["synthetic"] = "synthetic"
    attributes: dict[str, SyntheticAttribute] = Field(min_length=1)
    spill: Share = 0.0
    noise: Annotated[float, Field(ge=0, le=1)] = 0.05
    options: SyntheticOptions = Field(default_factory=SyntheticOptions)


class LiveSettings(Settings):
    """A model behind an OpenAI-compatible endpoint.

    Attributes:
        model: name under which the servers offer it.
        endpoints: the servers; several hold replicas.
        serve: start vLLM for the run instead.
        api: `chat` for models with a chat template, `completions` for base models, which get the
            messages as one text.
        temperature: of sampling.
        top_p: of sampling; the server's own where left out.
        max_tokens: longest reply.
        stop: texts at which a reply ends; base models need one.
        limits: timeouts and retries.
        extra_body: sent with every request as it stands.
    """

    kind: Literal["endpoint"] = "endpoint"
    model: str = Field(min_length=1)
    endpoints: tuple[EndpointSettings, ...] = ()
    serve: ServeSettings | None = None
    api: Literal["chat", "completions"] = "chat"
    temperature: Annotated[float, Field(ge=0, le=5)] = 1.0
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=100_000)] = 512
    stop: tuple[str, ...] = ()
    limits: Limits = Limits()
    extra_body: dict[str, Any] = Field(default_factory=dict[str, Any])

    @model_validator(mode="after")
    def _has_a_server(self) -> Self:
        if bool(self.endpoints) == (self.serve is not None):
            said = "not both" if self.endpoints else "one of them: no server is named to ask"
            raise ValueError(f"give `endpoints` (running servers) or `serve` (start one), {said}")
        return self

    def version(self, *, seed: int, letters: bool) -> str:
        """Hash of what can change an answer; addresses and timeouts are not in it."""
        if letters:  # nothing is sampled
            return content_hash(["labels", self.api, self.model, self.extra_body])
        said = self.model_dump(mode="json", exclude={"endpoints", "serve", "limits"})
        return content_hash([said, seed])


SubjectSettings = Annotated[SyntheticSettings | LiveSettings, Field(discriminator="kind")]
