"""Study sizes by formula against statsmodels and simulation; power of two-way designs; costs."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from juries.calibration import (
    Components,
    Costs,
    Design,
    best_raters_per_item,
    clustered_mean,
    cost_table,
    design_error,
    labels_for_half_width,
    labels_for_power,
    power_of,
    ppi_mean,
    precision_curve,
    simulate_power,
)
from personas.errors import InputError

ITEMS_ONLY = Components(item=1.0, rater=0.0, residual=0.5)
TWO_WAY = Components(item=0.5, rater=0.2, residual=1.0)


@pytest.mark.parametrize(("n", "effect"), [(10, 0.5), (34, 0.5), (60, 0.2)])
def test_power_of_the_t_test_agrees_with_statsmodels(n, effect):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        statistics = pytest.importorskip("statsmodels.stats.power")
    theirs = statistics.TTestPower().power(effect_size=effect, nobs=n, alpha=0.05)
    assert power_of(effect, 1 / np.sqrt(n), n - 1) == pytest.approx(theirs, abs=1e-8)


def test_cohens_table_of_the_one_sample_t_test():
    # Cohen 1988: d = 0.5, two-sided 0.05, power 0.8 needs 34 pairs; d = 0.2 needs 199
    assert labels_for_power(0.5, 1.0) == 34
    assert labels_for_power(0.2, 1.0) == 199


@pytest.mark.parametrize("effect", [0.0, 0.3, 0.5])
def test_simulated_power_is_the_closed_form_where_raters_do_not_differ(effect):
    design = Design(items=30, raters_per_item=3)
    simulated = simulate_power(design, ITEMS_ONLY, effect, clusters="items", simulations=2000)

    error = design_error(design, ITEMS_ONLY)
    expected = power_of(effect, error, 29) if effect else 0.05
    assert abs(simulated.power - expected) < 0.03
    assert simulated.actual_error == pytest.approx(error, rel=0.06)
    assert simulated.mean_error == pytest.approx(error, rel=0.03)
    assert abs(simulated.coverage - 0.95) < 0.02


def test_the_curve_by_formula_follows_the_simulated_two_way_design():
    for items, raters in ((60, 20), (20, 40)):
        design = Design(items=items, raters_per_item=raters, raters=raters)
        simulated = simulate_power(design, TWO_WAY, 0.4, simulations=1500)
        (point,) = precision_curve(
            TWO_WAY, items=[items], raters_per_item=[raters], raters=raters, effect=0.4
        )
        assert simulated.actual_error == pytest.approx(design_error(design, TWO_WAY), rel=0.07)
        assert point.power is not None
        assert abs(simulated.power - point.power) < 0.06


def test_clustering_by_items_alone_mistakes_raters_for_people():
    design = Design(items=60, raters_per_item=8, raters=8)
    alone = simulate_power(design, TWO_WAY, 0.0, clusters="items", simulations=1500)
    both = simulate_power(design, TWO_WAY, 0.0, simulations=1500)

    assert alone.power > 0.15  # nominal size 0.05
    assert both.power < 0.08
    assert both.mean_error > alone.mean_error


def test_fewer_raters_an_item_from_a_pool_share_their_departures():
    pool = Design(items=50, raters_per_item=4, raters=10)
    simulated = simulate_power(pool, TWO_WAY, 0.5, simulations=1500)
    assert simulated.actual_error == pytest.approx(design_error(pool, TWO_WAY), rel=0.07)
    assert pool.answers == 200
    assert pool.people == 10


def test_the_number_of_labels_gives_the_half_width_it_promises():
    n = labels_for_half_width(0.1, 1.0)
    assert n == 385  # (1.96 / 0.1)^2 = 384.1

    with_jury = labels_for_half_width(0.1, 1.0, correlation=0.8, unlabelled=4000)
    rng = np.random.default_rng(1)
    widths = []
    for _ in range(200):
        y = rng.standard_normal(with_jury + 4000)
        f = 0.8 * y + 0.6 * rng.standard_normal(len(y))
        widths.append(ppi_mean(y[:with_jury], f[:with_jury], f[with_jury:]).interval.width / 2)
    assert np.mean(widths) == pytest.approx(0.1, rel=0.02)
    assert with_jury < n / 2


@given(st.floats(0.01, 1), st.floats(0.1, 3), st.floats(0, 0.95))
def test_predictions_never_ask_for_more_labels_and_more_precision_never_for_fewer(width, sd, rho):
    n = labels_for_half_width(width, sd, correlation=rho, unlabelled=10_000)
    assert n <= labels_for_half_width(width, sd)
    assert n <= labels_for_half_width(width / 2, sd, correlation=rho, unlabelled=10_000)


def test_the_best_number_of_raters_is_the_cheapest_of_all():
    components = Components(item=0.3, rater=0.0, residual=1.5)
    best = best_raters_per_item(components, item_cost=2.0, answer_cost=0.5)
    budget = [(components.item + components.residual / r) * (2.0 + 0.5 * r) for r in range(1, 30)]
    assert best == int(np.argmin(budget)) + 1
    assert best_raters_per_item(components, item_cost=0.0, answer_cost=1.0) == 1


def test_two_way_test_equals_its_definition_on_a_small_table():
    answers = np.array([[1.0, 2.0], [0.0, 3.0], [2.0, 4.0]])
    raters = np.array([[0, 1]] * 3)
    result = clustered_mean(answers, raters)

    residual = answers - 2
    items = (residual.sum(axis=1) ** 2).sum() * 3 / 2
    people = (residual.sum(axis=0) ** 2).sum() * 2 / 1
    each = (residual**2).sum() * 6 / 5
    assert result.standard_error == pytest.approx(np.sqrt(items + people - each) / 6)
    assert result.degrees == 1
    assert clustered_mean(np.zeros((3, 2)), raters).p_value == 1


def test_the_cost_table_prices_the_three_ways():
    people, jury, both = cost_table(
        items=5000,
        half_width=0.1,
        components=Components(item=0.5, rater=0.0, residual=1.0),
        raters_per_item=5,
        jurors=20,
        correlation=0.8,
        costs=Costs(person_answer=0.2, juror_answer=0.0005, item=0.1),
    )
    assert people.people_answers == 5 * people.items_by_people
    assert people.cost == pytest.approx(people.items_by_people * 1.1)
    assert jury.half_width is None
    assert "unknown" in jury.note
    assert both.cost < people.cost
    assert both.half_width is not None
    assert both.half_width <= 0.1
    assert both.juror_answers == 100_000


def test_plans_without_an_answer_are_refused():
    with pytest.raises(InputError, match="effect other than zero"):
        labels_for_power(0, 1)
    with pytest.raises(InputError, match="no number of labels"):
        labels_for_half_width(1e-9, 1)
    with pytest.raises(InputError, match="3 raters cannot give 5"):
        Design(items=10, raters_per_item=5, raters=3)
    with pytest.raises(InputError, match="items that differ"):
        best_raters_per_item(Components(item=0, rater=1, residual=1), item_cost=1, answer_cost=1)
    with pytest.raises(ValueError, match="not be negative"):
        Components(item=-1, rater=0, residual=1)
