"""The base of every section that a user writes in a study file.

Sections are frozen, and an unknown key is refused with the nearest known one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from personas.errors import nearest, shorten


class Settings(BaseModel):
    """A section of a study: frozen, with no key it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        aliases = {str(f.validation_alias or name) for name, f in cls.model_fields.items()}
        by_name = set(cls.model_fields) if cls.model_config.get("validate_by_name") else set[str]()
        known = aliases | by_name
        for key in cast("Mapping[object, object]", data):
            if key not in known:
                hint = nearest(str(key), known) or f"Known keys: {', '.join(sorted(known))}."
                message = "unknown key {key}. {hint}"
                raise PydanticCustomError(
                    "unknown_key", message, {"key": shorten(key), "hint": hint, "name": str(key)}
                )
        return cast("object", data)
