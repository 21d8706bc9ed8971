"""The alternative annotator test against its authors' figures and against a plain double loop."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_1samp

from juries.calibration import alt_test
from personas.errors import InputError

PUBLISHED = {
    ("wax", "accuracy", 0.1): {
        "gemini_flash": (0.38, 0.69),
        "gemini_pro": (0.50, 0.74),
        "gpt-4o": (0.50, 0.73),
        "llama-31": (0.00, 0.57),
        "gpt-4o-mini": (0.00, 0.59),
        "mistral-v03": (0.00, 0.50),
    },
    ("lgbteen", "accuracy", 0.2): {
        "gemini_flash": (0.25, 0.71),
        "gemini_pro": (0.00, 0.67),
        "gpt-4o": (0.75, 0.77),
        "llama-31": (0.00, 0.72),
        "gpt-4o-mini": (0.75, 0.76),
        "mistral-v03": (0.25, 0.75),
    },
    ("cebab_stars", "neg_rmse", 0.1): {
        "gemini_flash": (0.60, 0.82),
        "gemini_pro": (0.80, 0.87),
        "gpt-4o": (0.90, 0.90),
        "llama-31": (0.60, 0.85),
        "gpt-4o-mini": (0.90, 0.89),
        "mistral-v03": (0.50, 0.83),
    },
}
ROWS = [
    (name, score, epsilon, model, figures)
    for (name, score, epsilon), models in PUBLISHED.items()
    for model, figures in models.items()
]


@pytest.mark.parametrize(("name", "score", "epsilon", "model", "figures"), ROWS)
def test_published_results_are_reproduced_to_two_decimals(
    shared_data: Callable[[str], Path], name, score, epsilon, model, figures
):
    folder = shared_data(f"alt_test/{name}")
    human = json.loads((folder / "human_annotations.json").read_text())
    machine = json.loads((folder / "llm_annotations.json").read_text())[model]

    result = alt_test(human, machine, score=score, epsilon=epsilon)

    # the authors' figures are printed with :.2f, which rounds an exact half to even
    shown = (f"{result.winning_rate:.2f}", f"{result.advantage_probability:.2f}")
    assert shown == tuple(f"{figure:.2f}" for figure in figures)
    assert result.passed == (figures[0] >= 0.5)


def naive(human, machine, score, epsilon, min_instances) -> list[tuple[str, float, float, float]]:
    """(annotator, machine wins, annotator wins, p) by comparing every annotator one by one."""

    def value(label: Any, others: list[Any]) -> float:
        if score == "accuracy":
            return float(np.mean([label == other for other in others]))
        return -float(np.sqrt(np.mean([(label - other) ** 2 for other in others])))

    rows = []
    for left_out, labels in human.items():
        wins: list[tuple[int, int]] = []
        for instance, label in labels.items():
            others = [
                other[instance]
                for name, other in human.items()
                if name != left_out and instance in other
            ]
            if not others or instance not in machine:
                continue
            ours, theirs = value(label, others), value(machine[instance], others)
            wins.append((int(theirs >= ours), int(ours >= theirs)))
        if len(wins) < min_instances:
            continue
        table = np.array(wins)
        difference = table[:, 1] - table[:, 0]
        if difference.std() == 0:
            p = 0.0 if difference[0] < epsilon else 1.0
        else:
            p = ttest_1samp(difference, epsilon, alternative="less").pvalue
        rows.append((left_out, *table.mean(axis=0), p))
    return rows


def planted(
    rng: np.random.Generator, *, annotators: int, instances: int, points: int, noise: float
):
    """People and a machine who see the same truth, each with their own slips."""
    truth = rng.integers(points, size=instances)

    def answers(share: float) -> dict[str, int]:
        kept = rng.random(instances) < share
        slips = rng.random(instances) < noise
        labels = np.where(slips, rng.integers(points, size=instances), truth)
        return {f"i{i}": int(labels[i]) for i in np.flatnonzero(kept)}

    return {f"a{h}": answers(0.7) for h in range(annotators)}, answers(0.9)


@pytest.mark.parametrize("score", ["accuracy", "neg_rmse"])
@pytest.mark.parametrize("seed", range(5))
def test_the_vectorised_test_equals_the_double_loop(score, seed):
    rng = np.random.default_rng(seed)
    human, machine = planted(rng, annotators=6, instances=60, points=4, noise=0.4)

    result = alt_test(human, machine, score=score, epsilon=0.1, min_instances=20)

    expected = naive(human, machine, score, 0.1, 20)
    found = [
        (row.annotator, row.machine_wins, row.annotator_wins, row.p_value)
        for row in result.annotators
    ]
    assert [row[0] for row in found] == [row[0] for row in expected]
    np.testing.assert_allclose(
        [row[1:] for row in found], [row[1:] for row in expected], rtol=1e-12, atol=1e-14
    )


def test_a_machine_that_copies_the_truth_wins_and_a_random_one_loses():
    rng = np.random.default_rng(7)
    human, _ = planted(rng, annotators=8, instances=300, points=5, noise=0.3)
    majority = {
        i: int(np.bincount([labels[i] for labels in human.values() if i in labels]).argmax())
        for i in sorted({i for labels in human.values() for i in labels})
    }
    chance = {i: int(rng.integers(5)) for i in majority}

    good, bad = alt_test(human, majority, epsilon=0.1), alt_test(human, chance, epsilon=0.1)

    assert good.passed
    assert good.winning_rate == 1.0
    assert not bad.passed
    assert good.interval.low > bad.interval.high


def test_the_interval_covers_the_advantage_probability_of_the_population():
    rng = np.random.default_rng(11)
    population, machine = planted(rng, annotators=5, instances=20_000, points=4, noise=0.4)
    truth = alt_test(population, machine, epsilon=0.1).advantage_probability
    covered = 0
    for _ in range(200):
        chosen = {f"i{i}" for i in rng.choice(20_000, size=120, replace=False)}
        sample = {a: {i: v for i, v in row.items() if i in chosen} for a, row in population.items()}
        covered += truth in alt_test(sample, machine, epsilon=0.1).interval

    assert 0.90 <= covered / 200 <= 0.99


@given(st.permutations(range(5)), st.integers(0, 2**16))
def test_order_and_names_do_not_matter(order, seed):
    human, machine = planted(
        np.random.default_rng(seed), annotators=5, instances=50, points=3, noise=0.5
    )
    names = list(human)
    shuffled = {names[k]: dict(reversed(human[names[k]].items())) for k in order}

    a = alt_test(human, machine, min_instances=10)
    b = alt_test(shuffled, machine, min_instances=10)

    assert a.winning_rate == b.winning_rate
    assert a.advantage_probability == pytest.approx(b.advantage_probability, abs=1e-12)


def test_people_with_too_few_instances_are_named_and_instances_without_company_counted():
    human = {
        "a": {i: i % 2 for i in range(40)},
        "b": {i: i % 2 for i in range(40)},
        "late": {0: 1, 1: 1, 99: 0},
    }
    result = alt_test(human, {i: i % 2 for i in range(39)})

    assert result.skipped == {"late": 2}
    assert result.dropped == 2
    assert [row.instances for row in result.annotators] == [39, 39]


def test_annotators_who_never_differ_have_no_spread_to_test_and_lose_to_an_equal_machine():
    labels = {i: i % 3 for i in range(30)}
    result = alt_test({"a": labels, "b": labels}, labels)

    assert [row.p_value for row in result.annotators] == [0.0, 0.0]
    assert result.winning_rate == 1.0


@pytest.mark.parametrize(
    ("human", "machine", "score", "message"),
    [
        ({"a": {1: 1}}, {1: 1}, "accuracy", "at least 2 annotators"),
        ({"a": {1: 1}, "b": {1: 1}}, {2: 1}, "accuracy", "no instance has both"),
        ({"a": {1: 1}, "b": {1: 1}}, {1: 1}, "accuracy", "no annotator shares 30"),
        ({"a": {1: "x"}, "b": {1: 1}}, {1: 1}, "neg_rmse", "compares numbers; found 'x'"),
        ({"a": {1: 1.0}, "b": {1: float("nan")}}, {1: 1}, "neg_rmse", "not a finite number"),
    ],
)
def test_data_that_cannot_be_tested_are_refused_with_the_reason(human, machine, score, message):
    with pytest.raises(InputError, match=message):
        alt_test(human, machine, score=score)
