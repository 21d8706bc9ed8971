"""Comparing responses two by two, for one set of jurors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from juries.measures.resampling import juror_multiplicities
from juries.measures.welfare_functions import PowerMean, WelfareFunction
from juries.measures.welfare_kernels import block_welfare
from juries.targets.evidence import Evidence
from personas.errors import InputError

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

UTILITARIAN = PowerMean(power=1.0)
JURY = "jury"

TIE = 1e-9
"""Margins up to it are ties: float32 ratings carry about seven digits."""

_BLOCK = 512
"""Items at a time; a block of replicates then stays within some megabytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSettings:
    """How pairs are made and which are kept.

    Attributes:
        welfare: what makes one response better than another.
        pairs: `widest`: of each item the pair with the largest margin that passes the filters;
            or `all` that pass.
        groups: attributes whose levels say whether a pair is a Pareto improvement.
        pareto_only: keep only pairs in which no group of `groups` loses and one gains.
        min_margin: smallest margin kept.
        min_agreement: smallest share of the weight that prefers the chosen response.
        min_confidence: smallest share of resampled juries with the same order.
        min_answered: smallest share of the weight asked that must have rated both responses.
        resamples: of jurors, for the confidence.
    """

    welfare: WelfareFunction = UTILITARIAN
    pairs: Literal["widest", "all"] = "widest"
    groups: tuple[str, ...] = ()
    pareto_only: bool = False
    min_margin: float = 0.0
    min_agreement: float = 0.0
    min_confidence: float = 0.0
    min_answered: float = 0.5
    resamples: int = 200

    def __post_init__(self) -> None:
        if self.pareto_only and not self.groups:
            raise InputError(
                "a Pareto-improving set needs groups", hint="Name an attribute of the jurors."
            )
        for name in ("min_margin", "min_agreement", "min_confidence", "min_answered"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} is {getattr(self, name)}", expected="0 to 1")

    def described(self) -> dict[str, object]:
        """The settings as plain values, for the provenance."""
        return {
            "pairs": self.pairs,
            "groups": list(self.groups),
            "pareto_only": self.pareto_only,
            "min_margin": self.min_margin,
            "min_agreement": self.min_agreement,
            "min_confidence": self.min_confidence,
            "min_answered": self.min_answered,
            "resamples": self.resamples,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferencePair:
    """One comparison: `chosen` has the higher welfare.

    Attributes:
        item: position of the item.
        chosen: model of the better response.
        rejected: model of the worse one.
        group: whose preference it is: `jury`, or a group such as `outlook=decisive`.
        margin: welfare of the chosen response less that of the rejected, in (0, 1].
        welfare_chosen: of the chosen response.
        welfare_rejected: of the rejected one.
        agreement: share of the weight that rates the chosen response higher.
        opposed: share that rates it lower; the rest rates both the same.
        confidence: share of resampled juries that order them so; ties count half.
        jurors: how many rated both.
        pareto: whether no group loses and one gains; None where no groups were named.
        worst_group: the group that gains least, or loses most; None as above.
        worst_group_margin: its margin under the same welfare function; None as above.
    """

    item: int
    chosen: str
    rejected: str
    group: str
    margin: float
    welfare_chosen: float
    welfare_rejected: float
    agreement: float
    opposed: float
    confidence: float
    jurors: int
    pareto: bool | None = None
    worst_group: str | None = None
    worst_group_margin: float | None = None


class Comparison:
    """Compares responses item by item for one set of jurors."""

    def __init__(
        self,
        evidence: Evidence,
        settings: PairSettings,
        members: BoolArray,
        rng: np.random.Generator,
    ) -> None:
        self._evidence = evidence
        self._settings = settings
        self._seats = np.flatnonzero(members & (evidence.weights > 0))
        weights = evidence.weights[self._seats]
        self._weights = weights / weights.sum()
        drawn = juror_multiplicities(len(self._seats), settings.resamples, rng)
        self._masses = np.column_stack([self._weights, drawn * self._weights[:, None]])

    def pairs(self, dropped: Counter[str]) -> Iterator[list[PreferencePair]]:
        """The comparisons of every item that are no tie, in study order."""
        items = len(self._evidence.items)
        for start in range(0, items, _BLOCK):
            stop = min(start + _BLOCK, items)
            block = self._evidence.utilities[:, start:stop, self._seats].astype(np.float64)
            yield from self._block(block, start, dropped)

    def _block(
        self, block: FloatArray, start: int, dropped: Counter[str]
    ) -> Iterator[list[PreferencePair]]:
        asked = self._evidence.put[start : start + block.shape[1], self._seats] @ self._weights
        compared = {
            (a, b): self._compare(block[a], block[b]) for a, b in combinations(range(len(block)), 2)
        }
        for at in range(block.shape[1]):
            there = np.flatnonzero(self._evidence.present[:, start + at])
            if len(there) < 2:
                dropped["fewer than two responses"] += 1
                continue
            yield [
                compared[pair].pair(at, start + at, self._evidence.models, pair)
                for pair in self._usable(compared, there.tolist(), at, asked[at], dropped)
            ]

    def _usable(
        self,
        compared: Mapping[tuple[int, int], _Compared],
        there: list[int],
        at: int,
        asked: float,
        dropped: Counter[str],
    ) -> list[tuple[int, int]]:
        """Comparisons of an item that enough jurors rated and that are no tie; others counted."""
        usable: list[tuple[int, int]] = []
        for pair in combinations(there, 2):
            answered = compared[pair].answered[at]
            if answered == 0 or answered < self._settings.min_answered * asked:
                dropped["too few rated both"] += 1
            elif abs(compared[pair].margin[at, 0]) <= TIE:
                dropped["tie"] += 1
            else:
                usable.append(pair)
        return usable

    def _compare(self, a: FloatArray, b: FloatArray) -> _Compared:
        """Two models on a block of items, over the jurors who rated both."""
        both = ~(np.isnan(a) | np.isnan(b))
        function = [self._settings.welfare]
        (left,), total = block_welfare(np.where(both, a, np.nan), function, self._masses)
        (right,), _ = block_welfare(np.where(both, b, np.nan), function, self._masses)
        margin = np.where(total > 0, left - right, np.nan)
        with np.errstate(invalid="ignore"):  # a comparison with NaN is False
            higher, lower = (a > b) @ self._weights, (a < b) @ self._weights
        answered = both @ self._weights
        return _Compared(
            welfare=np.stack([left[:, 0], right[:, 0]]),
            margin=margin,
            higher=higher,
            lower=lower,
            answered=answered,
            jurors=both.sum(axis=1),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Compared:
    """One pair of models over a block of items; margins [items, 1 + resamples]."""

    welfare: FloatArray
    margin: FloatArray
    higher: FloatArray
    lower: FloatArray
    answered: FloatArray
    jurors: NDArray[np.int64]

    def pair(
        self, at: int, item: int, models: tuple[str, ...], pair: tuple[int, int]
    ) -> PreferencePair:
        sign = 1.0 if self.margin[at, 0] > 0 else -1.0
        first = 0 if sign > 0 else 1
        draws = self.margin[at, 1:] * sign
        defined = draws[~np.isnan(draws)]
        wins = (defined > TIE).sum() + 0.5 * (np.abs(defined) <= TIE).sum()
        for_it, against = (self.higher, self.lower) if sign > 0 else (self.lower, self.higher)
        return PreferencePair(
            item=item,
            chosen=models[pair[first]],
            rejected=models[pair[1 - first]],
            group=JURY,
            margin=float(self.margin[at, 0] * sign),
            welfare_chosen=float(self.welfare[first, at]),
            welfare_rejected=float(self.welfare[1 - first, at]),
            agreement=float(for_it[at] / self.answered[at]),
            opposed=float(against[at] / self.answered[at]),
            confidence=float(wins / max(defined.size, 1)),
            jurors=int(self.jurors[at]),
        )
