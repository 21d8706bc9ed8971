"""Labels and the orders in which options are shown."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphs.items import Choice, Criterion, Pairwise
from graphs.llm.labels import Labels, as_written, candidates, orders, shown
from graphs.panel import Juror, Panel
from personas.persona import Persona


def _panel(size):
    persona = Persona(attributes={"age": 40})
    return Panel(
        tuple(
            Juror(position=n, id=f"j{n}", persona=persona, weight=1 / size, mind="m")
            for n in range(size)
        )
    )


def _scale(size):
    return Criterion(
        name="good", question="How good?", points=tuple(f"point {n}" for n in range(size))
    )


def _choice(size):
    return Choice(question="Which?", options=tuple(f"option {n}" for n in range(size)))


def _orders(panel, question, **names):
    names = {"seed": 5, "item": "x", "criterion": 0, "replicate": 0, **names}
    return orders(panel, question, **names)


@given(st.integers(2, 12), st.integers(1, 60), st.integers(0, 10))
def test_options_of_a_choice_stand_at_each_place_equally_often(size, jurors, seed):
    shown_to = _orders(_panel(jurors), _choice(size), seed=seed)
    assert all(sorted(order) == list(range(1, size + 1)) for order in shown_to)
    for place in range(size):
        counts = Counter(order[place] for order in shown_to)
        each = [counts[point] for point in range(1, size + 1)]
        assert max(each) - min(each) <= 1


@given(st.integers(2, 12), st.integers(1, 60), st.integers(0, 10))
def test_scales_run_up_for_one_half_and_down_for_the_other(size, jurors, seed):
    shown_to = _orders(_panel(jurors), _scale(size), seed=seed)
    up = tuple(range(1, size + 1))
    assert set(shown_to) <= {up, up[::-1]}
    rising = sum(order == up for order in shown_to)
    assert abs(2 * rising - jurors) <= 1


def test_orders_come_from_the_seed_and_change_with_item_and_replicate():
    panel, question = _panel(40), _choice(4)
    one = _orders(panel, question)
    assert one == _orders(_panel(40), question)
    others = [
        _orders(panel, question, seed=6),
        _orders(panel, question, item="y"),
        _orders(panel, question, replicate=1),
        _orders(panel, question, criterion=1),
    ]
    assert all(one != other for other in others)


def test_no_seat_sees_one_order_always():
    """Over many items, which seat sees which order is as good as independent of the seat."""
    panel, question = _panel(20), _scale(5)
    rising = np.array(
        [[o[0] == 1 for o in _orders(panel, question, item=str(n))] for n in range(400)]
    )
    assert np.abs(rising.mean(axis=0) - 0.5).max() < 0.13  # 5 standard errors of 0.025


def test_pairs_change_places_and_their_options_do_not():
    assert set(_orders(_panel(9), Pairwise(ties=True))) == {(1, 2, 3)}


def test_a_number_stays_with_its_point_and_a_letter_with_its_place():
    question = _scale(3)
    numbers, letters = candidates(question)
    assert numbers.of((3, 2, 1)) == ("1", "2", "3")
    assert letters.of((3, 2, 1)) == ("C", "B", "A")
    assert shown(question, numbers, (3, 2, 1)) == "3: point 2\n2: point 1\n1: point 0"
    assert shown(question, letters, (3, 2, 1)) == "A: point 2\nB: point 1\nC: point 0"


@given(st.permutations(range(1, 6)))
def test_mapping_back_undoes_the_order(order):
    for labels in candidates(_scale(5)):
        by_point = labels.of(tuple(order))
        by_label = [float(by_point.index(text)) for text in labels.texts]
        assert labels.to_points(by_label, tuple(order)) == [0, 1, 2, 3, 4]


def test_choices_have_letters_only_and_long_scales_numbers_only():
    assert [labels.scheme for labels in candidates(_choice(26))] == ["letters"]
    assert [labels.scheme for labels in candidates(_scale(30))] == ["numbers"]
    assert [labels.scheme for labels in candidates(_scale(10))] == ["numbers", "letters"]


def test_points_that_are_whole_numbers_are_their_own_labels():
    question = Criterion(name="g", question="?", points=tuple(str(n) for n in range(11)))
    numbers = candidates(question)[0]
    assert numbers.texts == question.points
    assert shown(question, numbers, as_written(11)).splitlines() == list(question.points)
    wide = Criterion(name="g", question="?", points=tuple(str(n) for n in range(101)))
    falling = as_written(101)[::-1]
    said = shown(wide, candidates(wide)[0], falling)
    assert said == "a whole number from 100 (highest) to 0 (lowest)"


@pytest.mark.parametrize(
    ("size", "words"), [(2, "one letter, A or B"), (4, "one letter from A to D")]
)
def test_what_to_answer_with_is_said_in_words(size, words):
    letters = Labels(scheme="letters", texts=tuple("ABCD"[:size]))
    assert letters.described == words


def test_labels_are_distinct():
    for size in range(2, 27):
        for labels in candidates(_scale(size)):
            assert len(set(labels.texts)) == size
            assert all(one != two for one, two in pairwise(labels.texts))
