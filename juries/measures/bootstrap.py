"""Jury-pluralistic scores with two-way bootstrap intervals, paired between models.

- `welfare_bootstrap` resamples items and jurors together and applies every welfare function.
- `WelfareBootstrap` holds estimates and replicates: intervals, paired differences, rankings, and
  the pairs of models whose order depends on the welfare function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juries.measures.resampling import BLOCK, item_multiplicities, juror_multiplicities
from juries.measures.welfare import check_weights
from juries.measures.welfare_functions import PowerMean, WelfareFunction
from juries.measures.welfare_kernels import block_welfare
from juries.measures.welfare_results import WelfareBootstrap

FloatArray = NDArray[np.float64]
AnyFloat = NDArray[np.floating]


@dataclass(frozen=True, slots=True, kw_only=True)
class UtilityBlocks:
    """Utilities too large to hold: blocks of items, read once.

    Attributes:
        models: number of models.
        items: number of items over all blocks.
        jurors: number of jurors.
        blocks: yields arrays [models, some items, jurors], in item order; NaN is missing. Sizes
            may vary; results don't depend on them.
    """

    models: int
    items: int
    jurors: int
    blocks: Callable[[], Iterable[AnyFloat]]


def welfare_bootstrap(
    utilities: AnyFloat | UtilityBlocks,
    functions: Sequence[WelfareFunction],
    *,
    rng: np.random.Generator,
    weights: ArrayLike | None = None,
    models: Sequence[str] | None = None,
    resamples: int = 1000,
) -> WelfareBootstrap:
    """Score models by their mean welfare over items, resampling items and jurors.

    A model's score is the mean over items of w(u_1 .. u_n) (arXiv 2402.05070, section 4). Each
    replicate draws as many items and as many jurors as there are, with replacement, and keeps the
    persona weights of the drawn jurors; every model and function sees the same draws, so
    differences are paired. An item that no (drawn, positively weighted) juror rated for a model
    is left out of that model's mean. The two-way bootstrap of means is conservative (Owen 2007,
    arXiv 0712.1111): its variance is at least about that of the crossed random effects.

    Args:
        utilities: [models, items, jurors], float32 or float64, non-negative, NaN where there is
            no valid rating; never copied whole. Or `UtilityBlocks`.
        functions: welfare functions, at least one.
        rng: source of the draws.
        weights: one per juror, equal when None.
        models: names, `model 1` … when None.
        resamples: number of replicates B.

    Returns:
        Estimates and replicates; memory is about F · M · B numbers and two blocks of items.

    Raises:
        ValueError: empty or wrongly shaped utilities, negative or infinite ones, bad weights.
    """
    blocks = _as_blocks(utilities)
    names = _model_names(models, blocks.models)
    if not functions or resamples < 1:
        raise ValueError("name at least one welfare function and one resample")
    shares = check_weights(weights, blocks.jurors)
    masses = np.empty((blocks.jurors, resamples + 1))
    masses[:, 0] = (
        shares  # column 0 is the sample itself, so one path makes estimate and replicates
    )
    masses[:, 1:] = juror_multiplicities(blocks.jurors, resamples, rng) * shares[:, None]
    seated = shares > 0
    tally = _Tally(len(functions), blocks.models, resamples + 1)
    pairs = zip(_reblocked(blocks), item_multiplicities(blocks.items, resamples, rng), strict=True)
    for block, drawn in pairs:
        once = np.column_stack([np.ones(len(drawn)), drawn])
        for model, part in enumerate(block):
            tally.add(model, part[:, seated], functions, masses[seated], once)
    means = tally.means()
    return WelfareBootstrap(
        models=names,
        functions=tuple(functions),
        estimate=means[..., 0],
        replicates=means[..., 1:],
        n_items=blocks.items,
        n_jurors=blocks.jurors,
        missing=tally.missing,
        empty_items=tally.empty,
        zero_items=tally.zero,
        notes=(*_notes(functions, blocks.jurors, tally, names), *_bias_notes(functions, means)),
    )


class _Tally:
    """Running sums over item blocks: welfare times multiplicity, and multiplicity."""

    def __init__(self, functions: int, models: int, columns: int) -> None:
        self._sums = np.zeros((functions, models, columns))
        self._counts = np.zeros((models, columns))
        self.missing = np.zeros(models, dtype=np.int64)
        self.empty = np.zeros(models, dtype=np.int64)
        self.zero = np.zeros(models, dtype=np.int64)

    def add(
        self,
        model: int,
        block: AnyFloat,
        functions: Sequence[WelfareFunction],
        masses: FloatArray,
        drawn: FloatArray,
    ) -> None:
        utilities = block.astype(np.float64)
        _check_utilities(utilities)
        unanswered = np.isnan(utilities)
        self.missing[model] += np.count_nonzero(unanswered)
        self.empty[model] += np.count_nonzero(unanswered.all(axis=1))
        self.zero[model] += np.count_nonzero((utilities == 0).any(axis=1))
        results, total = block_welfare(utilities, functions, masses)
        if not total.all():
            drawn = np.where(total > 0, drawn, 0.0)
        self._counts[model] += drawn.sum(axis=0)
        for at, welfare in enumerate(results):
            self._sums[at, model] += np.einsum("ib,ib->b", welfare, drawn)

    def means(self) -> FloatArray:
        counts = np.broadcast_to(self._counts, self._sums.shape)
        blank = np.full_like(self._sums, np.nan)
        return np.divide(self._sums, counts, out=blank, where=counts > 0)


def _as_blocks(utilities: AnyFloat | UtilityBlocks) -> UtilityBlocks:
    if isinstance(utilities, UtilityBlocks):
        shape = (utilities.models, utilities.items, utilities.jurors)
        blocks = utilities
    else:
        shape = utilities.shape
        if len(shape) != 3 or utilities.dtype.kind != "f":
            raise ValueError(
                f"utilities are {utilities.dtype} {shape}; expected floats [models, items, jurors]"
            )
        blocks = UtilityBlocks(
            models=shape[0], items=shape[1], jurors=shape[2], blocks=lambda: [utilities]
        )
    if min(shape) < 1:
        raise ValueError(f"utilities of shape {shape}: there is nothing to score")
    return blocks


def _reblocked(source: UtilityBlocks) -> Iterator[AnyFloat]:
    """The same items in blocks of `BLOCK`, whatever the sizes they came in."""
    held: list[AnyFloat] = []
    size = seen = 0
    for block in source.blocks():
        if block.ndim != 3 or block.shape[::2] != (source.models, source.jurors):
            expected = f"({source.models}, items, {source.jurors})"
            raise ValueError(f"a block has shape {block.shape}; expected {expected}")
        start = 0
        seen += block.shape[1]
        while start < block.shape[1]:
            part = block[:, start : start + BLOCK - size]
            start += part.shape[1]
            size += part.shape[1]
            held.append(part)
            if size == BLOCK:
                yield held[0] if len(held) == 1 else np.concatenate(held, axis=1)
                held, size = [], 0
    if seen != source.items:
        raise ValueError(f"the blocks hold {seen} items; {source.items} were announced")
    if held:
        yield np.concatenate(held, axis=1)


def _check_utilities(utilities: FloatArray) -> None:
    if np.any((utilities < 0) | np.isinf(utilities)):
        raise ValueError("utilities must be finite and not negative (NaN marks a missing one)")


def _model_names(models: Sequence[str] | None, count: int) -> tuple[str, ...]:
    if models is None:
        return tuple(f"model {at + 1}" for at in range(count))
    if len(models) != count or len(set(models)) < count:
        raise ValueError(f"{len(set(models))} different names for {count} models")
    return tuple(models)


def _notes(
    functions: Sequence[WelfareFunction], jurors: int, tally: _Tally, models: Sequence[str]
) -> tuple[str, ...]:
    notes: list[str] = []
    powers = [each for each in functions if isinstance(each, PowerMean)]
    if any(each.power < -1 for each in powers):
        notes.append(
            f"Welfare close to the minimum depends on the size of the jury (here {jurors}): a "
            "larger jury holds a worse-off juror. Compare only juries of one size; resampled "
            "juries hold fewer different jurors, so replicates lie above the estimate."
        )
    if any(each.power <= 0 and not each.floor for each in powers) and tally.zero.any():
        share = ", ".join(
            f"{name} {count}" for name, count in zip(models, tally.zero.tolist(), strict=True)
        )
        notes.append(
            "For a ≤ 0 one juror at utility 0 makes an item's welfare 0. Items with such a juror: "
            f"{share}. A floor (power:0,floor=0.01) is the explicit way out."
        )
    if tally.empty.any():
        count = int(tally.empty.sum())
        notes.append(f"{count} item-model pairs have no valid rating and enter no score.")
    return tuple(notes)


def _bias_notes(functions: Sequence[WelfareFunction], means: FloatArray) -> tuple[str, ...]:
    """Functions whose replicates sit off the estimate by a quarter of their standard error.

    A quarter is the customary limit below which bias does not harm an interval (Efron &
    Tibshirani 1993, chapter 10).
    """
    estimate, replicates = means[..., 0], means[..., 1:]
    there = ~np.isnan(replicates)
    count = np.maximum(there.sum(axis=-1), 1)
    centre = np.where(there, replicates, 0.0).sum(axis=-1) / count
    gaps = np.where(there, replicates - centre[..., None], 0.0)
    error = np.sqrt((gaps**2).sum(axis=-1) / count)
    off = np.abs(centre - np.nan_to_num(estimate)) > 0.25 * error + 1e-12
    off &= there.any(axis=-1) & ~np.isnan(estimate)
    names = [each.name for each, moved in zip(functions, off.any(axis=1), strict=True) if moved]
    if not names:
        return ()
    return (
        f"Resampled juries hold fewer different jurors: {', '.join(names)} shift by more than a "
        "quarter of their standard error, so those intervals are only rough.",
    )
