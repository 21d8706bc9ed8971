"""The part of the embedded mind that talks: speaking, mediating and ranking."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from graphs.items import Item, Question
from graphs.minds.deliberator import MediateTask, RankTask, Round, Side, SpeakTask
from graphs.minds.psychometric.settings import PsychometricSettings
from graphs.minds.psychometric.standing import see
from graphs.minds.psychometric.talking import (
    Asked,
    Stand,
    argue,
    draft_positions,
    listen,
    pack_stances,
    revised_positions,
    stances_of,
    susceptibilities,
)
from graphs.minds.psychometric.traits import Traits
from graphs.minds.psychometric.wording import group_statement, speech
from graphs.panel import Panel
from graphs.records import Poll, Preference, Statement, Status, Turn, Utterance
from personas.identity import generator

FloatArray = NDArray[np.float64]
KEPT = 64
"""Items whose positions are kept at hand; a jury comes back to an item round after round."""


class Talker:
    """Speaks, mediates and ranks for simulated jurors.

    Args:
        settings: of the mind.
        position: of the mind in the study.
        traits: of a panel under a seed.
        asked: questions made ready.
    """

    def __init__(
        self,
        settings: PsychometricSettings,
        position: int,
        *,
        traits: Callable[[Panel, int], Traits],
        asked: Callable[[tuple[Question, ...]], tuple[Asked, ...]],
    ) -> None:
        self._settings = settings
        self._position = position
        self._traits = traits
        self._asked = asked
        self._kept: OrderedDict[tuple[Panel, str, int], tuple[Item, Stand]] = OrderedDict()
        self._yields = lru_cache(maxsize=8)(self._susceptibility)

    def stand(self, item: Item, panel: Panel, questions: tuple[Question, ...], seed: int) -> Stand:
        """Where the panel stands on an item before anything is heard."""
        key = (panel, item.id, seed)
        kept = self._kept.get(key)
        if kept is not None and kept[0] is item:
            return kept[1]
        sight = see(item, self._traits(panel, seed), self._settings, seed)
        asked = self._asked(questions)
        stand = Stand(asked=asked, held=tuple(question.hold(sight, seed) for question in asked))
        self._kept[key] = (item, stand)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return stand

    def moved(
        self, stand: Stand, panel: Panel, heard: tuple[Round, ...], seed: int
    ) -> tuple[FloatArray, ...] | None:
        """How far talk has moved each question's positions; None where nothing was heard."""
        if not heard:
            return None
        return stand.split(self._positions(stand, panel, heard, seed) - stand.start)

    def speak(self, task: SpeakTask) -> list[Statement]:
        """A row for each speaker's turn, in the order of speaking."""
        turns = [Turn(task.position, task.round, task.kind, seat, -1) for seat in task.speakers]
        if all(turn in task.answered for turn in turns):
            return []
        stand = self.stand(task.item, task.panel, task.questions, task.seed)
        positions = self._positions(stand, task.panel, task.heard, task.seed)
        argued = positions.copy()
        column = {juror.position: index for index, juror in enumerate(task.panel.jurors)}
        for seat, side in task.sides.items():
            if seat in column:
                push = self._settings.talk.advocacy
                argued[:, column[seat]] = argue(stand, argued[:, column[seat]], side, push)
        words = self._words(task, stand, positions, argued)
        stances, ok = pack_stances(argued), Status.OK.value
        rows: list[Statement] = []
        for order, turn in zip(task.order, turns, strict=True):
            if turn not in task.answered:
                place = column[turn.juror]
                text = words(place, task.sides.get(turn.juror))
                answer = (order, ok, text, stances[place], None, None, self._position, None)
                rows.append(Statement(*turn, *answer))
        return rows

    def mediate(self, task: MediateTask) -> list[Statement]:
        """A row for each draft."""
        turns = [
            Turn(task.position, task.round, Utterance.CANDIDATE, -1, number)
            for number in range(task.candidates)
        ]
        drafts = self._drafts(task)
        stances = [None] * len(turns) if drafts is None else pack_stances(drafts)
        return [
            Statement(
                *turn,
                order=turn.about,
                status=Status.FAILED.value if drafts is None else Status.OK.value,
                text=None if drafts is None else self._draft_text(task, drafts[:, turn.about]),
                stance=stances[turn.about],
                tokens=None,
                raw="no opinion had a stance" if drafts is None else None,
                mind=self._position,
                call=None,
            )
            for turn in turns
            if turn not in task.answered
        ]

    def rank(self, task: RankTask) -> list[Preference]:
        """A row for each juror: candidates by their distance from the juror's position."""
        stand = self.stand(task.item, task.panel, task.questions, task.seed)
        positions = self._positions(stand, task.panel, task.heard, task.seed)
        known = [c for c in task.candidates if c.status == Status.OK and c.stance is not None]
        stances = stances_of(known)
        rows: list[Preference] = []
        distance = np.zeros((len(task.panel), len(known)))
        if stances is not None:
            distance = np.abs(positions[:, :, None] - stances[:, None, :]).mean(axis=0)
            stream = generator(task.seed, "psychometric", "rank", task.item.id, task.round)
            noise: FloatArray = stream.standard_normal((len(task.panel), len(known)))
            by_juror = noise[self._traits(task.panel, task.seed).rank]
            distance = np.abs(distance + self._settings.replicate_sd * by_juror)
        names = [str(candidate.about) for candidate in known]
        within = self._settings.talk.endorse_within
        for juror, away in zip(task.panel.jurors, distance, strict=True):
            poll = Poll(task.position, task.round, juror.position)
            if poll in task.answered:
                continue
            order: list[int] = np.argsort(away, kind="stable").tolist()
            rows.append(
                Preference(
                    *poll,
                    status=Status.OK.value if known else Status.ABSTAINED.value,
                    ranking=",".join(names[i] for i in order) if known else None,
                    endorsed=",".join(names[i] for i in order if away[i] <= within),
                    tokens=None,
                    raw=None,
                    mind=self._position,
                    call=None,
                )
            )
        return rows

    def _positions(
        self, stand: Stand, panel: Panel, heard: tuple[Round, ...], seed: int
    ) -> FloatArray:
        return listen(
            stand,
            heard,
            seats=[juror.position for juror in panel.jurors],
            susceptibility=self._yields(panel, seed),
            confidence=self._settings.talk.confidence,
        )

    def _words(
        self, task: SpeakTask, stand: Stand, positions: FloatArray, argued: FloatArray
    ) -> Callable[[int, Side | None], str]:
        """From a juror's place in the panel, and the side they were given, to what they say."""
        parts = stand.split(argued)
        points = [q.nearest(part).T.tolist() for q, part in zip(stand.asked, parts, strict=True)]
        moved = zip(stand.asked, stand.held, stand.split(positions - stand.start), strict=True)
        reasons = [question.reasons(held, part) for question, held, part in moved]
        jurors = len(task.panel)

        def words(place: int, side: Side | None) -> str:
            said = [
                (question, chosen[place], why[place::jurors])
                for question, chosen, why in zip(task.questions, points, reasons, strict=True)
            ]
            return speech(task.kind, said, side=side, limit=task.limit)

        return words

    def _drafts(self, task: MediateTask) -> FloatArray | None:
        """What the mediator proposes, shape [rows, candidates]; None without a stance to go by."""
        if task.leading is None:
            stances = stances_of(task.opinions)
            if stances is None:
                return None
            random = generator(task.seed, "psychometric", "mediator", task.item.id, task.round)
            return draft_positions(stances, candidates=task.candidates, random=random)
        leading, critiques = stances_of([task.leading]), stances_of(task.critiques)
        if leading is None or critiques is None:
            return None
        return revised_positions(leading[:, 0], critiques, candidates=task.candidates)

    def _draft_text(self, task: MediateTask, draft: FloatArray) -> str:
        responses = len(task.item.responses)
        chosen: list[tuple[Question, list[int]]] = []
        row = 0
        for question, asked in zip(task.questions, self._asked(task.questions), strict=True):
            size = asked.rows
            part = draft[row : row + size * responses].reshape(size, responses)
            chosen.append((question, asked.nearest(part).tolist()))
            row += size * responses
        return group_statement(chosen, limit=task.limit)

    def _susceptibility(self, panel: Panel, seed: int) -> FloatArray:
        return susceptibilities(panel.jurors, self._settings.talk, seed)
