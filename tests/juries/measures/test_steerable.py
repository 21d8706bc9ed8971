"""Steerability: the prompt index, the goal-space error, the jury's reading."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import wasserstein_distance

from juries.measures.goal_space import goal_space_error
from juries.measures.prompt_steering import prompt_steerability
from juries.measures.resampling import item_multiplicities, juror_multiplicities
from juries.measures.steerable import fidelity_gain, identification, steering_cost
from juries.measures.two_way import TwoWay

UNIT = st.floats(0, 1)


def test_the_prompt_index_of_the_docs():
    baseline = [0.5, 0.4, 0.6, 0.5]
    steered = [[0.5, 0.4, 0.6, 0.5], [0.7, 0.6, 0.8, 0.7], [1.0, 1.0, 1.0, 1.0]]
    found = prompt_steerability(baseline, steered, [0, 5, 20])
    assert [point.index.value for point in found.points] == pytest.approx([0.0, 0.2, 0.5])
    assert [point.ceiling for point in found.points] == pytest.approx([0.5] * 3)
    assert found.saturation == 20
    down = prompt_steerability(baseline, steered, [0, 5, 20], direction="down")
    assert [point.index.value for point in down.points] == pytest.approx([0.0, -0.2, -0.5])


@given(arrays(np.float64, 12, elements=UNIT), arrays(np.float64, (3, 12), elements=UNIT))
def test_the_prompt_index_equals_scipys_wasserstein_distances(baseline, steered):
    for direction, ideal in (("up", np.ones(12)), ("down", np.zeros(12))):
        other = 1 - ideal
        found = prompt_steerability(baseline, steered, [1, 2, 3], direction=direction, resamples=2)
        for point, profile in zip(found.points, steered, strict=True):
            gained = wasserstein_distance(baseline, ideal) - wasserstein_distance(profile, ideal)
            expected = gained / wasserstein_distance(ideal, other)
            assert point.index.value == pytest.approx(expected, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(arrays(np.float64, 9, elements=UNIT), st.permutations(range(9)))
def test_the_prompt_index_ignores_the_order_of_questions_and_mirrors(baseline, order):
    steered = np.sqrt(baseline)
    plain = prompt_steerability(baseline, steered[None], [1], resamples=2).points[0].index.value
    moved = prompt_steerability(baseline[order], steered[None, order], [1], resamples=2)
    assert moved.points[0].index.value == pytest.approx(plain)
    mirrored = prompt_steerability(
        1 - baseline, 1 - steered[None], [1], direction="down", resamples=2
    )
    assert mirrored.points[0].index.value == pytest.approx(plain)


def test_trials_are_pooled_and_invalid_answers_counted():
    steered = [[[0.8, np.nan], [0.6, 0.9]]]
    found = prompt_steerability([[0.5, np.nan]], steered, [3])
    assert found.points[0].index.value == pytest.approx(0.5 - (0.2 + 0.4 + 0.1) / 3)
    assert found.points[0].missing == 1
    assert found.missing_baseline == 1


def test_a_budget_without_answers_is_undefined_and_said():
    found = prompt_steerability([0.5, 0.5], [[np.nan, np.nan]], [1])
    assert found.points[0].index.value is None
    assert found.points[0].index.reason == "no valid answer"
    assert found.saturation is None


def test_the_interval_of_the_prompt_index_covers_the_truth():
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(200):
        base = rng.beta(2, 2, 40)
        moved = base + (1 - base) * rng.beta(2, 4, 40)  # gains a third of the way: 1/6 on average
        index = prompt_steerability(base, moved[None], [5], resamples=300, rng=rng).points[0].index
        hits += index.low <= 1 / 6 <= index.high
    assert 0.89 <= hits / 200 <= 0.99


@pytest.mark.parametrize(
    ("baseline", "steered", "budgets", "message"),
    [
        ([0.5, 1.2], [[0.5, 0.5]], [1], "baseline: answers must lie in"),
        ([0.5, 0.5], [[0.5, -0.1]], [1], "steered: answers must lie in"),
        ([0.5, 0.5], [[0.5]], [1], "same questions"),
        ([0.5], [[0.5], [0.5]], [1], "budgets"),
        ([0.5], [[0.5], [0.5]], [1, 1], "budgets"),
    ],
)
def test_bad_profiles_are_refused(baseline, steered, budgets, message):
    with pytest.raises(ValueError, match=message):
        prompt_steerability(baseline, steered, budgets)


def test_the_goal_space_error_of_the_docs():
    # asked to go 0.4 along the first goal; went 0.2 along it and 0.3 along the second
    found = goal_space_error([0.2, 0.5], [0.6, 0.5], [0.4, 0.8])
    assert found.steering_error.value == pytest.approx(np.hypot(0.2, 0.3))
    assert found.miscalibration.value == pytest.approx(0.5)
    assert found.overshoot.value == pytest.approx(-0.5)
    assert found.side_effects.value == pytest.approx(0.3 / np.hypot(0.2, 0.3))


def test_special_movements_have_their_values():
    source, goal = [[0.2, 0.2]] * 4, [[0.6, 0.2]] * 4
    output = [[0.6, 0.2], [0.8, 0.2], [0.2, 0.2], [0.2, 0.6]]  # exact, too far, still, aside
    by_case = goal_space_error(source, goal, output).by_case
    assert by_case[:, 1] == pytest.approx([0, 0.5, 1, 1])
    assert by_case[:, 2] == pytest.approx([0, 0.5, -1, -1])
    assert by_case[:, 3] == pytest.approx([0, 0, 0, 1])


@settings(max_examples=50, deadline=None)
@given(arrays(np.float64, (3, 6, 4), elements=st.floats(0, 1).map(lambda x: round(x, 3))))
def test_error_decomposes_and_rotations_change_nothing(points):
    source, goal, output = points
    found = goal_space_error(source, goal, output, resamples=2).by_case
    for case in range(6):
        r, m, e = goal[case] - source[case], output[case] - source[case], output[case] - goal[case]
        assert found[case, 0] == pytest.approx(np.linalg.norm(e))
        if not r.any():
            assert np.isnan(found[case, 1:]).all()
            continue
        along = e @ r / (r @ r)
        aside = np.linalg.norm(e - along * r)
        assert found[case, 1] == pytest.approx(abs(along), abs=1e-9)
        if m.any():
            share = min(1.0, aside / np.linalg.norm(m))
            assert found[case, 3] == pytest.approx(share, abs=1e-6)
        assert (along**2) * (r @ r) + aside**2 == pytest.approx(e @ e, abs=1e-9)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0]
    turned = goal_space_error(source @ turn, goal @ turn, output @ turn, resamples=2).by_case
    assert turned == pytest.approx(found, abs=1e-6, nan_ok=True)


def test_cases_without_a_request_or_a_coordinate_are_counted():
    found = goal_space_error(
        [[0, 0], [0, 0], [0, np.nan]], [[0, 0], [1, 0], [1, 1]], [[0.5, 0], [0, 0], [0, 0]]
    )
    assert (found.no_request, found.unmoved, found.missing) == (1, 1, 1)
    assert found.steering_error.n == 2
    assert found.miscalibration.value == pytest.approx(1.0)


@pytest.mark.parametrize(("goal", "message"), [([[1.0]], "differ"), ([[np.inf, 0.0]], "infinite")])
def test_bad_coordinates_are_refused(goal, message):
    with pytest.raises(ValueError, match=message):
        goal_space_error([[0.0, 0.0]], goal, [[0.0, 0.0]])


HOLDS = np.array([[True, True, False, False], [False, False, True, False]])
FIDELITY = np.array([[[5, 4, 2, 3], [5, 4, 2, 1]], [[1, 2, 5, 3], [2, 1, np.nan, 2]]], dtype=float)


def test_the_fidelity_gain_of_the_docs():
    found = fidelity_gain(FIDELITY, HOLDS, attributes=["care", "liberty"])
    care, liberty = found.rows
    assert (care.holders.value, care.others.value) == pytest.approx((4.5, 2.0))
    assert care.gain.value == pytest.approx(2.5)
    assert liberty.gain.value == pytest.approx(5 - 11 / 6)
    assert found.overall.gain.value == pytest.approx((2.5 + 5 - 11 / 6) / 2)
    assert (care.holding, liberty.holding, found.overall.holding) == (2, 1, 3)


def test_an_attribute_that_nobody_or_everybody_holds_has_no_gain():
    nobody = fidelity_gain(FIDELITY, [HOLDS[0], [False] * 4])
    assert nobody.rows[1].gain.value is None
    assert "nobody holds" in nobody.rows[1].gain.reason
    assert nobody.rows[1].others.value is not None
    assert nobody.overall.gain.value == pytest.approx(nobody.rows[0].gain.value)
    everybody = fidelity_gain(FIDELITY, np.ones((2, 4)))
    assert everybody.overall.gain.value is None


def test_weights_and_doubled_jurors_agree():
    twice = [0, 1, 2, 3, 3]
    weighted = fidelity_gain(FIDELITY, HOLDS, weights=[1, 1, 1, 2])
    doubled = fidelity_gain(FIDELITY[:, :, twice], HOLDS[:, twice])
    for a, b in zip(weighted.rows, doubled.rows, strict=True):
        assert a.gain.value == pytest.approx(b.gain.value)


def test_what_steering_gains_and_costs():
    unsteered = np.full((2, 4), 0.5)
    changes = np.array([[0.3, 0.1, -0.2, 0.0], [-0.1, -0.1, 0.4, -0.1]])
    steered = unsteered + changes[:, None, :]
    steered[1, 0, 2] = np.nan
    found = steering_cost(steered, unsteered, HOLDS)
    assert [row.holders.value for row in found.rows] == pytest.approx([0.2, 0.4])
    assert [row.others.value for row in found.rows] == pytest.approx([-0.1, -0.1])
    assert found.rows[0].jury.value == pytest.approx(0.05)
    assert found.rows[1].jury.value == pytest.approx((-0.3 - 0.3 + 0.4) / 7)
    assert found.overall.holders.value == pytest.approx(0.3)


def test_identification_counts_invalid_choices_as_wrong():
    chosen = np.array([[[0, 0, 1, -1]], [[1, 1, 1, 0]]])
    found = identification(chosen, attributes=["a", "b"])
    assert found.chance == 0.5
    assert [recall.value for recall in found.recall] == pytest.approx([0.5, 0.75])
    assert found.accuracy.value == pytest.approx(0.625)
    assert found.above_chance.value == pytest.approx(0.125)
    assert found.confusion.tolist() == [[2, 1, 1], [1, 3, 0]]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.permutations(range(3)))
def test_renaming_attributes_changes_no_accuracy(seed, order):
    chosen = np.random.default_rng(seed).integers(-1, 3, (3, 4, 5))
    names = np.append(np.argsort(order), -1)
    plain = identification(chosen, resamples=2).accuracy.value
    moved = identification(names[chosen[order]], resamples=2).accuracy.value
    assert moved == pytest.approx(plain)


def test_planted_fidelity_and_identification_are_recovered():
    """Intervals over items and jurors hold the planted gain in about 95 % of 150 juries."""
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(150):
        holds = np.arange(40) < 16
        jurors = rng.normal(0, 0.5, 40)
        items = rng.normal(0, 0.4, (30, 1))
        ratings = 3 + 0.8 * holds + jurors + items + rng.normal(0, 0.5, (30, 40))
        gain = fidelity_gain(ratings[None], holds[None], resamples=300, rng=rng).rows[0].gain
        hits += gain.low <= 0.8 <= gain.high
    assert 0.88 <= hits / 150 <= 0.99
    chosen = np.where(rng.random((4, 50, 30)) < 0.6, np.arange(4)[:, None, None], 0)
    found = identification(chosen, rng=rng)
    assert found.above_chance.low > 0
    guesses = identification(rng.integers(0, 4, (4, 50, 30)), rng=rng)
    assert guesses.above_chance.low <= 0 <= guesses.above_chance.high


def test_two_way_replicates_equal_a_plain_loop():
    values = np.random.default_rng(1).normal(size=(1, 6, 5))
    values[0, 2, 3] = np.nan
    members = np.array([True, True, False, True, True])
    drawn = TwoWay.draw(values, resamples=3, rng=np.random.default_rng(0))
    rng = np.random.default_rng(0)
    items = np.concatenate(list(item_multiplicities(6, 3, rng)))
    jurors = juror_multiplicities(5, 3, rng)
    for replicate in range(3):
        total = number = 0.0
        for item in range(6):
            for juror in range(5):
                if members[juror] and np.isfinite(values[0, item, juror]):
                    times = items[item, replicate] * jurors[juror, replicate]
                    total += times * values[0, item, juror]
                    number += times
        expected = total / number if number else np.nan
        assert drawn.mean(0, members)[1 + replicate] == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fidelity_gain(FIDELITY, HOLDS[:, :3]), "expected \\[attributes, items"),
        (lambda: fidelity_gain(FIDELITY, HOLDS, attributes=["a"]), "1 different names"),
        (lambda: fidelity_gain(FIDELITY, HOLDS, weights=[1]), "weights"),
        (lambda: fidelity_gain(FIDELITY * np.inf, HOLDS), "finite"),
        (lambda: steering_cost(FIDELITY, np.zeros((1, 4)), HOLDS), "unsteered has shape"),
        (lambda: identification(np.zeros((1, 2, 2), dtype=int)), "two attributes or more"),
        (lambda: identification(np.zeros((2, 2, 2))), "whole numbers"),
        (lambda: identification(np.full((2, 2, 2), 2)), "none of the 2"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
