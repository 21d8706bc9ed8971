"""Planned samples: exact inclusion, allocations with known answers, unbiased estimates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from juries.calibration import allocate, horvitz_thompson, plan_sample, ppi_planned
from juries.calibration.planning import STRATEGIES
from personas.errors import InputError

UNITS = [f"i{i}" for i in range(200)]


@pytest.fixture(scope="module")
def population():
    """People's means of 200 items, a jury's predictions, and its idea of their spread."""
    rng = np.random.default_rng(20)
    spread = np.repeat([0.1, 0.3, 0.6, 1.5], 50)
    people = 3 + spread * rng.standard_normal(200)
    predictions = people + 0.4 * spread * rng.standard_normal(200) - 0.8
    return people, predictions, spread


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_draws_its_budget_with_the_inclusion_it_states(strategy, population):
    _, _, spread = population
    plans = [plan_sample(UNITS, spread, 60, strategy=strategy, seed=s) for s in range(600)]
    drawn = np.mean([plan.selected for plan in plans], axis=0)
    stated = plans[0].inclusion

    # equal scores are ordered by the seed, so a unit's own chance varies; compare by score
    for level in np.unique(spread):
        at = spread == level
        expected = np.mean([plan.inclusion[at].mean() for plan in plans])
        assert drawn[at].mean() == pytest.approx(expected, abs=0.01)
    assert all(plan.budget == 60 for plan in plans)
    assert (stated > 0).all()
    assert stated.sum() == pytest.approx(60)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_planned_estimates_are_unbiased_and_cover(strategy, population):
    people, predictions, spread = population
    labels = dict(zip(UNITS, people, strict=True))
    truth = people.mean()
    found: dict[str, list[float]] = {"fixed": [], "tuned": [], "ht": []}
    covered, jittered = 0, spread + np.random.default_rng(1).random(200) * 1e-6
    for seed in range(400):
        plan = plan_sample(UNITS, jittered, 60, strategy=strategy, seed=seed)
        chosen = {unit: labels[unit] for unit in plan.chosen}
        tuned = ppi_planned(chosen, predictions, plan)
        found["ht"].append(horvitz_thompson(chosen, plan).estimate)
        found["fixed"].append(ppi_planned(chosen, predictions, plan, lam=1).estimate)
        found["tuned"].append(tuned.estimate)
        covered += truth in tuned.interval

    for name in ("ht", "fixed", "tuned"):
        error = np.std(found[name], ddof=1) / np.sqrt(400)
        assert abs(np.mean(found[name]) - truth) < 4 * error, name
    assert np.std(found["tuned"]) < 0.7 * np.std(found["ht"])
    assert abs(covered / 400 - 0.95) <= 0.025


def test_the_stated_standard_error_is_the_spread_over_repeated_plans(population):
    people, predictions, spread = population
    labels = dict(zip(UNITS, people, strict=True))
    results = [
        ppi_planned({u: labels[u] for u in plan.chosen}, predictions, plan, lam=1)
        for plan in (plan_sample(UNITS, spread, 60, seed=seed) for seed in range(600))
    ]
    stated = np.sqrt(np.mean([result.standard_error**2 for result in results]))
    assert stated == pytest.approx(np.std([r.estimate for r in results]), rel=0.08)


def test_labels_from_a_few_people_keep_their_own_error():
    rng = np.random.default_rng(21)
    truth = rng.standard_normal(80)
    units = [str(i) for i in range(80)]
    covered = {"exact": 0, "with error": 0}
    for seed in range(400):
        plan = plan_sample(units, np.ones(80), 70, strategy="random", seed=seed)
        answers = truth[:, None] + 1.5 * rng.standard_normal((80, 3))
        labels = {unit: float(answers[int(unit)].mean()) for unit in plan.chosen}
        own = {unit: float(answers[int(unit)].var(ddof=1) / 3) for unit in plan.chosen}
        for name, variance in (("exact", None), ("with error", own)):
            result = horvitz_thompson(labels, plan, label_variance=variance)
            covered[name] += truth.mean() in result.interval

    assert abs(covered["with error"] / 400 - 0.95) <= 0.025
    assert covered["exact"] / 400 < 0.75


def test_neyman_allocation_is_in_proportion_to_size_times_spread():
    # Cochran 1977, 5.5: n_h = n N_h S_h / sum N_h S_h
    assert allocate([100, 100, 200], [1.0, 3.0, 2.0], 80).tolist() == [10, 30, 40]
    assert allocate([100, 100, 200], [1.0, 3.0, 2.0], 80, random_share=1).tolist() == [20, 20, 40]


def test_what_a_full_stratum_cannot_take_goes_to_the_others():
    assert allocate([5, 100, 100], [100.0, 1.0, 1.0], 45).tolist() == [5, 20, 20]


@given(
    st.lists(st.tuples(st.integers(1, 60), st.floats(0, 9)), min_size=1, max_size=6),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_an_allocation_spends_its_budget_within_the_strata(strata, part, share):
    sizes = np.array([size for size, _ in strata])
    least = np.minimum(sizes, 2)
    budget = int(least.sum() + part * (sizes - least).sum())
    drawn = allocate(sizes, [spread for _, spread in strata], budget, random_share=share)

    assert drawn.sum() == budget
    assert (drawn >= least).all()
    assert (drawn <= sizes).all()


def test_neyman_beats_a_random_sample_where_spreads_differ(population):
    people, _, spread = population
    labels = dict(zip(UNITS, people, strict=True))

    def spread_of(strategy: str) -> float:
        estimates = []
        for seed in range(300):
            plan = plan_sample(UNITS, spread, 40, strategy=strategy, seed=seed)
            chosen = {unit: labels[unit] for unit in plan.chosen}
            estimates.append(horvitz_thompson(chosen, plan).estimate)
        return float(np.std(estimates))

    assert spread_of("neyman") < 0.9 * spread_of("random")


def test_the_most_uncertain_items_come_first_and_for_certain():
    plan = plan_sample(UNITS, np.arange(200.0), 40, strategy="uncertainty", random_share=0.25)

    assert plan.chosen[:30] == tuple(f"i{i}" for i in range(199, 169, -1))
    assert (plan.inclusion[170:] == 1).all()
    np.testing.assert_allclose(plan.inclusion[:170], 10 / 170)


def test_the_same_seed_draws_the_same_items_and_another_draws_others():
    def draw(seed: int) -> tuple[str, ...]:
        return plan_sample(UNITS, np.ones(200), 20, seed=seed).chosen

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)


def test_a_budget_for_all_takes_all_and_leaves_no_error(population):
    people, predictions, spread = population
    plan = plan_sample(UNITS, spread, 1000)
    result = ppi_planned(dict(zip(UNITS, people, strict=True)), predictions, plan)

    assert plan.inclusion.tolist() == [1.0] * 200
    assert result.estimate == pytest.approx(people.mean())
    assert result.standard_error == 0


def test_missing_and_unplanned_answers_are_counted_and_unplanned_ones_left_out(population):
    people, predictions, spread = population
    plan = plan_sample(UNITS, spread, 40, seed=5)
    outside = next(u for u, chosen in zip(UNITS, plan.selected, strict=True) if not chosen)
    labels = {unit: people[UNITS.index(unit)] for unit in plan.chosen[:-3]}

    clean = ppi_planned(labels, predictions, plan)
    strayed = ppi_planned({**labels, outside: 1e6}, predictions, plan)

    assert strayed.estimate == clean.estimate
    assert any("3 planned items have no answer" in note for note in clean.notes)
    assert any("1 items with answers were not drawn" in note for note in strayed.notes)


def test_plans_that_could_not_give_an_estimate_are_refused(population):
    _, predictions, spread = population
    with pytest.raises(InputError, match="could never be drawn"):
        plan_sample(UNITS, spread, 20, random_share=0)
    with pytest.raises(InputError, match="budget is too small"):
        plan_sample(UNITS, spread, 1)
    with pytest.raises(ValueError, match="finite number"):
        plan_sample(UNITS, -spread, 20)
    with pytest.raises(InputError, match="too few of the planned items"):
        ppi_planned({"i0": 1.0}, predictions, plan_sample(UNITS, spread, 20))
