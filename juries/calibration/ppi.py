"""Prediction-powered inference: people's mean from few people and many predictions.

With labels Y and predictions f on n units and predictions alone on N further units,

    theta = mean_n(Y) + lam * (mean_N(f) - mean_n(f)),
    var(theta) = var(Y - lam f) / n + lam^2 var(f) / N,

which is unbiased for any fixed lam however bad the predictions are; they only decide how wide the
interval is. lam is tuned to the smallest variance, lam = cov(Y, f) / ((1 + n/N) var(f)) clipped
to [0, 1] (PPI++, Angelopoulos, Duchi and Zrnic, arXiv 2311.01453). Tuning costs something too:
the gain needs a correlation above about 1/sqrt(n - 2) (arXiv 2505.20178), which is said.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from graphs.items import FloatArray
from juries.calibration.interval import Interval, normal_interval


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanEstimate:
    """A mean estimated from people alone.

    Attributes:
        estimate: the mean.
        standard_error: of it.
        interval: around it.
        n: units labelled.
    """

    estimate: float
    standard_error: float
    interval: Interval
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PpiMean:
    """A mean estimated from labels and predictions together.

    Attributes:
        estimate: theta.
        standard_error: of theta.
        interval: around theta.
        lam: the weight given to the predictions, in [0, 1] where tuned; 0 is people only.
        n: units with a label.
        n_unlabelled: units with a prediction alone.
        people_only: the same mean from the labels alone.
        correlation: of labels and predictions over the labelled units; None where one is constant.
        threshold: the correlation below which predictions do not pay; None with two labels.
        pays: whether correlation and standard error both say that predictions helped.
        notes: what a reader must know, such as that predictions did not pay and why.
    """

    estimate: float
    standard_error: float
    interval: Interval
    lam: float
    n: int
    n_unlabelled: int
    people_only: MeanEstimate
    correlation: float | None
    threshold: float | None
    pays: bool
    notes: tuple[str, ...]

    @property
    def effective_labels(self) -> float:
        """How many labels alone would have given this standard error."""
        if self.standard_error == 0:
            return float("inf")
        return self.n * (self.people_only.standard_error / self.standard_error) ** 2

    def least_correlation(self, level: float = 0.95) -> float | None:
        """Lower end of the correlation's two-sided interval (Fisher's z); None where undefined."""
        if self.correlation is None or self.n <= 3:
            return None
        z = np.arctanh(np.clip(self.correlation, -1 + 1e-12, 1 - 1e-12))
        return float(np.tanh(z - ndtri(0.5 + level / 2) / np.sqrt(self.n - 3)))


def ppi_mean(
    labels: ArrayLike,
    predictions_labelled: ArrayLike,
    predictions_unlabelled: ArrayLike,
    *,
    lam: float | None = None,
    weights: ArrayLike | None = None,
    weights_unlabelled: ArrayLike | None = None,
    level: float = 0.95,
    small_sample: bool = False,
) -> PpiMean:
    """Estimate a population mean from labelled units and predictions on further units.

    Args:
        labels: people's value of each labelled unit, [n], at least two.
        predictions_labelled: the prediction for the same units, [n].
        predictions_unlabelled: predictions for units without a label, [N].
        lam: weight of the predictions; None tunes it, 1 is plain PPI, 0 people only.
        weights: of the labelled units, such as inverse inclusion probabilities of a planned
            sample; only their ratios matter. Where the plan's strata are known,
            `juries.calibration.ppi_planned` gives the sharper interval.
        weights_unlabelled: of the unlabelled units.
        level: of the intervals.
        small_sample: take variances with n - 1 and Student's t in place of the normal quantile,
            which below some 50 labels keeps the nominal coverage.

    Raises:
        ValueError: arrays of unlike length, fewer than two labels, no prediction, or numbers that
            are not finite.
    """
    y, f = (
        finite_column(labels, "labels"),
        finite_column(predictions_labelled, "predictions_labelled"),
    )
    rest = finite_column(predictions_unlabelled, "predictions_unlabelled")
    n, n_rest = len(y), len(rest)
    if len(f) != n:
        raise ValueError(f"{n} labels for {len(f)} predictions_labelled")
    if n < 2 or n_rest < 2:
        raise ValueError(f"needs two units on both sides, has {n} labelled and {n_rest} unlabelled")
    w, w_rest = _weights(weights, n, "weights"), _weights(weights_unlabelled, n_rest, "weights")
    degrees = int(small_sample)
    chosen = _tuned(y, f, rest, w, w_rest) if lam is None else float(lam)
    error = y - chosen * f
    rest_mean, error_mean = float((w_rest * rest).mean()), float((w * error).mean())
    variance_labels = _variance(w * (error - error_mean), degrees) / n
    variance_rest = _variance(w_rest * chosen * (rest - rest_mean), degrees) / n_rest
    standard_error = float(np.sqrt(variance_labels + variance_rest))
    people = _people_only(y, w, level=level, small_sample=small_sample)
    correlation = weighted_correlation(y, f, w)
    return ppi_result(
        estimate=error_mean + chosen * rest_mean,
        standard_error=standard_error,
        degrees=satterthwaite((variance_labels, n - 1), (variance_rest, n_rest - 1))
        if small_sample
        else None,
        level=level,
        lam=chosen,
        people_only=people,
        n_unlabelled=n_rest,
        correlation=correlation,
    )


def ppi_result(  # noqa: PLR0913 (one argument for each field of the result)
    *,
    estimate: float,
    standard_error: float,
    degrees: float | None,
    level: float,
    lam: float,
    people_only: MeanEstimate,
    n_unlabelled: int,
    correlation: float | None,
    basis: str | None = None,
    notes: tuple[str, ...] = (),
) -> PpiMean:
    """A `PpiMean` with its interval, and in words whether the predictions paid.

    `degrees` are those of Student's t; None for a normal interval.
    """
    n = people_only.n
    threshold = 1 / float(np.sqrt(n - 2)) if n > 2 else None
    said = list(notes)
    if correlation is None:
        said.append("predictions cannot help: they or the labels are constant")
    elif threshold is None or correlation <= threshold:
        limit = "undefined with two labels" if threshold is None else f"{threshold:.2f}"
        said.append(
            f"predictions do not pay: their correlation with people is {correlation:.2f}, "
            f"a gain needs more than about {limit} with {n} labels"
        )
    narrower = standard_error < people_only.standard_error
    pays = correlation is not None and threshold is not None and correlation > threshold
    if pays and not narrower:
        said.append("predictions do not pay: the interval is no narrower than people's own")
    return PpiMean(
        estimate=estimate,
        standard_error=standard_error,
        interval=normal_interval(
            estimate,
            standard_error,
            level=level,
            degrees=degrees,
            basis=basis or f"units, {'normal' if degrees is None else 'Student t'}",
        ),
        lam=lam,
        n=n,
        n_unlabelled=n_unlabelled,
        people_only=people_only,
        correlation=correlation,
        threshold=threshold,
        pays=pays and narrower,
        notes=tuple(said),
    )


def _tuned(
    y: FloatArray, f: FloatArray, rest: FloatArray, w: FloatArray, w_rest: FloatArray
) -> float:
    """The weight of smallest variance; 0 where the predictions are constant.

    The covariance comes from the labelled units, the variance from all, as PPI++ has it; with
    weights both are of the weighted influence around the plain PPI estimate.
    """
    centre = float((w_rest * rest).mean() + (w * (y - f)).mean())
    influence_y, influence_f = w * (y - centre), w * (f - centre)
    every = np.concatenate([influence_f, w_rest * (rest - centre)])
    variance = float(every.var(ddof=1))
    if variance <= np.finfo(np.float64).eps * max(1.0, float(np.mean(every**2))):
        return 0.0
    covariance = float(((influence_y - influence_y.mean()) * influence_f).mean())
    return float(np.clip(covariance / ((1 + len(y) / len(rest)) * variance), 0, 1))


def _people_only(y: FloatArray, w: FloatArray, *, level: float, small_sample: bool) -> MeanEstimate:
    n, estimate = len(y), float((w * y).mean())
    error = float(np.sqrt(_variance(w * (y - estimate), int(small_sample)) / n))
    return MeanEstimate(
        estimate=estimate,
        standard_error=error,
        interval=normal_interval(
            estimate,
            error,
            level=level,
            degrees=n - 1 if small_sample else None,
            basis=f"units, {'Student t' if small_sample else 'normal'}",
        ),
        n=n,
    )


def satterthwaite(*parts: tuple[float, int]) -> float:
    """Degrees of freedom of a sum of (variance, degrees) estimated independently."""
    total = sum(variance for variance, _ in parts)
    spread = sum(variance**2 / degrees for variance, degrees in parts)
    return total**2 / spread if spread > 0 else float(min(degrees for _, degrees in parts))


def _variance(values: FloatArray, degrees: int) -> float:
    return float(values.var(ddof=degrees))


def weighted_correlation(y: FloatArray, f: FloatArray, w: FloatArray) -> float | None:
    """Pearson's correlation under weights; None where either side is constant."""
    y, f = y - (w * y).sum() / w.sum(), f - (w * f).sum() / w.sum()
    scale = float(np.sqrt((w * y**2).sum() * (w * f**2).sum()))
    small = np.finfo(np.float64).eps * (np.abs(y).max() + np.abs(f).max())
    return float((w * y * f).sum()) / scale if scale > small else None


def finite_column(values: ArrayLike, name: str) -> FloatArray:
    """One finite number for each unit.

    Raises:
        ValueError: another shape, or a number that is not finite.
    """
    column = np.asarray(values, dtype=np.float64)
    if column.ndim != 1:
        raise ValueError(f"{name} has shape {column.shape}; expected one number for each unit")
    if not np.isfinite(column).all():
        raise ValueError(f"{name} holds numbers that are not finite; leave those units out")
    return column


def _weights(weights: ArrayLike | None, n: int, name: str) -> FloatArray:
    if weights is None:
        return np.ones(n)
    column = finite_column(weights, name)
    if len(column) != n or not (column > 0).all():
        raise ValueError(f"{name} must hold one positive number for each of {n} units")
    return column * (n / column.sum())
