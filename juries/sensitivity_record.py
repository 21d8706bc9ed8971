"""`sensitivity.json`: how often each conclusion of a study holds when settings change."""

from __future__ import annotations

from pydantic import Field

from juries.figures import Result


class Variant(Result):
    """One way of running the study."""

    name: str = Field(description="what was changed, such as `portrait=prose`")
    asked_again: bool = Field(description="whether it needed ratings of its own")
    scores: dict[str, float | None] = Field(description="model to score by `function`")
    function: str = Field(description="the welfare function that orders the models")


class HeldConclusion(Result):
    """One conclusion over the variants."""

    conclusion: str
    commonest: str = Field(description="the answer of most variants")
    share: float = Field(description="share of variants that give it")
    answers: dict[str, str] = Field(description="variant to answer")


class SensitivityRecord(Result):
    """All conclusions over all variants."""

    study: str
    produced_by: str
    items: int
    variants: tuple[Variant, ...]
    conclusions: tuple[HeldConclusion, ...] = Field(description="least stable first")
    changed: float | None = Field(description="share of conclusions that change in some variant")
    skipped: tuple[str, ...] = Field(default=(), description="what could not be varied, and why")
    reading: str
