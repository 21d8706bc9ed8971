"""Simulated jurors move as theory says, and a resumed run says what an unbroken one says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import numpy as np
import pytest

from graphs.consensus import consensus_weights, total_influence
from graphs.deliberation.context import TalkingBench
from graphs.deliberation.spec import Deliberation
from graphs.dynamics import clusters, trajectory
from graphs.items import Choice, Criterion, Rubric, questions
from graphs.minds.deliberator import Deliberator
from graphs.minds.psychometric import PsychometricMind, PsychometricSettings
from graphs.minds.psychometric.talk_settings import GroupSusceptibility, TalkSettings
from graphs.minds.psychometric.talking import susceptibilities
from graphs.panel import Panel
from graphs.records import Rating, Statement, Status


def settings(**talk: Any) -> PsychometricSettings:
    return PsychometricSettings(talk=TalkSettings(**talk))


def stances(held: Any, round_: int) -> np.ndarray:
    """What each seat argued for, shape [rows, seats]."""
    said = sorted(held.said(round_=round_), key=lambda s: s.juror)
    return np.stack([np.frombuffer(s.stance) for s in said], axis=1)


@pytest.mark.parametrize("topology", ["complete", "ring", "star", "small_world"])
def test_jurors_who_all_speak_follow_friedkin_and_johnsen(hold, jurors, topology) -> None:
    spec = Deliberation(topology={"kind": topology}, rounds=5)
    declared = settings(susceptibility=0.7, susceptibility_sd=0.8)
    held = hold(spec, settings=declared)
    start = stances(held, 1)
    path = trajectory(
        start,
        weights=held.plan.network(1).weights,
        rounds=4,
        susceptibility=susceptibilities(jurors(6), declared.talk, 7),
    )
    for round_ in range(1, 6):
        np.testing.assert_allclose(stances(held, round_), path[round_ - 1], atol=1e-12)


def test_talk_without_end_reaches_the_consensus_of_the_left_eigenvector(hold) -> None:
    spec = Deliberation(topology={"kind": "star"}, rounds=50, votes="none", control=0)
    held = hold(spec, settings=settings(susceptibility=1.0))
    share = consensus_weights(held.plan.network(1).weights)
    assert share is not None
    expected = stances(held, 1) @ share
    np.testing.assert_allclose(stances(held, 50), np.tile(expected[:, None], 6), atol=1e-9)


def test_talk_without_end_reaches_the_limit_of_stubborn_jurors(hold, jurors) -> None:
    declared = settings(
        susceptibility=0.8,
        groups=[GroupSusceptibility(where={"side": "left"}, susceptibility=0.0)],
    )
    spec = Deliberation(topology={"kind": "ring"}, rounds=50, votes="none", control=0)
    held = hold(spec, settings=declared)
    yields = susceptibilities(jurors(6), declared.talk, 7)
    assert yields[[1, 3, 5]].tolist() == [0, 0, 0]
    influence = total_influence(held.plan.network(1).weights, yields)
    assert influence is not None
    np.testing.assert_allclose(stances(held, 50), stances(held, 1) @ influence.T, atol=1e-9)


def test_bounded_confidence_leaves_planted_camps_apart(hold) -> None:
    camp = {"where": {"side": "left"}, "shift": 6.0}
    declared = PsychometricSettings(
        planted=(camp,), talk=TalkSettings(susceptibility=1.0, confidence=3.0)
    )
    spec = Deliberation(rounds=20, votes="none", control=0)
    held = hold(spec, settings=declared)
    for row in stances(held, 20):
        assert clusters(row, 1.0) == ((0, 2, 4), (1, 3, 5))
    together = hold(
        spec, settings=settings(susceptibility=1.0, confidence=50.0), name="without camps"
    )
    assert all(len(clusters(row, 1e-6)) == 1 for row in stances(together, 20))


def test_ratings_after_talk_follow_the_positions(hold) -> None:
    """Full susceptibility: after long talk all have the same distribution, chance apart."""
    declared = PsychometricSettings(
        replicate_sd=0.0, discrimination_sd=0.0, talk=TalkSettings(susceptibility=1.0)
    )
    held = hold(Deliberation(rounds=30, votes="none", control=1), settings=declared)

    def spread(round_: int) -> float:
        rows = [r.expected for r in held.ratings if r.round == round_ and r.response == 0]
        return float(np.ptp(rows))

    assert spread(0) > 0.5
    assert spread(31) < 1e-6
    assert spread(-1) == pytest.approx(spread(0))


@pytest.mark.parametrize("kind", ["rubric", "choice"])
def test_other_scales_talk_too(hold, kind) -> None:
    scale = (
        Rubric(
            criteria=tuple(
                Criterion(name=name, question="?", points=("bad", "good"), better=better)
                for name, better in (("clear", "high"), ("rude", "low"))
            )
        )
        if kind == "rubric"
        else Choice(question="?", options=("keep", "mend", "drop"), worth=(1.0, 0.5, 0.0))
    )
    held = hold(
        Deliberation(rounds=3, verdict={"kind": "majority"}),
        asked=questions(scale),
        settings=settings(susceptibility=1.0),
    )
    rows = 4 if kind == "rubric" else 6
    assert stances(held, 1).shape == (rows, 6)
    expected = stances(held, 1).mean(axis=1)
    np.testing.assert_allclose(stances(held, 2), np.tile(expected[:, None], 6), atol=1e-12)
    assert all(row.status == Status.OK for row in held.ratings)
    assert all(label in held.said(round_=1)[0].text for label in ("response A", "response B"))


def test_in_round_robin_a_speaker_has_heard_those_before(hold) -> None:
    spec = Deliberation(protocol={"kind": "discussion", "turns": "round_robin"}, rounds=1)
    held = hold(spec, settings=settings(susceptibility=1.0, susceptibility_sd=0.0))
    at_once = hold(
        Deliberation(rounds=1),
        settings=settings(susceptibility=1.0, susceptibility_sd=0.0),
        name="simultaneous",
    )
    start = stances(at_once, 1)
    in_turn = held.said(round_=1)
    assert [row.order for row in in_turn] == list(range(6))
    np.testing.assert_allclose(np.frombuffer(in_turn[0].stance), start[:, in_turn[0].juror])
    second = in_turn[1].juror
    heard = start[:, in_turn[0].juror] / 6 + start[:, second] * 5 / 6
    np.testing.assert_allclose(np.frombuffer(in_turn[1].stance), heard, atol=1e-12)


# resuming


class Counting:
    """A mind that counts what it is asked, and may die after so many statements."""

    def __init__(self, mind: Deliberator, *, dies_after: int | None = None) -> None:
        self._mind, self._left = mind, dies_after
        self.name, self.version, self.kind = mind.name, mind.version, mind.kind
        self.asked: list[tuple[int, ...]] = []

    def rate(self, task: Any) -> AsyncIterator[Sequence[Rating]]:
        raise AssertionError("ballots of a deliberation are all asked in one way")

    async def revise(self, task: Any, heard: Any) -> AsyncIterator[Sequence[Rating]]:
        async for rows in self._mind.revise(task, heard):
            self.asked.extend(row.cell for row in rows)
            yield rows

    async def speak(self, task: Any) -> AsyncIterator[Sequence[Statement]]:
        async for rows in self._mind.speak(task):
            for row in rows:  # one by one, as a server would answer
                if self._left == 0:
                    raise ConnectionError("the process dies here")
                if self._left is not None:
                    self._left -= 1
                self.asked.append(row.turn)
                yield [row]

    async def mediate(self, task: Any) -> AsyncIterator[Sequence[Statement]]:
        async for rows in self._mind.mediate(task):
            self.asked.extend(row.turn for row in rows)
            yield rows

    async def rank(self, task: Any) -> AsyncIterator[Any]:
        async for rows in self._mind.rank(task):
            self.asked.extend(row.poll for row in rows)
            yield rows


@pytest.mark.parametrize(
    ("protocol", "dies_after"),
    [
        ("discussion", 9),
        ({"kind": "discussion", "turns": "round_robin"}, 8),
        ("debate", 3),
        ("devils_advocate", 10),
        ("mediator", 9),
    ],
)
def test_a_run_that_died_in_round_two_goes_on_without_asking_twice(
    hold, jurors, protocol, dies_after
) -> None:
    spec = Deliberation(protocol=protocol, rounds=3, control=1)
    mind = PsychometricMind(settings(susceptibility=0.6))
    panel = Panel(jurors(6))
    whole = hold(spec, benches=[TalkingBench(mind=mind, panel=panel)], name="whole")
    assert len([s for s in whole.statements if s.round == 1 and s.juror >= 0]) < dies_after

    dying, living = Counting(mind, dies_after=dies_after), Counting(mind)
    with pytest.raises(ConnectionError):
        hold(spec, benches=[TalkingBench(mind=dying, panel=panel)], name="broken")
    again = hold(spec, benches=[TalkingBench(mind=living, panel=panel)], name="broken")
    assert again.ratings == whole.ratings
    assert again.statements == whole.statements
    assert again.preferences == whole.preferences
    assert not set(dying.asked) & set(living.asked)
    assert len(living.asked) == len(set(living.asked))
    third = Counting(mind)
    hold(spec, benches=[TalkingBench(mind=third, panel=panel)], name="broken")
    assert third.asked == []


def test_results_do_not_depend_on_how_many_items_are_at_hand(hold) -> None:
    spec = Deliberation(rounds=2, control=0.5)
    one_by_one = hold(spec, matters=5, name="one by one")
    at_once = hold(spec, matters=5, at_once=True, name="at once")
    assert at_once.ratings == one_by_one.ratings
    assert at_once.statements == one_by_one.statements


def test_two_minds_on_one_jury_hear_each_other(hold, jurors) -> None:
    seated = jurors(6)
    mind = PsychometricMind(settings(susceptibility=1.0))
    other = PsychometricMind(settings(susceptibility=1.0), position=1)
    benches = [
        TalkingBench(mind=mind, panel=Panel(seated[:4])),
        TalkingBench(mind=other, panel=Panel(seated[4:])),
    ]
    held = hold(Deliberation(rounds=2), benches=benches)
    first, second = stances(held, 1), stances(held, 2)
    np.testing.assert_allclose(second, np.tile(first.mean(axis=1)[:, None], 6), atol=1e-12)
    assert {(row.juror, row.mind) for row in held.ratings} == {
        (seat, int(seat > 3)) for seat in range(6)
    }


def test_words_without_a_stance_and_failed_turns_move_nobody(hold, jurors) -> None:
    class Mute(Counting):
        """Juror 5 says something in words only; juror 4 cannot be reached."""

        async def speak(self, task: Any) -> AsyncIterator[Sequence[Statement]]:
            async for rows in super().speak(task):
                for row in rows:
                    changed = {5: row._replace(stance=None), 4: row._replace(status="failed")}
                    yield [changed.get(row.juror, row)]

    mind = Mute(PsychometricMind(settings(susceptibility=1.0)))
    held = hold(Deliberation(rounds=2), benches=[TalkingBench(mind=mind, panel=Panel(jurors(6)))])
    said = {s.juror: np.frombuffer(s.stance) for s in held.said(round_=1) if s.stance}
    heard = [said[seat] for seat in range(4)]
    second = np.frombuffer(next(s.stance for s in held.said(round_=2) if s.juror == 0))
    # what nobody heard from 4 and 5 stays with one's own view
    np.testing.assert_allclose(second, (sum(heard) + 2 * said[0]) / 6, atol=1e-12)
