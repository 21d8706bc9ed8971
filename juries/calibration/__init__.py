"""How far a jury can stand in for people, said with statistics.

- `alt_test`: may the jury replace one of the annotators?
- `ppi_mean` and relatives: people's mean, estimated from few people and many jury ratings.
- `plan_sample`, `simulate_power`: which items people should see, and how many.
- `calibrate`: all of it for one run, with a verdict in words and a record bound to the run.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from juries.calibration.alternative import AltTest, AnnotatorComparison, alt_test
    from juries.calibration.answers import Answers
    from juries.calibration.calibrating import calibrate
    from juries.calibration.comparison import GroupAgreement, ItemAgreement, JuryAnswers
    from juries.calibration.costs import CostRow, Costs, cost_table
    from juries.calibration.design_based import horvitz_thompson, ppi_planned
    from juries.calibration.difficulty import glad
    from juries.calibration.estimates import Estimate
    from juries.calibration.halves import Halves, compare_halves
    from juries.calibration.interval import Figure, Interval
    from juries.calibration.latent_truth import (
        LatentTruth,
        SoftLabels,
        dawid_skene,
        mace,
        soft_labels,
    )
    from juries.calibration.mapping import ScaleMapping, cross_mapped, learn_mapping
    from juries.calibration.pilot import components_of
    from juries.calibration.planning import Sample, allocate, plan_sample
    from juries.calibration.power import MeanTest, Power, clustered_mean, simulate_power
    from juries.calibration.ppi import MeanEstimate, PpiMean, ppi_mean
    from juries.calibration.ppi_subsets import (
        PpiData,
        Undefined,
        ppi_difference,
        ppi_groups,
        ppi_independent_difference,
        ppi_stratified,
    )
    from juries.calibration.quality import HumanQuality, human_quality
    from juries.calibration.ranking import item_scores
    from juries.calibration.record import CalibrationRecord, parts_of, read_record
    from juries.calibration.results import Calibration, CriterionCalibration, Options
    from juries.calibration.run_answers import JuryTable, jury_table
    from juries.calibration.sample_file import read_sample, write_sample
    from juries.calibration.study_power import StudyPower, simulate_study_power
    from juries.calibration.study_size import (
        Components,
        CurvePoint,
        Design,
        best_raters_per_item,
        design_error,
        labels_for_half_width,
        labels_for_power,
        power_of,
        precision_curve,
    )
    from juries.calibration.verdict import Verdict

_MODULES = {
    "alternative": (
        "AltTest",
        "AnnotatorComparison",
        "alt_test",
    ),
    "answers": ("Answers",),
    "calibrating": ("calibrate",),
    "comparison": (
        "GroupAgreement",
        "ItemAgreement",
        "JuryAnswers",
    ),
    "costs": (
        "CostRow",
        "Costs",
        "cost_table",
    ),
    "design_based": (
        "horvitz_thompson",
        "ppi_planned",
    ),
    "difficulty": ("glad",),
    "estimates": ("Estimate",),
    "halves": (
        "Halves",
        "compare_halves",
    ),
    "interval": (
        "Figure",
        "Interval",
    ),
    "latent_truth": (
        "LatentTruth",
        "SoftLabels",
        "dawid_skene",
        "mace",
        "soft_labels",
    ),
    "mapping": (
        "ScaleMapping",
        "cross_mapped",
        "learn_mapping",
    ),
    "pilot": ("components_of",),
    "planning": (
        "Sample",
        "allocate",
        "plan_sample",
    ),
    "power": (
        "MeanTest",
        "Power",
        "clustered_mean",
        "simulate_power",
    ),
    "ppi": (
        "MeanEstimate",
        "PpiMean",
        "ppi_mean",
    ),
    "ppi_subsets": (
        "PpiData",
        "Undefined",
        "ppi_difference",
        "ppi_groups",
        "ppi_independent_difference",
        "ppi_stratified",
    ),
    "quality": (
        "HumanQuality",
        "human_quality",
    ),
    "ranking": ("item_scores",),
    "record": (
        "CalibrationRecord",
        "parts_of",
        "read_record",
    ),
    "results": (
        "Calibration",
        "CriterionCalibration",
        "Options",
    ),
    "run_answers": (
        "JuryTable",
        "jury_table",
    ),
    "sample_file": (
        "read_sample",
        "write_sample",
    ),
    "study_power": (
        "StudyPower",
        "simulate_study_power",
    ),
    "study_size": (
        "Components",
        "CurvePoint",
        "Design",
        "best_raters_per_item",
        "design_error",
        "labels_for_half_width",
        "labels_for_power",
        "power_of",
        "precision_curve",
    ),
    "verdict": ("Verdict",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "AltTest",
    "AnnotatorComparison",
    "Answers",
    "Calibration",
    "CalibrationRecord",
    "Components",
    "CostRow",
    "Costs",
    "CriterionCalibration",
    "CurvePoint",
    "Design",
    "Estimate",
    "Figure",
    "GroupAgreement",
    "Halves",
    "HumanQuality",
    "Interval",
    "ItemAgreement",
    "JuryAnswers",
    "JuryTable",
    "LatentTruth",
    "MeanEstimate",
    "MeanTest",
    "Options",
    "Power",
    "PpiData",
    "PpiMean",
    "Sample",
    "ScaleMapping",
    "SoftLabels",
    "StudyPower",
    "Undefined",
    "Verdict",
    "allocate",
    "alt_test",
    "best_raters_per_item",
    "calibrate",
    "clustered_mean",
    "compare_halves",
    "components_of",
    "cost_table",
    "cross_mapped",
    "dawid_skene",
    "design_error",
    "glad",
    "horvitz_thompson",
    "human_quality",
    "item_scores",
    "jury_table",
    "labels_for_half_width",
    "labels_for_power",
    "learn_mapping",
    "mace",
    "parts_of",
    "plan_sample",
    "power_of",
    "ppi_difference",
    "ppi_groups",
    "ppi_independent_difference",
    "ppi_mean",
    "ppi_planned",
    "ppi_stratified",
    "precision_curve",
    "read_record",
    "read_sample",
    "simulate_power",
    "simulate_study_power",
    "soft_labels",
    "write_sample",
]


def __getattr__(name: str) -> object:
    """Import a public name from its module when it is first used; scipy stays out until then."""
    if name in _HOME:
        return getattr(importlib.import_module(f"juries.calibration.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
