"""The alternative annotator test: may a machine stand in for one of the annotators?

For every annotator h the machine and h are scored against the *other* annotators of the same
instances. With W_f = 1{S_f >= S_h} and W_h = 1{S_h >= S_f}, a one-sided t-test rejects
mean(W_h - W_f) >= epsilon; the tests of all annotators are corrected together by
Benjamini-Yekutieli. The winning rate is the share of annotators rejected, the advantage
probability the mean over annotators of mean W_f (Calderon, Reichart and Dror, arXiv 2501.10970).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from graphs.items import FloatArray
from juries.calibration.interval import Interval, normal_interval
from personas.errors import InputError

Score = Literal["accuracy", "neg_rmse"]
IntArray = NDArray[np.int64]
Labels = Mapping[Any, Any]
_PASS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotatorComparison:
    """The machine against one annotator.

    Attributes:
        annotator: who was left out.
        instances: instances compared, n.
        machine_wins: mean W_f, the share where the machine is at least as close to the others.
        annotator_wins: mean W_h, the share where the annotator is at least as close.
        p_value: of the one-sided t-test that the annotator's lead is below epsilon.
        rejected: whether the correction over all annotators lets the machine win here.
    """

    annotator: str
    instances: int
    machine_wins: float
    annotator_wins: float
    p_value: float
    rejected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AltTest:
    """Result of the alternative annotator test.

    Attributes:
        winning_rate: share of tested annotators the machine wins against.
        advantage_probability: mean over annotators of `machine_wins`.
        interval: of the advantage probability, linearised and clustered by instance; the winning
            rate is the outcome of a test and has none.
        passed: whether the winning rate reaches 0.5.
        score: how closeness to the others is measured.
        epsilon: the lead an annotator is granted for what people cost.
        annotators: one row for each annotator tested.
        skipped: annotators with too few instances to test, and how many they had.
        dropped: instances left out for want of a second annotator or of a machine label.
    """

    winning_rate: float
    advantage_probability: float
    interval: Interval
    passed: bool
    score: Score
    epsilon: float
    annotators: tuple[AnnotatorComparison, ...]
    skipped: Mapping[str, int]
    dropped: int


def alt_test(
    human: Mapping[Any, Labels],
    machine: Labels,
    score: Score = "accuracy",
    epsilon: float = 0.2,
    *,
    fdr: float = 0.05,
    min_instances: int = 30,
    level: float = 0.95,
) -> AltTest:
    """Test whether the machine may replace a recruited annotator.

    Args:
        human: label by instance, for each annotator.
        machine: the machine's label by instance.
        score: `accuracy` (share of the others with the same label) or `neg_rmse` (minus the root
            mean squared difference from them; labels are numbers).
        epsilon: the lead granted to people: 0.2 for experts, 0.15 for skilled annotators, 0.1 for
            crowd workers are the authors' suggestions.
        fdr: false discovery rate of the correction over annotators.
        min_instances: annotators with fewer instances are not tested.
        level: of the interval.

    Raises:
        InputError: fewer than two annotators, no instance they share with each other and the
            machine, nobody with enough instances, or labels that are not numbers.
    """
    if score not in ("accuracy", "neg_rmse"):
        raise ValueError(f"score is 'accuracy' or 'neg_rmse', not {score!r}")
    if len(human) < 2:
        raise InputError(
            "the alt-test leaves one annotator out and needs others to compare with",
            found=f"{len(human)} annotator",
            expected="at least 2 annotators",
        )
    table = _table(human, machine, numeric=score == "neg_rmse")
    lead = _lead(table) if score == "accuracy" else _distance_lead(table)
    counts = np.bincount(table.annotator, minlength=len(human))
    tested = np.flatnonzero(counts >= min_instances)
    if not len(tested):
        raise InputError(
            f"no annotator shares {min_instances} instances with the machine and the others",
            found=f"at most {counts.max(initial=0)}",
            hint="Collect more answers; the t-test needs about 30 instances for each annotator.",
        )
    names = [str(annotator) for annotator in human]
    rows = _compare(names, table.annotator, lead, counts, tested, epsilon=epsilon, fdr=fdr)
    wins = np.zeros(len(human))
    wins[tested] = [row.machine_wins for row in rows]
    winning_rate = float(np.mean([row.rejected for row in rows]))
    return AltTest(
        winning_rate=winning_rate,
        advantage_probability=float(wins[tested].mean()),
        interval=_interval(table, lead >= 0, tested, wins, level),
        passed=winning_rate >= _PASS,
        score=score,
        epsilon=epsilon,
        annotators=rows,
        skipped={
            name: int(count)
            for name, count in zip(names, counts, strict=True)
            if count < min_instances
        },
        dropped=table.dropped,
    )


def _compare(
    names: list[str],
    annotator: IntArray,
    lead: NDArray[Any],
    counts: IntArray,
    tested: IntArray,
    *,
    epsilon: float,
    fdr: float,
) -> tuple[AnnotatorComparison, ...]:
    """One row for each annotator tested."""
    machine_wins = _means(annotator, lead >= 0, counts)
    annotator_wins = _means(annotator, lead <= 0, counts)
    p_values = _p_values(annotator, lead, counts, epsilon)[tested]
    rejected = _benjamini_yekutieli(p_values, fdr)
    order: list[int] = tested.tolist()
    return tuple(
        AnnotatorComparison(
            annotator=names[h],
            instances=int(counts[h]),
            machine_wins=float(machine_wins[h]),
            annotator_wins=float(annotator_wins[h]),
            p_value=float(p),
            rejected=bool(won),
        )
        for h, p, won in zip(order, p_values, rejected, strict=True)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """One row per annotator and kept instance: positions, both labels, annotators per instance."""

    annotator: IntArray
    instance: IntArray
    label: NDArray[Any]
    machine: NDArray[Any]
    size: IntArray
    dropped: int


def _table(human: Mapping[Any, Labels], machine: Labels, *, numeric: bool) -> _Table:
    """Rows of the instances with two annotators or more and a machine label."""
    position: dict[Hashable, int] = {}
    code: dict[Hashable, int] = {}
    instances = np.array(
        [position.setdefault(i, len(position)) for labels in human.values() for i in labels],
        dtype=np.int64,
    )
    owners = np.repeat(np.arange(len(human)), [len(labels) for labels in human.values()])
    flat = [label for labels in human.values() for label in labels.values()]
    if numeric:
        own = _numbers(flat)
    else:
        own = np.array([code.setdefault(label, len(code)) for label in flat], dtype=np.int64)
    known = np.array([i in machine for i in position], dtype=np.bool_)
    kept = (np.bincount(instances, minlength=len(position)) >= 2) & known
    if not kept.any():
        raise InputError(
            "no instance has both a machine label and two annotators",
            found=f"{len(position)} instances of people, {len(machine)} of the machine",
            hint="Check that both sides name instances the same way.",
        )
    judged = [machine[i] for i, keep in zip(position, kept, strict=True) if keep]
    answers = np.zeros(len(position), dtype=np.float64 if numeric else np.int64)
    if numeric:
        answers[kept] = _numbers(judged)
    else:
        answers[kept] = [code.setdefault(label, len(code)) for label in judged]
    rows = np.flatnonzero(kept[instances])
    instance = (np.cumsum(kept) - 1)[instances[rows]]
    return _Table(
        annotator=owners[rows],
        instance=instance,
        label=own[rows],
        machine=answers[kept][instance],
        size=np.bincount(instance)[instance],
        dropped=int((~kept).sum()),
    )


def _numbers(labels: list[Any]) -> FloatArray:
    try:
        numbers = np.array(labels, dtype=np.float64)
    except (TypeError, ValueError):
        wrong = next(label for label in labels if not isinstance(label, int | float))
        raise InputError(
            "neg_rmse compares numbers", found=wrong, hint="Use accuracy for named labels."
        ) from None
    if not np.isfinite(numbers).all():
        raise InputError("a label is not a finite number", hint="Leave missing labels out.")
    return numbers


def _lead(table: _Table) -> IntArray:
    """How many more of the others agree with the machine than with the annotator, per row."""
    codes = int(max(table.label.max(), table.machine.max())) + 1
    keys = table.instance * codes
    votes = np.bincount((keys + table.label).astype(np.int64), minlength=keys.max() + codes)
    with_annotator = votes[(keys + table.label).astype(np.int64)] - 1
    with_machine = votes[(keys + table.machine).astype(np.int64)] - (table.label == table.machine)
    return cast("IntArray", with_machine - with_annotator)


def _distance_lead(table: _Table) -> FloatArray:
    """How much nearer the machine is to the others' mean than the annotator, per row.

    Both are scored against the same others, so the order of their root mean squared differences
    is that of their distances from the others' mean; multiplied by the number of others, integer
    labels are compared exactly.
    """
    others = table.size - 1
    total = np.bincount(table.instance, weights=table.label)[table.instance] - table.label
    return np.abs(others * table.label - total) - np.abs(others * table.machine - total)


def _means(group: IntArray, values: NDArray[Any], counts: IntArray) -> FloatArray:
    sums = np.bincount(group, weights=values, minlength=len(counts))
    return sums / np.maximum(counts, 1)


def _p_values(
    annotator: IntArray, lead: NDArray[Any], counts: IntArray, epsilon: float
) -> FloatArray:
    """One-sided t-test per annotator that the mean of W_h - W_f lies below epsilon.

    Where all differences are equal there is no spread to test with: 0 where they lie below
    epsilon, else 1.
    """
    difference = -np.sign(lead)
    mean = _means(annotator, difference, counts)
    squares = np.bincount(
        annotator, weights=(difference - mean[annotator]) ** 2, minlength=len(counts)
    )
    degrees = np.maximum(counts - 1, 1)
    error = np.sqrt(squares / degrees / np.maximum(counts, 1))
    constant = np.where(mean < epsilon, 0.0, 1.0)
    spread = error > 0
    t = np.divide(mean - epsilon, error, out=np.zeros_like(mean), where=spread)
    return np.where(spread, stdtr(degrees, t), constant)


def _benjamini_yekutieli(p_values: FloatArray, fdr: float) -> NDArray[np.bool_]:
    """Which hypotheses fall at a false discovery rate under any dependence (2001)."""
    m = len(p_values)
    ranks = np.arange(1, m + 1)
    order = np.argsort(p_values, kind="stable")
    below = np.flatnonzero(p_values[order] <= ranks * fdr / (m * (1 / ranks).sum()))
    rejected = np.zeros(m, dtype=np.bool_)
    if len(below):
        rejected[order[: below[-1] + 1]] = True
    return rejected


def _interval(
    table: _Table, wins: NDArray[np.bool_], tested: IntArray, means: FloatArray, level: float
) -> Interval:
    """Normal interval of the mean of means from each instance's influence on it."""
    counts = np.bincount(table.annotator, minlength=len(means))
    share = np.zeros(len(means))
    share[tested] = 1 / (counts[tested] * len(tested))
    influence = np.bincount(
        table.instance, weights=(wins - means[table.annotator]) * share[table.annotator]
    )
    error = float(np.sqrt((influence**2).sum()))
    centre = float(means[tested].mean())
    return normal_interval(centre, error, level=level, basis="instances, linearised")
