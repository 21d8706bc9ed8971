"""From log-probabilities to label mass: sums, doubts, and what is no distribution."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphs.items import Choice, Criterion
from graphs.llm.distribution import label_mass
from graphs.llm.elicitation.rows import from_distribution
from graphs.llm.faults import ReplyError
from graphs.llm.settings import LlmSettings
from graphs.records import Status, unpack

LABELS = {"1": 0, "2": 1, "3": 2, " 1": 0}
SCALE = Criterion(name="g", question="?", points=("a", "b", "c"))


def _position(entries, token="1"):
    top = [{"token": text, "logprob": value} for text, value in entries]
    return {"token": token, "logprob": dict(entries).get(token, -1.0), "top_logprobs": top}


def test_spellings_of_a_label_add_up_and_other_tokens_do_not_count():
    found = label_mass(
        _position([("1", math.log(0.2)), (" 1", math.log(0.1)), ("2", math.log(0.3)), ("x", -1.2)]),
        LABELS,
        3,
    )
    np.testing.assert_allclose(found.by_label, [0.3, 0.3, 0.0])
    assert found.total == pytest.approx(0.6)
    assert found.missing == 1


def test_the_token_drawn_counts_where_it_is_not_among_the_likeliest():
    position = _position([("2", math.log(0.5))], token="3")
    position["logprob"] = math.log(0.01)
    np.testing.assert_allclose(label_mass(position, LABELS, 3).by_label, [0, 0.5, 0.01])


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [("1", math.nan), ("2", -1.0)],
        [("1", None), ("2", -1.0)],
        [("1", 0.5)],
        [("1", math.inf)],
        [("1", -1.0), ("1", -2.0)],
        [("1", 0.0), ("2", -0.1)],
    ],
)
def test_what_is_no_distribution_is_refused(entries):
    with pytest.raises(ReplyError):
        label_mass(_position(entries), LABELS, 3)


def test_minus_infinity_is_probability_nought():
    found = label_mass(_position([("1", -math.inf), ("2", math.log(0.9))]), LABELS, 3)
    assert found.by_label == [0.0, pytest.approx(0.9), 0.0]


def _answer(by_point, *, asked=SCALE, uniform=0.5, **changes):
    settings = LlmSettings(model="m", **changes)
    shares = [float(share) for share in by_point]
    return from_distribution(
        asked, shares, mass=sum(shares), uniform=uniform, settings=settings, raw="raw"
    )


def test_the_distribution_is_normalised_and_the_mass_kept():
    answer = _answer([0.1, 0.2, 0.3])
    assert answer.status is Status.OK
    assert answer.label_mass == pytest.approx(0.6)
    np.testing.assert_allclose(unpack(answer.probabilities), [1 / 6, 2 / 6, 3 / 6], rtol=1e-6)
    assert answer.expected == pytest.approx(1 / 6 + 4 / 6 + 9 / 6)


def test_below_the_mass_wanted_the_numbers_are_kept_and_no_rating_is_given():
    answer = _answer([0.1, 0.2, 0.1], min_label_mass=0.5)
    assert answer.status is Status.LOW_MASS
    assert answer.rating is None
    assert answer.label_mass == pytest.approx(0.4)
    assert answer.probabilities is not None
    assert answer.raw == "raw"


def test_no_mass_at_all_has_no_distribution():
    answer = _answer([0.0, 0.0, 0.0], min_label_mass=0)
    assert (answer.status, answer.probabilities, answer.rating) == (Status.LOW_MASS, None, None)


def test_a_choice_has_no_mean_point():
    choice = Choice(question="?", options=("a", "b", "c"))
    assert _answer([0.3, 0.3, 0.3], asked=choice).expected is None


@given(
    st.lists(st.floats(0.001, 1), min_size=2, max_size=9),
    st.floats(0, 1, exclude_max=True),
)
def test_a_draw_falls_where_its_uniform_does(weights, uniform):
    shares = np.array(weights) / sum(weights)
    asked = Criterion(name="g", question="?", points=tuple(map(str, range(len(weights)))))
    rating = _answer(shares, asked=asked, uniform=uniform, min_label_mass=0).rating
    edges = np.concatenate([[0.0], shares.cumsum()])
    assert edges[rating - 1] - 1e-9 <= uniform <= edges[rating] + 1e-9


def test_draws_follow_the_distribution_and_the_mode_is_the_likeliest():
    rng = np.random.default_rng(0)
    shares = [0.2, 0.5, 0.25]
    drawn = [_answer(shares, uniform=u).rating for u in rng.random(4000)]
    counts = np.bincount(drawn, minlength=4)[1:] / 4000
    np.testing.assert_allclose(counts, np.array(shares) / 0.95, atol=0.04)
    assert _answer(shares, uniform=0.999, point="mode").rating == 2
