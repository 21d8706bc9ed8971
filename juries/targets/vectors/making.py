"""From a run to a steering vector: which responses contrast, and what the jury sees of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graphs.items import Item
from juries.bench import open_jury
from juries.targets.evidence import Evidence, evidence, group_label
from juries.targets.pairs import PairSettings
from juries.targets.preferences import preference_pairs
from juries.targets.vectors.effect import VectorEffect, generate_conditions, judge_effect
from juries.targets.vectors.finding import (
    Contrast,
    SteeringVector,
    VectorSettings,
    contrasts,
    find_vector,
    group_contrasts,
)
from juries.targets.vectors.model import LocalModel
from personas.errors import InputError, nearest

if TYPE_CHECKING:
    from juries.runs import Run
    from juries.targets.provenance import Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """Two groups of jurors: the vector points to what the first prefers and the second does not.

    Attributes:
        attribute: of the jurors.
        towards: its level.
        against: the other level; where the attribute has two, the one that is left.
    """

    attribute: str
    towards: str
    against: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectSettings:
    """How the effect is measured.

    Attributes:
        strength: in multiples of the difference of means.
        most: held-out prompts, at most.
        max_new_tokens: of each response generated.
        batch_size: prompts at a time.
        resamples: of prompts and jurors.
        seed: of generation, names and resamples.
    """

    strength: float = 1.0
    most: int = 50
    max_new_tokens: int = 128
    batch_size: int = 8
    resamples: int = 1000
    seed: int = 0


def make_vector(
    run: Run,
    model: LocalModel,
    *,
    between: Between | None = None,
    pairs: PairSettings | None = None,
    settings: VectorSettings | None = None,
) -> SteeringVector:
    """A steering vector from a run's verdicts.

    Args:
        run: with a majority of valid answers.
        model: the model to steer.
        between: two groups that disagree; without it, responses of high against low welfare.
        pairs: welfare function and filters.
        settings: how the vector is found.

    Raises:
        InputError: too few contrasts, an attribute or level no juror has, or no such layer.
    """
    known, pairs = evidence(run), pairs or PairSettings()
    found, origin = _contrasts(known, pairs, between)
    return find_vector(model, found, origin, settings)


def _contrasts(
    known: Evidence, pairs: PairSettings, between: Between | None
) -> tuple[tuple[Contrast, ...], Provenance]:
    if between is None:
        (jury,) = preference_pairs(known, pairs)
        return contrasts(jury, known.items), jury.provenance
    towards, against = _levels(known, between)
    sets = {each.group: each for each in preference_pairs(known, pairs, by=between.attribute)}
    first, second = (sets[group_label(between.attribute, level)] for level in (towards, against))
    origin = first.provenance
    said = {**origin.settings, "group": f"{first.group} against {second.group}"}
    return (
        group_contrasts(first, second, known.items),
        origin.model_copy(update={"settings": said}),
    )


def _levels(known: Evidence, between: Between) -> tuple[str, str]:
    levels = list(known.groups(between.attribute))
    towards = _level(between.towards, levels, between.attribute, "--towards")
    others = [level for level in levels if level != towards]
    if between.against is not None:
        against = _level(between.against, levels, between.attribute, "--against")
        if against == towards:
            raise InputError("both groups are the same", where="--against", found=against)
        return towards, against
    if len(others) != 1:
        raise InputError(
            f"{between.attribute!r} has {len(others)} other levels",
            where="--against",
            expected="one of " + ", ".join(others) if others else "two levels or more",
        )
    return towards, others[0]


def _level(level: str, levels: Sequence[str], attribute: str, option: str) -> str:
    if level not in levels:
        raise InputError(
            f"no two jurors have {attribute} = {level}",
            where=option,
            expected="one of " + ", ".join(levels),
            hint=nearest(level, levels),
        )
    return level


def held_out(run: Run, vector: SteeringVector) -> tuple[Item, ...]:
    """The run's items that the vector was not found from: all, where it is from another run."""
    items = run.directory.read_items()[: run.record.items]
    if vector.provenance.fingerprint != run.record.fingerprint:
        return tuple(items)
    return tuple(items[position] for position in vector.held_out)


async def measure_effect(
    run: Run,
    model: LocalModel,
    vector: SteeringVector,
    settings: EffectSettings,
    *,
    between: Between | None = None,
) -> VectorEffect:
    """Let the run's own jury judge what the vector changes, on held-out items.

    Args:
        run: whose jury sits again.
        model: that the vector was found in.
        vector: to be measured.
        settings: how.
        between: groups whose own view is wanted too.

    Raises:
        InputError: no held-out item, or an attribute no juror has.
    """
    prompts = [item.prompt for item in held_out(run, vector)][: settings.most]
    generated = generate_conditions(
        model,
        vector,
        prompts,
        strength=settings.strength,
        max_new_tokens=settings.max_new_tokens,
        batch_size=settings.batch_size,
        seed=settings.seed,
    )
    groups = None if between is None else _members(run, between)
    async with open_jury(run.study, Path()) as jury:
        return await judge_effect(
            generated,
            jury,
            layer=vector.layer,
            strength=settings.strength,
            groups=groups,
            resamples=settings.resamples,
            seed=settings.seed,
        )


def _members(run: Run, between: Between) -> Mapping[str, NDArray[np.bool_]]:
    known = evidence(run)
    levels: Sequence[str] = _levels(known, between)
    groups = known.groups(between.attribute)
    return {group_label(between.attribute, level): groups[level] for level in levels}
