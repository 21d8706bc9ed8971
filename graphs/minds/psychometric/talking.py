"""What simulated jurors say, and how what they hear moves them.

Positions are latent standings, one row for each question, response and, for a choice, option; the
last axis is the jurors. A juror's position after any round follows from where they started and what
was heard since, so nothing has to be remembered between calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from graphs.dynamics import hear
from graphs.minds.deliberator import Round, Side
from graphs.minds.psychometric.asking import ChoiceQuestion, Held, OrdinalQuestion
from graphs.minds.psychometric.settings import in_group
from graphs.minds.psychometric.talk_settings import TalkSettings
from graphs.panel import Juror
from graphs.records import Statement, Status
from personas.identity import generator

FloatArray = NDArray[np.float64]
Asked = OrdinalQuestion | ChoiceQuestion


@dataclass(kw_only=True, eq=False)
class Stand:
    """Where a panel stands on an item before anything is heard.

    Attributes:
        asked: the questions.
        held: what the jurors hold on each.
        reached: the rounds that `listen` went through last, and where they led.
    """

    asked: tuple[Asked, ...]
    held: tuple[Held, ...]
    reached: tuple[tuple[Round, ...], FloatArray] | None = None

    @cached_property
    def start(self) -> FloatArray:
        """Positions, shape [rows, jurors]."""
        return np.concatenate([part.reshape(-1, part.shape[-1]) for part in self._parts])

    @cached_property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of each question's own positions, [rows per response, responses, jurors]."""
        return tuple(part.shape for part in self._parts)

    @cached_property
    def _parts(self) -> tuple[FloatArray, ...]:
        return tuple(q.positions(h) for q, h in zip(self.asked, self.held, strict=True))

    @cached_property
    def _places(self) -> tuple[slice, ...]:
        """Rows of each question."""
        ends = list(accumulate(shape[0] * shape[1] for shape in self.shapes))
        return tuple(map(slice, [0, *ends], ends))

    def split(self, positions: FloatArray) -> tuple[FloatArray, ...]:
        """Positions by question, each in the shape that the question uses."""
        places = zip(self._places, self.shapes, strict=True)
        return tuple(positions[rows].reshape(shape) for rows, shape in places)


def susceptibilities(jurors: Sequence[Juror], talk: TalkSettings, seed: int) -> FloatArray:
    """How far each juror yields, shape [jurors], each from the juror's own random stream."""
    drawn = [
        generator(seed, "psychometric", "susceptibility", juror.id).standard_normal()
        for juror in jurors
    ]
    yields = np.full(len(jurors), talk.susceptibility)
    if 0 < talk.susceptibility < 1:
        odds = talk.susceptibility / (1 - talk.susceptibility)
        yields = 1 / (1 + np.exp(-talk.susceptibility_sd * np.array(drawn)) / odds)
    for group in talk.groups:
        named = [in_group(juror.persona.attributes, group.where) for juror in jurors]
        yields[named] = group.susceptibility
    return yields


def listen(
    stand: Stand,
    heard: Sequence[Round],
    *,
    seats: Sequence[int],
    susceptibility: FloatArray,
    confidence: float | None,
) -> FloatArray:
    """Positions after all that was heard, shape [rows, jurors].

    What a jury has heard grows round by round, so the stand remembers where the last call ended;
    only the rounds after it, told apart by identity, are gone through.

    Args:
        stand: where the panel stood before anything was heard.
        heard: rounds in order; what has no stance (a language model's words) moves nobody.
        seats: of the panel's jurors, in panel order.
        susceptibility: of each, shape [jurors].
        confidence: logits beyond which a speaker is not listened to.
    """
    known, positions = stand.reached or ((), stand.start)
    if len(known) > len(heard) or any(a is not b for a, b in zip(known, heard, strict=False)):
        known, positions = (), stand.start
    for talk in heard[len(known) :]:
        said, spoke = _said(talk, positions, seats)
        weights = np.where(spoke, talk.weights[seats], 0.0)
        weights[np.arange(len(seats)), seats] = 0.0  # one's own words move nobody
        positions = hear(
            positions,
            said,
            start=stand.start,
            weights=weights,
            susceptibility=susceptibility,
            confidence=confidence,
        )
    stand.reached = (tuple(heard), positions)
    return positions


def _said(
    talk: Round, positions: FloatArray, seats: Sequence[int]
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """What speakers argued for, shape [rows, speakers], and who of them said anything."""
    speakers = talk.weights.shape[1]
    said, spoke = np.zeros((len(positions), speakers)), np.zeros(speakers, dtype=np.bool_)
    if talk.everyone:
        said[:, seats] = positions
        spoke[seats] = True
    aloud = [row for row in talk.statements if _has_stance(row)]
    if aloud:
        who = [row.juror for row in aloud]
        said[:, who] = _stances(aloud)
        spoke[who] = True
    return said, spoke


def argue(stand: Stand, position: FloatArray, side: Side, push: float) -> FloatArray:
    """A position as an advocate of `side` puts it, at least `push` logits on that side.

    Args:
        stand: of the panel.
        position: the advocate's own, shape [rows].
        side: what is to be argued.
        push: logits from the middle of the scale.
    """
    argued = position.copy()
    row = 0
    for size, responses, _ in stand.shapes:
        option = 0 if side.option is None else side.option - 1
        if (size > 1) == (side.option is not None):
            at = row + option * responses + side.response
            argued[at] = max(argued[at], push) if side.favourable else min(argued[at], -push)
        row += size * responses
    return argued


def draft_positions(
    stances: FloatArray, *, candidates: int, random: np.random.Generator
) -> FloatArray:
    """What a mediator proposes: the mean, the median, then means of random halves.

    Args:
        stances: of the opinions, shape [rows, jurors].
        candidates: how many drafts.
        random: draws the halves.

    Returns:
        Shape [rows, candidates].
    """
    drafts = [stances.mean(axis=1), np.median(stances, axis=1)][:candidates]
    half = max(1, stances.shape[1] // 2)
    while len(drafts) < candidates:
        members = random.permutation(stances.shape[1])[:half]
        drafts.append(stances[:, members].mean(axis=1))
    return np.stack(drafts, axis=1)


def revised_positions(leading: FloatArray, critiques: FloatArray, *, candidates: int) -> FloatArray:
    """Drafts on the way from the leading statement to its critics' mean, shape [rows, candidates].

    The first takes the shortest step and the last reaches the mean.
    """
    steps = np.arange(1, candidates + 1) / candidates
    towards = critiques.mean(axis=1) - leading
    return leading[:, None] + towards[:, None] * steps


def stances_of(statements: Sequence[Statement]) -> FloatArray | None:
    """Stances of those who said one, shape [rows, speakers]; None where nobody did."""
    found = [statement for statement in statements if _has_stance(statement)]
    return _stances(found) if found else None


def pack_stances(positions: FloatArray) -> list[bytes]:
    """Stances as the ledger stores them, one a column: float64, little-endian, exact."""
    packed = positions.T.astype("<f8").tobytes()
    width = 8 * len(positions)
    return [packed[start : start + width] for start in range(0, len(packed), width)]


def _has_stance(statement: Statement) -> bool:
    return statement.stance is not None and statement.status == Status.OK


def _stances(statements: Sequence[Statement]) -> FloatArray:
    """Shape [rows, statements]."""
    packed = b"".join([statement.stance or b"" for statement in statements])
    return np.frombuffer(packed, dtype="<f8").reshape(len(statements), -1).T
