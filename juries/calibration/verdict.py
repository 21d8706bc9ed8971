"""The verdict in words: replace, pre-annotate, or don't, with the evidence for it.

- *replace*: the alt-test passes, the jury lies no further from people than people from each other
  (by more than `TOLERANCE` of the scale), its spread is like people's, and no group of people is
  left far behind. A rater simulator never replaces people, whatever its figures.
- *pre-annotate*: predictions pay: with people's labels on some items they narrow the interval, by
  a correlation that exceeds its threshold beyond chance (Bonferroni over the estimates).
- *don't*: otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from juries.calibration.alternative import AltTest
from juries.calibration.comparison import GroupAgreement, ItemAgreement
from juries.calibration.ppi import PpiMean
from juries.calibration.ppi_subsets import Undefined

Decision = Literal["replace", "pre-annotate", "don't"]
DECISIONS: tuple[Decision, ...] = get_args(Decision)
"""From the boldest to the most cautious."""
TOLERANCE = 0.05
"""How much further than the ceiling the jury may lie, as a share of the scale or of distance 1."""
SPREAD = (0.5, 2.0)
"""Ratios of variance, jury over people, that count as alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the figures come to.

    Attributes:
        decision: in a word.
        reasons: the evidence, each a sentence with its figure; what speaks against replacing
            people comes first.
    """

    decision: Decision
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One condition for replacing people: whether it holds, and the sentence that says so."""

    holds: bool
    sentence: str


def give_verdict(
    *,
    alt: AltTest | Undefined,
    everyone: GroupAgreement,
    groups: Sequence[GroupAgreement],
    items: ItemAgreement,
    estimates: Sequence[PpiMean | Undefined],
    simulator: bool,
) -> Verdict:
    """Weigh the evidence.

    Args:
        alt: the alternative annotator test.
        everyone: jury and people as a whole.
        groups: by group.
        items: unit by unit.
        estimates: prediction-powered means, one for each model.
        simulator: whether any mind of the jury is a rater simulator.
    """
    checks = [
        _alt(alt),
        _distance(everyone),
        *_groups(groups),
        _spread(everyone),
    ]
    if simulator:
        checks.insert(
            0,
            Check(
                holds=False,
                sentence="The answers come from a rater simulator with declared parameters, which "
                "is no evidence about people and cannot replace them.",
            ),
        )
    if all(check.holds for check in checks):
        return Verdict(decision="replace", reasons=tuple(check.sentence for check in checks))
    against = [check.sentence for check in checks if not check.holds]
    pays, saving = _saving(estimates)
    return Verdict(
        decision="pre-annotate" if pays else "don't",
        reasons=(*against, saving, *_correlation(items)),
    )


def _alt(alt: AltTest | Undefined) -> Check:
    if isinstance(alt, Undefined):
        return Check(holds=False, sentence=f"The alt-test could not be made: {alt.reason}.")
    sentence = (
        f"The alt-test {'passes' if alt.passed else 'fails'}: winning rate "
        f"{alt.winning_rate:.2f} of {len(alt.annotators)} annotators at epsilon {alt.epsilon:g} "
        f"(0.5 passes), advantage probability {alt.advantage_probability:.2f} "
        f"({alt.interval.low:.2f} to {alt.interval.high:.2f})."
    )
    return Check(holds=alt.passed, sentence=sentence)


def _distance(everyone: GroupAgreement) -> Check:
    if everyone.halves is None:
        return Check(
            holds=False,
            sentence="There is no ceiling: too few responses were answered by two people.",
        )
    ours, theirs = everyone.halves.jury.value, everyone.halves.ceiling.value
    excess = everyone.halves.excess.value
    holds = excess is not None and excess <= TOLERANCE
    sentence = (
        f"The jury lies {ours:.3f} from people ({everyone.halves.measure}), where halves of the "
        f"people lie {theirs:.3f} from each other."
    )
    return Check(holds=holds, sentence=sentence)


def _groups(groups: Sequence[GroupAgreement]) -> list[Check]:
    """One check over all groups that have a ceiling; the furthest group is named."""
    known = [
        (group.halves.excess.value, group)
        for group in groups
        if group.halves is not None and group.halves.excess.value is not None
    ]
    if not known:
        return []
    excess, worst = max(known, key=lambda entry: entry[0])
    beyond = sum(value > TOLERANCE for value, _ in known)
    if not beyond:
        sentence = f"In none of {len(known)} groups does the jury lie beyond the ceiling."
        return [Check(holds=True, sentence=sentence)]
    return [
        Check(
            holds=False,
            sentence=f"In {beyond} of {len(known)} groups the jury lies beyond the ceiling, by "
            f"most for {worst.attribute} = {worst.level} ({excess:+.3f}).",
        )
    ]


def _spread(everyone: GroupAgreement) -> Check:
    ratio = everyone.variance_ratio
    if ratio.value is None:
        sentence = f"How much jurors differ cannot be compared with people: {ratio.reason}."
        return Check(holds=False, sentence=sentence)
    low, high = SPREAD
    reading = (
        "too alike" if ratio.value < low else "too unlike" if ratio.value > high else "as varied"
    )
    return Check(
        holds=low <= ratio.value <= high,
        sentence=f"Within a response jurors are {reading} as people: variance ratio "
        f"{ratio.value:.2f}."
        if reading == "as varied"
        else f"Within a response jurors are {reading}: variance ratio {ratio.value:.2f} to people.",
    )


def _saving(estimates: Sequence[PpiMean | Undefined]) -> tuple[bool, str]:
    """Whether predictions pay for any model, and the sentence."""
    known = [estimate for estimate in estimates if isinstance(estimate, PpiMean)]
    if not known:
        reason = next((e.reason for e in estimates if isinstance(e, Undefined)), "no estimate")
        return False, f"Whether predictions pay is unknown: {reason}."
    best = max(known, key=lambda one: (one.effective_labels / one.n, one.correlation or -1.0))
    sure = [one for one in known if _surely_pays(one, len(known))]
    if sure and not any(one.n_unlabelled for one in known):
        best = max(sure, key=lambda one: one.correlation or 0.0)
        worth = 1 / max(1 - (best.correlation or 0.0) ** 2, 1e-9)
        return True, (
            f"People answered every item here. On further items predictions would pay: at a "
            f"correlation of {best.correlation:.2f} a label is worth up to {worth:.1f}."
        )
    if sure:
        return True, (
            f"Predictions pay for {len(sure)} of {len(known)} estimates: at best {best.n} labels "
            f"are worth {best.effective_labels:.0f} (correlation {best.correlation:.2f}, lambda "
            f"{best.lam:.2f})."
        )
    if any(one.pays for one in known):
        return False, (
            f"Whether predictions pay is in doubt: at best they correlate at "
            f"{best.correlation:.2f} with {best.n} labels, which may be chance; a gain needs more "
            f"than {best.threshold:.2f}."
        )
    notes = [note for note in best.notes if note.startswith("predictions")]
    if not notes and best.threshold is not None and best.correlation is not None:
        notes = [
            f"predictions correlate with people at {best.correlation:.2f}, which does not surely "
            f"exceed {best.threshold:.2f}"
        ]
    return False, f"Pre-annotation saves nothing here: {'; '.join(notes)}."


def _surely_pays(one: PpiMean, tests: int) -> bool:
    """Whether the correlation exceeds its threshold beyond chance, all estimates considered."""
    least = one.least_correlation(1 - 0.05 / tests)
    gains = one.pays or not one.n_unlabelled
    return gains and least is not None and one.threshold is not None and least > one.threshold


def _correlation(items: ItemAgreement) -> tuple[str, ...]:
    figure = items.pearson
    if figure is None or figure.value is None or figure.interval is None:
        return ()
    return (
        f"Item means correlate at {figure.value:.2f} ({figure.interval.low:.2f} to "
        f"{figure.interval.high:.2f}) over {items.units} responses.",
    )
