"""How far groups of jurors differ in what they say, with an interval that covers.

- `group_effects`: each group against all other jurors, model by model.
- `group_difference`: one group against another.

Jurors and items are both samples, crossed with each other. The standard error therefore adds what
jurors and what items contribute and takes away the chance in single answers that both contain; a
percentile bootstrap of items and jurors counts that chance three times (Owen 2007, arXiv
0712.1111). Measured coverage: `benchmarks/coverage.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from juries.measures.crossed_errors import Compared, CrossedError, crossed_error
from juries.measures.estimates import Estimate, undefined
from juries.measures.resampling import FloatArray

METHOD = "items and jurors (crossed standard error)"
"""What varies from sample to sample; nothing is resampled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupEffect:
    """Mean of one group less that of another, compared within items.

    Attributes:
        model: whose responses.
        group: label of the one group.
        against: label of the other.
        effect: the difference and its interval; the reason where either is undefined.
        standard_error: of the difference; None where there is no interval.
        degrees_of_freedom: of Student's t (Satterthwaite); None where there is no interval.
        from_jurors: share of the squared standard error that more jurors would lower, single
            answers included; the rest, that only more items would lower. None as above.
        p_value: two-sided, of no difference; None as above. With several groups these are as many
            tests: correct them before calling one a finding.
        jurors: jurors of the group with a valid answer on the items compared.
        other_jurors: those of the other group.
        items: items that both groups rated.
    """

    model: str
    group: str
    against: str
    effect: Estimate
    standard_error: float | None
    degrees_of_freedom: float | None
    from_jurors: float | None
    p_value: float | None
    jurors: int
    other_jurors: int
    items: int

    @property
    def reading(self) -> str:
        """What the figure says, in words."""
        who = f"{self.group} against {self.against} on {self.model}"
        effect = self.effect
        if effect.value is None:
            return f"{who}: undefined, {effect.reason}."
        if effect.low is None or effect.high is None or self.from_jurors is None:
            return f"{who}: {effect.value:+.3f}, without an interval: {effect.reason}."
        verdict = "differ" if effect.low > 0 or effect.high < 0 else "may not differ at all"
        scarce = "jurors" if self.from_jurors >= 0.5 else "items"
        return (
            f"{who}: {effect.value:+.3f} [{effect.low:+.3f}, {effect.high:+.3f}], so the groups "
            f"{verdict}; more {scarce} would narrow this most."
        )


def group_effects(
    utilities: ArrayLike,
    groups: Sequence[str],
    *,
    weights: ArrayLike | None = None,
    models: Sequence[str] | None = None,
    level: float = 0.95,
) -> tuple[GroupEffect, ...]:
    """Each group against all other jurors, for every model; groups in alphabetical order.

    Args:
        utilities: [models, items, jurors], utilities or ratings; NaN for no valid answer.
        groups: one label per juror.
        weights: one per juror, equal when None.
        models: names, `model 1` … when None.
        level: nominal coverage of the intervals.

    Raises:
        ValueError: shapes that do not match, infinite values, bad weights or level, fewer than
            two groups.
    """
    table = np.asarray(utilities, dtype=np.float64)
    if table.ndim != 3 or len(groups) != table.shape[2]:
        raise ValueError(
            f"{len(groups)} labels for utilities {table.shape}; expected [models, items, jurors]"
        )
    names = tuple(models or (f"model {at + 1}" for at in range(len(table))))
    labels = np.asarray(list(groups), dtype=np.str_)
    found: list[str] = np.unique(labels).tolist()
    if len(names) != len(table):
        raise ValueError(f"{len(names)} names for {len(table)} models")
    if len(found) < 2:
        raise ValueError("one group only: there are no other jurors to compare with")
    rest = {
        group: "the others" if len(found) > 2 else found[1 - at] for at, group in enumerate(found)
    }
    return tuple(
        group_difference(
            values,
            labels == group,
            labels != group,
            weights=weights,
            level=level,
            names=(model, group, rest[group]),
        )
        for model, values in zip(names, table, strict=True)
        for group in found
    )


def group_difference(
    values: ArrayLike,
    members: ArrayLike,
    others: ArrayLike,
    *,
    weights: ArrayLike | None = None,
    level: float = 0.95,
    names: tuple[str, str, str] = ("the responses", "members", "others"),
) -> GroupEffect:
    """Mean of `members` less that of `others`, in populations of jurors and items.

    With y_ij = item_i + group effect + (group x item)_i + juror_j + chance_ij, the effect is
    estimated by least squares within items: the mean over items of the groups' difference,
    weighted by W W' / (W + W'), W and W' being the weights of the jurors who rated the item on
    each side. On complete ratings every item counts the same. Items that only one side rated say
    nothing.

    The squared standard error is V_J + V_I - V_E (Cameron, Gelbach & Miller 2011, for crossed
    clusters): V_J from the differences between jurors of a group, V_I from those between items'
    differences, V_E the chance that is in both, from residuals after item and juror. On complete,
    equally weighted ratings each is unbiased. A part that comes out below 0 is cut there. The
    interval uses Student's t with Satterthwaite's degrees of freedom. Where ratings are too sparse
    to tell chance from jurors and items, V_E is 0 and the interval is too wide rather than too
    short.

    No interval, with a reason: fewer than two jurors on a side or two items that both sides rated,
    and answers that do not vary.

    Args:
        values: [items, jurors]; NaN for no valid answer.
        members: which jurors are of the group, [jurors] bool.
        others: which are of the other, [jurors] bool; none of both.
        weights: one per juror, equal when None; jurors of weight 0 are left out.
        level: nominal coverage in (0, 1).
        names: of the model and the two groups, for tables.

    Raises:
        ValueError: shapes that do not match, infinite values, a juror on both sides, bad weights
            or level.
    """
    table, sides = _checked(values, members, others, weights, level)
    compared = Compared.of(table, sides)
    effect, error = _estimate(compared, level)
    there = np.isfinite(table[compared.both]).any(axis=0)
    seats = ((sides > 0) & there).sum(axis=1).tolist()
    return GroupEffect(
        model=names[0],
        group=names[1],
        against=names[2],
        effect=effect,
        standard_error=None if error is None else error.root,
        degrees_of_freedom=None if error is None else error.freedom,
        from_jurors=None if error is None else error.from_jurors,
        p_value=None if error is None else _p_value(effect, error),
        jurors=seats[0],
        other_jurors=seats[1],
        items=int(compared.both.sum()),
    )


def _estimate(compared: Compared, level: float) -> tuple[Estimate, CrossedError | None]:
    items = int(compared.both.sum())
    if not items:
        return undefined("no item was rated by both groups", resampled=METHOD), None
    value = float(compared.items @ compared.gaps)
    reason = _too_few(compared)
    error = None if reason else crossed_error(compared)
    if error is None or error.root <= 1e-12 * max(1.0, abs(value)):
        reason = reason or "answers do not vary between jurors or items"
        bare = Estimate(value=value, resampled=METHOD, n=items, level=level, reason=reason)
        return bare, None
    reach = float(stdtrit(error.freedom, (1 + level) / 2)) * error.root
    low, high = value - reach, value + reach
    return Estimate(value=value, low=low, high=high, level=level, resampled=METHOD, n=items), error


def _p_value(effect: Estimate, error: CrossedError) -> float:
    return float(2 * stdtr(error.freedom, -abs(effect.value or 0.0) / error.root))


def _too_few(compared: Compared) -> str:
    if compared.both.sum() < 2:
        return "only one item was rated by both groups"
    if ((compared.cells.sum(axis=1) > 0).sum(axis=1) < 2).any():
        return "one juror on a side: how jurors differ cannot be seen"
    return ""


def _checked(
    values: ArrayLike,
    members: ArrayLike,
    others: ArrayLike,
    weights: ArrayLike | None,
    level: float,
) -> tuple[FloatArray, FloatArray]:
    """Values [items, jurors], and the sides' weights [2, jurors]."""
    table = np.asarray(values, dtype=np.float64)
    sides = np.stack([np.asarray(members, dtype=np.bool_), np.asarray(others, dtype=np.bool_)])
    if table.ndim != 2 or sides.shape[1:] != table.shape[1:]:
        raise ValueError(f"sides {sides.shape[1:]} for values {table.shape} [items, jurors]")
    if np.isinf(table).any():
        raise ValueError("values must be finite (NaN marks a missing one)")
    if sides.all(axis=0).any():
        raise ValueError("a juror is on both sides")
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; it must lie strictly between 0 and 1")
    share = np.ones(table.shape[1]) if weights is None else np.asarray(weights, dtype=np.float64)
    if share.shape != table.shape[1:] or not (np.isfinite(share) & (share >= 0)).all():
        raise ValueError("weights must be one finite number per juror, not negative")
    return table, sides * share
