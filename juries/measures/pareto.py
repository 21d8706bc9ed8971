"""Pareto fronts and the hypervolume they dominate.

- `pareto_front(points)`: which points no other point dominates.
- `hypervolume(points, reference)`: exact, in any small number of objectives.

Conventions as in the optimisation literature: smaller is better unless `maximise`. In two
objectives the hypervolume is a sweep; in more, WFG's exclusive volumes (While et al. 2012, IEEE
Trans. Evol. Comput. 16), or `moocore` where it is installed.
"""

from __future__ import annotations

import importlib.util
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Backend = Literal["auto", "own", "moocore"]


def pareto_front(points: ArrayLike, *, maximise: bool = False) -> BoolArray:
    """Which points [points, objectives] no other dominates; equal points do not dominate.

    Raises:
        ValueError: another shape, or a value that is not finite.
    """
    values = _checked(points, maximise=maximise)
    better = (values[:, None, :] <= values[None, :, :]).all(axis=-1)
    strictly = better & (values[:, None, :] < values[None, :, :]).any(axis=-1)
    return ~np.asarray(strictly.any(axis=0), dtype=np.bool_)


def hypervolume(
    points: ArrayLike, reference: ArrayLike, *, maximise: bool = False, backend: Backend = "auto"
) -> float:
    """Volume between a set of points and a reference point that they dominate.

    Args:
        points: [points, objectives]; a point that does not dominate the reference adds nothing.
        reference: [objectives], the worst value of each objective that counts.
        maximise: whether larger is better in every objective.
        backend: `own`; `moocore` (an extra), which is faster from four objectives on; `auto` takes
            it there where it is installed.

    Returns:
        The volume; 0 where no point dominates the reference.

    Raises:
        ValueError: shapes that do not match or a value that is not finite.
        ImportError: `moocore` asked for and not installed.
    """
    sign = -1.0 if maximise else 1.0
    values = _checked(points, maximise=maximise)
    corner = sign * np.asarray(reference, dtype=np.float64)
    if corner.shape != values.shape[1:] or not np.isfinite(corner).all():
        raise ValueError(f"reference has shape {corner.shape}, expected {values.shape[1:]} finite")
    inside = values[(values < corner).all(axis=1)]
    if not len(inside):
        return 0.0
    inside = np.unique(inside[pareto_front(inside)], axis=0)
    if backend == "moocore" or (backend == "auto" and corner.size > 3 and _has_moocore()):
        import moocore

        return float(moocore.hypervolume(inside, ref=corner))
    return _volume(inside, corner)


def _checked(points: ArrayLike, *, maximise: bool) -> FloatArray:
    values = np.asarray(points, dtype=np.float64)
    if values.ndim != 2 or 0 in values.shape or not np.isfinite(values).all():
        raise ValueError(f"points have shape {values.shape}, expected [points, objectives] finite")
    return -values if maximise else values


def _has_moocore() -> bool:
    return importlib.util.find_spec("moocore") is not None


def _volume(front: FloatArray, corner: FloatArray) -> float:
    """Exact volume of mutually non-dominated points, smaller is better."""
    if corner.size == 1:
        return float(corner[0] - front[:, 0].min())
    if corner.size == 2:
        ordered = front[np.argsort(front[:, 0])]
        widths = np.diff(ordered[:, 0], append=corner[0])
        return float(widths @ (corner[1] - ordered[:, 1]))
    # Worst first in the last objective: later points then limit few dimensions of earlier ones.
    ordered = front[np.argsort(-front[:, -1], kind="stable")]
    total = 0.0
    for place, point in enumerate(ordered):
        total += float((corner - point).prod())
        limited = np.maximum(ordered[place + 1 :], point)
        if len(limited):
            # All limited points share the last coordinate: one objective less to slice.
            flat = np.unique(limited[:, :-1], axis=0)
            height = float(corner[-1] - point[-1])
            total -= height * _volume(flat[pareto_front(flat)], corner[:-1])
    return total
