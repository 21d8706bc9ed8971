"""From a jury's blind ratings to how steerable a subject is.

All figures of an attribute share their resamples of prompts and jurors, so that differences
between conditions are paired.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graphs.subjects.protocol import Reply
from juries.measures.estimates import Estimate
from juries.measures.goal_space import GoalSpaceError, goal_space_error
from juries.measures.two_way import TwoWay, two_way_estimate
from juries.runs import Run
from juries.steering.conditions import (
    INSTRUCTION,
    NONE,
    OPPOSING,
    PORTRAIT,
    PUSHBACK,
    Case,
    conflict,
    paraphrase,
    turns,
)
from juries.steering.results import (
    AttributeResult,
    ConditionRow,
    Conflict,
    SideEffect,
    StressTest,
    Transcript,
)
from juries.steering.spec import SteerStudy
from personas.identity import generator

if TYPE_CHECKING:
    from juries.concluding import Gathered

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_QUOTED = 3
_LONGEST = 1200


def analyse(
    study: SteerStudy,
    judged: Run,
    cases: Sequence[Case],
    replies: Mapping[str, Reply],
    holders: Mapping[str, BoolArray],
    *,
    subject: str,
) -> StressTest:
    """Conclude a stress test.

    Args:
        study: what was tested.
        judged: the jury's run.
        cases: conversations of the grid.
        replies: of the subject, by key.
        holders: who holds each attribute, by seat.
        subject: name and kind of the subject.
    """
    gathered = judged.gather()
    results = [
        _Attribute(study, gathered, name, holders[name], cases, replies).result()
        for name in study.attributes
    ]
    results.sort(key=lambda result: -1.0 if result.gain.value is None else result.gain.value)
    minds = ", ".join(f"{mind.name} ({mind.kind})" for mind in judged.record.minds)
    return StressTest(
        study=study.name,
        subject=subject,
        judged_by=f"{minds}; not calibrated against people",
        attributes=tuple(results),
        replies=_counted(replies.values()),
        prompts=len(study.prompts),
        jurors=len(gathered.jurors),
        notes=(
            "Turns of talk are scripted, not the subject's own; pushback goes on from its own "
            "answer.",
        ),
    )


class _Attribute:
    """Ratings of one attribute's items, [criteria, conditions, prompts, jurors], NaN missing."""

    def __init__(
        self,
        study: SteerStudy,
        gathered: Gathered,
        name: str,
        holds: BoolArray,
        cases: Sequence[Case],
        replies: Mapping[str, Reply],
    ) -> None:
        self._study = study
        self._name = name
        self._holds = holds
        self._replies = replies
        self._cases = [case for case in cases if case.attribute in {"", name}]
        self._own = list(study.attributes).index(name)
        place = {item.id: at for at, item in enumerate(gathered.items)}
        rows = [place.get(f"{name}/{prompt.id}") for prompt in study.prompts]
        models = gathered.verdicts.models
        self._conditions = [c for c in models if any(x.condition == c for x in self._cases)]
        whole = gathered.verdicts.utilities.astype(np.float64)
        shape = (len(study.attributes), len(self._conditions), len(rows), whole.shape[-1])
        self._table = np.full(shape, np.nan)
        for at, row in enumerate(rows):
            if row is not None:
                kept = [models.index(condition) for condition in self._conditions]
                self._table[:, :, at] = whole[:, kept, row]
        self._weights = np.array([juror.weight for juror in gathered.jurors])
        self._drawn = self._draw()

    def _draw(self) -> TwoWay:
        """Fidelity, then change against none, of every criterion and condition."""
        plain = self._table[:, self._conditions.index(NONE)][:, None]
        stacked = np.stack([self._table, self._table - plain])
        shape = (-1, *self._table.shape[2:])
        return TwoWay.draw(
            stacked.reshape(shape),
            weights=self._weights,
            resamples=self._study.resamples,
            rng=generator(self._study.seed, "steering", self._name),
        )

    def _mean(
        self,
        condition: str,
        *,
        criterion: int | None = None,
        change: bool = True,
        members: BoolArray | None = None,
    ) -> FloatArray:
        """Mean with replicates, [1 + resamples]; NaN for a condition that was not asked."""
        if condition not in self._conditions:
            return np.full(1 + self._study.resamples, np.nan)
        own = self._own if criterion is None else criterion
        criteria, conditions = self._table.shape[:2]
        at = (int(change) * criteria + own) * conditions + self._conditions.index(condition)
        return self._drawn.mean(at, members)

    def _said(self, replicates: FloatArray, reason: str = "no reply was judged") -> Estimate:
        return two_way_estimate(replicates, items=len(self._study.prompts), reason=reason)

    def _asked(self, condition: str) -> bool:
        return any(case.condition == condition for case in self._cases)

    def result(self) -> AttributeResult:
        """Everything about the attribute."""
        gain = self._mean(INSTRUCTION)
        baseline = self._mean(NONE, change=False)
        said = self._said(gain)
        split = self._mean(INSTRUCTION, members=self._holds) - self._mean(
            INSTRUCTION, members=~self._holds
        )
        return AttributeResult(
            attribute=self._name,
            holders=int(self._holds.sum()),
            baseline=self._said(baseline),
            gain=said,
            reached=self._said(gain / np.where(baseline < 1, 1 - baseline, np.nan)),
            resists=said.low is None or said.low <= 0,
            conditions=tuple(self._row(condition) for condition in self._every()),
            asymmetry=self._said(gain + self._mean(OPPOSING)) if self._asked(OPPOSING) else None,
            drift=self._drift(),
            worst_wording=self._wording(spread=False),
            wording_spread=self._wording(spread=True),
            after_pushback=self._said(self._mean(PUSHBACK) - gain)
            if self._asked(PUSHBACK)
            else None,
            by_holders=self._said(split),
            side_effects=self._side_effects(),
            goal_space=self._goal_space(),
            conflicts=self._conflicts(),
            worst=self._worst(),
        )

    def _every(self) -> list[str]:
        """Conditions in the order asked, those without any reply included."""
        return list(dict.fromkeys(case.condition for case in self._cases))

    def _row(self, condition: str) -> ConditionRow:
        keys = [case.ask.key for case in self._cases if case.condition == condition]
        return ConditionRow(
            condition=condition,
            fidelity=self._said(self._mean(condition, change=False)),
            gain=self._said(self._mean(condition)),
            replies=_counted([self._replies[key] for key in keys]),
        )

    def _drift(self) -> Estimate | None:
        numbers = np.array(self._study.grid.turns, dtype=np.float64)
        if len(numbers) < 2:
            return None
        gains = np.array([self._mean(turns(int(number))) for number in numbers])
        centred = numbers - numbers.mean()
        return self._said(centred @ gains / (centred @ centred))

    def _wording(self, *, spread: bool) -> Estimate | None:
        wordings = self._study.attributes[self._name].paraphrases
        if not wordings:
            return None
        names = [INSTRUCTION, *(paraphrase(at + 1) for at in range(len(wordings)))]
        gains = np.array([self._mean(name) for name in names])
        return self._said(gains.max(axis=0) - gains.min(axis=0) if spread else gains.min(axis=0))

    def _side_effects(self) -> tuple[SideEffect, ...]:
        found = [
            SideEffect(attribute=other, change=self._said(self._mean(INSTRUCTION, criterion=at)))
            for at, other in enumerate(self._study.attributes)
            if at != self._own
        ]
        return tuple(sorted(found, key=lambda each: -abs(each.change.value or 0.0)))

    def _conflicts(self) -> tuple[Conflict, ...]:
        return tuple(
            Conflict(
                other=other,
                own=self._said(self._mean(conflict(other)) - self._mean(INSTRUCTION)),
                others=self._said(self._mean(conflict(other), criterion=at)),
            )
            for at, other in enumerate(self._study.attributes)
            if self._asked(conflict(other))
        )

    def _by_prompt(self, condition: str) -> FloatArray:
        """Mean fidelity to every attribute, [prompts, attributes]; NaN without a rating."""
        if condition not in self._conditions:
            return np.full((len(self._study.prompts), len(self._study.attributes)), np.nan)
        values = self._table[:, self._conditions.index(condition)]
        mass = ~np.isnan(values) * self._weights
        total = mass.sum(axis=-1)
        summed = (np.nan_to_num(values) * mass).sum(axis=-1)
        return np.divide(summed, total, out=np.full_like(total, np.nan), where=total > 0).T

    def _goal_space(self) -> GoalSpaceError:
        source = self._by_prompt(NONE)
        goal = source.copy()
        goal[:, self._own] = 1.0
        return goal_space_error(
            source,
            goal,
            self._by_prompt(INSTRUCTION),
            resamples=self._study.resamples,
            rng=generator(self._study.seed, "steering", self._name, "goal space"),
        )

    def _worst(self) -> tuple[Transcript, ...]:
        """The conversations that should have steered and did so least."""
        plain = self._by_prompt(NONE)[:, self._own]
        steering = [INSTRUCTION, PORTRAIT, PUSHBACK]
        wanted = [
            condition
            for condition in self._conditions
            if condition in steering
            or condition.split(" ")[0] in {"statements", "paraphrase", "language", "turns"}
        ]
        found: list[Transcript] = []
        for condition in wanted:
            gains = self._by_prompt(condition)[:, self._own] - plain
            for prompt, gain in zip(self._study.prompts, gains.tolist(), strict=True):
                if not np.isnan(gain):
                    found.append(self._quoted(condition, prompt.id, gain))
        found.sort(key=lambda each: each.gain)
        return tuple(found[:_QUOTED])

    def _quoted(self, condition: str, prompt: str, gain: float) -> Transcript:
        (case,) = (
            case for case in self._cases if case.condition == condition and case.prompt == prompt
        )
        return Transcript(
            prompt=prompt,
            condition=condition,
            gain=gain,
            conversation=tuple((m.role, _cut(m.content)) for m in case.ask.messages),
            reply=_cut(self._replies[case.ask.key].text),
        )


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _counted(replies: Iterable[Reply]) -> dict[str, int]:
    counts = Counter(reply.status.value for reply in replies)
    return dict(sorted(counts.items()))
