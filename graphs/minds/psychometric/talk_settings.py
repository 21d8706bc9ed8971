"""How simulated jurors take to talk: the `talk:` part of the embedded mind's section."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from personas.persona import AttributeValue
from personas.settings import Settings

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class GroupSusceptibility(Settings):
    """Jurors who yield more or less than the others, planted so that an analysis can be tried.

    Attributes:
        where: juror attributes and the level or levels they must have; all must hold.
        susceptibility: of these jurors, without variation.
    """

    where: dict[str, AttributeValue | tuple[AttributeValue, ...]] = Field(min_length=1)
    susceptibility: Share


class TalkSettings(Settings):
    """Friedkin and Johnsen's model of talk on latent standings, as `graphs.dynamics` has it.

    In each round juror i hears others and moves to

        susceptibility_i * (what is heard, weighted) + (1 - susceptibility_i) * start_i

    Attributes:
        susceptibility: median over jurors; 1 is DeGroot's averaging, 0 never yields.
        susceptibility_sd: of its logit over jurors; without effect on 0 and 1.
        confidence: logits beyond which a speaker is not listened to; None for no bound.
        groups: jurors who differ in susceptibility; of several that name a juror the last counts.
        advocacy: logits by which an advocate argues at least for the side they were given.
        endorse_within: logits within which a group statement must lie, on average over questions,
            for a juror to put their name to it.
    """

    susceptibility: Share = 0.5
    susceptibility_sd: Annotated[float, Field(ge=0, le=5)] = 0.5
    confidence: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    groups: tuple[GroupSusceptibility, ...] = ()
    advocacy: Annotated[float, Field(ge=0, le=10)] = 1.0
    endorse_within: Annotated[float, Field(gt=0, le=10)] = 1.0
