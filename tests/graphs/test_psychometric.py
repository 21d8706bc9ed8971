"""The embedded rater simulator: its formulas, what it recovers, what leaves it unchanged."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphs.items import Choice, Criterion, Item, Likert, Response, Rubric, questions
from graphs.minds.protocol import RatingTask
from graphs.minds.psychometric import Planted, PsychometricMind, PsychometricSettings
from graphs.minds.psychometric.features import FEATURES, read_text
from graphs.minds.psychometric.lexicon import VALUES
from graphs.minds.psychometric.standing import contributions, see
from graphs.minds.psychometric.traits import panel_traits
from graphs.panel import Juror, Panel
from graphs.records import Rating, Status, unpack
from personas.persona import Persona, SchwartzValue

POINTS = ("very bad", "bad", "fair", "good", "very good")
GOOD = Likert(question="How good is this answer?", points=POINTS)
QUIET = {
    "severity_sd": 0.0,
    "discrimination_sd": 0.0,
    "value_prior_sd": 0.0,
    "item_sd": 0.0,
    "taste_sd": 0.0,
    "residual_sd": 0.0,
    "replicate_sd": 0.0,
}
PLURAL = (
    "Some people see the tax as fair, since those who gained most can give most. Others fear that "
    "it drives savings abroad. Both sides care about work and about decent schools."
)
BLUNT = "The tax must be raised. Every objection is nonsense and nobody serious believes it."
EVASIVE = "It depends on many factors. I cannot take a position on this sensitive topic."


def an_item(name: str = "tax", **attributes: str) -> Item:
    texts = {"plural": PLURAL, "one-sided": BLUNT, "evasive": EVASIVE}
    return Item(
        id=name,
        prompt=f"Should the wealth tax be raised? ({name})",
        responses=tuple(Response(model=model, text=text) for model, text in texts.items()),
        attributes=attributes,
    )


def jurors(count: int, persona: Callable[[int], Persona] | None = None) -> tuple[Juror, ...]:
    def plain(seat: int) -> Persona:
        return Persona(attributes={"seat": seat, "side": "left" if seat % 2 else "right"})

    make = persona or plain
    return tuple(
        Juror(position=seat, id=f"j{seat}", persona=make(seat), weight=1 / count, mind="embedded")
        for seat in range(count)
    )


def ask(
    mind: PsychometricMind,
    panel: Sequence[Juror],
    *,
    items: int = 1,
    scale: Likert | Choice | Rubric = GOOD,
    replicates: int = 1,
    seed: int = 7,
) -> list[Rating]:
    seated = Panel(tuple(panel))
    rows: list[Rating] = []
    for position in range(items):
        task = RatingTask(
            item=an_item(f"tax {position}"),
            position=position,
            panel=seated,
            questions=questions(scale),
            seed=seed,
            replicates=replicates,
        )
        for block in mind.answers(task):
            rows.extend(block)
    return rows


def test_terms_of_a_standing_sum_to_what_the_docstring_says() -> None:
    declared = PsychometricSettings(
        planted=(Planted(where={"side": "left"}, models=("plural",), shift=0.7),)
    )
    panel = jurors(4)
    traits = panel_traits(panel, declared, 3)
    item = an_item()
    sight = see(item, traits, declared, 3)
    terms = contributions(sight, "overall", declared, np.array([0.1, 0.2, 0.3]))
    weights = declared.quality_weights("overall")
    for r in range(3):
        for j, juror in enumerate(panel):
            quality = sum(weights[f] * sight.quality[r, k] for k, f in enumerate(FEATURES))
            values = 0.8 * sum(
                traits.priorities[j, v] * sight.values[r, v] for v in range(len(VALUES))
            )
            planted = 0.7 if r == 0 and juror.persona.attributes["side"] == "left" else 0.0
            residual = 0.1 * (r + 1)
            theta = quality + values - traits.severity[j] + sight.taste[r, j] + residual + planted
            assert terms[r, j].sum() == pytest.approx(theta, abs=1e-12)


# What every answer satisfies.


@given(
    declared=st.builds(
        PsychometricSettings,
        discrimination=st.floats(0.05, 10),
        severity_mean=st.floats(-10, 10),
        severity_sd=st.floats(0, 5),
        replicate_sd=st.floats(0, 5),
        threshold_span=st.floats(0.01, 10),
        planted=st.tuples(
            st.builds(Planted, where=st.just({"side": "left"}), shift=st.floats(-10, 10))
        ),
    ),
    points=st.integers(2, 9),
    better=st.sampled_from(["high", "low"]),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=60, deadline=None)
def test_every_row_is_a_distribution_with_its_mean_and_a_possible_draw(
    declared: PsychometricSettings, points: int, better: Literal["high", "low"], seed: int
) -> None:
    mind = PsychometricMind(declared, position=3)
    scale = Likert(question="?", points=tuple(map(str, range(points))), better=better)
    rows = ask(mind, jurors(5), scale=scale, replicates=2, seed=seed)
    assert len(rows) == 5 * 3 * 2
    assert len({row.cell for row in rows}) == len(rows)
    for row in rows:
        assert (row.status, row.mind, row.label_mass) == (Status.OK, 3, 1.0)
        assert row.probabilities is not None
        assert row.rating is not None
        assert row.reason
        assert "\n" not in row.reason
        probabilities = unpack(row.probabilities).astype(float)
        assert probabilities.shape == (points,)
        assert probabilities.sum() == pytest.approx(1.0, abs=1e-6)
        assert row.expected == pytest.approx(probabilities @ np.arange(1, points + 1), abs=1e-5)
        assert 1 <= row.rating <= points


def test_choice_rows_are_distributions_and_worthier_options_go_to_better_responses() -> None:
    scale = Choice(question="Is it acceptable?", options=("yes", "unsure", "no"), worth=(1, 0.5, 0))
    rows = ask(PsychometricMind(), jurors(40), items=10, scale=scale)
    for row in rows[:50]:
        assert row.probabilities is not None
        probabilities = unpack(row.probabilities).astype(float)
        assert probabilities.sum() == pytest.approx(1.0, abs=1e-6)
        assert row.expected == pytest.approx(probabilities @ [1, 2, 3], abs=1e-5)
    yes = [np.mean([row.rating == 1 for row in rows if row.response == r]) for r in range(3)]
    assert yes[0] > yes[2] + 0.2  # plural over evasive


def test_a_planted_option_shift_moves_that_option_by_its_logits() -> None:
    scale = Choice(question="Which word fits?", options=("apt", "odd"))
    quiet = PsychometricSettings(**QUIET, option_sd=0.0, value_weight=0.0)
    shifted = quiet.model_copy(
        update={"planted": (Planted(where={"side": "left"}, option="odd", shift=1.5),)}
    )
    rows = ask(PsychometricMind(shifted), jurors(4), scale=scale)
    for row in rows:
        assert row.probabilities is not None
        odd = 1 / (1 + math.exp(-1.5)) if row.juror % 2 else 0.5
        assert unpack(row.probabilities)[1] == pytest.approx(odd, abs=1e-6)
        assert row.reason is not None
        assert ("planted: side=left" in row.reason) == bool(row.juror % 2)


def test_where_the_low_end_is_better_the_scale_is_mirrored() -> None:
    low = Likert(question="How bad is it?", points=POINTS, better="low")
    high = {r.cell: r for r in ask(PsychometricMind(), jurors(6))}
    for row in ask(PsychometricMind(), jurors(6), scale=low):
        twin = high[row.cell]
        assert row.expected == pytest.approx(6 - twin.expected, abs=1e-9)
        assert row.reason == twin.reason


# Recovery of what was planted.


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


def test_a_planted_shift_is_recovered_in_logits_and_only_where_planted() -> None:
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


def test_without_a_plant_groups_differ_by_no_more_than_noise() -> None:
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


def test_an_attribute_alone_moves_nothing() -> None:
    """Same juror ids and stated values, other attributes: the same answers, bit for bit."""
    values = {SchwartzValue.SECURITY: 5.0, SchwartzValue.HEDONISM: 1.0}
    old = jurors(10, lambda seat: Persona(attributes={"age": 80, "seat": seat}, values=values))
    young = jurors(10, lambda seat: Persona(attributes={"age": 20, "seat": seat}, values=values))
    assert ask(PsychometricMind(), old) == ask(PsychometricMind(), young)


def test_stated_values_move_answers_towards_texts_that_speak_to_them() -> None:
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
    mind = PsychometricMind(PsychometricSettings(**QUIET, value_weight=1.0))
    task = RatingTask(
        item=item, position=0, panel=Panel(jurors(2, persona)), questions=questions(GOOD), seed=1
    )
    expected = {(r.response, r.juror): r.expected for block in mind.answers(task) for r in block}
    assert expected[0, 1] > expected[0, 0] + 0.5
    assert expected[1, 0] > expected[1, 1] + 0.5


def test_a_plant_on_value_content_grows_with_the_content() -> None:
    plant = Planted(value=SchwartzValue.BENEVOLENCE, shift=2.0)
    quiet = PsychometricSettings(**QUIET)
    plain = ask(PsychometricMind(quiet), jurors(1))
    moved = ask(PsychometricMind(quiet.model_copy(update={"planted": (plant,)})), jurors(1))
    content = [
        read_text("", text).values[VALUES.index(SchwartzValue.BENEVOLENCE)]
        for text in (PLURAL, BLUNT, EVASIVE)
    ]
    assert content[0] > content[1] == 0
    assert moved[0].expected > plain[0].expected
    assert moved[1].expected == plain[1].expected


def test_an_item_filter_and_a_criterion_bound_where_a_plant_acts() -> None:
    plant = Planted(items={"topic": ["tax", "work"]}, criterion="tone", shift=1.0)
    quiet = PsychometricSettings(**QUIET, planted=(plant,))
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
        return [block[0].expected for block in PsychometricMind(quiet).answers(task)]

    tone, use = expected("tax")
    other_tone, other_use = expected("sport")
    assert tone > other_tone + 0.3
    assert use == other_use == other_tone


def test_declared_loadings_part_the_criteria_of_a_rubric() -> None:
    scale = Rubric(
        criteria=(
            Criterion(name="candour", question="?", points=POINTS),
            Criterion(name="safety", question="?", points=POINTS),
        )
    )
    declared = PsychometricSettings(
        **QUIET,
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


def repeatability(sd: float) -> float:
    mind = PsychometricMind(PsychometricSettings(replicate_sd=sd))
    rows = ask(mind, jurors(60), items=4, replicates=2)
    first, second = ([r.expected for r in rows if r.replicate == m] for m in (0, 1))
    return float(np.corrcoef(first, second)[0, 1])


def test_repeatability_falls_as_the_declared_replicate_noise_grows() -> None:
    found = [repeatability(sd) for sd in (0.0, 0.3, 1.0, 3.0)]
    assert found[0] == pytest.approx(1.0)
    assert found == sorted(found, reverse=True)
    assert found[1] > 0.9
    assert found[3] < 0.4


def test_replicate_noise_has_the_declared_size_in_logits() -> None:
    mind = PsychometricMind(PsychometricSettings(**(QUIET | {"replicate_sd": 0.6})))
    rows = ask(mind, jurors(100), items=3, replicates=2)
    logits = []
    for row in rows:
        upper = unpack(row.probabilities)[2:].sum(dtype=float)
        logits.append(math.log(upper / (1 - upper)))
    first, second = (
        np.array([x for x, r in zip(logits, rows, strict=True) if r.replicate == m]) for m in (0, 1)
    )
    assert np.std(first - second) == pytest.approx(0.6 * math.sqrt(2), rel=0.1)


# What leaves answers unchanged.


@given(order=st.permutations(range(12)))
@settings(max_examples=15, deadline=None)
def test_permuting_the_seats_permutes_the_answers(order: list[int]) -> None:
    panel = jurors(12)
    shuffled = [panel[seat] for seat in order]
    before = {row.cell: row for row in ask(PsychometricMind(), panel, replicates=2)}
    after = {row.cell: row for row in ask(PsychometricMind(), shuffled, replicates=2)}
    assert after == before


def test_concurrency_and_order_of_items_change_nothing() -> None:
    seated = Panel(jurors(8))
    tasks = [
        RatingTask(
            item=an_item(f"tax {n}"), position=n, panel=seated, questions=questions(GOOD), seed=2
        )
        for n in range(6)
    ]

    async def collect(mind: PsychometricMind, task: RatingTask) -> list[Rating]:
        rows: list[Rating] = []
        async for block in mind.rate(task):
            await asyncio.sleep(0)
            rows.extend(block)
        return rows

    async def together() -> list[list[Rating]]:
        mind = PsychometricMind()
        found = await asyncio.gather(*(collect(mind, task) for task in reversed(tasks)))
        return list(reversed(found))

    alone = [[row for b in PsychometricMind().answers(task) for row in b] for task in tasks]
    assert asyncio.run(together()) == alone


@given(done=st.sets(st.integers(0, 35)))
@settings(max_examples=20, deadline=None)
def test_answered_cells_are_left_out_and_the_rest_is_the_same(done: set[int]) -> None:
    panel = Panel(jurors(6))
    task = RatingTask(
        item=an_item(), position=0, panel=panel, questions=questions(GOOD), seed=2, replicates=2
    )
    rows = [row for block in PsychometricMind().answers(task) for row in block]
    answered = frozenset(rows[n].cell for n in done)
    resumed = RatingTask(
        item=task.item,
        position=0,
        panel=panel,
        questions=task.questions,
        seed=2,
        replicates=2,
        answered=answered,
    )
    left = [row for block in PsychometricMind().answers(resumed) for row in block]
    assert left == [row for n, row in enumerate(rows) if n not in done]


def test_another_model_or_replicate_leaves_the_answers_to_the_rest_alone() -> None:
    whole = an_item()
    fewer = Item(id=whole.id, prompt=whole.prompt, responses=whole.responses[:1])

    def rows(item: Item, replicates: int) -> list[Rating]:
        task = RatingTask(
            item=item,
            position=0,
            panel=Panel(jurors(5)),
            questions=questions(GOOD),
            seed=1,
            replicates=replicates,
        )
        return [row for block in PsychometricMind().answers(task) for row in block]

    assert rows(fewer, 1) == [r for r in rows(whole, 3) if r.response == 0 and r.replicate == 0]


def test_the_seed_changes_answers_and_the_version_names_the_settings() -> None:
    assert ask(PsychometricMind(), jurors(5), seed=1) != ask(PsychometricMind(), jurors(5), seed=2)
    plain = PsychometricMind().version
    assert PsychometricMind(PsychometricSettings()).version == plain
    assert PsychometricMind(PsychometricSettings(severity_sd=0.6)).version != plain


def test_boolean_and_number_are_different_levels() -> None:
    plant = Planted(where={"member": True}, shift=3.0)
    mind = PsychometricMind(PsychometricSettings(**QUIET, planted=(plant,)))
    levels = (True, 1, "True")
    panel = jurors(3, lambda seat: Persona(attributes={"member": levels[seat]}))
    first = [row.expected for row in ask(mind, panel) if row.response == 0]
    assert first[0] > first[1] == first[2]
