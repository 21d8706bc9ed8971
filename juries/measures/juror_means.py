"""What each juror gets from each model on average, in every two-way bootstrap replicate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from juries.measures.resampling import FloatArray, item_multiplicities, juror_multiplicities
from juries.measures.welfare import check_weights


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JurorMeans:
    """Jurors' mean utilities; column 0 is the sample itself.

    Attributes:
        means: [models, jurors, 1 + B]; NaN where no item that the juror rated was drawn.
        masses: [jurors, 1 + B], weight times how often the juror was drawn.
    """

    means: FloatArray
    masses: FloatArray


def resampled_juror_means(
    utilities: FloatArray,
    *,
    rng: np.random.Generator,
    weights: ArrayLike | None = None,
    resamples: int = 1000,
) -> JurorMeans:
    """Mean utility per model and juror with items drawn again, and the jurors' drawn weights.

    Args:
        utilities: [models, items, jurors], finite and not negative, NaN missing.
        rng: source of the draws.
        weights: one per juror, equal when None.
        resamples: number of replicates B.

    Raises:
        ValueError: wrong shape, negative or infinite utilities, bad weights.
    """
    if utilities.ndim != 3 or min(utilities.shape) < 1:
        raise ValueError(
            f"utilities have shape {utilities.shape}; expected [models, items, jurors]"
        )
    if np.any((utilities < 0) | np.isinf(utilities)):
        raise ValueError("utilities must be finite and not negative (NaN marks a missing one)")
    models, items, jurors = utilities.shape
    shares = check_weights(weights, jurors)
    masses = np.ones((jurors, resamples + 1))
    masses[:, 1:] = juror_multiplicities(jurors, resamples, rng)
    sums, counts = np.zeros((2, models, jurors, resamples + 1))
    start = 0
    for drawn in item_multiplicities(items, resamples, rng):
        once = np.column_stack([np.ones(len(drawn)), drawn])
        block = utilities[:, start : start + len(drawn)]
        start += len(drawn)
        for model, part in enumerate(block):
            there = ~np.isnan(part)
            sums[model] += np.where(there, part, 0.0).T @ once
            counts[model] += there.T.astype(np.float64) @ once
    means = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
    return JurorMeans(means=means, masses=masses * shares[:, None])
