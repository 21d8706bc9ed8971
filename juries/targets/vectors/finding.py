"""Steering vectors: the difference between what a model does on responses that a jury prefers.

Per layer, the mean activation over the tokens of preferred responses less that over rejected ones
(difference of means). The layer is the one that tells held-out pairs apart best: by d', the mean
of the pairs' differences along the vector in units of their standard deviation.

Memory beside the model's own: layers x width numbers for the sums, and one batch of activations,
layers x batch x tokens x width, of which one layer at a time is held.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphs.items import Item
from juries.measures.estimates import Estimate, mean_estimates
from juries.targets.preferences import PreferenceSet
from juries.targets.provenance import Provenance
from juries.targets.vectors.model import LocalModel, batches
from personas.errors import InputError
from personas.identity import generator

FloatArray = NDArray[np.float64]

FEWEST = 4
"""Contrasts without which nothing could be held out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """Two responses to one prompt; the vector points from `worse` to `better`."""

    item: int
    prompt: str
    better: str
    worse: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorSettings:
    """How a vector is found.

    Attributes:
        held_out: share of the items that choose the layer.
        layer: counted from 0; chosen on the held-out items when None.
        batch_size: texts at a time.
        max_tokens: longer texts are cut.
        seed: of the split.
    """

    held_out: float = 0.3
    layer: int | None = None
    batch_size: int = 8
    max_tokens: int = 1024
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.held_out < 1:
            raise InputError(f"held_out is {self.held_out}", expected="between 0 and 1")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SteeringVector:
    """Vectors of all layers, and the layer chosen.

    Attributes:
        vectors: float32 [layers, width]; each is the raw difference of means.
        layer: where to add them, counted from 0.
        separation: d' on held-out pairs by layer, [layers]; NaN where it is undefined.
        accuracy: share of held-out pairs told apart by the layer, with its interval; where the
            layer was chosen on the same pairs, it is somewhat too high.
        trained_on: pairs behind the vectors.
        model: name of the model.
        fingerprint: of the model.
        truncated: responses cut at the token limit.
        provenance: where the pairs come from.
        held_out: positions of the items that no vector was found from.
        chosen: whether the layer was chosen on them, or named.
    """

    vectors: Tensor
    layer: int
    separation: FloatArray
    accuracy: Estimate
    trained_on: int
    model: str
    fingerprint: str
    truncated: int
    provenance: Provenance
    held_out: tuple[int, ...] = ()
    chosen: bool = True


def contrasts(pairs: PreferenceSet, items: Sequence[Item]) -> tuple[Contrast, ...]:
    """Contrasts from preference pairs: high against low welfare, in the jury or a group."""
    found: list[Contrast] = []
    for pair in pairs.pairs:
        texts = {response.model: response.text for response in items[pair.item].responses}
        found.append(
            Contrast(
                item=pair.item,
                prompt=items[pair.item].prompt,
                better=texts[pair.chosen],
                worse=texts[pair.rejected],
            )
        )
    return tuple(found)


def group_contrasts(
    first: PreferenceSet, second: PreferenceSet, items: Sequence[Item]
) -> tuple[Contrast, ...]:
    """Contrasts between two groups: what the first prefers where the second prefers another."""
    theirs = {pair.item: pair for pair in second.pairs}
    found: list[Contrast] = []
    for pair in first.pairs:
        other = theirs.get(pair.item)
        if other is None or other.chosen == pair.chosen:
            continue
        texts = {response.model: response.text for response in items[pair.item].responses}
        found.append(
            Contrast(
                item=pair.item,
                prompt=items[pair.item].prompt,
                better=texts[pair.chosen],
                worse=texts[other.chosen],
            )
        )
    return tuple(found)


def find_vector(
    model: LocalModel,
    pairs: Sequence[Contrast],
    provenance: Provenance,
    settings: VectorSettings | None = None,
) -> SteeringVector:
    """Difference of means per layer, and the layer that tells held-out items apart best.

    Args:
        model: the model to steer.
        pairs: contrasting responses; all pairs of an item are held out together.
        provenance: where they come from.
        settings: how.

    Raises:
        InputError: contrasts of fewer than four items, or no such layer.
    """
    settings = settings or VectorSettings()
    if settings.layer is not None:
        model.layer(settings.layer)
    items = sorted({pair.item for pair in pairs})
    if len(items) < FEWEST:
        raise InputError(
            f"{len(items)} items have a contrast",
            expected=f"{FEWEST} or more",
            hint="Loosen the filters of the pairs, or run more items.",
        )
    rng = generator(settings.seed, "steering vector", "held out")
    held = max(2, round(settings.held_out * len(items)))
    chosen = set(rng.permutation(items)[: min(held, len(items) - 2)].tolist())
    training = [pair for pair in pairs if pair.item not in chosen]
    testing = [pair for pair in pairs if pair.item in chosen]
    summed = _pooled(model, training, settings)
    vectors = summed.difference / max(len(training), 1)
    tested = _pooled(model, testing, settings, onto=vectors)
    separation = _separation(tested.projections)
    best = int(np.nanargmax(np.where(np.isfinite(separation), separation, -np.inf)))
    layer = best if settings.layer is None else settings.layer
    told = (tested.projections[:, layer] > 0).astype(np.float64)
    (accuracy,) = mean_estimates(told[:, None], resampled="held-out pairs", rng=rng)
    return SteeringVector(
        vectors=vectors.to("cpu", torch.float32),
        layer=layer,
        separation=separation,
        accuracy=accuracy,
        trained_on=len(training),
        model=model.name,
        fingerprint=model.fingerprint(),
        truncated=summed.truncated + tested.truncated,
        provenance=provenance.model_copy(update={"target": "vectors"}),
        held_out=tuple(sorted(chosen)),
        chosen=settings.layer is None,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Pooled:
    """Sums over pairs [layers, width], projections [pairs, layers], texts cut."""

    difference: Tensor
    projections: FloatArray
    truncated: int


def _pooled(
    model: LocalModel,
    pairs: Sequence[Contrast],
    settings: VectorSettings,
    *,
    onto: Tensor | None = None,
) -> _Pooled:
    """Mean activation over each response's tokens, summed or projected, layer by layer."""
    texts = [(pair.prompt, pair.better) for pair in pairs]
    texts += [(pair.prompt, pair.worse) for pair in pairs]
    sign = torch.tensor([1.0] * len(pairs) + [-1.0] * len(pairs))
    layers = model.layers
    total = torch.zeros((len(layers), model.width), dtype=torch.float64)
    along = torch.zeros((len(texts), len(layers)), dtype=torch.float64)
    unit: Tensor | None = None
    if onto is not None:
        unit = onto / cast("Tensor", torch.linalg.vector_norm(onto, dim=1, keepdim=True))
    cut = 0
    found = batches(model, texts, batch_size=settings.batch_size, max_tokens=settings.max_tokens)
    with torch.inference_mode():
        for batch in found:
            cut += batch.truncated
            rows = list(batch.rows)
            weights = batch.response.to(torch.float32)
            weights = weights / weights.sum(dim=1, keepdim=True).clamp_min(1.0)

            def keep(
                number: int, output: Tensor, rows: list[int] = rows, weights: Tensor = weights
            ) -> None:
                means = torch.einsum("bt,btw->bw", weights, output.float()).double().cpu()
                total[number] += (means * sign[rows][:, None]).sum(dim=0)
                if unit is not None:
                    along[rows, number] = means @ unit[number]

            with ExitStack() as stack:
                for number, layer in enumerate(layers):
                    hook = layer.register_forward_hook(_hook(number, keep))
                    stack.callback(hook.remove)
                model.network(**batch.inputs, use_cache=False)
    half = len(pairs)
    return _Pooled(
        difference=total,
        projections=(along[:half] - along[half:]).numpy(),
        truncated=cut,
    )


def _hook(number: int, keep: Any) -> Any:
    """A forward hook that hands a layer's output on; some layers return a tuple."""

    def hook(_module: object, _inputs: object, output: object) -> None:
        keep(number, output[0] if isinstance(output, tuple) else cast("Tensor", output))

    return hook


def _separation(projections: FloatArray) -> FloatArray:
    """Mean over standard deviation of the pairs' differences, [layers]."""
    spread = projections.std(axis=0, ddof=1)
    mean = projections.mean(axis=0)
    return np.divide(mean, spread, out=np.full_like(mean, np.nan), where=spread > 0)
