"""What a steering vector does, as a jury sees it: against nothing, its opposite, and chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from juries.bench import Jury
from juries.measures.estimates import Estimate
from juries.measures.two_way import TwoWay, two_way_estimate
from juries.targets.vectors.finding import SteeringVector
from juries.targets.vectors.model import LocalModel
from juries.targets.vectors.steering import added, generate, random_direction
from personas.errors import InputError
from personas.identity import generator

FloatArray = NDArray[np.float64]

UNSTEERED, STEERED, OPPOSED, RANDOM = "unsteered", "steered", "opposed", "random"
CONDITIONS = (UNSTEERED, STEERED, OPPOSED, RANDOM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """What the model answered to one prompt under each condition."""

    prompt: str
    texts: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorEffect:
    """Mean utility under each condition; differences are paired by prompt and juror.

    Attributes:
        utility: mean utility by condition.
        over_unsteered: steered less unsteered.
        over_random: steered less random vectors of equal norm, one for each prompt: what the
            direction does, beyond what any push of that size does.
        over_opposed: steered less steered the other way.
        groups: of jurors, where some were named: steered less random, as each group rates it.
        layer: where the vector was added.
        strength: in multiples of the difference of means.
        judged_by: which minds judged.
        missing: share of questions without a valid answer.
        generated: the texts judged.
    """

    utility: dict[str, Estimate]
    over_unsteered: Estimate
    over_random: Estimate
    over_opposed: Estimate
    groups: Mapping[str, Estimate]
    layer: int
    strength: float
    judged_by: str
    missing: float
    generated: tuple[Generated, ...]

    @property
    def reading(self) -> str:
        """What was found, in a few lines."""
        lines = [
            f"At layer {self.layer}, strength {self.strength:g}, on {len(self.generated)} held-out "
            f"prompts; utility from 0 to 1, judged blind by {self.judged_by}.",
            "",
            f"- Steered less unsteered: {self.over_unsteered}.",
            f"- Steered less random vectors of equal norm: {self.over_random}.",
            f"- Steered less steered the other way: {self.over_opposed}.",
            *(
                f"- As {name} rates it, steered less random: {effect}."
                for name, effect in self.groups.items()
            ),
        ]
        if self.missing:
            lines.append(f"- {self.missing:.1%} of the questions have no valid answer.")
        return "\n".join(lines)


def generate_conditions(
    model: LocalModel,
    vector: SteeringVector,
    prompts: Sequence[str],
    *,
    strength: float = 1.0,
    layer: int | None = None,
    max_new_tokens: int = 128,
    batch_size: int = 8,
    seed: int = 0,
) -> tuple[Generated, ...]:
    """Responses without a vector, with it, with its opposite, and with a random one.

    Each prompt has a random direction of its own, so that the comparison is with random directions
    and not with the luck of one.

    Raises:
        InputError: no prompt, or no such layer.
    """
    if not prompts:
        raise InputError("there is no held-out prompt to generate for")
    number = vector.layer if layer is None else layer
    model.layer(number)
    direction = strength * vector.vectors[number]
    drawn = [random_direction(vector, layer=number, seed=seed, draw=n) for n in range(len(prompts))]
    pushes = {
        UNSTEERED: 0.0 * direction.expand(len(prompts), -1),
        STEERED: direction.expand(len(prompts), -1),
        OPPOSED: -direction.expand(len(prompts), -1),
        RANDOM: strength * torch.stack(drawn),
    }
    texts: dict[str, list[str]] = {condition: [] for condition in pushes}
    for condition, push in pushes.items():
        for start in range(0, len(prompts), batch_size):
            batch = slice(start, start + batch_size)
            with added(model, push[batch], layer=number):
                texts[condition] += generate(
                    model, prompts[batch], max_new_tokens=max_new_tokens, seed=seed,
                    batch_size=batch_size,
                )  # fmt: skip
    return tuple(
        Generated(prompt=prompt, texts={name: said[at] for name, said in texts.items()})
        for at, prompt in enumerate(prompts)
    )


async def judge_effect(
    generated: Sequence[Generated],
    jury: Jury,
    *,
    layer: int,
    strength: float,
    groups: Mapping[str, NDArray[np.bool_]] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> VectorEffect:
    """Put the responses to a jury that does not know the conditions.

    Args:
        generated: as `generate_conditions` gives them.
        jury: seated; a response's name is a letter dealt anew for each prompt.
        layer: where the vector was added.
        strength: how strongly.
        groups: members among the jurors, [jurors], of groups whose own view is wanted.
        resamples: of prompts and jurors.
        seed: of the names and the resamples.
    """
    rng = generator(seed, "steering vector", "effect")
    table = np.full((len(CONDITIONS), len(generated), len(jury.jurors)), np.nan)
    for at, each in enumerate(generated):
        names = [f"response {letter}" for letter in "ABCD"]
        dealt = dict(zip(rng.permutation(names).tolist(), CONDITIONS, strict=True))
        heard = await jury.hear(
            each.prompt, {name: each.texts[dealt[name]] for name in sorted(dealt)}
        )
        for row, name in enumerate(heard.models):
            table[CONDITIONS.index(dealt[name]), at] = heard.utilities[row]
    missing = float(np.isnan(table).mean())
    table[:, np.isnan(table).any(axis=0)] = np.nan
    weights = np.array([juror.weight for juror in jury.jurors])
    reason = "no juror validly rated every condition of a prompt"

    def drawn(members: NDArray[np.bool_]) -> dict[str, FloatArray]:
        rated = TwoWay.draw(
            table[:, :, members], weights=weights[members], resamples=resamples, rng=rng
        )
        return {name: rated.mean(at) for at, name in enumerate(CONDITIONS)}

    means = drawn(np.ones(len(weights), dtype=np.bool_))
    by_group = {name: drawn(members) for name, members in (groups or {}).items()}

    def said(replicates: FloatArray) -> Estimate:
        return two_way_estimate(replicates, items=len(generated), reason=reason)

    return VectorEffect(
        utility={name: said(mean) for name, mean in means.items()},
        over_unsteered=said(means[STEERED] - means[UNSTEERED]),
        over_random=said(means[STEERED] - means[RANDOM]),
        over_opposed=said(means[STEERED] - means[OPPOSED]),
        groups={name: said(each[STEERED] - each[RANDOM]) for name, each in by_group.items()},
        layer=layer,
        strength=strength,
        judged_by=jury.produced_by,
        missing=missing,
        generated=tuple(generated),
    )
