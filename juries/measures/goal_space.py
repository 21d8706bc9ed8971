"""Steering in a space of goals: how far from the target, in which direction, at what cost.

`goal_space_error(source, goal, output)` follows arXiv 2505.23816: with the request r = goal -
source, the movement m = output - source and the error e = output - goal,

- steering error: |e|;
- miscalibration: |<e, r>| / |r|^2, the error along the request, as a share of it; the signed
  value says whether the model overshoots (positive) or falls short (negative);
- side effects: |e - proj_r e| / |m|, the movement that nobody asked for as a share of all,
  clipped to [0, 1] (the paper calls it orthogonality).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juries.measures.estimates import Estimate, mean_estimates

FloatArray = NDArray[np.float64]

_STILL = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GoalSpaceError:
    """Errors of steering, means over cases with intervals over cases.

    Attributes:
        steering_error: mean |e|.
        miscalibration: mean |<e, r>| / |r|^2.
        overshoot: mean <e, r> / |r|^2: positive beyond the request, negative short of it.
        side_effects: mean share of unrequested movement.
        by_case: [cases, 4] in that order; NaN where undefined.
        no_request: cases whose goal is their source: only their steering error is defined.
        unmoved: cases whose output is their source: nothing moved, so side effects count 0.
        missing: cases with a coordinate missing, left out.
    """

    steering_error: Estimate
    miscalibration: Estimate
    overshoot: Estimate
    side_effects: Estimate
    by_case: FloatArray
    no_request: int
    unmoved: int
    missing: int


def goal_space_error(
    source: ArrayLike,
    goal: ArrayLike,
    output: ArrayLike,
    *,
    resamples: int = 1000,
    rng: np.random.Generator | None = None,
) -> GoalSpaceError:
    """Steering error, miscalibration and side effects of steered outputs.

    Args:
        source: [cases, goals] or [goals]: where each text stood, such as reading level and
            formality, each scaled to [0, 1].
        goal: where it was asked to go, the same shape.
        output: where it went, the same shape.
        resamples: bootstrap resamples of the cases.
        rng: source of the resamples; a fixed stream when None.

    Raises:
        ValueError: shapes that differ, or an infinite coordinate.
    """
    z0, target, z = (
        np.atleast_2d(np.asarray(part, dtype=float)) for part in (source, goal, output)
    )
    if not (z0.shape == target.shape == z.shape) or z0.ndim != 2 or z0.size == 0:
        raise ValueError(f"source, goal and output differ: {z0.shape}, {target.shape}, {z.shape}")
    if np.isinf([z0, target, z]).any():
        raise ValueError("a coordinate is infinite")
    whole = ~np.isnan([z0, target, z]).any(axis=(0, 2))
    r, m, e = target - z0, z - z0, z - target
    request = (r**2).sum(axis=1)
    along = (e * r).sum(axis=1)
    asked = whole & (request > _STILL)
    signed = np.divide(along, request, out=np.full_like(along, np.nan), where=asked)
    aside = np.linalg.norm(e - np.nan_to_num(signed)[:, None] * r, axis=1)
    moved = np.linalg.norm(m, axis=1)
    still = moved <= _STILL
    share = np.divide(aside, moved, out=np.zeros_like(aside), where=~still & whole)
    side = np.where(asked, np.clip(np.where(still, 0.0, share), 0.0, 1.0), np.nan)
    error = np.where(whole, np.linalg.norm(e, axis=1), np.nan)
    by_case = np.column_stack([error, np.abs(signed), signed, side])
    found = mean_estimates(by_case, resampled="cases", resamples=resamples, rng=rng)
    return GoalSpaceError(
        steering_error=found[0],
        miscalibration=found[1],
        overshoot=found[2],
        side_effects=found[3],
        by_case=by_case,
        no_request=int((whole & ~asked).sum()),
        unmoved=int((asked & still).sum()),
        missing=int((~whole).sum()),
    )
