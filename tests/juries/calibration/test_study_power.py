"""Power on the embedded mind: a planted effect is found, none is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from juries.calibration import simulate_study_power
from juries.running import Prepared, prepare
from juries.runs import load_study
from personas.errors import InputError


@pytest.fixture
def prepared(small_study: Callable[..., Path]) -> Prepared:
    return prepare(*load_study(small_study(items=8, people=20)))


def test_a_planted_shift_is_found_more_often_the_larger_the_study(prepared):
    small = simulate_study_power(prepared, shift=0.6, items=8, jurors=6, simulations=60)
    large = simulate_study_power(prepared, shift=0.6, items=30, jurors=20, simulations=60)

    assert large.power > small.power + 0.2
    assert large.interval.low > small.interval.low
    # the same planted logits come to the same points, whatever the size of the study
    assert large.effect == pytest.approx(small.effect, abs=0.1)
    assert large.effect > 0.1


def test_without_a_shift_the_test_keeps_its_size(prepared):
    design = {"shift": 0.0, "items": 12, "jurors": 10, "simulations": 150}
    nothing = simulate_study_power(prepared, **design, clusters="items")
    cautious = simulate_study_power(prepared, **design)

    assert nothing.interval.low <= 0.05 <= nothing.interval.high
    assert cautious.power <= nothing.power  # jurors share no taste for a model here
    assert abs(nothing.effect) < 0.03


def test_the_same_seed_finds_the_same(prepared):
    once, again = (
        simulate_study_power(prepared, shift=0.4, items=6, jurors=5, simulations=10, seed=3)
        for _ in range(2)
    )
    assert once == again


def test_a_choice_is_refused(small_study):
    scale = {"kind": "choice", "question": "?", "options": ["a", "b"]}
    study = small_study(items=3, scale=scale, scores={"groups": []})
    with pytest.raises(InputError, match="embedded mind and an ordinal question"):
        simulate_study_power(prepare(*load_study(study)), shift=1, items=3, jurors=3)
