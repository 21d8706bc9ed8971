"""What is concluded from a deliberation: the schema of `deliberation.json` and of dissent."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from graphs.verdict_rules import VerdictStatus
from juries.figures import Figure, Result


class ChangeFigures(Result):
    """One figure before and after talk."""

    name: str
    before: Figure
    after: Figure
    change: Figure
    undefined: int = Field(description="questions in which it is undefined at either end")


class FlipTable(Result):
    """Which point jurors left for which, on one criterion."""

    criterion: str
    points: tuple[str, ...] = Field(description="rows and columns; the last is no valid answer")
    counts: tuple[tuple[int, ...], ...] = Field(description="from row to column")
    flipped: Figure
    up: Figure
    down: Figure
    paired: int = Field(description="answers valid at both ballots")


class JurorPath(Result):
    """Where one juror stood on average, ballot by ballot, as utility in 0..1."""

    juror: str
    mean: tuple[float | None, ...]
    moved: tuple[float | None, ...] = Field(description="mean distance from the ballot before")


class Pull(Result):
    """How much of the gap to a speaker those who hear them close in a round, on average."""

    juror: str
    pull: float | None
    low: float | None
    high: float | None
    hearers: int


class Tie(Result):
    """One line of the network: how much of the gap to the speaker the hearer closes in a round."""

    hearer: str
    speaker: str
    pull: float | None = Field(description="null where it cannot be told apart from other pulls")
    low: float | None
    high: float | None


class ConformityFigures(Result):
    """Moves towards the local majority, beyond the drift of the same jurors without talk."""

    talk: Figure
    drift: Figure
    index: Figure
    moves: int
    control_moves: int
    local: Literal["median", "mean"]


class VerdictTable(Result):
    """The verdicts of one criterion under the study's rule."""

    criterion: str
    rule: str
    statuses: dict[VerdictStatus, int] = Field(description="questions by what became of them")
    mean_support: float | None = Field(description="of the questions decided")


class DeliberationReport(Result):
    """What talk changed in a run."""

    protocol: str
    produced_by: str = Field(description="what kind of mind the figures are a property of")
    jurors: int
    items: int
    control_items: int
    stopped: dict[str, int] = Field(description="items by why talk ended")
    statements: dict[str, int] = Field(description="turns by status")
    connectivity: str
    flips: tuple[FlipTable, ...]
    changes: tuple[ChangeFigures, ...]
    conformity: ConformityFigures | None
    speakers: tuple[Pull, ...]
    ties: tuple[Tie, ...] = Field(
        default=(), description="every line of the network; empty for large juries"
    )
    paths: tuple[JurorPath, ...]
    verdicts: tuple[VerdictTable, ...]
    dissenting: Figure = Field(description="share of decided or hung questions with dissent")
    notes: tuple[str, ...] = ()


class DissentReason(Result):
    """A dissenter's own words."""

    juror: str
    text: str
    distance: float
    moved: float | None


class Dissent(Result):
    """One line of `dissent.jsonl`: the minority report on one question."""

    item: str
    model: str
    criterion: str
    status: VerdictStatus
    verdict: float | None
    support: float
    size: int
    share: float = Field(description="of all seats' weight")
    position: float = Field(description="mean point of the dissenters")
    majority: float = Field(description="mean point of the majority")
    even: bool = Field(description="both sides weigh the same")
    jurors: tuple[str, ...]
    reasons: tuple[DissentReason, ...]


class JuryDecision(Result):
    """One line of `decisions.jsonl`: what the jury decided on one question."""

    item: str
    model: str
    criterion: str
    rule: str
    status: VerdictStatus
    verdict: float | None = Field(description="point, side, mean, median or share, by the rule")
    support: float
    valid: int = Field(description="seats with a valid vote")
    seats: int
    minority: Dissent | None = Field(description="the minority report, where there is dissent")


class Agreement(Result):
    """One line of `agreements.jsonl`: the statement that won a mediation."""

    item: str
    statement: str
    round: int = Field(description="of talk, whose ranking it won")
    candidate: int = Field(description="its number among the drafts of that round")
    rule: str
    endorsed_by: tuple[str, ...] = Field(description="jurors who put their name to it")
    endorsed: float = Field(description="their share of all seats' weight")
    first_choices: int = Field(description="jurors who ranked it first")
    rankings: int = Field(description="valid rankings")
    seats: int
