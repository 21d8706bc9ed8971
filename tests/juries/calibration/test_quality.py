"""Quality of people's data: planted inattention is flagged, honest agreement is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from juries.calibration import human_quality
from juries.human.ratings import HumanRatings


@pytest.fixture
def honest(world) -> HumanRatings:
    return world(items=60, models=1, people=12, per_item=6, spread=0.7)[0]


def quality(ratings: HumanRatings, **options):
    return human_quality(ratings, rng=np.random.default_rng(0), resamples=100, **options)


def test_a_straight_liner_is_flagged_and_honest_annotators_are_not(honest):
    lines = np.where(honest.annotator == 3, 5, honest.rating)
    found = quality(replace(honest, rating=lines))

    assert quality(honest).straight_lining == ()
    assert found.straight_lining == ("a3",)
    row = next(row for row in found.annotators if row.annotator == "a3")
    assert row.modal_share == 1
    assert row.longest_run == row.answers


def test_everyone_saying_the_same_is_agreement_and_no_straight_line(honest):
    found = quality(replace(honest, rating=np.full(len(honest), 4)))
    assert found.straight_lining == ()
    assert found.alpha[0].alpha.value is None
    assert found.alpha[0].alpha.reason


def test_answers_far_quicker_than_others_are_flagged(honest):
    rng = np.random.default_rng(1)
    seconds = rng.uniform(8, 12, len(honest))
    seconds[honest.annotator == 5] = 1.0
    seconds[np.flatnonzero(honest.annotator == 6)[:3]] = 1.0
    found = quality(replace(honest, seconds=seconds))

    assert found.too_fast == ("a5",)
    shares = {row.annotator: row.fast_share for row in found.annotators}
    assert shares["a5"] == 1
    assert 0 < shares["a6"] < 0.5
    assert found.notes == ()


def test_without_times_nobody_is_too_fast_and_that_is_said(honest):
    found = quality(honest)
    assert all(row.fast_share is None for row in found.annotators)
    assert found.notes == ("no times: nobody can be found too fast",)


def test_self_consistency_counts_repeats_only(honest):
    def doubled(values: np.ndarray) -> np.ndarray:
        return np.concatenate([values, values[:8]])

    again = doubled(honest.rating)
    again[-2:] = again[-2:] % 5 + 1  # two of eight say something else the second time
    found = quality(
        replace(
            honest,
            **{n: doubled(getattr(honest, n)) for n in ("item", "model", "criterion", "annotator")},
            rating=again,
            seconds=doubled(honest.seconds),
            repeat=np.concatenate([honest.repeat, np.ones(8, dtype=int)]),
        )
    )
    assert found.self_consistency.value == pytest.approx(6 / 8)
    assert sum(row.repeats for row in found.annotators) == 8
    assert sum(row.answers for row in found.annotators) == len(honest)
    assert quality(honest).self_consistency.reason == "nobody answered a question twice"


def test_alpha_of_everyone_and_of_each_group(honest):
    found = quality(honest, attributes=("side",))

    assert [(one.attribute, one.level) for one in found.alpha] == [
        ("", ""),
        ("side", "right"),
        ("side", "left"),
    ]
    assert all(one.alpha.value in one.alpha.interval for one in found.alpha)
    assert found.alpha[0].alpha.value > 0.4
    noise = np.random.default_rng(2).integers(1, 6, len(honest))
    assert abs(quality(replace(honest, rating=noise)).alpha[0].alpha.value) < 0.1
