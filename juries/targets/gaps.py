"""What to move, and for whom: achieved utility against the best that the responses reach.

Per model and group: the group's mean utility for the model's responses, its mean for the best
response to each item, and how that best response differs in the space of goals (the rubric's
criteria, and simple features of the text).

The best of noisy means looks better than it is. So the best response is chosen by one half of the
group and valued by the other, and the two directions are averaged (cross-fitting).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphs.minds.psychometric.features import FEATURES, read_text
from juries.measures.estimates import Estimate, mean_estimates
from juries.targets.evidence import Evidence, labelled_groups, require_two_responses
from juries.targets.pairs import JURY
from juries.targets.provenance import Provenance
from personas.identity import generator

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

FEW = 4
"""Groups with fewer jurors cannot be halved; their best is chosen and valued by all of them."""

_SPLITS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One coordinate of the vector from a model's response to the group's best one.

    Attributes:
        goal: a criterion, or a text feature (`text: length` …).
        change: mean of best less achieved, both as the whole group rates them (so the choice of
            the best enters here, unlike in `Gap.gap`).
    """

    goal: str
    change: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """One model for one group.

    Attributes:
        model: whose responses.
        group: `jury`, or a group such as `outlook=decisive`.
        jurors: in the group.
        achieved: mean utility of the model's responses.
        reachable: mean utility of the best response to each item.
        gap: reachable less achieved, over the same items.
        moves: the vector from achieved to best, largest first within criteria and within features.
        best: how often each model has the group's best response, as shares of the items.
        crossfitted: whether the best was chosen by other jurors than those who valued it.
    """

    model: str
    group: str
    jurors: int
    achieved: Estimate
    reachable: Estimate
    gap: Estimate
    moves: tuple[Move, ...]
    best: Mapping[str, float]
    crossfitted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """All models and groups, the largest gap first."""

    gaps: tuple[Gap, ...]
    provenance: Provenance


def gaps(
    evidence: Evidence,
    *,
    groups: Sequence[str] = (),
    resamples: int = 1000,
    level: float = 0.95,
) -> Gaps:
    """Gaps of every model for the jury and every group.

    Args:
        evidence: a run's utilities.
        groups: attributes of the jurors.
        resamples: of the items.
        level: coverage of the intervals.

    Raises:
        InputError: no item has two responses, or the jurors lack an attribute named.
    """
    require_two_responses(evidence)
    whose = {JURY: np.ones(len(evidence.jurors), dtype=np.bool_)}
    whose |= labelled_groups(evidence, groups)
    features = _features(evidence)
    found: list[Gap] = []
    for name, members in whose.items():
        group = _Group(evidence, name, members, features)
        found.extend(group.gap(model, resamples, level) for model in range(len(evidence.models)))
    found.sort(key=lambda gap: -(gap.gap.value or 0.0))
    return Gaps(
        gaps=tuple(found),
        provenance=evidence.origin.of(
            "gaps",
            settings={"groups": list(groups), "resamples": resamples},
            notes=(
                "Text features describe how responses differ; that changing one of them would "
                "close the gap is not shown.",
            ),
        ),
    )


class _Group:
    """One group's means, and its best response to each item."""

    def __init__(
        self, evidence: Evidence, name: str, members: BoolArray, features: FloatArray
    ) -> None:
        self._evidence = evidence
        self._name = name
        self._features = features
        self._seats = np.flatnonzero(members & (evidence.weights > 0))
        self._crossfitted = len(self._seats) >= FEW
        self._means = self._mean(evidence.utilities, self._seats)
        self._by_criterion = np.stack(
            [self._mean(part, self._seats) for part in evidence.by_criterion]
        )
        self._shares, self._reachable = self._best()

    def _mean(self, utilities: NDArray[np.floating], seats: NDArray[np.intp]) -> FloatArray:
        """Weighted mean over seats, [models, items]; NaN where none of them rated it."""
        values = utilities[..., seats].astype(np.float64)
        there = ~np.isnan(values)
        weights = self._evidence.weights[seats]
        total = there @ weights
        summed = np.where(there, values, 0.0) @ weights
        return np.divide(summed, total, out=np.full_like(total, np.nan), where=total > 0)

    def _best(self) -> tuple[FloatArray, FloatArray]:
        """How surely each model has the best response [models, items], and its value [items]."""
        halves = list(self._halves())
        shares = np.zeros(self._means.shape)
        values = np.zeros(self._means.shape[1])
        for choosing, valuing in halves:
            by, of = (self._mean(self._evidence.utilities, part) for part in (choosing, valuing))
            usable = ~(np.isnan(by) | np.isnan(of))
            top = np.argmax(np.where(usable, by, -np.inf), axis=0)
            taken = np.arange(len(by))[:, None] == top
            shares += taken & usable
            values += np.where(usable.any(axis=0), of[top, np.arange(by.shape[1])], np.nan)
        # Whoever has no usable value has no best either: NaN in `values` leaves the item out.
        return shares / len(halves), values / len(halves)

    def _halves(self) -> Iterable[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        if not self._crossfitted:
            yield self._seats, self._seats
            return
        rng = generator(self._evidence.seed, "targets", "gaps", self._name)
        for _ in range(_SPLITS):
            dealt = rng.permutation(self._seats)
            first, second = dealt[: len(dealt) // 2], dealt[len(dealt) // 2 :]
            yield first, second
            yield second, first

    def gap(self, model: int, resamples: int, level: float) -> Gap:
        """The gap of one model, intervals over items on shared resamples."""
        achieved = self._means[model]
        held = self._shares.sum(axis=0)
        toward = np.divide(self._shares, held, out=np.zeros_like(self._shares), where=held > 0)
        compared = ~np.isnan(achieved) & ~np.isnan(self._reachable) & (held > 0)
        goals = np.concatenate([self._by_criterion, self._features])
        best = np.einsum("mi,gmi->gi", toward, np.nan_to_num(goals))
        moves = best - goals[:, model]
        columns = np.column_stack([achieved, self._reachable, self._reachable - achieved, *moves])
        columns[~compared] = np.nan
        estimates = mean_estimates(
            columns,
            resampled="items",
            resamples=resamples,
            level=level,
            rng=generator(self._evidence.seed, "targets", "gaps", "items"),
        )
        criteria = len(self._evidence.criteria)
        names = [*self._evidence.criteria, *(f"text: {feature}" for feature in FEATURES)]
        moved = [Move(goal=n, change=e) for n, e in zip(names, estimates[3:], strict=True)]
        return Gap(
            model=self._evidence.models[model],
            group=self._name,
            jurors=len(self._seats),
            achieved=estimates[0],
            reachable=estimates[1],
            gap=estimates[2],
            moves=(*sorted(moved[:criteria], key=_size), *sorted(moved[criteria:], key=_size)),
            best=self._best_shares(toward, compared),
            crossfitted=self._crossfitted,
        )

    def _best_shares(self, toward: FloatArray, compared: BoolArray) -> dict[str, float]:
        items = max(int(compared.sum()), 1)
        shares = toward[:, compared].sum(axis=1) / items
        return dict(zip(self._evidence.models, shares.tolist(), strict=True))


def _size(move: Move) -> float:
    return -abs(move.change.value or 0.0)


def _features(evidence: Evidence) -> FloatArray:
    """Text features of every response, [features, models, items]; NaN where there is none."""
    table = np.full((len(FEATURES), len(evidence.models), len(evidence.items)), np.nan)
    place = {model: at for at, model in enumerate(evidence.models)}
    for at, item in enumerate(evidence.items):
        for response in item.responses:
            table[:, place[response.model], at] = read_text(item.prompt, response.text).quality
    return table
