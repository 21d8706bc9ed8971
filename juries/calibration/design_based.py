"""Estimates from a planned sample of a finite set of items, by the inclusion probabilities.

The set is fixed; what is random is which items people saw. With strata h of N_h units of which
n_h were labelled, W_h = N_h / N, and predictions f for every unit,

    theta = lam * mean(f) + sum_h W_h mean_h(Y - lam f)
    var   = sum_h W_h^2 [(1 - n_h/N_h) s_h^2(Y - lam f) + (n_h/N_h) mean_h(v)] / n_h

where v is the error variance of a unit's own label (a mean over few people). At lam = 0 this is
the Horvitz-Thompson estimate, which inside strata weighs every unit by its inverse inclusion
probability; unbiased for any fixed lam (Cochran 1977, 5.4 and 11.3; arXiv 2311.01453 for lam).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphs.items import FloatArray
from juries.calibration.answers import IntArray
from juries.calibration.interval import normal_interval
from juries.calibration.planning import Sample
from juries.calibration.ppi import (
    MeanEstimate,
    PpiMean,
    finite_column,
    ppi_result,
    satterthwaite,
    weighted_correlation,
)
from personas.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Labelled:
    """The labelled units of a sample: their values and their strata's sizes."""

    y: FloatArray
    f: FloatArray
    error: FloatArray
    stratum: IntArray
    population: IntArray
    drawn: IntArray
    notes: tuple[str, ...]

    @property
    def share(self) -> FloatArray:
        return self.population / self.population.sum()

    def means(self, values: FloatArray) -> FloatArray:
        """Mean within each stratum."""
        return np.bincount(self.stratum, weights=values, minlength=len(self.drawn)) / self.drawn

    def centred(self, values: FloatArray) -> FloatArray:
        """Values after the mean of their stratum."""
        return values - self.means(values)[self.stratum]

    def mean(self, values: FloatArray) -> float:
        """Sum over strata of share times mean."""
        return float(self.share @ self.means(values))

    def covariance(self, a: FloatArray, b: FloatArray) -> FloatArray:
        """Within each stratum, with n - 1; 0 where one unit makes up the stratum."""
        product = self.centred(a) * self.centred(b)
        total = np.bincount(self.stratum, weights=product, minlength=len(self.drawn))
        return total / np.maximum(self.drawn - 1, 1)

    def variance_parts(self, values: FloatArray) -> FloatArray:
        """Variance of `mean(values)` by stratum."""
        fraction = self.drawn / self.population
        spread = self.covariance(values, values)
        own = self.means(self.error)
        return self.share**2 * ((1 - fraction) * spread + fraction * own) / self.drawn


def ppi_planned(
    labels: Mapping[str, float],
    predictions: ArrayLike,
    sample: Sample,
    *,
    label_variance: Mapping[str, float] | None = None,
    lam: float | None = None,
    level: float = 0.95,
) -> PpiMean:
    """Mean over all units of a plan, from labels of the selected and predictions of all.

    Args:
        labels: people's value by unit. Selected units without one count as missing at random
            within their stratum; labels of units that the plan did not select would bias the
            estimate and are left out. Both are said in the notes.
        predictions: for every unit of the plan, [N].
        sample: the plan.
        label_variance: error variance of each label, where a label is the mean of a few of the
            people whose mean is wanted; without it labels are taken as exact.
        lam: weight of the predictions; None tunes it.
        level: of the intervals, which use Student's t.

    Raises:
        InputError: fewer than two labels, or a stratum without any.
    """
    f = finite_column(predictions, "predictions")
    if len(f) != len(sample.units):
        raise ValueError(f"{len(f)} predictions for {len(sample.units)} units")
    data = _labelled(labels, f, sample, label_variance or {})
    chosen = _tuned(data) if lam is None else float(lam)
    parts = data.variance_parts(data.y - chosen * data.f)
    people = _people_only(data, level=level)
    return ppi_result(
        estimate=chosen * float(f.mean()) + data.mean(data.y - chosen * data.f),
        standard_error=float(np.sqrt(parts.sum())),
        degrees=_degrees(parts, data.drawn),
        level=level,
        lam=chosen,
        people_only=people,
        n_unlabelled=len(f) - len(data.y),
        correlation=_within_strata(data),
        basis="items of the plan drawn within strata, Student t",
        notes=data.notes,
    )


def horvitz_thompson(
    labels: Mapping[str, float],
    sample: Sample,
    *,
    label_variance: Mapping[str, float] | None = None,
    level: float = 0.95,
) -> MeanEstimate:
    """Mean over all units of a plan from labels alone, weighted by inclusion probability.

    Arguments and errors are those of `ppi_planned`.
    """
    blind = np.zeros(len(sample.units))
    data = _labelled(labels, blind, sample, label_variance or {})
    return _people_only(data, level=level)


def _labelled(
    labels: Mapping[str, float], f: FloatArray, sample: Sample, variance: Mapping[str, float]
) -> _Labelled:
    known = np.array([unit in labels for unit in sample.units], dtype=np.bool_)
    used = known & sample.selected
    strata = len(sample.stratum_sizes)
    drawn = np.bincount(sample.stratum[used], minlength=strata)
    if used.sum() < 2 or (drawn == 0).any():
        raise InputError(
            "people answered too few of the planned items",
            found=f"{used.sum()} of {sample.budget}; by stratum {drawn.tolist()}",
            expected="at least 2 in all, and 1 in each stratum",
        )
    units = [unit for unit, keep in zip(sample.units, used, strict=True) if keep]
    return _Labelled(
        y=finite_column([labels[unit] for unit in units], "labels"),
        f=f[used],
        error=np.array([variance.get(unit, 0.0) for unit in units]),
        stratum=sample.stratum[used],
        population=sample.stratum_sizes,
        drawn=drawn,
        notes=_notes(known, sample, drawn),
    )


def _notes(known: NDArray[np.bool_], sample: Sample, drawn: IntArray) -> tuple[str, ...]:
    notes: list[str] = []
    if missing := int((sample.selected & ~known).sum()):
        notes.append(
            f"{missing} planned items have no answer; they are taken as missing at random within "
            "their stratum"
        )
    if extra := int((known & ~sample.selected).sum()):
        notes.append(f"{extra} items with answers were not drawn by the plan and are left out")
    if lonely := int(((drawn == 1) & (sample.stratum_sizes > 1)).sum()):
        notes.append(
            f"{lonely} strata have a single answered item, whose spread cannot be estimated; the "
            "interval is too narrow"
        )
    return tuple(notes)


def _tuned(data: _Labelled) -> float:
    """Lam of smallest variance, clipped to [0, 1]; 0 where it has no effect."""
    weight = data.share**2 * (1 - data.drawn / data.population) / data.drawn
    spread = float(weight @ data.covariance(data.f, data.f))
    if spread <= np.finfo(np.float64).eps * float((data.f**2).mean()):
        return 0.0
    return float(np.clip(float(weight @ data.covariance(data.y, data.f)) / spread, 0, 1))


def _people_only(data: _Labelled, *, level: float) -> MeanEstimate:
    parts = data.variance_parts(data.y)
    estimate, error = data.mean(data.y), float(np.sqrt(parts.sum()))
    return MeanEstimate(
        estimate=estimate,
        standard_error=error,
        interval=normal_interval(
            estimate,
            error,
            level=level,
            degrees=_degrees(parts, data.drawn),
            basis="items of the plan drawn within strata, Student t",
        ),
        n=len(data.y),
    )


def _degrees(parts: FloatArray, drawn: IntArray) -> float:
    return satterthwaite(
        *((float(part), max(int(n) - 1, 1)) for part, n in zip(parts, drawn, strict=True))
    )


def _within_strata(data: _Labelled) -> float | None:
    """Correlation of labels and predictions after their stratum means."""
    return weighted_correlation(data.centred(data.y), data.centred(data.f), np.ones(len(data.y)))
