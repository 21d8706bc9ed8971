"""Leximin sortition: against enumeration of every panel, worked examples, and its own bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import linprog

from personas.persona import Persona
from personas.population import Population, Provenance
from personas.sampling.fairness import decompose, exact, realise, relaxed
from personas.sampling.leximin import leximin
from personas.sampling.pool import build_pool

Quotas = Mapping[str, Mapping[str, tuple[int, int]]]
Float = NDArray[np.float64]


def _population(rows: Sequence[Sequence[str]]) -> Population:
    people = [Persona(attributes=dict(zip("abcdef", row, strict=False))) for row in rows]
    return Population.of(people, provenance=Provenance(source="test"))


def panels_of(population: Population, seats: int, quotas: Quotas) -> list[tuple[int, ...]]:
    held = [p.attributes for p in population.personas]
    return [
        panel
        for panel in combinations(range(len(held)), seats)
        if all(
            low <= sum(held[i].get(name) == level for i in panel) <= high
            for name, levels in quotas.items()
            for level, (low, high) in levels.items()
        )
    ]


def reference_leximin(population: Population, seats: int, quotas: Quotas) -> Float:
    """Over every panel, person by person: raise the floor, then see who can still have more."""
    panels = panels_of(population, seats, quotas)
    size = len(population)
    sits = np.array([[i in panel for panel in panels] for i in range(size)], dtype=float)

    def best(goal: Float, floor: Float) -> float:
        """The most of `goal @ chances` with chances at least `floor` (nan: free)."""
        bound = ~np.isnan(floor)
        found = linprog(
            -goal @ sits,
            A_ub=-sits[bound],
            b_ub=-(floor[bound] - 1e-9),
            A_eq=np.ones((1, len(panels))),
            b_eq=[1],
        )
        return -float(found.fun)

    def highest_floor(fixed: Float) -> float:
        open_ = np.isnan(fixed)
        matrix = np.hstack([-sits, open_[:, None].astype(float)])
        found = linprog(
            np.append(np.zeros(len(panels)), -1.0),
            A_ub=matrix,
            b_ub=np.where(open_, 0.0, -(np.nan_to_num(fixed) - 1e-9)),
            A_eq=np.append(np.ones(len(panels)), 0.0)[None, :],
            b_eq=[1],
        )
        return -float(found.fun)

    fixed = np.full(size, np.nan)
    while np.isnan(fixed).any():
        floor = highest_floor(fixed)
        lower = np.where(np.isnan(fixed), floor, fixed)
        for person in np.flatnonzero(np.isnan(fixed)):
            if best(np.eye(size)[person], lower) <= floor + 1e-6:
                fixed[person] = floor
    return fixed


@st.composite
def problems(draw: st.DrawFn) -> tuple[Population, Quotas, int]:
    levels = ("xy", "uvw", "st")
    rows = draw(st.lists(st.tuples(*(st.sampled_from(o) for o in levels)), min_size=4, max_size=8))
    seats = draw(st.integers(1, min(4, len(rows) - 1)))
    panel = draw(st.permutations(rows))[:seats]  # quotas around a panel can be met
    quotas: dict[str, dict[str, tuple[int, int]]] = {}
    for place, name in enumerate("abc"):
        ranges: dict[str, tuple[int, int]] = {}
        for level in sorted({row[place] for row in rows}):
            held = sum(row[place] == level for row in panel)
            low = draw(st.integers(0, held))
            ranges[level] = (low, draw(st.integers(max(held, 1), 3 if held <= 3 else held)))
        quotas[name] = ranges
    return _population(rows), quotas, seats


@settings(max_examples=60, deadline=None)
@given(problems())
def test_chances_are_those_of_enumerating_every_panel(
    problem: tuple[Population, Quotas, int],
) -> None:
    population, quotas, seats = problem
    assert panels_of(population, seats, quotas)
    expected = reference_leximin(population, seats, quotas)
    sortition = leximin(population, seats, quotas=quotas)
    np.testing.assert_allclose(sortition.selection_probabilities, expected, atol=1e-5)
    assert sortition.minimum == pytest.approx(expected.min(), abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(problems())
def test_every_route_agrees(problem: tuple[Population, Quotas, int]) -> None:
    """Whole-panel leximin from any start equals it, and fractions are never less fair."""
    population, quotas, seats = problem
    pool = build_pool(population, seats, quotas)
    goal = relaxed(pool)
    assert goal.sum() == pytest.approx(seats, abs=1e-6)
    first = pool.program(integer=True).solve()
    assert first is not None
    direct = exact(pool, first.values[None, :])
    chance = np.sort(np.repeat(direct.seats / pool.sizes, pool.sizes))
    bound = np.sort(np.repeat(goal / pool.sizes, pool.sizes))
    differing = np.flatnonzero(np.abs(bound - chance) > 1e-6)
    if differing.size:
        assert bound[differing[0]] > chance[differing[0]]
    nearest = realise(pool, goal, first.values[None, :])
    if nearest.gap < 1e-7:
        np.testing.assert_allclose(nearest.seats, direct.seats, atol=1e-5)
    else:
        assert differing.size


def test_everybody_has_the_same_chance_where_quotas_allow() -> None:
    """As in Flanigan et al.'s examples: k of n, and the quotas fit the pool: k/n for all."""
    rng = np.random.default_rng(2)
    rows = [("xy"[i % 2], "uvwz"[(i // 2) % 4], "st"[int(rng.random() < 0.3)]) for i in range(200)]
    population = _population(rows)
    quotas = {
        "a": {"x": (9, 11), "y": (9, 11)},
        "b": dict.fromkeys("uvwz", (4, 6)),
        "c": {"t": (4, 8)},
    }
    sortition = leximin(population, 20, quotas=quotas)
    np.testing.assert_allclose(sortition.selection_probabilities, 0.1, atol=1e-7)
    assert sortition.minimum == pytest.approx(0.1)
    assert sortition.gap < 1e-7


def test_a_worked_example_with_a_scarce_group() -> None:
    """2 x and 8 y, 4 seats, two of them x: both x always sit, each y has a quarter."""
    population = _population([("x",)] * 2 + [("y",)] * 8)
    sortition = leximin(population, 4, quotas={"a": {"x": (2, 2)}})
    assert sortition.selection_probabilities.tolist() == pytest.approx([1, 1] + [0.25] * 8)


def test_fractions_of_people_can_promise_too_much() -> None:
    """Three people who pairwise share a capped feature, and one free: at most one of the three.

    With halves of people each could have 1/2; with whole ones 1/3 each, and the free one sits.
    """
    rows = [("y", "y", "n"), ("n", "y", "y"), ("y", "n", "y"), ("n", "n", "n")]
    population = _population(rows)
    quotas = {name: {"y": (0, 1)} for name in "abc"}
    pool = build_pool(population, 2, quotas)
    goal = relaxed(pool)
    assert goal.min() == pytest.approx(0.5)
    lottery = decompose(pool, goal)
    assert lottery is None or lottery.gap > 0.1
    sortition = leximin(population, 2, quotas=quotas)
    assert sortition.selection_probabilities.tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1])


def test_people_the_quotas_leave_out_are_said() -> None:
    population = _population([("x",)] * 3 + [("y",)] * 3)
    sortition = leximin(population, 2, quotas={"a": {"y": (0, 0)}})
    assert sortition.selection_probabilities.tolist() == pytest.approx([2 / 3] * 3 + [0] * 3)
    assert sortition.minimum == 0
    assert "leave 3 personas (0.5000 of the weight) out" in sortition.draw(0).notes[0]


def test_the_lottery_is_one() -> None:
    """Each panel is possible, probabilities sum to 1, and they give the chances stated."""
    rng = np.random.default_rng(4)
    rows = [("xy"[int(rng.random() < 0.4)], "uvw"[int(rng.integers(3))]) for _ in range(40)]
    population = _population(rows)
    quotas = {"a": {"x": (3, 4), "y": (4, 5)}, "b": {"u": (3, 3), "v": (1, 4), "w": (1, 4)}}
    sortition = leximin(population, 8, quotas=quotas)
    pool = sortition.pool
    assert sortition.panel_probabilities.sum() == pytest.approx(1)
    assert (sortition.panels.sum(axis=1) == 8).all()
    assert (sortition.panels <= pool.sizes).all()
    held = sortition.panels @ pool.holds.T
    assert (held >= pool.lower).all()
    assert (held <= pool.upper).all()
    chance = (sortition.panel_probabilities @ sortition.panels) / pool.sizes
    np.testing.assert_allclose(chance[pool.type_of], sortition.selection_probabilities)
    assert sortition.selection_probabilities.sum() == pytest.approx(8)


def test_draws_have_the_chances_stated() -> None:
    population = _population([("x", "u")] * 2 + [("y", "u")] * 3 + [("y", "v")] * 4)
    quotas = {"a": {"x": (1, 1)}, "b": {"v": (1, 2)}}
    sortition = leximin(population, 3, quotas=quotas)
    chance = sortition.selection_probabilities
    drawn = np.concatenate([sortition.draw(seed).indices for seed in range(4000)])
    counts = np.bincount(drawn, minlength=9)
    error = np.sqrt(chance * (1 - chance) / 4000)
    assert (np.abs(counts / 4000 - chance) <= 5 * error + 1e-9).all()


def test_the_order_of_people_does_not_matter_to_their_chances() -> None:
    rows = [("x", "u")] * 3 + [("y", "v")] * 5 + [("x", "v")] * 2
    quotas = {"a": {"x": (2, 2)}, "b": {"u": (0, 1)}}
    forward = leximin(_population(rows), 4, quotas=quotas).selection_probabilities
    backward = leximin(_population(rows[::-1]), 4, quotas=quotas).selection_probabilities
    np.testing.assert_allclose(forward, backward[::-1], atol=1e-9)
