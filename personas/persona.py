"""A persona: who a simulated juror is, as far as the source says, and nothing more."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Annotated, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, model_validator
from pydantic.functional_validators import AfterValidator

from personas.identity import content_hash

_K = TypeVar("_K")
_V = TypeVar("_V")

AttributeValue = bool | int | float | str
"""What an attribute may hold. A missing attribute is absent, never None."""


class SchwartzValue(StrEnum):
    """Schwartz's ten basic values, in the order of the circle (Schwartz 1992)."""

    SELF_DIRECTION = "self_direction"
    STIMULATION = "stimulation"
    HEDONISM = "hedonism"
    ACHIEVEMENT = "achievement"
    POWER = "power"
    SECURITY = "security"
    CONFORMITY = "conformity"
    TRADITION = "tradition"
    BENEVOLENCE = "benevolence"
    UNIVERSALISM = "universalism"


def _frozen(mapping: Mapping[_K, _V]) -> Mapping[_K, _V]:
    return MappingProxyType(dict(mapping))


def _thawed(mapping: Mapping[_K, _V]) -> dict[_K, _V]:
    return dict(mapping)


Finite = Annotated[float, Field(allow_inf_nan=False)]
Attributes = Annotated[
    Mapping[str, AttributeValue], AfterValidator(_frozen), PlainSerializer(_thawed)
]
ValuePriorities = Annotated[
    Mapping[SchwartzValue, Finite], AfterValidator(_frozen), PlainSerializer(_thawed)
]


class Persona(BaseModel):
    """One person as described by a source.

    Attributes:
        attributes: typed key-values such as `{"age": 34, "region": "South"}`; a field that the
            source left blank is absent.
        values: priorities over Schwartz's basic values, any finite scale, higher is more
            important; a value not named is unknown, not zero. None where the source is silent.
        narrative: free text about the person from the source, or None.
        source_id: the source's own identifier; it does not enter `id`.
        id: 16 hex digits derived from the content, so equal content has an equal id everywhere.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    attributes: Attributes = Field(default_factory=dict)
    values: ValuePriorities | None = None
    narrative: str | None = None
    source_id: str | None = None

    @model_validator(mode="after")
    def _finite_and_said(self) -> Self:
        if not (self.attributes or self.values or self.narrative):
            raise ValueError("a persona needs at least one attribute, value or narrative")
        for name, value in self.attributes.items():
            if isinstance(value, float) and not float("-inf") < value < float("inf"):
                raise ValueError(f"attribute {name!r} is {value}; leave missing attributes out")
        return self

    @cached_property
    def id(self) -> str:
        """Content-derived identity (BLAKE2b of the canonical content, 16 hex digits)."""
        return content_hash(self.model_dump(mode="json", exclude={"source_id"}))

    def __hash__(self) -> int:
        return hash(self.id)
