"""The parts of the embedded mind: response models, what it sees of a text, settings."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from importlib import resources
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from graphs.items import Choice, Likert, Question, questions
from graphs.minds.psychometric import Feature, Planted, PsychometricMind, PsychometricSettings
from graphs.minds.psychometric.features import FEATURES, read_text
from graphs.minds.psychometric.lexicon import VALUES, shipped_lexicon, value_content
from graphs.minds.psychometric.model import draw, even_thresholds, graded, nominal
from graphs.minds.psychometric.traits import value_priorities
from graphs.panel import Juror
from personas.errors import InputError
from personas.persona import Persona, SchwartzValue

GOOD = Likert(question="How good is this answer?", points=("1", "2", "3", "4", "5"))


def jurors(count: int) -> tuple[Juror, ...]:
    return tuple(
        Juror(
            position=seat,
            id=f"j{seat}",
            persona=Persona(attributes={"seat": seat, "side": "left" if seat % 2 else "right"}),
            weight=1 / count,
            mind="embedded",
        )
        for seat in range(count)
    )


# The formulas, against plain scalar versions.


def naive_graded(theta: float, slope: float, thresholds: Sequence[float]) -> list[float]:
    at_least = [1.0, *(1 / (1 + math.exp(-slope * (theta - b))) for b in thresholds), 0.0]
    return [upper - lower for upper, lower in pairwise(at_least)]


@given(
    theta=st.lists(st.floats(-8, 8), min_size=1, max_size=6),
    slope=st.floats(0.1, 4),
    points=st.integers(2, 11),
    span=st.floats(0.1, 5),
)
def test_graded_model_equals_the_scalar_formula(
    theta: list[float], slope: float, points: int, span: float
) -> None:
    thresholds = even_thresholds(points, span)
    ours = graded(np.array(theta), np.full(len(theta), slope), thresholds)
    naive = [naive_graded(t, slope, thresholds.tolist()) for t in theta]
    np.testing.assert_allclose(ours, naive, atol=1e-13)
    np.testing.assert_allclose(ours.sum(axis=-1), 1.0, atol=1e-13)
    assert (ours >= 0).all()


def test_graded_model_by_hand() -> None:
    # theta 1, slope 2, thresholds -1 and 1: P(Y>=2) = logistic(4), P(Y>=3) = logistic(0) = 0.5.
    found = graded(np.array([1.0]), np.array([2.0]), np.array([-1.0, 1.0]))
    np.testing.assert_allclose(found, [[0.017986, 0.482014, 0.5]], atol=1e-6)


def test_nominal_model_equals_the_scalar_formula_and_bears_large_utilities() -> None:
    utilities = [800.0, 799.0, -900.0]
    weights = [math.exp(u - 800) for u in utilities]
    np.testing.assert_allclose(
        nominal(np.array(utilities)), np.array(weights) / sum(weights), atol=1e-15
    )


def test_draws_follow_the_distribution_and_never_take_an_impossible_point() -> None:
    probabilities = np.array([0.2, 0.0, 0.5, 0.3])
    uniforms = (np.arange(10_000) + 0.5) / 10_000
    points = draw(np.tile(probabilities, (10_000, 1)), uniforms)
    np.testing.assert_array_equal(np.bincount(points, minlength=5)[1:], [2000, 0, 5000, 3000])


def test_even_thresholds_of_two_points_meet_in_the_middle() -> None:
    assert even_thresholds(2, 2.0).tolist() == [0.0]
    assert even_thresholds(5, 2.0).tolist() == pytest.approx([-2, -2 / 3, 2 / 3, 2])


def test_equal_content_in_values_cancels_whatever_the_priorities() -> None:
    for values in (None, {SchwartzValue.POWER: 3.0, SchwartzValue.SECURITY: 9.0}):
        persona = Persona(attributes={"a": 1}, values=values)
        priorities = value_priorities(persona, 0.3, 1)
        assert priorities.sum() == pytest.approx(0.0, abs=1e-12)
    tied = Persona(values={SchwartzValue.POWER: 3.0, SchwartzValue.SECURITY: 3.0})
    assert not value_priorities(tied, 0.3, 1).any()


# What the simulator sees.


def test_features_by_hand() -> None:
    text = "Perhaps the planet needs a tax.\n\n- Some people disagree.\n- It must be fair."
    reading = read_text("Is a planet tax fair?", text)
    found = dict(zip(FEATURES, reading.quality, strict=True))
    # 13 words: Perhaps the planet needs a tax Some people disagree It must be fair.
    assert found[Feature.LENGTH] == pytest.approx(13 / 93)
    assert found[Feature.STRUCTURE] == pytest.approx(2 / 5)
    letters = 7 + 3 + 6 + 5 + 1 + 3 + 4 + 6 + 8 + 2 + 4 + 2 + 4
    assert found[Feature.PLAINNESS] == pytest.approx(min(1, (7 - letters / 13) / 3))
    rate = 100 / 13
    assert found[Feature.HEDGING] == pytest.approx(rate / (rate + 3))
    assert found[Feature.CERTAINTY] == pytest.approx(rate / (rate + 3))
    assert found[Feature.EVASIVENESS] == 0
    assert found[Feature.ENGAGEMENT] == 1  # "planet" is the prompt's only word of five letters
    assert found[Feature.BALANCE] == pytest.approx(2 / 4)  # some people, disagree
    universalism = reading.values[VALUES.index(SchwartzValue.UNIVERSALISM)]
    assert universalism == pytest.approx(2 / 4)  # planet, fair


def test_an_empty_text_is_all_evasion() -> None:
    quality = read_text("Why?", "").quality
    assert quality[FEATURES.index(Feature.EVASIVENESS)] == 1
    assert quality.sum() == 1


@given(text=st.text(max_size=300), prompt=st.text(max_size=60))
def test_features_of_any_text_lie_in_the_unit_interval(text: str, prompt: str) -> None:
    reading = read_text(prompt, text)
    for part in (reading.quality, reading.values):
        assert ((part >= 0) & (part <= 1)).all()


def test_the_lexicon_has_words_for_every_value_and_no_word_for_two() -> None:
    file = resources.files("graphs.minds.psychometric").joinpath("lexicon.toml")
    lists = tomllib.loads(file.read_text(encoding="utf-8"))["values"]
    assert set(lists) == set(VALUES)
    entries = [entry for words in lists.values() for entry in words]
    assert len(entries) == len(set(entries))
    assert all(entry == entry.lower() for entry in entries)
    assert all(len(words) >= 20 for words in lists.values())
    # No exact word repeats what a stem of the same or another value already says.
    lexicon = shipped_lexicon()
    for word, value in lexicon.words.items():
        covering = [s for s in lexicon.stems if word.startswith(s)]
        assert all(lexicon.stems[s] != value for s in covering), word


def test_value_content_counts_words_by_their_longest_stem() -> None:
    content = value_content(["freedom", "liberties", "the", "equality"])
    assert content[VALUES.index(SchwartzValue.SELF_DIRECTION)] == pytest.approx(2 / 4)
    assert content[VALUES.index(SchwartzValue.UNIVERSALISM)] == pytest.approx(1 / 3)
    assert content.sum() == pytest.approx(2 / 4 + 1 / 3)


# Settings that cannot be meant.


@pytest.mark.parametrize(
    "section",
    [
        {"severity": 1},
        {"severity_sd": -0.1},
        {"discrimination": 0},
        {"severity_sd": float("nan")},
        {"quality": {"lenght": 1}},
        {"planted": [{"where": {"age": 3}}]},
        {"planted": [{"shift": float("inf")}]},
        {"thresholds": {"overall": [0, 0, 1]}},
        {"kind": "llm"},
    ],
)
def test_settings_refuse_what_cannot_be_meant(section: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PsychometricSettings.model_validate(section)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"planted": [{"where": {"sides": "left"}, "shift": 1}]}, "Did you mean 'side'"),
        ({"planted": [{"where": {"side": "lft"}, "shift": 1}]}, "Did you mean 'left'"),
        ({"planted": [{"models": ["plurl"], "shift": 1}]}, "Did you mean 'plural'"),
        ({"planted": [{"criterion": "overal", "shift": 1}]}, "Did you mean 'overall'"),
        ({"planted": [{"option": "yes", "shift": 1}]}, "no option 'yes'"),
        ({"planted": [{"where": {"side": "left", "seat": 0}, "shift": 1}]}, "together"),
        ({"thresholds": {"overall": [0, 1]}}, "4 thresholds"),
        ({"criteria": {"tone": {"value_weight": 0}}}, "no criterion 'tone'"),
    ],
)
def test_settings_that_name_what_the_study_lacks_are_refused(
    section: dict[str, object], message: str
) -> None:
    mind = PsychometricMind(PsychometricSettings.model_validate(section))
    with pytest.raises(InputError, match=message):
        mind.check(
            jurors=jurors(4), questions=questions(GOOD), models=["plural", "one-sided", "evasive"]
        )


def test_a_shift_on_a_choice_without_worths_is_refused() -> None:
    asked: tuple[Question, ...] = (Choice(question="?", options=("a", "b")),)
    mind = PsychometricMind(PsychometricSettings(planted=(Planted(shift=1.0),)))
    with pytest.raises(InputError, match="Name the `option`"):
        mind.check(jurors=jurors(2), questions=asked, models=["plural"])


def test_a_good_study_passes_the_check() -> None:
    plants = (
        Planted(where={"side": ["left", "right"]}, models=("plural",), shift=0.5, label="all"),
    )
    mind = PsychometricMind(PsychometricSettings(planted=plants))
    mind.check(jurors=jurors(4), questions=questions(GOOD), models=["plural"])
