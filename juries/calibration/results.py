"""What a calibration is asked for, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass

from juries.calibration.alternative import AltTest
from juries.calibration.comparison import GroupAgreement, ItemAgreement
from juries.calibration.estimates import Estimate, People
from juries.calibration.interval import Figure
from juries.calibration.mapping import Method
from juries.calibration.ppi_subsets import Undefined
from juries.calibration.quality import HumanQuality
from juries.calibration.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a calibration is made.

    Attributes:
        attributes: of people, whose levels are compared as groups; None takes every attribute
            with at most `most_levels` levels.
        least: people that a group must have.
        most_levels: levels beyond which an attribute makes no groups, unless it is named.
        epsilon: lead granted to people in the alt-test.
        mapping: how the jury's scale is mapped to people's.
        people: whether those who answered stand for others (`sample`), or are all (`all`).
        level: of intervals.
        resamples: bootstrap resamples.
        splits: halvings of the people.
        seed: of all draws.
    """

    attributes: tuple[str, ...] | None = None
    least: int = 5
    most_levels: int = 12
    epsilon: float = 0.1
    mapping: Method = "isotonic"
    people: People = "sample"
    level: float = 0.95
    resamples: int = 1000
    splits: int = 100
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingGain:
    """What mapping the jury's scale to people's does, judged on items it was not learned from.

    Attributes:
        method: of the mapping.
        before: mean absolute difference from people's means, in points, as the jury said it.
        after: the same after mapping.
        gain: before minus after.
    """

    method: Method
    before: Figure
    after: Figure
    gain: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionCalibration:
    """All figures of one criterion.

    Attributes:
        criterion: its name.
        ordinal: whether its points are ordered.
        answers: people's answers used.
        alt: the alternative annotator test of the jury's rounded mean, or most frequent point.
        alt_mapped: the same after mapping; ordinal scales only.
        alt_random: the same of random answers, the baseline.
        items: unit by unit.
        everyone: jury and people as a whole.
        groups: by group of people.
        estimates: people's means, by model and by group.
        differences: of every two models.
        mapping: of the scales; ordinal only.
        quality: of people's answers.
        verdict: in words.
    """

    criterion: str
    ordinal: bool
    answers: int
    alt: AltTest | Undefined
    alt_mapped: AltTest | Undefined | None
    alt_random: AltTest | Undefined
    items: ItemAgreement
    everyone: GroupAgreement
    groups: tuple[GroupAgreement, ...]
    estimates: tuple[Estimate, ...]
    differences: tuple[Estimate, ...]
    mapping: MappingGain | Undefined | None
    quality: HumanQuality
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A run's jury calibrated against people.

    Attributes:
        produced_by: the minds of the jury, with their kinds.
        criteria: one result for each criterion that people answered.
        problems: what was wrong with people's file, and what was done.
        notes: what holds for all figures.
    """

    produced_by: str
    criteria: tuple[CriterionCalibration, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]
