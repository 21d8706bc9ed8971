"""Two groups of jurors compared within items, and the standard error of their difference.

- `Compared`: what each answer counts in the difference, by least squares within items.
- `crossed_error`: V_J + V_I - V_E, jurors and items being samples that cross each other.

Used by `juries.measures.group_effects`, which says what they mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from juries.measures.resampling import FloatArray

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compared:
    """Compared items and what each answer on them counts; arrays [2 sides, compared items, jurors].

    Attributes:
        both: which items both sides rated, [items].
        items: what each compared item counts, sums to 1.
        gaps: the sides' difference on each compared item.
        cells: what each answer counts; sums to 1 on each side.
        within: answers less their side's mean on the item; 0 where there is none.
        strays: what an answer owes to its item's difference from the effect, [2, compared items].
        complete: whether every juror rated every compared item.
    """

    both: BoolArray
    items: FloatArray
    gaps: FloatArray
    cells: FloatArray
    within: FloatArray
    strays: FloatArray
    complete: bool

    @classmethod
    def of(cls, table: FloatArray, sides: FloatArray) -> Compared:
        """Compare the sides of weights `sides` [2, jurors] on `table` [items, jurors]."""
        valid = np.isfinite(table)
        mass = sides[:, None, :] * valid
        both = (mass.sum(axis=2) > 0).all(axis=0)
        mass, values = mass[:, both], np.where(valid, table, 0.0)[both]
        total = mass.sum(axis=2)
        means = (mass * values).sum(axis=2) / total
        worth = total[0] * total[1] / total.sum(axis=0)
        items = worth / worth.sum()
        gaps = means[0] - means[1]
        there = mass > 0
        within = np.where(there, values - means[..., None], 0.0)
        return cls(
            both=both,
            items=items,
            gaps=gaps,
            cells=items[:, None] * mass / total[..., None],
            within=within,
            strays=np.stack([total[1], -total[0]]) / total.sum(axis=0),
            complete=bool((there.sum(axis=1) == there.any(axis=1) * there.shape[1]).all()),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossedError:
    """Uncertainty of a difference.

    Attributes:
        variance: squared standard error; 0 where answers do not vary.
        freedom: Satterthwaite's degrees of freedom.
        from_jurors: share of the variance that more jurors would lower.
    """

    variance: float
    freedom: float
    from_jurors: float

    @property
    def root(self) -> float:
        """The standard error."""
        return float(np.sqrt(self.variance))


def crossed_error(compared: Compared) -> CrossedError:
    """Squared standard error and its degrees of freedom."""
    jurors = [_between_jurors(compared, side) for side in (0, 1)]
    shares, gaps = compared.items, compared.gaps
    of_items = _between(shares, shares * (gaps - shares @ gaps))
    chance = [
        _chance(cells, within)
        for cells, within in zip(compared.cells, compared.within, strict=True)
    ]
    v_jurors, v_items = sum(part[0] for part in jurors), of_items[0]
    v_chance = sum(part[0] for part in chance)
    parts = [*jurors, of_items, *chance]
    variance = v_jurors + v_items - v_chance
    if v_items < v_chance or v_jurors < v_chance:  # a component cut at 0
        variance = max(v_jurors, v_items)
        parts = jurors if v_jurors >= v_items else [of_items]
    doubt = sum(part**2 / freedom for part, freedom in parts if part > 0)
    return CrossedError(
        variance=variance,
        freedom=variance**2 / doubt if doubt > 0 else 1.0,
        from_jurors=min(1.0, v_jurors / variance) if variance > 0 else 0.0,
    )


def _between(share: FloatArray, sums: FloatArray) -> tuple[float, float]:
    """Variance of a weighted mean of units from their contributions, and its degrees of freedom.

    A unit's distance from the mean has the variance (1 - 2 p + Σp²) σ², p its share of the mean.
    """
    seated = share > 0
    p = share[seated]
    squares = float(p @ p)
    return float(np.sum(sums[seated] ** 2 / (1 - 2 * p + squares))), 1 / squares - 1


def _between_jurors(compared: Compared, side: int) -> tuple[float, float]:
    """Variance due to one side's jurors, single answers included, and its degrees of freedom.

    Least squares leaves T_j = Σ_k B_jk juror_k + chance of what juror j contributes, where
    p_j juror_j is due: T_j² is therefore scaled by p_j² / Σ_k B_jk² (on complete ratings the same
    as in `_between`).
    """
    cells, stray = compared.cells[side], compared.strays[side][:, None]
    p = cells.sum(axis=0)
    there = cells > 0
    gap = (compared.gaps - compared.items @ compared.gaps)[:, None]
    sums = (cells * (compared.within[side] + np.where(there, stray * gap, 0.0))).sum(axis=0)
    if compared.complete:
        return _between(p, sums)
    own = cells / compared.items[:, None]
    other = compared.cells[1 - side] / compared.items[:, None]
    means, bent = cells.T @ own, (cells * stray).T
    sign = 1.0 if side == 0 else -1.0
    b_own = np.diag(p) - means + sign * (bent @ own - np.outer(bent.sum(axis=1), p))
    b_other = bent @ other - np.outer(bent.sum(axis=1), compared.cells[1 - side].sum(axis=0))
    left = (b_own**2).sum(axis=1) + (b_other**2).sum(axis=1)
    kept = p > 0
    scale = np.divide(p**2, left, out=np.zeros_like(p), where=left > 1e-12 * p**2)
    return float(np.sum(scale[kept] * sums[kept] ** 2)), float(p.sum() ** 2 / np.sum(p**2)) - 1


def _chance(cells: FloatArray, within: FloatArray) -> tuple[float, float]:
    """Variance due to single answers on one side, and its degrees of freedom; 0 if unidentified."""
    there = cells > 0
    by_juror = cells.sum(axis=0)
    own = (cells * within).sum(axis=0) / np.where(by_juror > 0, by_juror, 1.0)
    left = np.where(there, within - own, 0.0)
    answers = int(there.sum())
    freedom = answers - int(there.any(axis=1).sum()) - int(there.any(axis=0).sum()) + 1
    if freedom < 1:
        return 0.0, 1.0
    return float(np.sum((cells * left) ** 2)) * answers / freedom, float(freedom)
