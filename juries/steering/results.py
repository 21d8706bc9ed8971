"""What a stress test concludes: frozen results, and how they are said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from juries.measures.estimates import Estimate
from juries.measures.goal_space import GoalSpaceError


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionRow:
    """One way of steering to one attribute.

    Attributes:
        condition: its name.
        fidelity: mean fidelity to the attribute, 0 to 1.
        gain: fidelity less that without steering, on the same prompts and jurors.
        replies: how many ended in which status.
    """

    condition: str
    fidelity: Estimate
    gain: Estimate
    replies: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SideEffect:
    """What the instruction changes in the fidelity to another attribute."""

    attribute: str
    change: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Two attributes asked for at once: what is left of each one's own gain."""

    other: str
    own: Estimate
    others: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """A conversation in which steering did worst, quoted."""

    prompt: str
    condition: str
    gain: float
    conversation: tuple[tuple[str, str], ...]
    reply: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AttributeResult:
    """How one attribute can be steered to.

    Attributes:
        attribute: its name.
        holders: jurors who hold it.
        baseline: fidelity without steering.
        gain: of the one-line instruction.
        reached: that gain as a share of the room above the baseline.
        resists: whether the interval of the gain reaches 0.
        conditions: every condition.
        asymmetry: gain of the instruction less loss by the opposing one; None without one.
        drift: change of the gain per further turn of talk (least squares); None without turns.
        worst_wording: the smallest gain over the instruction and its paraphrases; None without.
        wording_spread: largest less smallest gain over them; None without.
        after_pushback: gain after pushback less that before; None without.
        by_holders: gain as rated by those who hold it, less that rated by the others.
        side_effects: on the other attributes, the largest first.
        goal_space: error of the instruction in the space of all attributes, over prompts.
        conflicts: with each other attribute.
        worst: transcripts, the worst first.
    """

    attribute: str
    holders: int
    baseline: Estimate
    gain: Estimate
    reached: Estimate
    resists: bool
    conditions: tuple[ConditionRow, ...]
    asymmetry: Estimate | None
    drift: Estimate | None
    worst_wording: Estimate | None
    wording_spread: Estimate | None
    after_pushback: Estimate | None
    by_holders: Estimate
    side_effects: tuple[SideEffect, ...]
    goal_space: GoalSpaceError
    conflicts: tuple[Conflict, ...]
    worst: tuple[Transcript, ...]

    def condition(self, name: str) -> ConditionRow:
        """One condition by name.

        Raises:
            KeyError: it was not asked.
        """
        for row in self.conditions:
            if row.condition == name:
                return row
        raise KeyError(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class StressTest:
    """Everything, attributes that are steered to least first.

    Attributes:
        study: its name.
        subject: name and kind of the model under test.
        judged_by: which minds judged.
        attributes: the least steerable first.
        replies: of the subject, by status.
        prompts: how many.
        jurors: how many.
        notes: what a reader must know, in sentences.
    """

    study: str
    subject: str
    judged_by: str
    attributes: tuple[AttributeResult, ...]
    replies: Mapping[str, int]
    prompts: int
    jurors: int
    notes: tuple[str, ...]

    def of(self, attribute: str) -> AttributeResult:
        """One attribute by name.

        Raises:
            KeyError: it was not tested.
        """
        for result in self.attributes:
            if result.attribute == attribute:
                return result
        raise KeyError(attribute)
