"""Mixtures: against a grid, against the linear program, against hand-made cases."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import juries
from juries.measures.resampling import juror_multiplicities
from juries.measures.welfare_functions import DEFAULT_FAMILY, Quantile, parse_welfare
from juries.targets.evidence import Evidence, evidence
from juries.targets.mixture import GAP, mixture_bootstrap, optimal_mixture
from juries.targets.serving import item_mixtures, model_mixture
from personas.errors import InputError
from personas.identity import generator

CERTIFIED = [function for function in DEFAULT_FAMILY if not isinstance(function, Quantile)]
GRID = np.array([(a, b, 100 - a - b) for a in range(101) for b in range(101 - a)]) / 100


@pytest.mark.parametrize("function", [*CERTIFIED, parse_welfare("power:0.5")], ids=lambda f: f.name)
def test_no_mixture_on_a_grid_is_better(function: object) -> None:
    rng = np.random.default_rng(7)
    for _ in range(3):
        table, weights = rng.random((3, 25)), rng.random(25)
        found = optimal_mixture(table, function, weights)  # type: ignore[arg-type]
        values = function(GRID @ table, weights)  # type: ignore[operator]
        assert found.gap <= GAP
        assert found.welfare >= values.max() - GAP
        # The grid's steps of 0.01 cannot miss the optimum by much: w rises at most 1 per unit.
        assert found.welfare <= values.max() + 0.02
        assert found.probabilities.sum() == pytest.approx(1)
        assert (found.probabilities >= 0).all()


def test_maximin_equals_the_linear_program() -> None:
    rng = np.random.default_rng(1)
    table = rng.random((4, 30))
    program = linprog(
        [0, 0, 0, 0, -1],
        A_ub=np.column_stack([-table.T, np.ones(30)]),
        b_ub=np.zeros(30),
        A_eq=[[1, 1, 1, 1, 0]],
        b_eq=[1],
        bounds=[(0, 1)] * 4 + [(None, None)],
    )
    found = optimal_mixture(table, parse_welfare("power:-inf"))
    assert found.welfare == pytest.approx(-program.fun, abs=1e-7)


def test_opposed_jurors_get_a_fair_coin() -> None:
    table = np.array([[1.0, 0.0], [0.0, 1.0]])
    for name in ("power:-inf", "power:0", "power:-1"):
        found = optimal_mixture(table, parse_welfare(name))
        np.testing.assert_allclose(found.probabilities, [0.5, 0.5], atol=1e-4)
        assert found.welfare == pytest.approx(0.5, abs=1e-6)
        assert found.welfare_single == 0
    # The Nash bargain of weights 3 : 1 serves them in that proportion.
    weighted = optimal_mixture(table, parse_welfare("nash"), [3, 1])
    np.testing.assert_allclose(weighted.probabilities, [0.75, 0.25], atol=1e-4)


def test_convex_and_undecidable_functions() -> None:
    table = np.array([[0.9, 0.1], [0.5, 0.5]])
    assert optimal_mixture(table, parse_welfare("power:2")).probabilities.tolist() == [1, 0]
    with pytest.raises(InputError, match="no certified best mixture"):
        optimal_mixture(table, parse_welfare("median"))


def test_a_juror_whom_nothing_serves_pins_the_geometric_mean() -> None:
    table = np.array([[0.0, 0.9], [0.0, 0.5]])
    assert optimal_mixture(table, parse_welfare("nash")).welfare == 0
    floored = optimal_mixture(table, parse_welfare("power:0,floor=0.01"))
    np.testing.assert_allclose(floored.probabilities, [1, 0], atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10_000),
    st.sampled_from(["power:0", "power:-3", "cvar:0.3", "inequality:0.5", "power:-inf"]),
)
def test_doubling_a_juror_equals_doubling_the_weight(seed: int, name: str) -> None:
    rng = np.random.default_rng(seed)
    table = rng.integers(1, 5, (3, 6)) / 4
    twice = optimal_mixture(np.column_stack([table, table[:, :1]]), parse_welfare(name))
    heavy = optimal_mixture(table, parse_welfare(name), [2, 1, 1, 1, 1, 1])
    assert twice.welfare == pytest.approx(heavy.welfare, abs=5e-7)


def test_planted_factions_are_mixed(demo_run: juries.Run) -> None:
    found = model_mixture(evidence(demo_run), parse_welfare("nash"), resamples=60)
    mixed = dict(zip(found.models, found.solution.optimum.probabilities, strict=True))
    assert mixed["plural"] > mixed["one-sided"] > 0.1
    assert mixed["evasive"] == pytest.approx(0, abs=1e-6)
    assert found.solution.optimum.welfare > found.solution.optimum.welfare_single
    assert found.items == 24
    one = item_mixtures(evidence(demo_run), parse_welfare("nash"))
    assert len(one) == 24
    assert all(each.gap <= GAP and each.welfare >= each.welfare_single - 1e-12 for each in one)


def test_two_factions_follow_the_closed_form() -> None:
    """Each faction likes one response only: with its share p of the weight, Nash gives it
    q = ((1 + e) p - e) / (1 - e), where e is what the other response is worth to it."""

    def served(share: np.ndarray | float) -> np.ndarray:
        return np.clip((1.02 * np.asarray(share) - 0.02) / 0.98, 0, 1)

    nash = parse_welfare("nash")
    side = np.random.default_rng(4).random(80) < 0.3
    table = np.where([~side, side], 1.0, 0.02)
    found = mixture_bootstrap(table, nash, rng=generator(0, "test"), resamples=80)
    assert found.optimum.probabilities[1] == pytest.approx(float(served(side.mean())), abs=1e-5)
    drawn = juror_multiplicities(80, 80, generator(0, "test"))
    ends = np.quantile(served(drawn[side].mean(axis=0) * side.mean()), [0.025, 0.975])
    assert found.probabilities.low[1] == pytest.approx(ends[0], abs=1e-3)
    assert found.probabilities.high[1] == pytest.approx(ends[1], abs=1e-3)
    assert found.optimism > 0


def test_who_rated_not_everything_is_left_out(make_evidence: Callable[..., Evidence]) -> None:
    table = np.array([[[0.9, 0.1, np.nan]], [[0.1, 0.9, 0.5]]])
    found = model_mixture(make_evidence(table), parse_welfare("rawlsian"), resamples=20)
    assert found.solution.left_out == 1
    np.testing.assert_allclose(found.solution.optimum.probabilities, [0.5, 0.5], atol=1e-6)
    nobody = np.array([[[0.9, np.nan]], [[np.nan, 0.9]]])
    with pytest.raises(InputError, match="no juror has a valid rating of every response"):
        model_mixture(make_evidence(nobody), parse_welfare("rawlsian"), resamples=20)
