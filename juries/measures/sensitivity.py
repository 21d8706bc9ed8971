"""How often a conclusion holds when something that should not matter is changed.

- `model_order`: the conclusions "a scores above b" that a set of scores supports.
- `conclusion_stability`: the same conclusions across variants (portrait templates, layouts, seeds).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

UNDEFINED = "undefined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stability:
    """One conclusion across variants.

    Attributes:
        conclusion: what it is about, such as `gpt > claude`.
        answers: variant → what it concluded.
        commonest: the answer of most variants (the first of equally common ones).
        share: share of the variants that give it.
    """

    conclusion: str
    answers: Mapping[str, str]
    commonest: str
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """All conclusions across variants.

    Attributes:
        variants: names.
        conclusions: least stable first.
        changed: share of conclusions on which not all variants agree; None without a conclusion.
        reference: the first variant.
        changed_from_reference: variant → share of conclusions that differ from the reference.
    """

    variants: tuple[str, ...]
    conclusions: tuple[Stability, ...]
    changed: float | None
    reference: str
    changed_from_reference: Mapping[str, float]

    @property
    def reading(self) -> str:
        """What was found, in words."""
        if self.changed is None:
            return "There is no conclusion to compare."
        if self.changed == 0:
            return f"All conclusions hold in all {len(self.variants)} variants."
        worst = self.conclusions[0]
        return (
            f"{self.changed:.0%} of {len(self.conclusions)} conclusions change in some of "
            f"{len(self.variants)} variants; least stable: {worst.conclusion} "
            f"({worst.commonest} in {worst.share:.0%})."
        )


def model_order(scores: Mapping[str, float | None], *, margin: float = 0.0) -> dict[str, str]:
    """Conclusions `a > b` for every two models: yes, no, tie, or undefined.

    Args:
        scores: model → score; None where undefined.
        margin: differences up to it are ties.

    Raises:
        ValueError: a negative margin.
    """
    if not margin >= 0:
        raise ValueError(f"margin is {margin}; it must not be negative")
    conclusions: dict[str, str] = {}
    for a, b in combinations(sorted(scores), 2):
        first, second = scores[a], scores[b]
        if first is None or second is None:
            answer = UNDEFINED
        elif abs(first - second) <= margin:
            answer = "tie"
        else:
            answer = "yes" if first > second else "no"
        conclusions[f"{a} > {b}"] = answer
    return conclusions


def conclusion_stability(variants: Mapping[str, Mapping[str, str]]) -> Sensitivity:
    """Compare the conclusions of several variants of one study.

    A conclusion that a variant lacks counts as undefined there, so that a variant which could not
    conclude is never taken for agreement.

    Args:
        variants: variant → conclusion → answer; the first variant is the reference.

    Raises:
        ValueError: fewer than two variants.
    """
    if len(variants) < 2:
        raise ValueError(f"{len(variants)} variants; it takes two to compare")
    names = tuple(variants)
    asked = list(dict.fromkeys(key for each in variants.values() for key in each))
    stabilities = sorted(
        (_stability(key, names, variants) for key in asked), key=lambda each: each.share
    )
    reference = variants[names[0]]
    return Sensitivity(
        variants=names,
        conclusions=tuple(stabilities),
        changed=sum(each.share < 1 for each in stabilities) / len(asked) if asked else None,
        reference=names[0],
        changed_from_reference={
            name: _share_changed(asked, reference, variants[name]) for name in names[1:]
        }
        if asked
        else {},
    )


def _stability(
    key: str, names: Sequence[str], variants: Mapping[str, Mapping[str, str]]
) -> Stability:
    answers = {name: variants[name].get(key, UNDEFINED) for name in names}
    commonest, times = Counter(answers.values()).most_common(1)[0]
    return Stability(conclusion=key, answers=answers, commonest=commonest, share=times / len(names))


def _share_changed(
    asked: Sequence[str], reference: Mapping[str, str], other: Mapping[str, str]
) -> float:
    changed = sum(other.get(key, UNDEFINED) != reference.get(key, UNDEFINED) for key in asked)
    return changed / len(asked)
