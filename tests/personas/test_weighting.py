"""Raking: against a reference, a worked example, invariances, and margins nothing can meet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize

from personas.derivation import Bands, Recode
from personas.errors import InputError
from personas.importers import load_population
from personas.margins import Margin, load_margin
from personas.persona import Persona
from personas.population import Population, Provenance
from personas.weighting import rake

Float = NDArray[np.float64]


def _population(
    rows: Sequence[Sequence[str | None]], weights: Sequence[float] | None = None
) -> Population:
    """Attributes a, b, c … by position, plus one that everybody has."""
    people = [
        Persona(attributes={"z": 1, **{n: v for n, v in zip("abcde", row, strict=False) if v}})
        for row in rows
    ]
    return Population.of(people, weights=weights, provenance=Provenance(source="test"))


def _counts(table: dict[tuple[str, ...], int]) -> Population:
    return _population([row for row, count in table.items() for _ in range(count)])


def reference_ipf(population: Population, margins: Sequence[Margin], sweeps: int = 500) -> Float:
    """Person by person, straight from the definition (Deming & Stephan 1940)."""
    weights = [float(weight) for weight in population.weights]
    for _ in range(sweeps):
        for margin in margins:
            held = [
                tuple(str(p.attributes[name]) for name in margin.attributes)
                for p in population.personas
            ]
            for level, target in margin.shares.items():
                share = sum(w for w, h in zip(weights, held, strict=True) if h == level)
                if share > 0:
                    weights = [
                        w * target / share if h == level else w
                        for w, h in zip(weights, held, strict=True)
                    ]
    return np.array(weights)


@st.composite
def problems(draw: st.DrawFn) -> tuple[Population, list[Margin]]:
    """Populations whose every cell is inhabited, so that every margin can be met."""
    cells = [(a, b, c) for a in "xy" for b in "uvw" for c in "st"]
    counts = draw(st.lists(st.integers(1, 4), min_size=12, max_size=12))
    rows = [cell for cell, count in zip(cells, counts, strict=True) for _ in range(count)]
    weights = draw(st.lists(st.floats(0.2, 5), min_size=len(rows), max_size=len(rows)))

    def shares(levels: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], float]:
        raw = draw(st.lists(st.floats(0.1, 1), min_size=len(levels), max_size=len(levels)))
        return {level: value / sum(raw) for level, value in zip(levels, raw, strict=True)}

    margins = [
        Margin.of("a", shares([("x",), ("y",)])),
        Margin.of("b", shares([("u",), ("v",), ("w",)])),
        Margin.of("c", shares([("s",), ("t",)])),
    ]
    return _population(rows, weights), margins


@settings(max_examples=25, deadline=None)
@given(problems())
def test_cells_give_what_the_reference_gives(problem: tuple[Population, list[Margin]]) -> None:
    population, margins = problem
    raking = rake(population, margins, tol=1e-11)
    assert raking.converged
    np.testing.assert_allclose(
        raking.weights, reference_ipf(population, margins, sweeps=60), rtol=1e-6
    )


@settings(max_examples=25, deadline=None)
@given(problems())
def test_margins_are_met_and_odds_ratios_kept(problem: tuple[Population, list[Margin]]) -> None:
    """Raking multiplies by a function of each margin, so it keeps the base's interactions."""
    population, margins = problem
    raking = rake(population, margins, tol=1e-11)
    assert raking.max_deviation < 1e-10
    ratio = dict(
        zip(
            (
                (p.attributes["a"], p.attributes["b"], p.attributes["c"])
                for p in population.personas
            ),
            raking.weights / population.weights,
            strict=True,
        )
    )
    for b, c in (("u", "s"), ("v", "t")):
        left = ratio["x", b, c] * ratio["y", "w", c]
        right = ratio["y", b, c] * ratio["x", "w", c]
        assert left == pytest.approx(right, rel=1e-9)


@settings(max_examples=25, deadline=None)
@given(problems(), st.randoms(use_true_random=False))
def test_the_order_of_people_and_margins_does_not_matter(
    problem: tuple[Population, list[Margin]], random: object
) -> None:
    population, margins = problem
    order = list(range(len(population)))
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = rake(population.take(order), margins[::-1], tol=1e-12)
    np.testing.assert_allclose(
        shuffled.weights, rake(population, margins, tol=1e-12).weights[order], rtol=1e-6
    )


@settings(max_examples=15, deadline=None)
@given(problems())
def test_raking_twice_changes_nothing(problem: tuple[Population, list[Margin]]) -> None:
    population, margins = problem
    once = rake(population, margins, tol=1e-11)
    twice = rake(once.population, margins, tol=1e-11)
    np.testing.assert_allclose(twice.weights, once.weights, rtol=1e-6)


def test_one_margin_is_poststratification() -> None:
    """By hand: 3 x of 4 people to 50 % gives 1/6 each, and the y the other half."""
    population = _counts({("x",): 3, ("y",): 1})
    raking = rake(population, [Margin.of("a", {"x": 0.5, "y": 0.5})])
    assert raking.weights.tolist() == pytest.approx([1 / 6, 1 / 6, 1 / 6, 1 / 2])
    assert raking.effective_size == pytest.approx(3.0)  # 1 / (3/36 + 1/4)
    assert raking.design_effect == pytest.approx(4 / 3)
    assert [level.before for level in raking.levels] == pytest.approx([0.75, 0.25])
    assert [level.achieved for level in raking.levels] == pytest.approx([0.5, 0.5])
    assert raking.population.provenance.weighting == "raked to a; base: equal weights"


def test_a_joint_margin_is_met_in_every_cell() -> None:
    population = _counts({("x", "u"): 1, ("x", "v"): 5, ("y", "u"): 3, ("y", "v"): 1})
    target = {("x", "u"): 0.4, ("x", "v"): 0.1, ("y", "u"): 0.2, ("y", "v"): 0.3}
    raking = rake(population, [Margin.of(("a", "b"), target)])
    assert {level.level: level.achieved for level in raking.levels} == pytest.approx(target)


def test_design_weights_are_the_base() -> None:
    population = _population([("x",), ("x",), ("y",)], weights=[1, 3, 4])
    raking = rake(population, [Margin.of("a", {"x": 0.2, "y": 0.8})])
    assert raking.weights.tolist() == pytest.approx([0.05, 0.15, 0.8])


@settings(max_examples=25, deadline=None)
@given(problems(), st.floats(0.3, 0.9), st.floats(1.1, 3))
def test_bounds_hold_and_feasible_margins_are_met(
    problem: tuple[Population, list[Margin]], lower: float, upper: float
) -> None:
    population, margins = problem
    raking = rake(population, margins, bounds=(lower, upper), tol=1e-9, max_iter=400)
    ratio = raking.weights / population.weights
    assert ratio.min() >= lower - 1e-6
    assert ratio.max() <= upper + 1e-6
    if raking.converged:
        assert raking.max_deviation < 1e-8
    else:
        assert raking.least_miss is not None


def test_bounded_weights_are_the_nearest_ones() -> None:
    """Against a general optimiser on the same problem: least divergence within the bounds."""
    population = _counts({("x", "u"): 6, ("x", "v"): 2, ("y", "u"): 3, ("y", "v"): 9})
    margins = [Margin.of("a", {"x": 0.6, "y": 0.4}), Margin.of("b", {"u": 0.65, "v": 0.35})]
    raking = rake(population, margins, bounds=(0.5, 1.6), tol=1e-11)
    assert raking.converged
    cells = np.array([6, 2, 3, 9]) / 20
    result = minimize(
        lambda r: float(cells @ (r * np.log(r) - r)),
        np.ones(4),
        bounds=[(0.5, 1.6)] * 4,
        constraints=[
            {"type": "eq", "fun": lambda r: cells[0] * r[0] + cells[1] * r[1] - 0.6},
            {"type": "eq", "fun": lambda r: cells[0] * r[0] + cells[2] * r[2] - 0.65},
            {"type": "eq", "fun": lambda r: cells @ r - 1},
        ],
        method="SLSQP",
        options={"ftol": 1e-14},
    )
    ours = (raking.weights / population.weights)[[0, 6, 8, 11]]
    np.testing.assert_allclose(ours, result.x, atol=1e-5)
    assert raking.at_upper == 6  # the bound bites, on all six of one cell


def test_loose_bounds_change_nothing() -> None:
    population = _counts({("x", "u"): 6, ("x", "v"): 2, ("y", "u"): 3, ("y", "v"): 9})
    margins = [Margin.of("a", {"x": 0.6, "y": 0.4}), Margin.of("b", {"u": 0.55, "v": 0.45})]
    np.testing.assert_allclose(
        rake(population, margins, bounds=(0.01, 100), tol=1e-12).weights,
        rake(population, margins, tol=1e-12).weights,
        rtol=1e-7,
    )


def test_margins_out_of_the_bounds_reach_are_missed_by_as_little_as_can_be() -> None:
    """x can at most rise from 1/10 to 1.5/10: the miss is 0.35 on each of the two levels."""
    population = _counts({("x",): 1, ("y",): 9})
    raking = rake(population, [Margin.of("a", {"x": 0.5, "y": 0.5})], bounds=(0.5, 1.5))
    assert not raking.converged
    assert raking.least_miss == pytest.approx(0.7)
    assert [level.achieved for level in raking.unmet] == pytest.approx([0.15, 0.85], abs=1e-6)
    assert raking.max_deviation == pytest.approx(0.35, abs=1e-6)
    assert raking.at_upper == 1


def test_margins_that_contradict_each_other_are_said_to() -> None:
    """a and b are the same split, so 0.5 and 0.7 cannot both hold: 0.2 is lost at least."""
    population = _counts({("x", "u"): 5, ("y", "v"): 5})
    margins = [Margin.of("a", {"x": 0.5, "y": 0.5}), Margin.of("b", {"u": 0.7, "v": 0.3})]
    raking = rake(population, margins)
    assert not raking.converged
    assert raking.least_miss == pytest.approx(0.4)
    assert sum(abs(level.deviation) for level in raking.levels) == pytest.approx(0.4, abs=1e-6)
    assert raking.unmet


def test_who_lacks_an_attribute_keeps_a_level_of_their_own() -> None:
    population = _population([("x",), ("x",), ("y",), (None,)])
    raking = rake(population, [Margin.of("a", {"x": 0.5, "y": 0.5})])
    assert raking.weights.tolist() == pytest.approx([0.1875, 0.1875, 0.375, 0.25])
    assert [level.achieved for level in raking.levels] == pytest.approx([0.5, 0.5])
    assert "0.2500 of the weight lacks a" in raking.notes[0]


def test_who_lacks_an_attribute_may_be_excluded_or_refused() -> None:
    population = _population([("x",), ("y",), (None,)])
    margin = Margin.of("a", {"x": 0.5, "y": 0.5})
    raking = rake(population, [margin], missing="exclude")
    assert raking.weights.tolist() == pytest.approx([0.5, 0.5, 0])
    assert raking.excluded == 1
    assert raking.design_effect == pytest.approx(1)
    with pytest.raises(InputError, match="1 personas lack"):
        rake(population, [margin], missing="refuse")


def test_empty_levels_are_refused_or_dropped_aloud() -> None:
    population = _population([("x",), ("y",)])
    margin = Margin.of("a", {"x": 0.4, "y": 0.4, "w": 0.2})
    with pytest.raises(InputError, match=r"w \(0.2000\)"):
        rake(population, [margin])
    raking = rake(population, [margin], empty="drop")
    assert raking.weights.tolist() == pytest.approx([0.5, 0.5])
    assert raking.max_deviation == pytest.approx(0.2)
    assert raking.unmet[0].level == ("w",)
    assert "left unmet" in raking.notes[0]
    collapsed = rake(population, [margin.collapse({"w": "y"})])
    assert collapsed.weights.tolist() == pytest.approx([0.4, 0.6])


def test_a_target_of_zero_removes_people() -> None:
    population = _counts({("x", "u"): 2, ("y", "u"): 1, ("y", "v"): 1})
    margins = [Margin.of("a", {"x": 0.5, "y": 0.5}), Margin.of("b", {"u": 1.0, "v": 0.0})]
    assert rake(population, margins).weights.tolist() == pytest.approx([0.25, 0.25, 0.5, 0])


def test_people_the_margin_does_not_know_are_refused_by_level() -> None:
    population = _population([("x",), ("Y",), ("Y",)])
    with pytest.raises(InputError, match=r"2 personas.*found 'Y'.*expected one of x, yes"):
        rake(population, [Margin.of("a", {"x": 0.5, "yes": 0.5})])
    with pytest.raises(InputError, match="no persona has the attribute 'q'"):
        rake(population, [Margin.of("q", {"x": 1.0})])
    with pytest.raises(InputError, match="at least one margin"):
        rake(population, [])
    with pytest.raises(InputError, match="bounds"):
        rake(population, [Margin.of("a", {"x": 0.5, "Y": 0.5})], bounds=(1.2, 3))


def test_raking_recovers_the_shares_of_a_biased_sample() -> None:
    """A sample that favours a group by design is brought back to the truth, the mean included."""
    rng = np.random.default_rng(5)
    size = 20_000
    a, b = rng.random(size) < 0.4, rng.random(size) < 0.5
    outcome = 0.3 + 0.3 * a + 0.1 * b
    kept = rng.random(size) < np.where(a, 0.9, 0.2) * np.where(b, 0.3, 0.8)
    population = _population(
        [("xy"[int(i)], "uv"[int(j)]) for i, j in zip(a[kept], b[kept], strict=True)]
    )
    margins = [
        Margin.of("a", {"x": float(1 - a.mean()), "y": float(a.mean())}),
        Margin.of("b", {"u": float(1 - b.mean()), "v": float(b.mean())}),
    ]
    weights = rake(population, margins).weights
    assert abs(outcome[kept].mean() - outcome.mean()) > 0.03
    assert weights @ outcome[kept] == pytest.approx(outcome.mean(), abs=1e-6)


def test_gss_respondents_meet_the_us_margins(shared_data: Callable[[str], Path]) -> None:
    population = load_population(shared_data("gss_personas.jsonl"), format="gss").derive(
        {
            "age_band": Bands(source="age", breaks=(18, 25, 35, 45, 55, 65)),
            "region": Recode(source="state", map="us_state_to_region"),
        }
    )
    margins = [
        load_margin("us_adults_age_sex"),
        load_margin("us_adults_race"),
        load_margin("us_adults_education", columns={"highest_degree_received": "education"}),
        load_margin("us_adults_region"),
    ]
    free = rake(population, margins)
    assert free.converged
    assert free.max_deviation < 1e-7
    bounded = rake(population, margins, bounds=(0.5, 2))
    assert bounded.converged
    assert bounded.smallest_ratio >= 0.5
    assert bounded.largest_ratio <= 2
    assert bounded.at_upper > 0
    tight = rake(population, margins, bounds=(0.9, 1.1))
    assert not tight.converged
    assert tight.least_miss is not None
    missed = sum(abs(level.deviation) for level in tight.levels)
    assert missed == pytest.approx(tight.least_miss, abs=1e-3)
