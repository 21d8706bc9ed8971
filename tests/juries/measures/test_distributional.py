"""A model against populations, and a pair before and after alignment."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from juries.measures.alignment import BETWEEN, DISTANCE, ENTROPY, SHUFFLED, compare_alignment
from juries.measures.distances import js_distance
from juries.measures.distributional import compare_to_population
from juries.measures.references import (
    PopulationReference,
    SurveyQuestion,
    align_answers,
    reference_from_ratings,
)
from juries.measures.surveys import read_globalopinionqa
from personas.errors import InputError

OPTIONS = ("Yes", "No", "Don't know")


def survey(distributions, options=OPTIONS, *, positions=None):
    refusals = tuple(option == "Don't know" for option in options)
    keys = {key for answers in distributions.values() for key in answers}
    return PopulationReference(
        name="made-up survey",
        source="written for this test",
        questions={
            key: SurveyQuestion(
                id=key, text=key, options=options, refusals=refusals, positions=positions
            )
            for key in sorted(keys)
        },
        distributions={
            name: {key: np.array(shares) for key, shares in answers.items()}
            for name, answers in distributions.items()
        },
    )


@pytest.fixture
def two_countries():
    return survey(
        {
            "Here": {"q1": [0.5, 0.5, 0.0], "q2": [0.2, 0.6, 0.2]},
            "There": {"q1": [1.0, 0.0, 0.0], "q3": [0.1, 0.1, 0.8]},
        },
        positions=(1.0, 2.0),
    )


def test_distance_is_the_mean_over_the_questions_that_both_answered(two_countries):
    model = {"q1": np.array([1.0, 0.0, 0.0]), "q2": np.array([0.2, 0.6, 0.2])}
    found = compare_to_population(model, two_countries)
    rows = {row.population: row for row in found.rows}
    assert rows["Here"].distance.value == pytest.approx(0.5579230452841438 / 2)
    assert rows["Here"].distance.n == 2
    assert rows["There"].distance.value == pytest.approx(0.0, abs=1e-7)
    assert rows["There"].distance.n == 1
    assert "nothing to resample" in rows["There"].distance.reason
    assert found.farthest == "Here"
    assert found.unanswered == 1
    assert found.label == "Jensen-Shannon distance (base 2; square root of the divergence)"
    # q1 lies 0.558 from Here and 0 from There, q2 was asked Here only and lies at 0
    assert found.overall.distance.value == pytest.approx((0.5579230452841438 / 2 + 0) / 2)


def test_representativeness_and_refusals_are_apart(two_countries):
    model = {"q2": np.array([0.8, 0.0, 0.2]), "q3": np.array([0.5, 0.5, 0.0])}
    rows = {row.population: row for row in compare_to_population(model, two_countries).rows}
    # opinions on q2: (1, 0) against (0.25, 0.75), two options: 1 - W1 = 0.25
    assert rows["Here"].representativeness.value == pytest.approx(0.25)
    assert rows["There"].representativeness.value == pytest.approx(1.0)
    assert rows["Here"].refusal_gap.value == pytest.approx(0.0)
    assert rows["There"].refusal_gap.value == pytest.approx(-0.8)
    apart = compare_to_population(model, two_countries, refusals="set apart")
    assert apart.rows[1].distance.value == pytest.approx(0.0, abs=1e-7)


def test_a_model_that_only_refuses_is_excluded_and_counted(two_countries):
    model = {"q1": np.array([0.0, 0.0, 1.0]), "q2": np.array([0.2, 0.6, 0.2])}
    found = compare_to_population(model, two_countries, refusals="set apart", populations=["Here"])
    assert found.rows[0].excluded == 1
    assert found.rows[0].distance.n == 1
    assert found.rows[0].distance.value == pytest.approx(0.0, abs=1e-7)


def test_the_shuffled_control_approaches_the_mean_over_all_permutations():
    people, model = np.array([0.7, 0.2, 0.1]), np.array([0.6, 0.3, 0.1])
    exact = np.mean([js_distance(model[list(o)], people) for o in itertools.permutations(range(3))])
    reference = survey({"All": {"q1": people, "q2": people}}, options=("a", "b", "c"))
    found = compare_to_population({"q1": model, "q2": model}, reference, shuffles=4000)
    assert found.rows[0].shuffled.value == pytest.approx(exact, abs=0.01)
    assert found.rows[0].distance.value < exact


def test_options_without_an_order_leave_representativeness_undefined():
    reference = survey({"All": {"q1": [0.5, 0.25, 0.25], "q2": [0.2, 0.3, 0.5]}})
    row = compare_to_population(reference.distributions["All"], reference).rows[0]
    assert row.representativeness.value is None
    assert row.representativeness.reason == "no valid value"
    assert "undefined" in str(row.representativeness)


def made_up_pair(questions=60, seed=0):
    """A population, a model near it, and that model sharpened, as alignment does."""
    rng = np.random.default_rng(seed)
    people = rng.dirichlet([2.0] * 4, questions)
    pre = 0.7 * people + 0.3 * rng.dirichlet([2.0] * 4, questions)
    post = pre**4 / (pre**4).sum(axis=1, keepdims=True)
    other = rng.dirichlet([2.0] * 4, questions)
    keys = [f"q{number:02d}" for number in range(questions)]
    reference = survey(
        {"A": dict(zip(keys, people, strict=True)), "B": dict(zip(keys, other, strict=True))},
        options=("a", "b", "c", "d"),
    )
    return dict(zip(keys, pre, strict=True)), dict(zip(keys, post, strict=True)), reference


def test_the_papers_finding_comes_out_of_a_sharpened_model():
    pre, post, reference = made_up_pair()
    table = compare_alignment(pre, post, reference, populations=["A", "B"])
    drop = table.row(ENTROPY, "model").difference
    rise = table.row(DISTANCE, "A").difference
    assert drop.high < 0 < rise.low
    assert table.row(SHUFFLED, "A").pre.value > table.row(DISTANCE, "A").pre.value
    assert table.row(BETWEEN, "A and B").value.n == 60
    assert len(table.rows) == 2 + 2 + 1 + 1 + 2


def test_every_line_equals_a_plain_loop():
    pre, post, reference = made_up_pair(questions=12)
    table = compare_alignment(pre, post, reference, populations=["A", "B"])
    people = reference.distributions
    for name in ("A", "B"):
        row = table.row(DISTANCE, name)
        loops = [
            float(np.mean([js_distance(model[key], people[name][key]) for key in model]))
            for model in (pre, post)
        ]
        assert [row.pre.value, row.post.value] == pytest.approx(loops)
        assert row.difference.value == pytest.approx(loops[1] - loops[0])
    floor = np.mean([js_distance(people["A"][key], people["B"][key]) for key in people["A"]])
    assert table.row(BETWEEN, "A and B").value.value == pytest.approx(float(floor))


def test_the_interval_of_the_difference_is_paired():
    pre, _, reference = made_up_pair()
    post = {key: 0.9 * answer + 0.025 for key, answer in pre.items()}
    row = compare_alignment(pre, post, reference, populations=["A"]).row(DISTANCE, "A")
    unpaired = np.hypot(row.pre.high - row.pre.low, row.post.high - row.post.low)
    assert row.difference.high - row.difference.low < 0.5 * unpaired


def test_a_pair_is_compared_on_the_questions_that_all_answered():
    pre, post, reference = made_up_pair(questions=5)
    del post["q03"]
    table = compare_alignment(pre, post, reference, populations=["A"])
    assert table.questions == ("q00", "q01", "q02", "q04")
    with pytest.raises(KeyError):
        table.row(BETWEEN, "A and B")


@settings(max_examples=20, deadline=None)
@given(st.permutations(range(4)), st.permutations([f"q{n:02d}" for n in range(6)]))
def test_relabelling_options_and_reordering_questions_change_nothing(order, sequence):
    pre, post, reference = made_up_pair(questions=6)
    moved = survey(
        {
            name: {key: reference.distributions[name][key][order] for key in sequence}
            for name in reference.populations
        },
        options=tuple("abcd"[place] for place in order),
    )
    plain = compare_alignment(pre, post, reference, populations=["A", "B"])
    other = compare_alignment(
        {key: value[order] for key, value in pre.items()},
        {key: value[order] for key, value in post.items()},
        moved,
        populations=["A", "B"],
    )
    for a, b in zip(plain.rows, other.rows, strict=True):
        if a.measure != SHUFFLED and a.difference is not None:
            assert a.difference.value == pytest.approx(b.difference.value, abs=1e-7)


def test_intervals_cover_the_truth():
    """Of 200 samples of 40 questions about 95 % of the intervals hold the mean of all questions."""
    rng = np.random.default_rng(3)
    people, model = rng.dirichlet([1.0] * 3, (2, 4000))
    truth = js_distance(people, model).mean()
    hits = 0
    for _ in range(200):
        chosen = rng.choice(4000, 40, replace=False)
        keys = [str(number) for number in chosen]
        reference = survey(
            {"All": dict(zip(keys, people[chosen], strict=True))}, options=("a", "b", "c")
        )
        answers = dict(zip(keys, model[chosen], strict=True))
        found = compare_to_population(answers, reference, shuffles=1, resamples=300, rng=rng)
        hits += found.rows[0].distance.low <= truth <= found.rows[0].distance.high
    assert 0.89 <= hits / 200 <= 0.99


def test_answers_are_aligned_by_label(two_countries):
    labelled = {"q1": {"Don't know": 0.1, "No": 0.2, "Yes": 0.7}}
    assert align_answers(labelled, two_countries)["q1"] == pytest.approx([0.7, 0.2, 0.1])


@pytest.mark.parametrize(
    ("labelled", "message"),
    [
        ({"q9": {"Yes": 1.0}}, "no question 'q9'"),
        ({"q1": {"Yes": 0.5, "Nope": 0.5}}, "options of question 'q1' do not match"),
        ({"q1": {"Yes": 0.5, "No": 0.1, "Don't know": 0.1}}, "question 'q1'.*sum further than"),
    ],
)
def test_answers_that_do_not_match_are_refused(two_countries, labelled, message):
    with pytest.raises(InputError, match=message):
        align_answers(labelled, two_countries)


def test_bad_comparisons_say_what_is_wrong(two_countries):
    model = {"q1": np.array([0.5, 0.5])}
    with pytest.raises(InputError, match="another set of options"):
        compare_to_population(model, two_countries)
    with pytest.raises(InputError, match=r"no population 'Heer'.*Did you mean 'Here'"):
        compare_to_population(model, two_countries, populations=["Heer"])
    with pytest.raises(InputError, match="no question of made-up survey"):
        compare_to_population({"other": np.array([0.5, 0.5])}, two_countries)
    with pytest.raises(ValueError, match="shuffles"):
        compare_to_population({"q1": np.array([1.0, 0, 0])}, two_countries, shuffles=0)


def test_ratings_become_weighted_distributions_per_group():
    ratings = [[1, 3], [3, np.nan], [2, 3]]
    reference = reference_from_ratings(
        ratings,
        points=("low", "mid", "high"),
        name="r",
        source="s",
        groups=["a", "a", "b"],
        weights=[1, 3, 1],
    )
    assert reference.populations == ("a", "b", "overall")
    assert reference.distributions["a"]["0"] == pytest.approx([0.25, 0, 0.75])
    assert reference.distributions["overall"]["0"] == pytest.approx([0.2, 0.2, 0.6])
    assert reference.respondents["a"] == {"0": 2, "1": 1}


def test_thin_cells_are_left_out_and_counted():
    reference = reference_from_ratings(
        [[1, 2], [2, np.nan]], points=("low", "high"), name="r", source="s", min_ratings=2
    )
    assert set(reference.distributions["overall"]) == {"0"}
    assert reference.notes == ("1 cells of group and item with fewer than 2 ratings left out",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ratings": [[4, 1]]}, "no whole number from 1 to 2"),
        ({"ratings": [1, 2]}, "expected \\[raters, items\\]"),
        ({"weights": [-1]}, "weights"),
        ({"groups": ["a", "b"]}, "2 group labels for 1 raters"),
        ({"groups": ["overall"]}, "all raters together"),
        ({"questions": [("q", "")]}, "1 questions for 2 items"),
    ],
)
def test_ratings_that_do_not_fit_are_refused(change, message):
    given = {"ratings": [[1, 2]], "points": ("low", "high"), "name": "r", "source": "s"} | change
    with pytest.raises(ValueError, match=message):
        reference_from_ratings(**given)


def test_us_and_japan_lie_as_far_apart_as_published(shared_data):
    reference = read_globalopinionqa(shared_data("globalopinionqa.json"))
    people = reference.distributions
    table = compare_alignment(
        people["Japan"], people["United States"], reference, populations=["Japan", "United States"]
    )
    between = table.row(BETWEEN, "Japan and United States").value
    assert between.n == 17
    assert between.value == pytest.approx(0.2243, abs=5e-5)
    assert between.low == pytest.approx(0.164, abs=0.01)
    assert between.high == pytest.approx(0.282, abs=0.01)
