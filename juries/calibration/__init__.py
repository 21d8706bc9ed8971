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
    from juries.calibration.costs import CostRow, Costs, cost_table
    from juries.calibration.design_based import horvitz_thompson, ppi_planned
    from juries.calibration.difficulty import glad
    from juries.calibration.interval import Interval
    from juries.calibration.latent_truth import (
        LatentTruth,
        SoftLabels,
        dawid_skene,
        mace,
        soft_labels,
    )
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

_MODULES = {
    "alternative": (
        "AltTest",
        "AnnotatorComparison",
        "alt_test",
    ),
    "answers": ("Answers",),
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
    "interval": ("Interval",),
    "latent_truth": (
        "LatentTruth",
        "SoftLabels",
        "dawid_skene",
        "mace",
        "soft_labels",
    ),
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
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "AltTest",
    "AnnotatorComparison",
    "Answers",
    "Components",
    "CostRow",
    "Costs",
    "CurvePoint",
    "Design",
    "Interval",
    "LatentTruth",
    "MeanEstimate",
    "MeanTest",
    "Power",
    "PpiData",
    "PpiMean",
    "Sample",
    "SoftLabels",
    "Undefined",
    "allocate",
    "alt_test",
    "best_raters_per_item",
    "clustered_mean",
    "cost_table",
    "dawid_skene",
    "design_error",
    "glad",
    "horvitz_thompson",
    "labels_for_half_width",
    "labels_for_power",
    "mace",
    "plan_sample",
    "power_of",
    "ppi_difference",
    "ppi_groups",
    "ppi_independent_difference",
    "ppi_mean",
    "ppi_planned",
    "ppi_stratified",
    "precision_curve",
    "simulate_power",
    "soft_labels",
]


def __getattr__(name: str) -> object:
    """Import a public name from its module when it is first used; scipy stays out until then."""
    if name in _HOME:
        return getattr(importlib.import_module(f"juries.calibration.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
