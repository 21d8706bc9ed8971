"""Jurors are letters to each other, drawn for each hearer, unless the study reveals more."""

from __future__ import annotations

import pytest

from graphs.deliberation.names import letter, names
from graphs.deliberation.plan import Plan
from graphs.deliberation.spec import Deliberation


def test_letters_are_drawn_for_each_hearer_and_item_and_kept(jurors) -> None:
    seated = jurors(8)
    plan = Plan(Deliberation(), seated, seed=5)
    name = plan.names(0)
    heard_by = [tuple(name(hearer, speaker) for speaker in range(8)) for hearer in range(8)]
    assert len(set(heard_by)) == 8
    for row in heard_by:
        assert sorted(row) == [f"Juror {c}" for c in "ABCDEFGH"]
    assert name(3, 5) == Plan(Deliberation(), seated, seed=5).names(0)(3, 5)
    assert [plan.names(1)(0, s) for s in range(8)] != list(heard_by[0])
    assert name(2, -1) == "The mediator"


def test_what_the_study_reveals_stands_with_the_letter(jurors) -> None:
    seated = jurors(4)
    attributes = names(seated, ("side", "seat", "age"), seed=0, item=0)
    assert attributes(0, 1).endswith("(side: left; seat: 1; age: not stated)")
    identity = names(seated, "identity", seed=0, item=0)
    assert identity(0, 2).endswith("(You sit on chair 2.)")


@pytest.mark.parametrize(
    ("place", "text"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")]
)
def test_letters_go_on_after_z(place, text) -> None:
    assert letter(place) == text
