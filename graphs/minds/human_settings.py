"""The `mind` section of a study for people at seats of the jury."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from personas.settings import Settings


class HumanSettings(Settings):
    """People who answer for themselves.

    Attributes:
        answer_within_hours: after which a seat that has not answered abstains and the jury goes
            on; None waits for ever.
    """

    kind: Literal["human"] = "human"
    answer_within_hours: Annotated[float, Field(gt=0)] | None = None
    checkpoints_env: str | None = None
