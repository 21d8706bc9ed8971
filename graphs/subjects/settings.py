"""The `subject:` section of a study: which model is under test."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from graphs.llm.settings import EndpointSettings, Limits
from personas.persona import SchwartzValue
from personas.settings import Settings

Share = Annotated[float, Field(ge=0, le=1)]


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


class SyntheticSettings(Settings):
    """A subject of known steerability: it writes words of values, and no sense.

    Attributes:
        attributes: by name; it knows no other.
        spill: share of a push on one attribute that the next one gets too: a known side effect.
        noise: standard deviation of the expression from reply to reply.
    """

    kind: Literal["synthetic"] = "synthetic"
    attributes: dict[str, SyntheticAttribute] = Field(min_length=1)
    spill: Share = 0.0
    noise: Annotated[float, Field(ge=0, le=1)] = 0.05


class LiveSettings(Settings):
    """A model behind an OpenAI-compatible endpoint.

    Attributes:
        model: name under which the servers offer it.
        endpoints: the servers; several hold replicas.
        temperature: of sampling.
        max_tokens: longest reply.
        limits: timeouts and retries.
        extra_body: sent with every request as it stands.
    """

    kind: Literal["endpoint"] = "endpoint"
    model: str = Field(min_length=1)
    endpoints: tuple[EndpointSettings, ...] = Field(min_length=1)
    temperature: Annotated[float, Field(ge=0, le=5)] = 1.0
    max_tokens: Annotated[int, Field(ge=1, le=100_000)] = 512
    limits: Limits = Limits()
    extra_body: dict[str, Any] = Field(default_factory=dict[str, Any])


SubjectSettings = Annotated[SyntheticSettings | LiveSettings, Field(discriminator="kind")]
