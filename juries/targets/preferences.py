"""Which of two responses a jury prefers: pairs to train on, with how far and how surely.

A pair's margin is the difference of welfare between its responses, over the jurors who rated
both. Its confidence resamples jurors: the item is what the pair is about, so it stays.

- `preference_pairs(evidence, settings)`: one set for the jury, or one per group of jurors.
- Ties make no pair; filters drop pairs; both are counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from juries.measures.welfare_functions import PowerMean
from juries.targets.evidence import Evidence, group_label, labelled_groups, require_two_responses
from juries.targets.pairs import JURY, TIE, BoolArray, Comparison, PairSettings, PreferencePair
from juries.targets.provenance import Provenance
from personas.identity import generator


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceSet:
    """Pairs of one jury or group.

    Attributes:
        group: whose they are.
        pairs: in study order.
        dropped: comparisons that made no pair, by reason.
        provenance: where they come from.
    """

    group: str
    pairs: tuple[PreferencePair, ...]
    dropped: Mapping[str, int]
    provenance: Provenance


def preference_pairs(
    evidence: Evidence, settings: PairSettings, *, by: str | None = None
) -> tuple[PreferenceSet, ...]:
    """Preference pairs of the jury, or of each level of an attribute.

    Args:
        evidence: a run's utilities.
        settings: welfare function, which pairs, filters.
        by: attribute of the jurors; each of its levels gets a set of its own.

    Raises:
        InputError: no item has two responses, or the jurors lack an attribute named.
    """
    require_two_responses(evidence)
    sides = labelled_groups(evidence, settings.groups)
    whose = {JURY: np.ones(len(evidence.jurors), dtype=np.bool_)}
    if by is not None:
        whose = {group_label(by, level): who for level, who in evidence.groups(by).items()}
    return tuple(_set(evidence, settings, name, who, sides) for name, who in whose.items())


def _set(
    evidence: Evidence,
    settings: PairSettings,
    group: str,
    members: BoolArray,
    sides: Mapping[str, BoolArray],
) -> PreferenceSet:
    rng = generator(evidence.seed, "targets", "preferences", group)
    comparison = Comparison(evidence, settings, members, rng)
    dropped: Counter[str] = Counter()
    pairs: list[PreferencePair] = []
    for candidates in comparison.pairs(dropped):
        kept: list[PreferencePair] = []
        for found in candidates:
            pair = _with_groups(replace(found, group=group), evidence, settings, sides)
            reason = _reason_to_drop(pair, settings)
            if reason is None:
                kept.append(pair)
            else:
                dropped[reason] += 1
        if settings.pairs == "widest" and kept:
            dropped["not the widest"] += len(kept) - 1
            kept = [max(kept, key=lambda pair: pair.margin)]
        pairs.extend(kept)
    weak = (
        ("Welfare close to the minimum rests on single jurors; resampled juries often lack them.",)
        if isinstance(settings.welfare, PowerMean) and settings.welfare.power < -1
        else ()
    )
    return PreferenceSet(
        group=group,
        pairs=tuple(pairs),
        dropped=dict(dropped),
        provenance=evidence.origin.of(
            "preferences",
            welfare=settings.welfare.name,
            settings={**settings.described(), "group": group, "dropped": dict(dropped)},
            notes=weak,
        ),
    )


def _reason_to_drop(pair: PreferencePair, settings: PairSettings) -> str | None:
    if pair.margin < settings.min_margin:
        return "margin"
    if pair.agreement < settings.min_agreement:
        return "agreement"
    if pair.confidence < settings.min_confidence:
        return "confidence"
    return "not a Pareto improvement" if settings.pareto_only and not pair.pareto else None


def _with_groups(
    pair: PreferencePair,
    evidence: Evidence,
    settings: PairSettings,
    sides: Mapping[str, BoolArray],
) -> PreferencePair:
    """Say whether every group gains, under the same welfare function within each group."""
    if not sides:
        return pair
    a, b = (
        evidence.utilities[evidence.models.index(model), pair.item].astype(np.float64)
        for model in (pair.chosen, pair.rejected)
    )
    both = ~(np.isnan(a) | np.isnan(b))
    margins: dict[str, float] = {}
    for name, members in sides.items():
        heard = members & both & (evidence.weights > 0)
        if heard.any():
            weights = evidence.weights[heard]
            gain = settings.welfare(a[heard], weights) - settings.welfare(b[heard], weights)
            margins[name] = float(gain)
    if not margins:
        return pair
    worst = min(margins, key=margins.__getitem__)
    gains = margins[worst] >= -TIE and max(margins.values()) > TIE
    return replace(pair, pareto=gains, worst_group=worst, worst_group_margin=float(margins[worst]))
