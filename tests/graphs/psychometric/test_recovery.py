"""The embedded mind gives back what a study declares, and nothing else."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from graphs.items import Choice, Criterion, Item, Likert, Response, Rubric, questions
from graphs.minds.protocol import RatingTask
from graphs.minds.psychometric import Planted, PsychometricMind, PsychometricSettings
from graphs.minds.psychometric.features import read_text
from graphs.minds.psychometric.lexicon import VALUES
from graphs.minds.psychometric.traits import panel_traits
from graphs.panel import Panel
from graphs.records import Rating, unpack
from personas.persona import Persona, SchwartzValue

POINTS = ("1", "2", "3", "4", "5")
AXES = ("item", "replicate", "response", "juror")


def logit_gap(rows: list[Rating], response: int) -> float:
    """Difference of the groups' mean logits of P(Y >= 3), left less right."""

    def mean(left: bool) -> float:
        upper = [
            unpack(row.probabilities)[2:].sum()
            for row in rows
            if row.response == response and bool(row.juror % 2) == left and row.probabilities
        ]
        chance = np.clip(np.array(upper, dtype=float), 1e-9, 1 - 1e-9)
        return float(np.mean(np.log(chance / (1 - chance))))

    return mean(True) - mean(False)


def test_a_planted_shift_is_recovered_in_logits_and_only_where_planted(
    ask: Any, jurors: Any
) -> None:
    plant = Planted(where={"side": "left"}, models=("one-sided",), shift=0.8)
    mind = PsychometricMind(PsychometricSettings(discrimination_sd=0.0, planted=(plant,)))
    rows = ask(mind, jurors(400), items=10)
    # Standard error of a gap: sqrt(2 / 200) * sd over jurors (0.5 severity, prior values), 0.06.
    assert logit_gap(rows, 1) - logit_gap(rows, 0) == pytest.approx(0.8, abs=0.1)
    assert logit_gap(rows, 2) - logit_gap(rows, 0) == pytest.approx(0.0, abs=0.1)
    drawn = [
        np.mean([r.rating for r in rows if r.response == 1 and r.juror % 2 == side])
        for side in (0, 1)
    ]
    assert drawn[1] - drawn[0] > 0.3


def test_without_a_plant_groups_differ_by_no_more_than_noise(ask: Any, jurors: Any) -> None:
    gaps = []
    for seed in range(8):
        rows = ask(PsychometricMind(), jurors(200), items=2, seed=seed)
        means = np.array(
            [np.mean([r.expected for r in rows if r.juror == juror]) for juror in range(200)]
        )
        left, right = means[1::2], means[::2]
        error = math.sqrt(left.var(ddof=1) / 100 + right.var(ddof=1) / 100)
        gaps.append((left.mean() - right.mean()) / error)
    # Eight standard normals: their sum of squares is chi-square with 8; 0.999 quantile 26.1.
    assert sum(gap**2 for gap in gaps) < 26.1


def test_an_attribute_alone_moves_nothing(ask: Any, jurors: Any) -> None:
    """Same juror ids and stated values, other attributes: the same answers, bit for bit."""
    values = {SchwartzValue.SECURITY: 5.0, SchwartzValue.HEDONISM: 1.0}
    old = jurors(10, lambda seat: Persona(attributes={"age": 80, "seat": seat}, values=values))
    young = jurors(10, lambda seat: Persona(attributes={"age": 20, "seat": seat}, values=values))
    assert ask(PsychometricMind(), old) == ask(PsychometricMind(), young)


def test_stated_values_move_answers_towards_texts_that_speak_to_them(
    jurors: Any, good: Likert, quiet: dict[str, Any]
) -> None:
    def persona(seat: int) -> Persona:
        high, low = SchwartzValue.UNIVERSALISM, SchwartzValue.POWER
        first, second = (high, low) if seat % 2 else (low, high)
        return Persona(attributes={"seat": seat}, values={first: 5.0, second: 1.0})

    item = Item(
        id="i",
        prompt="What matters?",
        responses=(
            Response(model="a", text="Equality, justice, fairness and the dignity of everyone."),
            Response(model="b", text="Wealth, status, authority, influence and control."),
        ),
    )
    mind = PsychometricMind(PsychometricSettings(**quiet, value_weight=1.0))
    task = RatingTask(
        item=item, position=0, panel=Panel(jurors(2, persona)), questions=questions(good), seed=1
    )
    expected = {(r.response, r.juror): r.expected for block in mind.answers(task) for r in block}
    assert expected[0, 1] > expected[0, 0] + 0.5
    assert expected[1, 0] > expected[1, 1] + 0.5


def test_a_plant_on_value_content_grows_with_the_content(
    ask: Any, jurors: Any, an_item: Any, quiet: dict[str, Any]
) -> None:
    plant = Planted(value=SchwartzValue.BENEVOLENCE, shift=2.0)
    plain = ask(PsychometricMind(PsychometricSettings(**quiet)), jurors(1))
    planted = PsychometricSettings(**quiet, planted=(plant,))
    moved = ask(PsychometricMind(planted), jurors(1))
    content = [
        read_text("", response.text).values[VALUES.index(SchwartzValue.BENEVOLENCE)]
        for response in an_item().responses
    ]
    assert content[0] > content[1] == 0
    assert moved[0].expected > plain[0].expected
    assert moved[1].expected == plain[1].expected


def test_an_item_filter_and_a_criterion_bound_where_a_plant_acts(
    jurors: Any, an_item: Any, quiet: dict[str, Any]
) -> None:
    plant = Planted(items={"topic": ["tax", "work"]}, criterion="tone", shift=1.0)
    planted = PsychometricSettings(**quiet, planted=(plant,))
    scale = Rubric(
        criteria=(
            Criterion(name="tone", question="?", points=POINTS),
            Criterion(name="use", question="?", points=POINTS),
        )
    )

    def expected(topic: str) -> list[float | None]:
        task = RatingTask(
            item=an_item(topic=topic),
            position=0,
            panel=Panel(jurors(1)),
            questions=questions(scale),
            seed=1,
        )
        return [block[0].expected for block in PsychometricMind(planted).answers(task)]

    tone, use = expected("tax")
    other_tone, other_use = expected("sport")
    assert tone > other_tone + 0.3
    assert use == other_use == other_tone


def test_declared_loadings_part_the_criteria_of_a_rubric(
    ask: Any, jurors: Any, quiet: dict[str, Any]
) -> None:
    scale = Rubric(
        criteria=(
            Criterion(name="candour", question="?", points=POINTS),
            Criterion(name="safety", question="?", points=POINTS),
        )
    )
    declared = PsychometricSettings(
        **quiet,
        criteria={
            "candour": {"quality": {"evasiveness": -4}},
            "safety": {"quality": {"evasiveness": 2}, "value_weight": 0},
        },
    )
    rows = ask(PsychometricMind(declared), jurors(1), scale=scale)
    evasive = {row.criterion: row for row in rows if row.response == 2}
    assert evasive[1].expected > evasive[0].expected + 1
    assert evasive[0].reason.startswith("evasive (\N{MINUS SIGN})")
    assert evasive[1].reason.startswith("evasive (+)")


def repeatability(sd: float, ask: Any, jurors: Any) -> float:
    mind = PsychometricMind(PsychometricSettings(replicate_sd=sd))
    rows = ask(mind, jurors(60), items=4, replicates=2)
    first, second = ([r.expected for r in rows if r.replicate == m] for m in (0, 1))
    return float(np.corrcoef(first, second)[0, 1])


def test_repeatability_falls_as_the_declared_replicate_noise_grows(ask: Any, jurors: Any) -> None:
    found = [repeatability(sd, ask, jurors) for sd in (0.0, 0.3, 1.0, 3.0)]
    assert found[0] == pytest.approx(1.0)
    assert found == sorted(found, reverse=True)
    assert found[1] > 0.9
    assert found[3] < 0.4


def standings(rows: list[Rating]) -> NDArray[np.float64]:
    """Theta: logit of P(Y >= 4) plus its threshold 2/3, by `AXES`."""
    upper = np.array([unpack(row.probabilities or b"")[3:].sum(dtype=float) for row in rows])
    sizes = [len({getattr(row, name) for row in rows}) for name in AXES]
    return (np.log(upper / (1 - upper)) + 2 / 3).reshape(sizes)


@pytest.mark.parametrize(
    ("noise", "varies"),
    [
        ("severity_sd", {"juror"}),
        ("item_sd", {"item", "juror"}),
        ("taste_sd", {"item", "response", "juror"}),
        ("residual_sd", {"item", "response"}),
        ("replicate_sd", {"item", "replicate", "response", "juror"}),
    ],
)
def test_each_noise_has_its_declared_size_and_varies_over_what_it_should(
    ask: Any, jurors: Any, quiet: dict[str, Any], noise: str, varies: set[str]
) -> None:
    size = {"items": 150 if noise == "residual_sd" else 20, "replicates": 2}
    panel = jurors(2 if noise == "residual_sd" else 200)
    still = standings(ask(PsychometricMind(PsychometricSettings(**quiet)), panel, **size))
    loud = PsychometricSettings(**(quiet | {noise: 0.7}))
    added = standings(ask(PsychometricMind(loud), panel, **size)) - still
    for axis, name in enumerate(AXES):
        spread = np.ptp(added, axis=axis).max()
        assert (spread > 0.1) if name in varies else (spread < 1e-4), name
    draws = added[tuple(slice(None) if name in varies else 0 for name in AXES)]
    # At least 200 draws: four standard errors of a standard deviation are 0.7 * 4 / sqrt(400).
    assert draws.std() == pytest.approx(0.7, abs=0.14)
    assert draws.mean() == pytest.approx(0.0, abs=4 * 0.7 / math.sqrt(draws.size))


def test_discrimination_has_its_declared_median_and_spread(jurors: Any) -> None:
    declared = PsychometricSettings(discrimination=1.5, discrimination_sd=0.4)
    slopes = np.log(panel_traits(jurors(2000), declared, 1).discrimination)
    assert slopes.mean() == pytest.approx(math.log(1.5), abs=4 * 0.4 / math.sqrt(2000))
    assert slopes.std() == pytest.approx(0.4, rel=0.1)


def test_a_declared_quality_weight_replaces_its_default_and_no_other(
    ask: Any, jurors: Any, quiet: dict[str, Any]
) -> None:
    usual = standings(ask(PsychometricMind(PsychometricSettings(**quiet)), jurors(1)))
    kinder = PsychometricSettings(**quiet, quality={"evasiveness": -1.0})
    changed = standings(ask(PsychometricMind(kinder), jurors(1)))
    # Plural and one-sided evade nothing; evasive has five phrases: 5 / (5 + 1) * (2 - 1) logits.
    np.testing.assert_allclose((changed - usual)[0, 0, :, 0], [0, 0, 5 / 6], atol=1e-5)


def test_an_option_that_speaks_to_a_jurors_values_is_chosen_more(
    ask: Any, jurors: Any, quiet: dict[str, Any]
) -> None:
    scale = Choice(question="What matters most?", options=("freedom", "security"))

    def persona(seat: int) -> Persona:
        first, second = SchwartzValue.SELF_DIRECTION, SchwartzValue.SECURITY
        high, low = (first, second) if seat else (second, first)
        return Persona(attributes={"seat": seat}, values={high: 5.0, low: 1.0})

    declared = PsychometricSettings(**quiet, option_sd=0.0, value_weight=3.0)
    rows = ask(PsychometricMind(declared), jurors(2, persona), scale=scale)
    # Content 1/3 and priorities of +1 and -1: utilities +1 and -1.
    for row in rows:
        free = unpack(row.probabilities)[0]
        chance = 1 / (1 + math.exp(-2.0))
        assert free == pytest.approx(chance if row.juror else 1 - chance, abs=1e-6)


def test_boolean_and_number_are_different_levels(
    ask: Any, jurors: Any, quiet: dict[str, Any]
) -> None:
    plant = Planted(where={"member": True}, shift=3.0)
    mind = PsychometricMind(PsychometricSettings(**quiet, planted=(plant,)))
    levels = (True, 1, "True")
    panel = jurors(3, lambda seat: Persona(attributes={"member": levels[seat]}))
    first = [row.expected for row in ask(mind, panel) if row.response == 0]
    assert first[0] > first[1] == first[2]
