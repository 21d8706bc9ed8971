"""What a run concludes: frozen results, and the schema of `scores.json`.

Every figure carries an interval that says what was resampled, and the mind that produced it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from graphs.minds.protocol import MindKind
from juries.figures import Bounds, MeasureScores, Result, ValidityRow
from personas.files import replacing

SCHEMA_VERSION = 1
NOT_CALIBRATED = "not calibrated against people"


class WelfareScore(Result):
    """One model under one welfare function: the mean over items, in [0, 1]."""

    function: str
    label: str
    model: str
    estimate: float | None = Field(description="null where no juror validly rated the model")
    interval: Bounds
    rank: int = Field(description="1 is best under this function")
    first: float = Field(description="share of resamples in which the model ranks first")


class Comparison(Result):
    """Two models under one welfare function, paired on the same items, jurors and resamples."""

    function: str
    a: str
    b: str
    difference: float | None = Field(description="a minus b")
    interval: Bounds
    probability: float | None = Field(description="share of resamples in which a is above b")


class RankFlip(Result):
    """Two models that two welfare functions order differently."""

    ahead: str = Field(description="the model ahead under `first`")
    behind: str = Field(description="the other, ahead under `second`")
    first: str = Field(description="a welfare function")
    second: str = Field(description="another")
    probability: float = Field(description="share of resamples in which both orders hold")


class GroupScore(Result):
    """Mean utility of one model among the jurors of one group."""

    attribute: str
    level: str
    jurors: int
    share: float = Field(description="share of the jury's weight")
    model: str
    estimate: float | None
    interval: Bounds
    difference: float | None = Field(description="this group's mean less all other jurors'")
    difference_interval: Bounds | None
    p_value: float | None = Field(description="of no difference, two-sided")
    p_adjusted: float | None = Field(
        default=None, description="adjusted over all groups and models (Benjamini-Hochberg)"
    )


class Agreement(Result):
    """Krippendorff's alpha of one criterion over all rated responses."""

    criterion: str
    level: Literal["nominal", "ordinal"]
    alpha: float | None
    interval: Bounds | None
    reason: str | None = Field(default=None, description="why alpha is undefined, where it is")


class Answers(Result):
    """What became of the questions put about one model."""

    model: str
    asked: int
    recorded: int
    statuses: dict[str, int]


class JurySummary(Result):
    """Who judged."""

    jurors: int
    kish_effective: float = Field(description="(sum w)² / sum w² of the jury's weights")
    independent: float | None = Field(description="effective jurors, given that ratings correlate")
    independent_interval: Bounds | None
    reading: str = Field(description="what the effective number says, in words")


class MindSummary(Result):
    """Which mind answered for how many jurors."""

    name: str
    version: str
    kind: MindKind
    jurors: int


class Scores(Result):
    """Everything that `juries score` concludes from a run."""

    schema_version: int = SCHEMA_VERSION
    study: str
    fingerprint: str
    inputs: str = Field(description="hash of the rows and settings that the scores follow from")
    seed: int
    minds: tuple[MindSummary, ...]
    calibration: str = NOT_CALIBRATED
    items: int
    complete: bool = Field(description="whether every question has a recorded answer")
    jury: JurySummary
    answers: tuple[Answers, ...]
    welfare: tuple[WelfareScore, ...]
    comparisons: tuple[Comparison, ...]
    flips: tuple[RankFlip, ...]
    groups: tuple[GroupScore, ...]
    agreement: tuple[Agreement, ...]
    measures: tuple[MeasureScores, ...] = Field(
        default=(), description="the six measures of pluralism"
    )
    validity: tuple[ValidityRow, ...] = Field(
        default=(), description="how far to believe the figures above"
    )
    resamples: int
    notes: tuple[str, ...]

    def ranking(self, function: str = "power:1") -> tuple[str, ...]:
        """Models, best first, under a welfare function named as in the study."""
        scores = [score for score in self.welfare if score.function == function]
        return tuple(score.model for score in sorted(scores, key=lambda score: score.rank))

    def of(self, model: str, function: str = "power:1") -> WelfareScore:
        """The score of one model under one welfare function.

        Raises:
            KeyError: the study scored no such model or function.
        """
        for score in self.welfare:
            if score.model == model and score.function == function:
                return score
        raise KeyError(f"no score of {model!r} under {function!r}")

    def measure(self, name: str) -> MeasureScores:
        """One of the six measures by name, such as `overton`.

        Raises:
            KeyError: none has that name, or the scores are older than it.
        """
        for measure in self.measures:
            if measure.measure == name:
                return measure
        raise KeyError(f"no measure {name!r}")

    @property
    def produced_by(self) -> str:
        """The label that stands beside every figure."""
        minds = ", ".join(f"{mind.name} ({mind.kind})" for mind in self.minds)
        return f"{minds}; {self.calibration}"

    def write(self, path: Path) -> None:
        """Write `scores.json`, whole or not at all."""
        with replacing(path) as file:
            file.write(self.model_dump_json(indent=1) + "\n")
