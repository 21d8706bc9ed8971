"""Each protocol lets those speak who should, to whom it should, for as long as it should."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from graphs.deliberation.build import build_deliberation_graph
from graphs.deliberation.context import TalkingBench
from graphs.deliberation.plan import Plan, check_deliberation
from graphs.deliberation.spec import Deliberation
from graphs.deliberation.standings import camps
from graphs.items import Choice, Likert, questions
from graphs.minds.psychometric import PsychometricMind, PsychometricSettings
from graphs.panel import Panel
from graphs.ranking import ranks_from_orders, schulze
from graphs.records import Statement, Status
from personas.errors import InputError

PROTOCOLS = ["independent", "discussion", "delphi", "debate", "devils_advocate", "mediator"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_begins_and_ends_with_a_private_ballot(hold, protocol) -> None:
    held = hold(Deliberation(protocol=protocol, rounds=3, control=0), matters=2)
    spec = held.spec
    running = [] if protocol == "mediator" else [1, 2]
    for item in range(2):
        assert held.rounds(item) == [0, *running, 4]
        for round_ in held.rounds(item):
            rows = [r for r in held.ratings if r.item == item and r.round == round_]
            assert len(rows) == 6 * 2
            assert {row.status for row in rows} == {Status.OK}
    assert spec.final_round == 4
    assert [state["stop"] for state in held.states] == ["rounds", "rounds"]
    assert [(row.item, row.round, row.text) for row in held.closed] == [
        (item, 3, "rounds") for item in range(2)
    ]
    assert sum(s["recorded"] for s in held.states) == (
        len(held.ratings) + len(held.statements) + len(held.preferences) + len(held.closed)
    )


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_control_rates_as_often_without_talk(hold, protocol) -> None:
    held = hold(Deliberation(protocol=protocol, rounds=3, control=1))
    talked = [r for r in held.rounds() if r > 0]
    silent = [r for r in held.rounds() if r < 0]
    assert len(silent) == (0 if protocol == "independent" else len(talked))


def test_without_talk_nothing_is_said_and_ratings_are_as_in_the_control(hold) -> None:
    alone = hold(Deliberation(protocol="independent", rounds=3), name="alone")
    talked = hold(Deliberation(rounds=3, control=1), name="talked")
    assert alone.statements == []
    assert [r for r in alone.ratings if r.round == 0] == [r for r in talked.ratings if r.round == 0]
    # Alone and in the control, positions never move: means differ by chance on the occasion only.
    mean = {
        name: np.mean([r.expected for r in held.ratings if chosen(r.round)])
        for name, held, chosen in (
            ("alone", alone, lambda r: r > 0),
            ("control", talked, lambda r: r < 0),
        )
    }
    assert mean["alone"] == pytest.approx(mean["control"], abs=0.15)


def test_the_control_is_a_sampled_share_of_items(jurors) -> None:
    plan = Plan(Deliberation(control=0.2), jurors(4), seed=3)
    sampled = [item for item in range(2000) if plan.is_control(item)]
    assert len(sampled) / 2000 == pytest.approx(0.2, abs=0.03)
    again = Plan(Deliberation(control=0.2), jurors(4), seed=3)
    assert [item for item in range(2000) if again.is_control(item)] == sampled


def test_in_a_discussion_all_speak_in_an_order_drawn_for_each_round(hold) -> None:
    held = hold(Deliberation(rounds=2), seats=8, matters=3)
    orders = [
        tuple(row.juror for row in held.said("statement", item=item, round_=round_))
        for item in range(3)
        for round_ in (1, 2)
    ]
    assert all(sorted(order) == list(range(8)) for order in orders)
    assert len(set(orders)) == 6
    assert all(len(row.text) <= 600 for row in held.statements)
    short = hold(Deliberation(rounds=1, statement_characters=40), name="short")
    assert max(len(row.text) for row in short.statements) == 40


def test_delphi_reports_the_distribution_and_reasons_of_both_sides(hold) -> None:
    held = hold(Deliberation(protocol="delphi", rounds=2), seats=12)
    assert [(row.kind, row.juror, row.mind) for row in held.statements] == [
        ("feedback", -1, -1)
    ] * 2
    text = held.said(round_=2)[0].text
    for response, name in enumerate("AB"):
        ratings = [r.rating for r in held.ratings if r.round == 1 and r.response == response]
        counts = ", ".join(
            f"{label!r} {ratings.count(point)}"
            for point, label in enumerate(("very bad", "bad", "fair", "good", "very good"), 1)
        )
        assert f"On response {name}, 12 of 12 answered: {counts}." in text
    assert "Reasons given for higher ratings: " in text
    reasons = {r.reason for r in held.ratings if r.round == 1}
    shown = text.split("Reasons given for higher ratings: ")[1].split(".")[0].split("; ")
    assert len(shown) == 2
    assert set(shown) <= reasons


def test_debate_advocates_come_from_their_own_side_by_first_votes(hold, items) -> None:
    held = hold(Deliberation(protocol={"kind": "debate", "advocates": 2}, rounds=2), seats=12)
    first = [r for r in held.ratings if r.round == 0]
    found = camps(items(1)[0], questions(scale_of()), first, seats=12)
    assert len(found) == 2
    for round_, kind in ((1, "advocacy"), (2, "rebuttal")):
        rows = held.said(round_=round_)
        assert {row.kind for row in rows} == {kind}
        for camp in found:
            speaking = [row for row in rows if row.juror in camp.seats]
            assert len(speaking) == min(2, len(camp.seats))
            assert all(f"I argue {camp.side.text}" in row.text for row in speaking)


def scale_of() -> Likert:
    return Likert(question="How good?", points=("very bad", "bad", "fair", "good", "very good"))


def test_a_debate_with_one_side_only_is_not_held(hold) -> None:
    better = PsychometricSettings(planted=({"models": ("plural",), "shift": 10.0},))
    held = hold(Deliberation(protocol="debate", rounds=3), settings=better)
    assert held.states[0]["stop"] == "one_sided"
    assert held.statements == []
    assert held.rounds() == [0, 4]


def test_the_devils_advocate_goes_round_and_argues_against_the_leading_view(hold, items) -> None:
    held = hold(Deliberation(protocol="devils_advocate", rounds=4), seats=5)
    objections = held.said("objection")
    assert len({row.juror for row in objections}) == 4
    for row in objections:
        before = [r for r in held.ratings if r.round == row.round - 1]
        leading = camps(items(1)[0], questions(scale_of()), before, seats=5)[0].side
        assert f"I argue against response {'AB'[leading.response]}" in row.text
        stance = np.frombuffer(row.stance)
        assert stance[leading.response] <= -1.0
        assert len(held.said("statement", round_=row.round)) == 4


def test_the_mediators_winner_is_the_schulze_winner_of_private_rankings(hold) -> None:
    held = hold(Deliberation(protocol={"kind": "mediator", "candidates": 3}, rounds=2), seats=9)
    for round_, drafts in ((1, 3), (2, 4)):
        rows = [p for p in held.preferences if p.round == round_]
        assert len(rows) == 9
        orders = [tuple(map(int, row.ranking.split(","))) for row in rows]
        assert all(sorted(order) == list(range(drafts)) for order in orders)
        winners = schulze(ranks_from_orders(orders, drafts)).winners
        stands = held.said("candidate", round_=round_)
        if round_ == 1:
            [carried] = held.said("candidate", round_=2)[-1:]
            assert carried.text in {stands[winner].text for winner in winners}
        else:
            [agreed] = held.said("agreed")
            assert agreed.about in winners
            assert agreed.text == stands[agreed.about].text
    assert {row.kind for row in held.said(round_=1)} == {"opinion", "candidate"}
    assert len(held.said("critique", round_=2)) == 9


@pytest.mark.parametrize("rule", ["schulze", "borda", "instant_runoff", "approval"])
def test_every_ranking_rule_can_decide(hold, rule) -> None:
    held = hold(Deliberation(protocol={"kind": "mediator", "rule": rule}, rounds=1))
    assert len(held.said("agreed")) == 1


def test_the_agreed_statement_moves_the_jury_towards_it(hold) -> None:
    settings = PsychometricSettings(talk={"susceptibility": 1.0}, replicate_sd=0.0)
    held = hold(Deliberation(protocol="mediator", rounds=1, control=1), settings=settings)
    agreed = np.frombuffer(held.said("agreed")[0].stance)[0]

    def positions(round_: int) -> np.ndarray:
        return np.array([r.expected for r in held.ratings if r.round == round_ and r.response == 0])

    said = [np.frombuffer(row.stance)[0] for row in held.said("opinion")]
    order = np.argsort([row.juror for row in held.said("opinion")])
    towards = np.sign(agreed - np.array(said)[order])
    moved = positions(2) - positions(-1)
    assert (moved * towards > 0).all()


class Wordless:
    """A mediator that finds no words, and jurors that go on without them."""

    def __init__(self) -> None:
        self._mind = PsychometricMind()
        self.name, self.version, self.kind = "wordless", "1", self._mind.kind
        self.rate, self.revise = self._mind.rate, self._mind.revise
        self.speak, self.rank = self._mind.speak, self._mind.rank

    async def mediate(self, task: Any) -> AsyncIterator[Sequence[Statement]]:
        async for rows in self._mind.mediate(task):
            yield [row._replace(status="failed", text=None, stance=None) for row in rows]


def test_mediation_without_a_draft_ends_in_the_final_ballot(hold, jurors) -> None:
    bench = TalkingBench(mind=Wordless(), panel=Panel(jurors(4)))
    held = hold(Deliberation(protocol="mediator"), seats=4, benches=[bench])
    assert held.states[0]["stop"] == "no_candidate"
    assert held.said("agreed") == []
    assert held.rounds() == [0, 3]


# stop rules


def test_talk_stops_when_all_agree(hold) -> None:
    alike = PsychometricSettings(
        planted=({"shift": 10.0},), discrimination=10.0, discrimination_sd=0.0
    )
    held = hold(Deliberation(rounds=6, stop={"unanimous": True}), settings=alike)
    assert held.states[0]["stop"] == "unanimous"
    assert held.rounds() == [0, 1, 7]
    patient = hold(
        Deliberation(rounds=6, stop={"unanimous": True, "least_rounds": 3}),
        settings=alike,
        name="patient",
    )
    assert patient.rounds() == [0, 1, 2, 3, 7]


def test_talk_stops_when_ratings_are_stable(hold) -> None:
    quiet = PsychometricSettings(talk={"susceptibility": 1.0}, replicate_sd=0.0)
    spec = Deliberation(rounds=9, stop={"stable": 0.01})
    held = hold(spec, settings=quiet)  # complete and fully susceptible: one round is enough
    assert held.states[0]["stop"] == "stable"
    assert held.states[0]["round"] == 2
    ring = hold(
        Deliberation(rounds=9, stop={"stable": 0.01}, topology={"kind": "ring"}),
        settings=quiet,
        name="ring",
    )
    assert 2 < ring.states[0]["round"] <= 9


class Costly:
    """A mind whose turns cost tokens."""

    def __init__(self, tokens: int) -> None:
        self._mind, self._tokens = PsychometricMind(), tokens
        self.name, self.version, self.kind = "costly", "1", self._mind.kind
        self.rate, self.revise = self._mind.rate, self._mind.revise
        self.rank, self.mediate = self._mind.rank, self._mind.mediate

    async def speak(self, task: Any) -> AsyncIterator[Sequence[Statement]]:
        async for rows in self._mind.speak(task):
            yield [row._replace(tokens=self._tokens) for row in rows]


@pytest.mark.parametrize(
    ("protocol", "budget", "rounds", "why"),
    [
        ("discussion", 12, 2, "calls"),  # six statements a round
        ("discussion", 13, 3, "calls"),
        ("discussion", 60, 4, "rounds"),
        ({"kind": "mediator", "candidates": 3}, 15, 1, "calls"),  # 6 opinions, 3 drafts, 6 ranks
        ({"kind": "mediator", "candidates": 3}, 16, 2, "calls"),
        ("delphi", 1, 4, "rounds"),  # nobody speaks
    ],
)
def test_talk_stops_when_the_call_budget_is_spent(hold, protocol, budget, rounds, why) -> None:
    held = hold(Deliberation(protocol=protocol, rounds=4, control=0, stop={"calls": budget}))
    assert [(row.round, row.text) for row in held.closed] == [(rounds, why)]
    again = hold(Deliberation(protocol=protocol, rounds=4, control=0, stop={"calls": budget}))
    assert again.statements == held.statements  # what is on record counts when a run goes on


def test_talk_stops_when_the_token_budget_is_spent(hold, jurors) -> None:
    bench = TalkingBench(mind=Costly(100), panel=Panel(jurors(6)))
    held = hold(Deliberation(rounds=9, stop={"tokens": 1500}), benches=[bench])
    assert held.states[0]["stop"] == "tokens"
    assert held.states[0]["round"] == 3  # 600 tokens a round
    again = hold(Deliberation(rounds=9, stop={"tokens": 1500}), benches=[bench])
    # Gone through again with everything on record, no round is ended by what later ones cost.
    assert again.states[0]["round"] == 3
    assert again.statements == held.statements


def test_speakers_condense_once_a_transcript_is_too_long(hold) -> None:
    budget = 2000
    spec = Deliberation(rounds=6, transcript_characters=budget, statement_characters=200)
    held = hold(spec)
    heard = np.zeros(6)
    expected = []
    for round_ in range(2, 7):
        heard += heard_in(held, round_ - 1)
        if heard.max() > budget:
            expected.append(round_)
            heard = heard_in(held, round_, "summary")
    assert expected
    assert sorted({row.round for row in held.said("summary")}) == expected
    assert len(held.said("summary", round_=expected[0])) == 6
    assert not hold(Deliberation(rounds=4), name="roomy").said("summary")


def heard_in(held: Any, round_: int, kind: str = "statement") -> np.ndarray:
    """Characters that each of six seats has before them on a complete graph, their own included."""
    return np.full(6, float(sum(len(row.text) for row in held.said(kind, round_=round_))))


# pictures and bad input


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_each_graph_can_be_drawn(protocol) -> None:
    picture = build_deliberation_graph(protocol).compile().get_graph().draw_mermaid()
    assert "first_ballot" in picture
    assert "final_ballot" in picture


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"rounds": 0}, "use the protocol `independent`"),
        ({"rounds": 51}, "expected 1 to 50"),
        ({"rounds": 2, "stop": {"least_rounds": 3}}, "there are 2 rounds"),
        ({"votes": "none", "stop": {"unanimous": True}}, "need running votes"),
        ({"votes": "none", "stop": {"stable": 0.1}}, "need running votes"),
        ({"protocol": "mediator", "stop": {"stable": 0.1}}, "a mediator holds none"),
        ({"protocol": "delphi", "votes": "none"}, "feeds votes back"),
        ({"protocol": "debate", "votes": "public"}, "no public votes"),
        ({"protocol": "delphi", "topology": {"kind": "ring"}}, "leave out `topology`"),
        ({"protocol": {"kind": "mediator", "candidates": 1}}, "greater than or equal to 2"),
        ({"protocol": {"kind": "mediator", "candidates": 0}}, "greater than or equal to 2"),
        ({"protocol": "seance"}, "seance"),
        ({"round": 2}, "Did you mean 'rounds'"),
    ],
)
def test_contradictory_sections_are_refused(section, message) -> None:
    with pytest.raises(ValidationError, match=message):
        Deliberation.model_validate(section)


@pytest.mark.parametrize(
    ("section", "seats", "message"),
    [
        ({}, 1, "too small for discussion"),
        ({"protocol": "devils_advocate"}, 2, "too small for devils_advocate"),
        ({"topology": {"kind": "ring", "neighbours": 6}}, 5, "too small for a ring"),
        ({"reveal": ["sid"]}, 4, "Did you mean 'side'"),
        ({"verdict": {"kind": "approval", "approve_from": 6}}, 4, "at most 5"),
    ],
)
def test_what_the_jury_or_scale_does_not_allow_is_said(
    jurors, scale, section, seats, message
) -> None:
    spec = Deliberation.model_validate(section)
    with pytest.raises(InputError, match=message):
        check_deliberation(
            spec, jurors=jurors(seats), questions=questions(scale), most_responses=2, seed=0
        )


def test_choices_need_counted_verdicts_and_worths_for_sides(jurors) -> None:
    choice = questions(Choice(question="?", options=("a", "b")))
    for section, message in (
        ({}, "needs an ordered scale"),
        ({"verdict": {"kind": "majority"}, "protocol": "debate"}, "who is on which side"),
    ):
        with pytest.raises(InputError, match=message):
            check_deliberation(
                Deliberation.model_validate(section),
                jurors=jurors(4),
                questions=choice,
                most_responses=2,
                seed=0,
            )
