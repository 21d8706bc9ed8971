"""What a study declares about its simulated raters: the `mind:` section for `kind: embedded`."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from graphs.minds.psychometric.talk_settings import TalkSettings
from personas.persona import AttributeValue, SchwartzValue
from personas.settings import Settings

Weight = Annotated[float, Field(ge=-10, le=10, allow_inf_nan=False)]
Spread = Annotated[float, Field(ge=0, le=5, allow_inf_nan=False)]
Levels = AttributeValue | Annotated[tuple[AttributeValue, ...], Field(min_length=1)]


class Feature(StrEnum):
    """Quality features of a text, each in [0, 1]; see `features.read_text` for their formulas."""

    LENGTH = "length"
    STRUCTURE = "structure"
    PLAINNESS = "plainness"
    HEDGING = "hedging"
    EVASIVENESS = "evasiveness"
    ENGAGEMENT = "engagement"
    BALANCE = "balance"
    CERTAINTY = "certainty"


DEFAULT_QUALITY: Mapping[Feature, float] = {
    Feature.LENGTH: 1.5,
    Feature.STRUCTURE: 0.4,
    Feature.PLAINNESS: 0.5,
    Feature.HEDGING: -0.5,
    Feature.EVASIVENESS: -2.0,
    Feature.ENGAGEMENT: 0.8,
    Feature.BALANCE: 1.0,
    Feature.CERTAINTY: -0.6,
}
"""Logits by which a text gains as a feature goes from 0 to 1."""


class Planted(Settings):
    """A known effect put into the simulation, so that an analysis can be tried for finding it.

    It adds `shift` to the standing of every response it names, for every juror it names. An empty
    filter names all.

    Attributes:
        where: juror attributes and the level or levels they must have; all must hold. A juror
            without the attribute is not in the group. `{}` is everyone.
        models: whose responses; None is all.
        items: item attributes and the level or levels they must have.
        criterion: the rubric criterion moved; None is every question.
        option: of a single choice, the option whose utility moves instead of the standing.
        value: the shift is multiplied by how much the response speaks to this value (0..1).
        shift: logits at discrimination 1; on an ordinal scale positive is towards the better end.
        label: how reasons name the effect; by default its filters.
    """

    where: dict[str, Levels] = Field(default_factory=dict[str, Levels])
    models: tuple[str, ...] | None = Field(default=None, min_length=1)
    items: dict[str, Levels] = Field(default_factory=dict[str, Levels])
    criterion: str | None = None
    option: str | None = None
    value: SchwartzValue | None = None
    shift: Weight
    label: str | None = Field(default=None, min_length=1, max_length=80)

    @property
    def title(self) -> str:
        """The name that reasons give the effect, on one line."""
        if self.label is not None:
            return " ".join(self.label.split())
        who = ", ".join(f"{name}={_shown(levels)}" for name, levels in self.where.items())
        what = ", ".join(self.models) if self.models else "all models"
        return f"{who or 'everyone'} on {what}"


class Loadings(Settings):
    """How one rubric criterion departs from the overall judgement.

    Attributes:
        quality: weights (logits) that replace the study's for the features named; the features
            not named keep theirs.
        value_weight: replaces the study's `value_weight`; None keeps it.
    """

    quality: dict[Feature, Weight] = Field(default_factory=dict[Feature, Weight])
    value_weight: Annotated[float, Field(ge=0, le=10)] | None = None


class PsychometricSettings(Settings):
    """Parameters of the embedded rater simulator. Units are logits unless said otherwise.

    For juror i, item t, response r, criterion c and replicate m the standing of a response is

        theta = quality_rc + value_ir - severity_i + planted_irc
                + item_it + taste_ir + residual_rc + occasion_ircm

    and the rating follows Samejima's (1969) graded-response model,
    P(Y >= k) = logistic(discrimination_i * (theta - threshold_k)).
    Nothing about a juror but `persona.values` and the planted effects enters: attributes such as
    age or religion move an answer only where `planted` says so.

    Attributes:
        kind: names this mind in a study.
        quality: weight of each text feature: logits gained as it goes from 0 to 1. Features not
            named keep `DEFAULT_QUALITY`.
        value_weight: logits for a text that speaks fully to a value which the juror puts one
            standard deviation above their own mean.
        value_prior_sd: standard deviation of the priorities drawn for a persona without values,
            where stated priorities have 1. Weak by default, and independent of attributes.
        severity_mean: subtracted from every standing; above 0 is a strict panel.
        severity_sd: how jurors differ in severity.
        discrimination: median slope; the higher, the less a rating is left to chance.
        discrimination_sd: of its logarithm over jurors (no unit).
        threshold_span: thresholds lie evenly from minus this to plus this, whatever the number
            of points.
        thresholds: criterion name (`overall` for a Likert scale) to its own thresholds, lowest
            first, one fewer than points, from the worse end of the scale to the better.
        item_sd: juror x item, the same for all responses: a juror's mood about the subject.
        taste_sd: juror x response, the same for all criteria and replicates.
        residual_sd: response x criterion, the same for all jurors: quality that features miss.
        replicate_sd: juror x response x criterion x replicate: test-retest noise, beside the
            chance in the draw from the distribution itself.
        choice_slope: for a single choice with worths: how much more the best option gains over
            the worst as the standing rises by one logit (no unit).
        option_sd: response x option, the same for all jurors: how an option suits the response.
        tie_weight: for comparisons with ties, Davidson's (1970) nu: odds of a tie to the geometric
            mean of the two preferences (no unit). Two equally good responses tie with
            probability nu / (2 + nu).
        position_bias: for comparisons, logits that the response shown first gains; Davidson and
            Beaver's (1977) order effect.
        criteria: rubric criterion to its own loadings.
        planted: known effects; group differences exist only here and in `talk.groups`.
        talk: how jurors yield to each other in deliberation.
    """

    kind: Literal["embedded"] = "embedded"
    quality: dict[Feature, Weight] = Field(default_factory=dict[Feature, Weight])
    value_weight: Annotated[float, Field(ge=0, le=10)] = 0.8
    value_prior_sd: Spread = 0.3
    severity_mean: Weight = 0.0
    severity_sd: Spread = 0.5
    discrimination: Annotated[float, Field(ge=0.05, le=10)] = 1.0
    discrimination_sd: Annotated[float, Field(ge=0, le=1)] = 0.2
    threshold_span: Annotated[float, Field(gt=0, le=10)] = 2.0
    thresholds: dict[str, tuple[Weight, ...]] = Field(default_factory=dict[str, tuple[Weight, ...]])
    item_sd: Spread = 0.3
    taste_sd: Spread = 0.5
    residual_sd: Spread = 0.3
    replicate_sd: Spread = 0.3
    choice_slope: Annotated[float, Field(ge=0, le=10)] = 2.0
    option_sd: Spread = 0.5
    tie_weight: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] = 1.0
    position_bias: Weight = 0.0
    criteria: dict[str, Loadings] = Field(default_factory=dict[str, Loadings])
    planted: tuple[Planted, ...] = ()
    talk: TalkSettings = Field(default_factory=TalkSettings)

    @model_validator(mode="after")
    def _thresholds_rise(self) -> Self:
        for name, values in self.thresholds.items():
            if not all(low < high for low, high in pairwise(values)):
                raise ValueError(f"thresholds of {name!r} must rise strictly: {values}")
        return self

    def quality_weights(self, criterion: str) -> dict[Feature, float]:
        """The weight of every feature for one criterion."""
        own = self.criteria[criterion].quality if criterion in self.criteria else {}
        return {**DEFAULT_QUALITY, **self.quality, **own}

    def value_weight_of(self, criterion: str) -> float:
        """The weight of value content for one criterion."""
        own = self.criteria[criterion].value_weight if criterion in self.criteria else None
        return self.value_weight if own is None else own


def levels_of(levels: Levels) -> tuple[AttributeValue, ...]:
    """One level or several, as a tuple."""
    return levels if isinstance(levels, tuple) else (levels,)


def in_group(attributes: Mapping[str, AttributeValue], where: Mapping[str, Levels]) -> bool:
    """Whether every attribute named has one of its levels; True and 1 are different levels."""
    return all(
        any(_same(attributes.get(name), level) for level in levels_of(levels))
        for name, levels in where.items()
    )


def _same(value: AttributeValue | None, level: AttributeValue) -> bool:
    return value == level and isinstance(value, bool) == isinstance(level, bool)


def _shown(levels: Levels) -> str:
    return "|".join(str(level) for level in levels_of(levels))
