"""Comparisons by the embedded mind: its model, what is planted, and what must not matter."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphs.items import Item, Pairwise, Response, shown
from graphs.minds.protocol import RatingTask
from graphs.minds.psychometric import Planted, PsychometricMind, PsychometricSettings
from graphs.minds.psychometric.model import compared
from graphs.minds.random_answers import RandomMind
from graphs.panel import Juror, Panel
from graphs.records import Cell, unpack
from personas.errors import InputError
from personas.persona import Persona

TEXTS = {
    "ash": "Some people hold this, others that; perhaps both have a point worth weighing.",
    "birch": "No. It must never be so, and clearly everyone knows it.",
    "cedar": "I can't say. It is up to you.",
}
ITEM = Item(
    id="law",
    prompt="Should the law change?",
    responses=tuple(Response(model=model, text=text) for model, text in TEXTS.items()),
)
STILL = {"severity_sd": 0, "item_sd": 0, "taste_sd": 0, "residual_sd": 0, "replicate_sd": 0,
         "discrimination_sd": 0, "value_prior_sd": 0}  # fmt: skip


def panel(jurors: int = 5) -> Panel:
    seats = (
        Juror(
            position=n,
            id=f"p{n}",
            persona=Persona(attributes={"n": n}),
            weight=1.0,
            mind="embedded",
        )
        for n in range(jurors)
    )
    return Panel(tuple(seats))


def task(item: Item = ITEM, *, ties: bool = True, jurors: int = 5, **more) -> RatingTask:
    asked = (Pairwise(ties=ties),)
    return RatingTask(item=item, position=3, panel=panel(jurors), questions=asked, seed=7, **more)


def rows_of(mind, asked: RatingTask):
    async def all_rows():
        return [row async for rows in mind.rate(asked) for row in rows]

    return asyncio.run(all_rows())


def by_models(rows, item: Item = ITEM):
    """Probabilities of each row, by the models in the order shown, juror and replicate."""
    names = [response.model for response in item.responses]
    return {
        (names[r.response], names[r.against], r.juror, r.replicate): unpack(r.probabilities)
        for r in rows
    }


@pytest.mark.parametrize("mind", [PsychometricMind(), RandomMind()])
def test_every_ordered_pair_is_one_cell(mind):
    rows = rows_of(mind, task(replicates=2))
    cells = {row.cell for row in rows}
    assert cells == {
        Cell(3, one, other, juror, 0, 0, replicate)
        for one, other in shown(ITEM, (Pairwise(),))
        for juror in range(5)
        for replicate in range(2)
    }
    assert len(rows) == len(cells) == 6 * 5 * 2
    assert all(row.rating in {1, 2, 3} and row.expected is None for row in rows)


def test_answered_cells_are_neither_asked_nor_changed():
    mind = PsychometricMind()
    rows = rows_of(mind, task())
    held = frozenset(row.cell for row in rows[::3])
    rest = rows_of(mind, task(answered=held))
    assert rest == [row for row in rows if row.cell not in held]


@given(lead=st.floats(-30, 30), nu=st.floats(0, 20))
def test_the_model_is_davidsons(lead: float, nu: float):
    first, second, tie = compared(np.array(lead), nu)
    assert first + second + tie == pytest.approx(1)
    assert tie == pytest.approx(nu * np.sqrt(first * second), rel=1e-6, abs=1e-12)
    assert first * np.exp(-lead / 2) == pytest.approx(second * np.exp(lead / 2), rel=1e-6)
    assert compared(np.array(lead), None)[0] == pytest.approx(1 / (1 + np.exp(-lead)), abs=1e-12)


def test_two_equal_responses_tie_as_the_weight_says():
    assert compared(np.array(0.0), 1.0).tolist() == pytest.approx([1 / 3] * 3)
    assert compared(np.array(0.0), 6.0)[2] == pytest.approx(6 / 8)


def test_without_noise_both_orders_say_the_same():
    known = by_models(rows_of(PsychometricMind(PsychometricSettings(**STILL)), task()))
    for (one, other, juror, replicate), shares in known.items():
        back = known[other, one, juror, replicate]
        np.testing.assert_allclose(shares, back[[1, 0, 2]], atol=1e-6)


def test_a_bias_for_the_first_place_is_the_logits_declared():
    plain = by_models(rows_of(PsychometricMind(PsychometricSettings(**STILL)), task(ties=False)))
    leaning = PsychometricSettings(**STILL, position_bias=0.7)
    biased = by_models(rows_of(PsychometricMind(leaning), task(ties=False)))
    for key, (first, second) in plain.items():
        now = biased[key]
        assert np.log(now[0] / now[1]) - np.log(first / second) == pytest.approx(0.7, abs=1e-3)


def test_a_planted_shift_moves_the_lead_by_itself():
    planted = (Planted(models=("cedar",), shift=1.5, label="likes cedar"),)
    plain = by_models(rows_of(PsychometricMind(PsychometricSettings(**STILL)), task(ties=False)))
    mind = PsychometricMind(PsychometricSettings(**STILL, planted=planted))
    rows = rows_of(mind, task(ties=False))
    moved = by_models(rows)
    for (one, other, *rest), shares in plain.items():
        gain = {"cedar": 1.5}.get(one, 0.0) - {"cedar": 1.5}.get(other, 0.0)
        now = moved[one, other, *rest]
        lead = np.log(now[0] / now[1]) - np.log(shares[0] / shares[1])
        assert lead == pytest.approx(gain, abs=1e-3)
    said = {row.reason for row in rows if row.response == 2}
    assert any("of the first response: " in reason for reason in said)
    assert any("planted: likes cedar (+)" in reason for reason in said)


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(3)))
def test_the_order_of_responses_in_the_file_changes_nothing(order: list[int]):
    """Streams are named by models, so probabilities are the same to the last bit."""
    turned = replace(ITEM, responses=tuple(ITEM.responses[n] for n in order))
    mind = PsychometricMind()
    known = by_models(rows_of(mind, task()))
    again = by_models(rows_of(mind, task(turned)), turned)
    assert known.keys() == again.keys()
    assert all((known[key] == again[key]).all() for key in known)


def test_replicates_asked_later_leave_the_first_as_they_are():
    mind = PsychometricMind()
    first = rows_of(mind, task())
    both = [row for row in rows_of(mind, task(replicates=2)) if row.replicate == 0]
    assert first == both


def test_a_response_alone_has_nothing_to_be_compared_with():
    alone = replace(ITEM, responses=ITEM.responses[:1])
    assert rows_of(PsychometricMind(), task(alone)) == []


def test_thresholds_of_a_comparison_are_refused():
    mind = PsychometricMind(PsychometricSettings(thresholds={"preference": (0.0,)}))
    with pytest.raises(InputError, match="there is no criterion 'preference'"):
        mind.check(jurors=panel().jurors, questions=(Pairwise(),), models=list(TEXTS))
