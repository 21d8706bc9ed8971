"""Measures: arrays in, frozen results out; no study needed.

- Welfare and inequality: `power_mean`, `leximin`, `atkinson`, `welfare_bootstrap`, …
- Pluralism of models: `overton_coverage`, `prompt_steerability`, `goal_space_error`,
  `fidelity_gain`, `js_distance`, `compare_to_population`, …
- Benchmarks on several objectives: `compare_objectives`, `hypervolume`, `trade_off`, …
- Belief: `krippendorff_alpha`, `effective_jurors`, `variance_shares`, `grasp`, `length_bias`, …

NaN is a missing value on the way in; what is undefined is None with a reason on the way out.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from juries.measures.agreement import (
        Alpha,
        AlphaBootstrap,
        krippendorff_alpha,
        krippendorff_alpha_bootstrap,
    )
    from juries.measures.alignment import AlignmentComparison, compare_alignment
    from juries.measures.baselines import BaselineComparison, against_baseline
    from juries.measures.best_responses import BestResponses
    from juries.measures.bias import LengthBias, Repeatability, length_bias, repeatability
    from juries.measures.bootstrap import UtilityBlocks, WelfareBootstrap, welfare_bootstrap
    from juries.measures.commensuration import Family, best_by_weight, family
    from juries.measures.distances import (
        entropy,
        js_distance,
        wasserstein_distance,
        wasserstein_representativeness,
    )
    from juries.measures.distributional import PopulationComparison, compare_to_population
    from juries.measures.diversity import persona_separability, within_group_spread
    from juries.measures.effective import EffectiveJurors, effective_jurors
    from juries.measures.estimates import Estimate
    from juries.measures.goal_space import GoalSpaceError, goal_space_error
    from juries.measures.group_association import Grasp, benjamini_hochberg, grasp
    from juries.measures.group_gaps import GroupGap
    from juries.measures.inequality import (
        InequalityDecomposition,
        WelfareCurve,
        atkinson,
        inequality_decomposition,
        welfare_curve,
    )
    from juries.measures.leximin_order import (
        LeximinComparison,
        LeximinRanking,
        leximin,
        leximin_ranking,
    )
    from juries.measures.majority import MajorityDiagnostic, tyranny_of_the_majority
    from juries.measures.multi_objective import MultiObjective, compare_groups, compare_objectives
    from juries.measures.opinionqa import read_opinionqa
    from juries.measures.order_effects import option_order_effect, position_effect
    from juries.measures.overton import OvertonCoverage, overton_coverage
    from juries.measures.pareto import hypervolume, pareto_front
    from juries.measures.prompt_steering import PromptSteerability, prompt_steerability
    from juries.measures.references import (
        PopulationReference,
        SurveyQuestion,
        align_answers,
        reference_from_ratings,
    )
    from juries.measures.resampling import Interval
    from juries.measures.sensitivity import Sensitivity, conclusion_stability, model_order
    from juries.measures.steerable import (
        FidelityGain,
        Identification,
        SteeringCost,
        fidelity_gain,
        identification,
        steering_cost,
    )
    from juries.measures.steered_trade_offs import TradeOff, trade_off
    from juries.measures.surveys import read_globalopinionqa, read_mpi, read_popquorn
    from juries.measures.value_lists import ValueCoverage, read_value_lists, value_coverage
    from juries.measures.variance import VarianceShares, intraclass_correlations, variance_shares
    from juries.measures.viewpoints import ClusterSettings, Viewpoints, cluster_viewpoints
    from juries.measures.welfare import (
        inequality_averse_mean,
        lower_tail_mean,
        power_mean,
        quantile,
    )
    from juries.measures.welfare_functions import WelfareFunction, parse_welfare

_HOMES = {
    "AlignmentComparison": "alignment",
    "Alpha": "agreement",
    "AlphaBootstrap": "agreement",
    "BaselineComparison": "baselines",
    "BestResponses": "best_responses",
    "ClusterSettings": "viewpoints",
    "EffectiveJurors": "effective",
    "Estimate": "estimates",
    "Family": "commensuration",
    "FidelityGain": "steerable",
    "GoalSpaceError": "goal_space",
    "Grasp": "group_association",
    "GroupGap": "group_gaps",
    "Identification": "steerable",
    "InequalityDecomposition": "inequality",
    "Interval": "resampling",
    "LengthBias": "bias",
    "LeximinComparison": "leximin_order",
    "LeximinRanking": "leximin_order",
    "MajorityDiagnostic": "majority",
    "MultiObjective": "multi_objective",
    "OvertonCoverage": "overton",
    "PopulationComparison": "distributional",
    "PopulationReference": "references",
    "PromptSteerability": "prompt_steering",
    "Repeatability": "bias",
    "Sensitivity": "sensitivity",
    "SteeringCost": "steerable",
    "SurveyQuestion": "references",
    "TradeOff": "steered_trade_offs",
    "UtilityBlocks": "bootstrap",
    "ValueCoverage": "value_lists",
    "VarianceShares": "variance",
    "Viewpoints": "viewpoints",
    "WelfareBootstrap": "bootstrap",
    "WelfareCurve": "inequality",
    "WelfareFunction": "welfare_functions",
    "against_baseline": "baselines",
    "align_answers": "references",
    "atkinson": "inequality",
    "benjamini_hochberg": "group_association",
    "best_by_weight": "commensuration",
    "cluster_viewpoints": "viewpoints",
    "compare_alignment": "alignment",
    "compare_groups": "multi_objective",
    "compare_objectives": "multi_objective",
    "compare_to_population": "distributional",
    "conclusion_stability": "sensitivity",
    "effective_jurors": "effective",
    "entropy": "distances",
    "family": "commensuration",
    "fidelity_gain": "steerable",
    "goal_space_error": "goal_space",
    "grasp": "group_association",
    "hypervolume": "pareto",
    "identification": "steerable",
    "inequality_averse_mean": "welfare",
    "inequality_decomposition": "inequality",
    "intraclass_correlations": "variance",
    "js_distance": "distances",
    "krippendorff_alpha": "agreement",
    "krippendorff_alpha_bootstrap": "agreement",
    "length_bias": "bias",
    "leximin": "leximin_order",
    "leximin_ranking": "leximin_order",
    "lower_tail_mean": "welfare",
    "model_order": "sensitivity",
    "option_order_effect": "order_effects",
    "overton_coverage": "overton",
    "pareto_front": "pareto",
    "parse_welfare": "welfare_functions",
    "persona_separability": "diversity",
    "position_effect": "order_effects",
    "power_mean": "welfare",
    "prompt_steerability": "prompt_steering",
    "quantile": "welfare",
    "read_globalopinionqa": "surveys",
    "read_mpi": "surveys",
    "read_opinionqa": "opinionqa",
    "read_popquorn": "surveys",
    "read_value_lists": "value_lists",
    "reference_from_ratings": "references",
    "repeatability": "bias",
    "steering_cost": "steerable",
    "trade_off": "steered_trade_offs",
    "tyranny_of_the_majority": "majority",
    "value_coverage": "value_lists",
    "variance_shares": "variance",
    "wasserstein_distance": "distances",
    "wasserstein_representativeness": "distances",
    "welfare_bootstrap": "bootstrap",
    "welfare_curve": "inequality",
    "within_group_spread": "diversity",
}
__all__ = [
    "AlignmentComparison",
    "Alpha",
    "AlphaBootstrap",
    "BaselineComparison",
    "BestResponses",
    "ClusterSettings",
    "EffectiveJurors",
    "Estimate",
    "Family",
    "FidelityGain",
    "GoalSpaceError",
    "Grasp",
    "GroupGap",
    "Identification",
    "InequalityDecomposition",
    "Interval",
    "LengthBias",
    "LeximinComparison",
    "LeximinRanking",
    "MajorityDiagnostic",
    "MultiObjective",
    "OvertonCoverage",
    "PopulationComparison",
    "PopulationReference",
    "PromptSteerability",
    "Repeatability",
    "Sensitivity",
    "SteeringCost",
    "SurveyQuestion",
    "TradeOff",
    "UtilityBlocks",
    "ValueCoverage",
    "VarianceShares",
    "Viewpoints",
    "WelfareBootstrap",
    "WelfareCurve",
    "WelfareFunction",
    "against_baseline",
    "align_answers",
    "atkinson",
    "benjamini_hochberg",
    "best_by_weight",
    "cluster_viewpoints",
    "compare_alignment",
    "compare_groups",
    "compare_objectives",
    "compare_to_population",
    "conclusion_stability",
    "effective_jurors",
    "entropy",
    "family",
    "fidelity_gain",
    "goal_space_error",
    "grasp",
    "hypervolume",
    "identification",
    "inequality_averse_mean",
    "inequality_decomposition",
    "intraclass_correlations",
    "js_distance",
    "krippendorff_alpha",
    "krippendorff_alpha_bootstrap",
    "length_bias",
    "leximin",
    "leximin_ranking",
    "lower_tail_mean",
    "model_order",
    "option_order_effect",
    "overton_coverage",
    "pareto_front",
    "parse_welfare",
    "persona_separability",
    "position_effect",
    "power_mean",
    "prompt_steerability",
    "quantile",
    "read_globalopinionqa",
    "read_mpi",
    "read_opinionqa",
    "read_popquorn",
    "read_value_lists",
    "reference_from_ratings",
    "repeatability",
    "steering_cost",
    "trade_off",
    "tyranny_of_the_majority",
    "value_coverage",
    "variance_shares",
    "wasserstein_distance",
    "wasserstein_representativeness",
    "welfare_bootstrap",
    "welfare_curve",
    "within_group_spread",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import juries.measures` stays light."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
