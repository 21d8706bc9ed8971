"""Prediction-powered means compared, by group and by stratum; see `juries.calibration.ppi`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from graphs.items import FloatArray
from juries.calibration.interval import normal_interval
from juries.calibration.ppi import (
    MeanEstimate,
    PpiMean,
    finite_column,
    ppi_mean,
    ppi_result,
    weighted_correlation,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PpiData:
    """Labels and predictions of one model, group or stratum; the arrays of `ppi_mean`."""

    labels: FloatArray
    predictions_labelled: FloatArray
    predictions_unlabelled: FloatArray

    @classmethod
    def of(
        cls,
        labels: ArrayLike,
        predictions_labelled: ArrayLike,
        predictions_unlabelled: ArrayLike,
    ) -> Self:
        """Checked arrays.

        Raises:
            ValueError: labels and their predictions of unlike length, or numbers not finite.
        """
        data = cls(
            labels=finite_column(labels, "labels"),
            predictions_labelled=finite_column(predictions_labelled, "predictions_labelled"),
            predictions_unlabelled=finite_column(predictions_unlabelled, "predictions_unlabelled"),
        )
        if len(data.labels) != len(data.predictions_labelled):
            raise ValueError(
                f"{len(data.labels)} labels for {len(data.predictions_labelled)} predictions"
            )
        return data

    def mean(self, *, level: float = 0.95, small_sample: bool = False) -> PpiMean:
        """`ppi_mean` of these arrays."""
        return ppi_mean(
            self.labels,
            self.predictions_labelled,
            self.predictions_unlabelled,
            level=level,
            small_sample=small_sample,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Undefined:
    """A figure that the data cannot give, and why."""

    reason: str


def ppi_difference(a: PpiData, b: PpiData, *, level: float = 0.95) -> PpiMean:
    """Difference of two models' means, a - b, paired by unit.

    The arrays of both models are in the same order of units: people saw both models' answers to
    the labelled units, and predictions exist for both on the others. Pairing takes out what the
    units have in common. Models labelled on different units are compared by
    `ppi_independent_difference`.
    """
    return ppi_mean(
        _paired(a.labels, b.labels),
        _paired(a.predictions_labelled, b.predictions_labelled),
        _paired(a.predictions_unlabelled, b.predictions_unlabelled),
        level=level,
    )


def ppi_independent_difference(a: PpiMean, b: PpiMean) -> MeanEstimate:
    """Difference a - b of two means estimated on units drawn independently of each other."""
    return combine((_as_mean(a), _as_mean(b)), np.array([1.0, -1.0]), level=a.interval.level)


def ppi_groups(
    groups: Mapping[str, PpiData], *, level: float = 0.95
) -> dict[str, PpiMean | Undefined]:
    """`ppi_mean` for each group, with Student's t because groups are small.

    A group with fewer than two labels or predictions is `Undefined`, not left out.
    """
    results: dict[str, PpiMean | Undefined] = {}
    for name, data in groups.items():
        labels, rest = len(data.labels), len(data.predictions_unlabelled)
        if labels < 2 or rest < 2:
            results[name] = Undefined(
                reason=f"{labels} labelled and {rest} unlabelled units; both must be at least 2"
            )
            continue
        results[name] = data.mean(level=level, small_sample=True)
    return results


def ppi_stratified(
    strata: Mapping[str, PpiData], shares: Mapping[str, float], *, level: float = 0.95
) -> PpiMean:
    """Mean of a population in strata, with a lam for each stratum (arXiv 2406.04291).

    Args:
        strata: labels and predictions by stratum, each with two units or more on both sides.
        shares: of the population by stratum; they sum to 1.
        level: of the intervals.

    Returns:
        The combined mean; its `lam` and `correlation` are averages within strata.

    Raises:
        ValueError: shares that do not name the strata or do not sum to 1.
    """
    if set(shares) != set(strata) or not np.isclose(sum(shares.values()), 1):
        raise ValueError("shares must name every stratum and sum to 1")
    parts = [data.mean(level=level) for data in strata.values()]
    weight = np.array([shares[name] for name in strata])
    people = combine([part.people_only for part in parts], weight, level=level)
    labels = np.concatenate([d.labels - d.labels.mean() for d in strata.values()])
    predictions = np.concatenate(
        [d.predictions_labelled - d.predictions_labelled.mean() for d in strata.values()]
    )
    return ppi_result(
        estimate=float(weight @ [part.estimate for part in parts]),
        standard_error=_root_sum(weight, (part.standard_error for part in parts)),
        degrees=None,
        level=level,
        lam=float(weight @ [part.lam for part in parts]),
        people_only=people,
        n_unlabelled=sum(part.n_unlabelled for part in parts),
        correlation=weighted_correlation(labels, predictions, np.ones(people.n)),
    )


def combine(parts: Iterable[MeanEstimate], weight: FloatArray, *, level: float) -> MeanEstimate:
    """Weighted sum of means estimated independently of each other."""
    parts = list(parts)
    estimate = float(weight @ [part.estimate for part in parts])
    error = _root_sum(weight, (part.standard_error for part in parts))
    return MeanEstimate(
        estimate=estimate,
        standard_error=error,
        interval=normal_interval(estimate, error, level=level, basis="units in strata, normal"),
        n=sum(part.n for part in parts),
    )


def _root_sum(weight: FloatArray, errors: Iterable[float]) -> float:
    return float(np.sqrt(((weight * np.array(list(errors))) ** 2).sum()))


def _as_mean(result: PpiMean) -> MeanEstimate:
    return MeanEstimate(
        estimate=result.estimate,
        standard_error=result.standard_error,
        interval=result.interval,
        n=result.n,
    )


def _paired(first: FloatArray, second: FloatArray) -> FloatArray:
    if first.shape != second.shape:
        raise ValueError(f"paired arrays have shapes {first.shape} and {second.shape}")
    return first - second
