"""Populations: weights, derived attributes, descriptions, and saving them."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from personas.derivation import Bands, Derivation, Recode, shipped_recode
from personas.errors import InputError
from personas.importers import load_population
from personas.persona import Persona, SchwartzValue
from personas.population import Population, Provenance
from personas.summary import kish_effective_size

TEST = Provenance(source="test")


def _people(**columns: list[object]) -> list[Persona]:
    rows = zip(*columns.values(), strict=True)
    return [
        Persona.model_validate(
            {"attributes": {k: v for k, v in zip(columns, row, strict=True) if v is not None}}
        )
        for row in rows
    ]


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ([1, 1, 1, 1], 4.0),
        ([3, 3, 3], 3.0),
        ([1, 0, 0], 1.0),
        ([1, 2, 3], 36 / 14),  # (sum w)^2 / sum w^2 by hand
    ],
)
def test_kish_effective_size(weights: list[float], expected: float) -> None:
    assert kish_effective_size(np.array(weights, dtype=float)) == pytest.approx(expected)


@settings(deadline=None)
@given(
    st.lists(st.floats(0.01, 100), min_size=1, max_size=30),
    st.floats(0.1, 10),
)
def test_effective_size_is_between_1_and_n_whatever_the_scale(
    weights: list[float], scale: float
) -> None:
    array = np.array(weights)
    size = kish_effective_size(array)
    assert 1 - 1e-9 <= size <= len(weights) + 1e-9
    assert kish_effective_size(array * scale) == pytest.approx(size)


def test_weights_are_scaled_and_cannot_be_changed() -> None:
    population = Population.of(_people(a=[1, 2]), weights=[1, 3], provenance=TEST)
    assert population.weights.tolist() == [0.25, 0.75]
    with pytest.raises(ValueError, match="read-only"):
        population.weights[0] = 1


@pytest.mark.parametrize("bad", [math.nan, math.inf, -1.0])
def test_an_unusable_weight_names_its_row(bad: float) -> None:
    with pytest.raises(InputError, match=r"test, line 2.*weight"):
        Population.of(_people(a=[1, 2]), weights=[1, bad], provenance=TEST)


def test_no_weight_at_all_and_no_person_at_all_are_refused() -> None:
    with pytest.raises(InputError, match="all weights are zero"):
        Population.of(_people(a=[1, 2]), weights=[0, 0], provenance=TEST)
    with pytest.raises(InputError, match="empty"):
        Population.of([], provenance=TEST)


def test_unknown_attributes_name_the_nearest() -> None:
    population = Population.of(_people(gender=["x"]), provenance=TEST)
    with pytest.raises(InputError, match="Did you mean 'gender'"):
        population.require(["gendr"])


def test_bands_hold_their_lower_edge_and_missing_stays_missing() -> None:
    population = Population.of(
        _people(age=[18, 29, 30, 64.5, 65, 90, None], x=[1] * 7), provenance=TEST
    )
    derived = population.derive({"band": Bands(source="age", breaks=(18, 30, 45, 65))})
    assert [p.attributes.get("band") for p in derived.personas] == [
        "18-29", "18-29", "30-44", "45-64", "65+", "65+", None,
    ]  # fmt: skip
    assert "derived 'band' from 'age'" in derived.provenance.notes
    assert population.personas[0].attributes.get("band") is None


def test_band_names() -> None:
    assert Bands(source="a", breaks=(0, 1, 5), end=10).names == ("0", "1-4", "5-9")
    assert Bands(source="a", breaks=(0, 0.5), end=1).names == ("0 to <0.5", "0.5 to <1")
    assert Bands(source="a", breaks=(0, 10), labels=("low", "high")).names == ("low", "high")


def test_a_value_in_no_band_is_named_or_missing_as_declared() -> None:
    population = Population.of(_people(age=[17, 30]), provenance=TEST)
    with pytest.raises(
        InputError, match=r"no band; found 17; expected one of the bands 18-29, 30\+"
    ):
        population.derive({"band": Bands(source="age", breaks=(18, 30))})
    lenient = population.derive({"band": Bands(source="age", breaks=(18, 30), outside="missing")})
    assert "band" not in lenient.personas[0].attributes
    with pytest.raises(InputError, match="not a number"):
        Population.of(_people(age=["old"]), provenance=TEST).derive(
            {"band": Bands(source="age", breaks=(18,))}
        )


def test_recodes_cover_every_level_or_say_so() -> None:
    population = Population.of(_people(race=["a", "b", "c", None], x=[1] * 4), provenance=TEST)
    full = population.derive({"r": Recode(source="race", map={"a": "A", "b": None}, other="rest")})
    assert [p.attributes.get("r") for p in full.personas] == ["A", None, "rest", None]
    with pytest.raises(InputError, match="found 'c'"):
        population.derive({"r": Recode(source="race", map={"a": "A", "b": "B"})})


def test_a_derived_attribute_takes_no_name_that_is_there() -> None:
    population = Population.of(_people(age=[20]), provenance=TEST)
    with pytest.raises(InputError, match="name of one that is there"):
        population.derive({"age": Bands(source="age", breaks=(18,))})


def test_derivations_read_from_a_study() -> None:
    adapter = TypeAdapter(dict[str, Derivation])
    rules = adapter.validate_python(
        {
            "band": {"from": "age", "breaks": [18, 30], "to": 50},
            "region": {"from": "state", "map": "us_state_to_region"},
        }
    )
    assert rules["band"] == Bands(source="age", breaks=(18, 30), end=50)
    assert isinstance(rules["region"], Recode)
    assert rules["region"].derive("CA") == "West"
    for broken in (
        {"from": "age", "breaks": [30, 18]},
        {"from": "age", "breaks": [18, 30], "labels": ["one"]},
        {"from": "state", "map": "us_state_to_regin"},
        {"from": "age", "braks": [18]},
    ):
        with pytest.raises(ValidationError):
            adapter.validate_python({"x": broken})


def test_the_state_recode_has_every_state_and_the_district_once() -> None:
    regions = shipped_recode("us_state_to_region")
    assert len(regions) == 51
    # The Census Bureau's four regions hold 9, 12, 17 (with DC) and 13 states.
    sizes = {region: list(regions.values()).count(region) for region in regions.values()}
    assert sizes == {"Northeast": 9, "Midwest": 12, "South": 17, "West": 13}


def test_description_weights_levels_and_quantiles() -> None:
    people = _people(sex=["f", "f", "m", None], age=[20, 30, 40, 50])
    population = Population.of(people, weights=[1, 1, 4, 2], provenance=TEST)
    described = population.describe()
    sex, age = described.attributes
    assert sex.missing == 0.25
    assert sex.weighted_missing == 0.25
    assert {level.value: level.weighted_share for level in sex.levels} == pytest.approx(
        {"m": 4 / 6, "f": 2 / 6}
    )
    assert {level.value: level.share for level in sex.levels} == pytest.approx(
        {"m": 1 / 3, "f": 2 / 3}
    )
    assert age.numbers is None  # four different numbers are listed as levels
    assert described.effective_size == pytest.approx(64 / 22)
    assert described.largest_weight == 2.0
    assert described.smallest_weight == 0.5


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 200), st.integers(1, 5)),
        min_size=14,
        max_size=40,
        unique_by=lambda pair: pair[0],
    )
)
def test_weighted_quantiles_are_those_of_the_repeated_values(pairs: list[tuple[int, int]]) -> None:
    """Integer weights mean repeated people: numpy's inverted-CDF quantile is the reference."""
    values, repeats = zip(*pairs, strict=True)
    population = Population.of(_people(a=list(values)), weights=repeats, provenance=TEST)
    numbers = population.describe().attributes[0].numbers
    assert numbers is not None
    repeated = np.repeat(values, repeats)
    expected = np.quantile(repeated, [0.25, 0.5, 0.75], method="inverted_cdf")
    assert [numbers.lower_quartile, numbers.median, numbers.upper_quartile] == expected.tolist()
    assert numbers.mean == pytest.approx(float(repeated.mean()))


def test_taking_people_renormalises_and_may_repeat() -> None:
    population = Population.of(_people(a=[1, 2, 3]), weights=[1, 1, 2], provenance=TEST)
    taken = population.take([2, 0, 2], note="three seats")
    assert [p.attributes["a"] for p in taken.personas] == [3, 1, 3]
    assert taken.weights.tolist() == pytest.approx([0.4, 0.2, 0.4])
    assert taken.provenance.notes == ("three seats",)


def test_saving_is_exact(tmp_path: Path) -> None:
    people = [
        Persona(attributes={"age": 3, "sure": True, "score": 0.1, "text": "ü\nx"}),
        Persona(values={SchwartzValue.POWER: 0.3}, narrative="says", source_id="s"),
        Persona(attributes={"n": 1}),
    ]
    provenance = Provenance(source="s", licence="l", weighting="w", notes=("a", "b"))
    population = Population.of(people, weights=[1, 3, 7], provenance=provenance)
    population.save(tmp_path / "p.jsonl")
    again = load_population(tmp_path / "p.jsonl")
    assert again.personas == population.personas
    assert [p.source_id for p in again.personas] == [None, "s", None]
    assert again.weights.tolist() == population.weights.tolist()
    assert again.provenance == provenance
    assert type(again.personas[0].attributes["sure"]) is bool
    assert type(again.personas[0].attributes["age"]) is int


def test_damaged_saved_populations_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    Population.of(_people(a=[1, 2, 3]), provenance=TEST).save(path)
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:-1]))
    with pytest.raises(InputError, match="ends early"):
        load_population(path)
    assert len(load_population(path, limit=1)) == 1
    newer = {**json.loads(lines[0]), "juries_population": 2}
    path.write_text("\n".join([json.dumps(newer), *lines[1:]]))
    with pytest.raises(InputError, match=r"line 1.*this version"):
        load_population(path)
    negative = {**json.loads(lines[2]), "weight": -1}
    path.write_text("\n".join([lines[0], lines[1], json.dumps(negative), lines[3]]))
    with pytest.raises(InputError, match=r"line 3.*weight"):
        load_population(path)
