"""Which column of a file means what, as a user writes it in a study."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from personas.persona import SchwartzValue
from personas.settings import Settings


def _as_map(value: object) -> object:
    """A list of columns stands for a map of each column to itself."""
    if isinstance(value, list | tuple):
        return {str(name): name for name in value}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - pydantic checks them next
    return value


class PersonaColumns(Settings):
    """A column map. What is not given falls back to the format's own.

    Nested objects are addressed by joined names: `religion_simplified` is `simplified` in
    `religion`.

    Attributes:
        attributes: our names to the file's columns, or a list of columns kept under their own
            names; None takes every column that has no other use.
        values: Schwartz value to the column with its priority, a number.
        narrative: column with free text about the person.
        weight: column with the design weight, a number of at least 0.
        id: column with the source's identifier.
        missing: texts that stand for "not answered", besides null and empty fields.
    """

    attributes: Annotated[dict[str, str], BeforeValidator(_as_map)] | None = None
    values: dict[SchwartzValue, str] = Field(default_factory=dict[SchwartzValue, str])
    narrative: str | None = None
    weight: str | None = None
    id: str | None = None
    missing: tuple[str, ...] = ("NA", "N/A", "NaN", "nan", "null")

    def over(self, defaults: PersonaColumns) -> PersonaColumns:
        """These columns where they were set, the format's defaults elsewhere."""
        return defaults.model_copy(
            update={name: getattr(self, name) for name in self.model_fields_set}
        )
