"""Seats: chances are what they are said to be, quotas hold, and conflicts are named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from personas.errors import InputError
from personas.identity import generator
from personas.importers import load_population
from personas.persona import Persona
from personas.population import Population, Provenance
from personas.sampling import METHODS, Quotas, proportional_quotas, sample
from personas.sampling.pool import build_pool
from personas.sampling.simple import inclusion, systematic
from personas.sampling.stratified import largest_remainder


def _population(
    rows: Sequence[Sequence[str | None]], weights: Sequence[float] | None = None
) -> Population:
    people = [
        Persona(attributes={"z": 1, **{n: v for n, v in zip("abcde", row, strict=False) if v}})
        for row in rows
    ]
    return Population.of(people, weights=weights, provenance=Provenance(source="test"))


def _many(count: int = 60) -> Population:
    rng = np.random.default_rng(1)
    rows = [("xy"[int(rng.random() < 0.3)], "uvw"[int(rng.integers(3))]) for _ in range(count)]
    return _population(rows, weights=(rng.random(count) + 0.2).tolist())


QUOTAS = {"a": {"x": (3, 5), "y": (5, 7)}, "b": {"u": (4, 10), "v": (0, 3)}}
OPTIONS = {
    "simple": {},
    "stratified": {"by": ["a", "b"]},
    "quota": {"quotas": QUOTAS},
    "leximin": {"quotas": QUOTAS},
}


@pytest.mark.parametrize("method", METHODS)
def test_a_draw_is_whole_seeded_and_weighted(method: str) -> None:
    population = _many()
    first = sample(population, 10, method=method, seed=3, **OPTIONS[method])  # type: ignore[arg-type]
    again = sample(population, 10, method=method, seed=3, **OPTIONS[method])  # type: ignore[arg-type]
    other = sample(population, 10, method=method, seed=4, **OPTIONS[method])  # type: ignore[arg-type]
    assert len(first) == len(set(first.indices.tolist())) == 10
    assert first.weights.sum() == pytest.approx(1)
    assert (first.weights > 0).all()
    assert first.indices.tolist() == again.indices.tolist()
    assert first.weights.tolist() == again.weights.tolist()
    assert first.indices.tolist() != other.indices.tolist()
    if first.probabilities is not None:
        assert first.probabilities.sum() == pytest.approx(10)
    seats = first.take(population)
    assert [p.id for p in seats.personas] == [population.personas[i].id for i in first.indices]
    assert seats.weights.tolist() == pytest.approx(first.weights.tolist())
    assert f"seed {first.seed}" in seats.provenance.notes[-1]


@settings(deadline=None)
@given(st.lists(st.floats(0.01, 5), min_size=2, max_size=30), st.integers(1, 30))
def test_chances_sum_to_the_seats_and_follow_the_weights(weights: list[float], seats: int) -> None:
    seats = min(seats, len(weights))
    array = np.array(weights)
    chance = inclusion(array, seats)
    assert chance.sum() == pytest.approx(seats)
    assert chance.max() <= 1 + 1e-9
    below = chance < 1 - 1e-9
    if below.any():
        ratio = chance[below] / array[below]
        np.testing.assert_allclose(ratio, ratio[0])


def test_systematic_draws_have_their_chances() -> None:
    """20,000 draws: each person's frequency within five standard errors of the chance."""
    chance = inclusion(np.array([5.0, 1, 1, 2, 0.5, 0.5, 4]), 3)
    rng = generator(0, "test")
    draws = 20_000
    counts = np.zeros(chance.size)
    for _ in range(draws):
        drawn = systematic(chance, rng)
        assert drawn.size == 3
        counts[drawn] += 1
    error = np.sqrt(chance * (1 - chance) / draws)
    assert (np.abs(counts / draws - chance) <= 5 * error + 1e-9).all()


@pytest.mark.parametrize(
    "options",
    [
        {"method": "simple"},
        {"method": "simple", "proportional": False},
        {"method": "simple", "replace": True},
        {"method": "simple", "replace": True, "proportional": False},
        {"method": "stratified", "by": ["a"]},
    ],
)
def test_seat_weights_estimate_the_population(options: dict[str, object]) -> None:
    """The weighted share of x over 1,500 draws of 20 averages to the population's."""
    population = _many(200)
    x = np.array([p.attributes["a"] == "x" for p in population.personas])
    truth = float(population.weights @ x)
    drawn = [sample(population, 20, seed=seed, **options) for seed in range(1500)]  # type: ignore[arg-type]
    estimates = np.array([float(d.weights @ x[d.indices]) for d in drawn])
    error = estimates.std() / np.sqrt(len(estimates))
    assert abs(estimates.mean() - truth) < 5 * error + 0.002  # a ratio's bias is of order 1/n


def test_seats_drawn_in_proportion_weigh_alike() -> None:
    drawn = sample(_many(), 5, seed=0)
    np.testing.assert_allclose(drawn.weights, 0.2)
    assert drawn.effective_size == pytest.approx(5)


def test_nobody_without_weight_is_drawn() -> None:
    population = _population([("x",)] * 4 + [("y",)] * 6, weights=[0, 0, 0, 0, 1, 1, 1, 1, 1, 1])
    for method, options in (
        ("simple", {}),
        ("stratified", {"by": ["a"]}),
        ("quota", {"quotas": {"a": {"y": (0, 6)}}}),
        ("leximin", {"quotas": {"a": {"y": (0, 6)}}}),
    ):
        drawn = sample(population, 6, method=method, seed=1, **options)  # type: ignore[arg-type]
        assert drawn.indices.tolist() == [4, 5, 6, 7, 8, 9]
        with pytest.raises(InputError, match="7 seats cannot be filled"):
            sample(population, 7, method=method, seed=1, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("share", "seats", "people", "expected"),
    [
        # Hamilton's method: quotas 7.5 7.5 5 and 4.7 2.9 1.2 1.2.
        ([0.375, 0.375, 0.25], 20, [99] * 3, [8, 7, 5]),
        ([0.47, 0.29, 0.12, 0.12], 10, [99] * 4, [5, 3, 1, 1]),
        ([0.5, 0.5], 10, [2, 99], [2, 8]),
        ([0.5, 0.3, 0.2], 10, [1, 99, 99], [1, 5, 4]),
        ([1.0, 0.0], 3, [5, 5], [3, 0]),
    ],
)
def test_seats_are_shared_out_by_largest_remainder(
    share: list[float], seats: int, people: list[int], expected: list[int]
) -> None:
    allotted = largest_remainder(np.array(share), seats, np.array(people))
    assert allotted.tolist() == expected


def test_strata_get_their_seats_and_missing_is_one_of_them() -> None:
    population = _population([("x",)] * 6 + [("y",)] * 3 + [(None,)] * 3)
    drawn = sample(population, 4, method="stratified", by=["a"], seed=0)
    assert [(level.level, level.seats) for level in drawn.levels] == [("x", 2), ("y", 1), (None, 1)]
    assert [level.weighted_share for level in drawn.levels] == pytest.approx([0.5, 0.25, 0.25])


def test_strata_without_a_seat_are_named() -> None:
    population = _population([("x",)] * 50 + [("y",)])
    drawn = sample(population, 5, method="stratified", by=["a"], seed=0)
    assert "y (0.0196)" in drawn.notes[0]


def test_unknown_names_are_told_with_the_nearest() -> None:
    population = _population([("x", "u"), ("y", "v")])
    with pytest.raises(InputError, match="no persona has the attribute 'aa'"):
        sample(population, 1, method="stratified", by=["aa"], seed=0)
    with pytest.raises(InputError, match="Did you mean 'stratified'"):
        sample(population, 1, method="stratifid", seed=0)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no use for 'by'"):
        sample(population, 1, by=["a"], seed=0)
    with pytest.raises(InputError, match="at least one attribute"):
        sample(population, 1, method="stratified", seed=0)
    with pytest.raises(InputError, match="at least one quota"):
        sample(population, 1, method="leximin", seed=0)
    with pytest.raises(InputError, match="found 'xx'"):
        sample(population, 1, method="quota", quotas={"a": {"xx": (0, 1)}}, seed=0)
    with pytest.raises(InputError, match="is no range"):
        sample(population, 1, method="quota", quotas={"a": {"x": (2, 1)}}, seed=0)
    with pytest.raises(InputError, match="at least one seat"):
        sample(population, 0, seed=0)


def test_quotas_read_from_a_study() -> None:
    adapter: TypeAdapter[Quotas] = TypeAdapter(Quotas)
    assert adapter.validate_python({"age": {18: [1, 2], "old": 3}}) == {
        "age": {"18": (1, 2), "old": (3, 3)}
    }


@pytest.mark.parametrize("method", ["quota", "leximin"])
def test_quotas_hold_and_are_reported(method: str) -> None:
    population = _many()
    for seed in range(5):
        drawn = sample(population, 10, method=method, quotas=QUOTAS, seed=seed)  # type: ignore[arg-type]
        for level in drawn.levels:
            people = [population.personas[i].attributes for i in drawn.indices]
            assert level.seats == sum(p[level.attribute] == level.level for p in people)
            assert level.minimum <= level.seats <= level.maximum  # type: ignore[operator]


def test_a_free_quota_draw_is_successive_drawing_by_weight() -> None:
    """One seat under a quota that cannot bind: chances are the weights."""
    population = _population([("x",), ("x",), ("y",)], weights=[1, 2, 3])
    drawn = [
        int(sample(population, 1, method="quota", quotas={"a": {"x": (0, 1)}}, seed=s).indices[0])
        for s in range(1500)
    ]
    frequency = np.bincount(drawn, minlength=3) / 1500
    np.testing.assert_allclose(frequency, [1 / 6, 2 / 6, 3 / 6], atol=0.06)


def test_conflicting_quotas_are_named_and_only_they() -> None:
    population = _population([("x", "u")] * 10 + [("y", "v")] * 10)
    quotas = {"a": {"x": (6, 10), "y": (0, 10)}, "b": {"u": (0, 10), "v": (5, 10)}}
    with pytest.raises(InputError) as caught:
        sample(population, 10, method="quota", quotas=quotas, seed=0)
    message = str(caught.value)
    assert "at least 6 a=x (10 people)" in message
    assert "at least 5 b=v (10 people)" in message
    assert message.count("at least") == 2
    assert "at most" not in message


def test_a_quota_for_more_people_than_there_are_conflicts_alone() -> None:
    population = _population([("x",)] * 2 + [("y",)] * 10)
    with pytest.raises(InputError, match=r"5 seats: at least 3 a=x \(2 people\)\. Widen"):
        sample(population, 5, method="leximin", quotas={"a": {"x": (3, 5)}}, seed=0)


@st.composite
def conflicts(draw: st.DrawFn) -> tuple[Population, Quotas, int]:
    rows = draw(
        st.lists(
            st.tuples(*(st.sampled_from(o) for o in ("xy", "uvw", "st"))), min_size=5, max_size=9
        )
    )
    seats = draw(st.integers(2, 5))
    quotas: Quotas = {}
    for place, name in enumerate("abc"):
        quotas[name] = {}
        for level in sorted({row[place] for row in rows}):
            low = draw(st.integers(0, 3))
            quotas[name][level] = (low, draw(st.integers(low, 4)))
    return _population(rows), quotas, seats


@settings(max_examples=60, deadline=None)
@given(conflicts())
def test_a_named_conflict_is_irreducible(problem: tuple[Population, Quotas, int]) -> None:
    """Brute force agrees on feasibility; each named limit alone would resolve the conflict."""
    population, quotas, seats = problem
    held = [p.attributes for p in population.personas]

    def possible(limits: list[tuple[str, str, int, int]]) -> bool:
        return any(
            all(low <= sum(held[i][a] == v for i in panel) <= high for a, v, low, high in limits)
            for panel in combinations(range(len(held)), seats)
        )

    limits = [
        (a, v, low, high) for a, levels in quotas.items() for v, (low, high) in levels.items()
    ]
    try:
        build_pool(population, seats, quotas)
    except InputError as error:
        assert not possible(limits)
        named = [
            part.strip(" .")
            for part in str(error).split("seats: ")[1].split(". Widen")[0].split(";")
        ]
        sides = []
        for part in named:
            words = part.split()
            attribute, level = words[3].split("=")
            number = int(words[2])
            sides.append(
                (attribute, level, number, 99)
                if words[1] == "least"
                else (attribute, level, 0, number)
            )
        assert not possible(sides)
        for left_out in range(len(sides)):
            assert possible(sides[:left_out] + sides[left_out + 1 :])
    else:
        assert possible(limits)


def test_proportional_quotas_surround_the_shares() -> None:
    population = _population([("x",)] * 5 + [("y",)] * 3)
    assert proportional_quotas(population, 10, ["a"]) == {"a": {"x": (6, 7), "y": (3, 4)}}
    assert proportional_quotas(population, 10, ["a"], slack=0.1) == {
        "a": {"x": (5, 8), "y": (2, 5)}
    }


def test_gss_panels_of_a_hundred(shared_data: Callable[[str], Path]) -> None:
    population = load_population(shared_data("gss_personas.jsonl"), format="gss")
    quotas = proportional_quotas(population, 100, ["sex", "race", "highest_degree_received"])
    for method, options in (
        ("stratified", {"by": ["sex", "race"]}),
        ("quota", {"quotas": quotas}),
        ("leximin", {"quotas": quotas}),
    ):
        drawn = sample(population, 100, method=method, seed=1, **options)  # type: ignore[arg-type]
        assert len(drawn) == 100
        assert max(abs(level.seats / 100 - level.target) for level in drawn.levels) <= 0.0101
