"""The mixture target of a run: with which probabilities to serve its models, or its responses.

- `model_mixture`: one mixture of the models for all items, with intervals over jurors.
- `item_mixtures`: one mixture of the responses of each item.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from juries.measures.welfare_functions import WelfareFunction
from juries.targets.evidence import Evidence, require_two_responses
from juries.targets.mixture import MixtureBootstrap, mixture_bootstrap, optimal_mixture
from juries.targets.provenance import Provenance
from personas.errors import InputError
from personas.identity import generator

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelMixture:
    """How often to let each model answer.

    Attributes:
        models: names, in the order of the probabilities.
        solution: optimum and intervals.
        items: items that every model answered; utilities are means over them.
        provenance: where it comes from.
    """

    models: tuple[str, ...]
    solution: MixtureBootstrap
    items: int
    provenance: Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemMixture:
    """How often to serve each response to one item.

    Attributes:
        item: position.
        probabilities: by model.
        welfare: ex ante, of the mixture.
        welfare_single: of the best single response.
        gap: the greatest welfare is at most this much higher.
        jurors: how many rated every response.
    """

    item: int
    probabilities: dict[str, float]
    welfare: float
    welfare_single: float
    gap: float
    jurors: int


def model_mixture(
    evidence: Evidence, function: WelfareFunction, *, resamples: int = 200, level: float = 0.95
) -> ModelMixture:
    """The mixture of models that serves the jury best over all items.

    Raises:
        InputError: fewer than two models, no item that all answered, or a quantile.
    """
    require_two_responses(evidence)
    shared = evidence.present.all(axis=0)
    if not shared.any():
        raise InputError(
            "no item has a response of every model",
            hint="Ask for mixtures per item, which mix what each item has.",
        )
    table = _juror_means(evidence.utilities[:, shared].astype(np.float64))
    solution = mixture_bootstrap(
        table,
        function,
        weights=evidence.weights,
        resamples=resamples,
        level=level,
        rng=generator(evidence.seed, "targets", "mixture", function.name),
    )
    return ModelMixture(
        models=evidence.models,
        solution=solution,
        items=int(shared.sum()),
        provenance=evidence.origin.of(
            "mixture",
            welfare=function.name,
            settings={"resamples": resamples, "level": level, "per": "model"},
            notes=(
                "Welfare is ex ante: of each juror's expected utility before the draw, so jurors "
                "are taken to accept chance as a compromise.",
            ),
        ),
    )


def item_mixtures(evidence: Evidence, function: WelfareFunction) -> tuple[ItemMixture, ...]:
    """The best mixture of each item's responses; items without two of them are left out."""
    require_two_responses(evidence)
    found: list[ItemMixture] = []
    for item in range(len(evidence.items)):
        there = np.flatnonzero(evidence.present[:, item])
        table = evidence.utilities[there, item].astype(np.float64)
        whole = ~np.isnan(table).any(axis=0) & (evidence.weights > 0)
        if len(there) < 2 or not whole.any():
            continue
        optimum = optimal_mixture(table[:, whole], function, evidence.weights[whole])
        names = [evidence.models[int(model)] for model in there]
        found.append(
            ItemMixture(
                item=item,
                probabilities=dict(zip(names, optimum.probabilities.tolist(), strict=True)),
                welfare=optimum.welfare,
                welfare_single=optimum.welfare_single,
                gap=optimum.gap,
                jurors=int(whole.sum()),
            )
        )
    return tuple(found)


def _juror_means(utilities: FloatArray) -> FloatArray:
    """Mean utility of each model for each juror over the items that juror rated all models of.

    Returns:
        [models, jurors]; NaN for a juror who rated all models of no item.
    """
    whole = ~np.isnan(utilities).any(axis=0)
    counted = whole.sum(axis=0)
    total = np.where(whole, utilities, 0.0).sum(axis=1)
    return np.divide(total, counted, out=np.full_like(total, np.nan), where=counted > 0)
