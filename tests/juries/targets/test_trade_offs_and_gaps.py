"""Trade-offs, gaps and perspectives: planted answers come out, noise does not."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest

import juries
from juries.targets.evidence import Evidence, evidence
from juries.targets.gaps import gaps
from juries.targets.medoids import choose_medoids
from juries.targets.perspectives import perspectives
from juries.targets.trade_offs import trade_offs
from personas.errors import InputError

Make = Callable[..., Evidence]


def test_switches_by_hand(make_evidence: Make) -> None:
    # Objectives (c0, c1): m0 (0.9, 0.1), m1 (0.6, 0.5), m2 (0.1, 0.9). Under (1 - s) c0 + s c1,
    # m0 = m1 at 0.9 - 0.8 s = 0.6 - 0.1 s, s = 3/7; m1 = m2 at 0.6 - 0.1 s = 0.1 + 0.8 s, s = 5/9.
    points = np.array([[0.9, 0.6, 0.1], [0.1, 0.5, 0.9]])
    known = make_evidence(np.tile(points[:, :, None, None], (1, 1, 3, 4)))
    found = trade_offs(known, steps=4, resamples=50)
    assert [(s.below, s.above) for s in found.switches] == [("m0", "m1"), ("m1", "m2")]
    assert [s.share for s in found.switches] == pytest.approx([3 / 7, 5 / 9])
    sums = [at for at, kind in enumerate(found.kinds) if kind == "weighted sum"]
    half = next(at for at in sums if found.weights[at].tolist() == [0.5, 0.5])
    np.testing.assert_allclose(found.regret[:, half], [0.05, 0.0, 0.05], atol=1e-6)
    assert found.best[half] == 1
    assert (found.regret >= 0).all()
    assert (found.regret.min(axis=0) == 0).all()
    assert (found.certainty == 1).all()


def test_planted_groups_switch_the_best_model(demo_run: juries.Run) -> None:
    found = trade_offs(evidence(demo_run), groups=("outlook",), resamples=200)
    assert found.objectives == ("outlook=decisive", "outlook=deliberative")
    (switch,) = found.switches
    assert (switch.below, switch.above) == ("one-sided", "plural")
    # (1 - s) (0.80 - 0.53) = s (0.52 - 0.08), by the groups' mean utilities.
    assert switch.share == pytest.approx(0.38, abs=0.04)


def test_one_objective_or_a_huge_grid_is_refused(make_evidence: Make) -> None:
    known = make_evidence(np.random.default_rng(0).random((2, 2, 4)))
    with pytest.raises(InputError, match="one objective only"):
        trade_offs(known)
    many = make_evidence(np.random.default_rng(0).random((10, 2, 2, 4)))
    with pytest.raises(InputError, match="make 92,378 weights"):
        trade_offs(many, steps=10)


def test_gaps_name_the_planted_losers_first(demo_run: juries.Run) -> None:
    found = gaps(evidence(demo_run), groups=("outlook",), resamples=200).gaps
    by = {(gap.model, gap.group): gap for gap in found}
    worst = by["one-sided", "outlook=deliberative"]
    assert worst.gap.value == pytest.approx(0.445, abs=0.05)
    assert worst.best["plural"] > 0.9
    moves = {move.goal: move.change for move in worst.moves}
    # The plural answers set views side by side and the one-sided ones leave no exception.
    assert (moves["text: balance"].low or 0) > 0.2
    assert (moves["text: certainty"].high or 0) < 0
    best = by["one-sided", "outlook=decisive"]
    assert best.gap.value == pytest.approx(0, abs=0.01)
    sizes = [gap.gap.value or 0 for gap in found]
    assert sizes == sorted(sizes, reverse=True)


def test_the_best_of_equal_responses_shows_no_gap(make_evidence: Make) -> None:
    """Five responses, all equally good: choosing and valuing by the same jurors would show one."""
    rng = np.random.default_rng(2)
    inside, values = 0, []
    for _ in range(20):
        noise = rng.random((5, 60, 8))
        for each in (gap.gap for gap in gaps(make_evidence(noise), resamples=100).gaps):
            inside += (each.low or 0) <= 0 <= (each.high or 0)
            values.append(each.value or 0)
    assert abs(np.mean(values)) < 0.01
    assert inside >= 85
    naive = (noise.mean(axis=2).max(axis=0) - noise.mean(axis=2)[0]).mean()
    assert naive > 0.1
    few = gaps(make_evidence(noise[:, :, :3]), resamples=50).gaps
    assert not few[0].crossfitted


def test_planted_outlooks_are_the_perspectives(demo_run: juries.Run) -> None:
    found = perspectives(evidence(demo_run))
    assert len(found.perspectives) == 2
    first, second = found.perspectives
    assert first.share == pytest.approx(0.73, abs=0.02)
    assert (first.marks[0].attribute, first.marks[0].level) == ("outlook", "decisive")
    assert (second.marks[0].attribute, second.marks[0].level) == ("outlook", "deliberative")
    assert second.marks[0].share == pytest.approx(1)
    assert "outlook is: deliberative" in second.prompt
    assert second.utilities["plural"] > second.utilities["one-sided"]


def test_three_planted_views_are_counted_and_noise_is_one(make_evidence: Make) -> None:
    rng = np.random.default_rng(6)
    taste = rng.random((3, 20, 3))
    view = rng.integers(0, 3, 60)
    planted = np.clip(taste[:, :, view] + rng.normal(0, 0.15, (3, 20, 60)), 0, 1)
    found = perspectives(make_evidence(planted))
    assert len(found.perspectives) == 3
    noise = perspectives(make_evidence(rng.random((3, 20, 60))))
    assert len(noise.perspectives) == 1
    assert max(noise.coverage) <= 0.01


def test_medoids_match_the_exhaustive_search() -> None:
    rng = np.random.default_rng(3)
    for _ in range(10):
        points, weights = rng.normal(size=(9, 2)), rng.random(9)
        apart = ((points[:, None] - points[None]) ** 2).sum(axis=-1)
        best = min(
            float(weights @ apart[list(chosen)].min(axis=0)) for chosen in combinations(range(9), 2)
        )
        assert choose_medoids(apart, weights, 2).cost <= best * 1.0001
    with pytest.raises(ValueError, match="3 medoids of 2 members"):
        choose_medoids(np.zeros((2, 2)), np.ones(2), 3)


def test_too_few_jurors_make_no_perspectives(make_evidence: Make) -> None:
    with pytest.raises(InputError, match="too little to tell perspectives apart"):
        perspectives(make_evidence(np.random.default_rng(0).random((2, 5, 3))))


def test_groups_that_resamples_miss_and_groups_without_answers(make_evidence: Make) -> None:
    """Two jurors make a group that many resamples lack; a group that never answered is refused."""
    rng = np.random.default_rng(4)
    points = rng.uniform(size=(2, 5, 10))
    sides = [{"side": "few" if seat < 2 else "many"} for seat in range(10)]
    found = trade_offs(make_evidence(points, attributes=sides), groups=["side"], resamples=200)
    assert np.isfinite(found.certainty).all()
    assert ((found.certainty >= 0) & (found.certainty <= 1)).all()
    points[:, :, :2] = np.nan
    with pytest.raises(InputError, match=r"no value on any response.*side=few"):
        trade_offs(make_evidence(points, attributes=sides), groups=["side"], resamples=200)
