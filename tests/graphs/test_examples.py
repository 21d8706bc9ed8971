"""The shipped example: its files are what they say, and its planted truth comes out."""

from __future__ import annotations

import runpy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from graphs.items import Likert, questions
from graphs.minds.protocol import RatingTask
from graphs.minds.psychometric import PsychometricMind, PsychometricSettings
from graphs.panel import Juror, Panel
from graphs.sources import ItemSet, ItemsSource, load_items
from personas.importers import load_population
from personas.tables import read_rows

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
MODELS = ("plural", "one-sided", "evasive")


@pytest.fixture(scope="module")
def study() -> dict[str, Any]:
    return yaml.safe_load((EXAMPLES / "study.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def items(study: dict[str, Any]) -> ItemSet:
    return load_items(ItemsSource.model_validate(study["items"]), EXAMPLES)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Utilities [items, models, jurors] and the jurors they belong to."""

    utilities: NDArray[np.float64]
    jurors: tuple[Juror, ...]

    def having(self, attribute: str, level: object) -> NDArray[np.bool_]:
        return np.array([j.persona.attributes[attribute] == level for j in self.jurors])

    def ranked(self, welfare: NDArray[np.float64]) -> list[str]:
        """Models best first, by a welfare of shape [items, models]."""
        order = np.argsort(-welfare.mean(axis=0), kind="stable")
        return [MODELS[int(k)] for k in order]


@pytest.fixture(scope="module", params=[2402, 1, 2])
def outcome(request: pytest.FixtureRequest, study: dict[str, Any], items: ItemSet) -> Outcome:
    section = study["population"]
    population = load_population(
        EXAMPLES / section["path"], format=section["format"], columns=section["columns"]
    )
    jurors = tuple(
        Juror(
            position=seat,
            id=persona.id,
            persona=persona,
            weight=1 / len(population),
            mind="embedded",
        )
        for seat, persona in enumerate(population.personas)
    )
    scale = Likert.model_validate(study["scale"])
    mind = PsychometricMind(PsychometricSettings.model_validate(study["mind"]))
    mind.check(jurors=jurors, questions=questions(scale), models=items.models)
    panel = Panel(jurors)
    utilities = np.full((len(items.items), len(items.models), len(jurors)), np.nan)
    for position, item in enumerate(items.items):
        task = RatingTask(
            item=item,
            position=position,
            panel=panel,
            questions=questions(scale),
            seed=request.param,
        )
        for rows in mind.answers(task):
            for row in rows:
                assert row.expected is not None
                utilities[position, row.response, row.juror] = (row.expected - 1) / 4
    assert not np.isnan(utilities).any()
    return Outcome(utilities=utilities, jurors=jurors)


def test_the_mean_follows_the_majority_that_likes_a_firm_answer(outcome: Outcome) -> None:
    mean = outcome.utilities.mean(axis=2)
    assert outcome.ranked(mean) == ["one-sided", "plural", "evasive"]


def test_welfare_that_looks_to_the_worst_served_puts_plural_first(outcome: Outcome) -> None:
    u = outcome.utilities
    ordered = np.sort(u, axis=2)
    worst_fifth = ordered[..., : u.shape[2] // 5].mean(axis=2)
    nash = np.exp(np.log(u).mean(axis=2))
    harmonic = 1 / (1 / u).mean(axis=2)
    for welfare in (nash, harmonic, ordered[..., 0], worst_fifth):
        assert outcome.ranked(welfare)[0] == "plural"


def test_each_outlook_has_its_own_ranking(outcome: Outcome) -> None:
    decisive = outcome.utilities[..., outcome.having("outlook", "decisive")].mean(axis=2)
    deliberative = outcome.utilities[..., outcome.having("outlook", "deliberative")].mean(axis=2)
    assert outcome.ranked(decisive) == ["one-sided", "plural", "evasive"]
    assert outcome.ranked(deliberative) == ["plural", "evasive", "one-sided"]


def test_the_plant_reaches_no_other_model(outcome: Outcome) -> None:
    decisive = outcome.having("outlook", "decisive")
    by_juror = outcome.utilities[:, [0, 2]].mean(axis=(0, 1))
    assert standardised_gap(by_juror, decisive) < 3.3


@pytest.mark.parametrize(
    ("attribute", "level"),
    [("sex", "Female"), ("region", "South"), ("education", "Bachelor's")],
)
def test_what_is_not_planted_makes_no_difference(
    outcome: Outcome, attribute: str, level: str
) -> None:
    by_juror = outcome.utilities[:, 0].mean(axis=0)
    # One in a thousand standard normals lies beyond 3.3.
    assert standardised_gap(by_juror, outcome.having(attribute, level)) < 3.3


def standardised_gap(values: NDArray[np.float64], inside: NDArray[np.bool_]) -> float:
    ins, out = values[inside], values[~inside]
    error = np.sqrt(ins.var(ddof=1) / len(ins) + out.var(ddof=1) / len(out))
    return float(abs(ins.mean() - out.mean()) / error)


def test_items_are_contrasting_texts_of_the_stated_length(items: ItemSet) -> None:
    assert items.models == MODELS
    assert items.missing == {}
    assert len(items.items) == 24
    assert len({item.attributes["topic"] for item in items.items}) == 6
    for item in items.items:
        words = {response.model: len(response.text.split()) for response in item.responses}
        assert 60 <= words["one-sided"] <= 150
        assert 60 <= words["plural"] <= 150
        assert words["evasive"] < words["one-sided"] < words["plural"]


def test_the_personas_are_what_the_script_writes() -> None:
    written = runpy.run_path(str(EXAMPLES / "make_personas.py"))["synthetic_rows"]()
    committed = [row.data for row in read_rows(EXAMPLES / "personas.csv")]
    assert [{name: str(value) for name, value in row.items()} for row in written] == committed
    assert len(committed) == 240
    stated = sum(row["value_security"] != "" for row in committed)
    assert 90 < stated < 150
