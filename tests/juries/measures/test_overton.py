"""Overton coverage: a worked example, a plain loop, invariances, recovery, edges."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from juries.measures.overton import overton_coverage
from juries.measures.value_lists import (
    ValueList,
    read_value_lists,
    value_coverage,
    words_express,
)
from juries.measures.viewpoints import cluster_viewpoints
from personas.errors import InputError

# Two items, four jurors, two models. Item 0 has views {0: jurors 0, 1; 1: jurors 2, 3}, item 1 has
# {0: jurors 0, 1, 2; 1: juror 3}.
VIEWS = np.array([[0, 0, 1, 1], [0, 0, 0, 1]])
ANSWERS = np.array(
    [
        [[5, 4, 2, 1], [4, 4, 4, 1]],  # represents view 0 of each
        [[4, 4, 5, 3], [5, 4, 3, 4]],  # represents every view
    ],
    dtype=float,
)


def naive(answers, views, weights, tau):
    """Plain and weighted coverage of one model, by loops."""
    plain, weighted = [], []
    for item, labels in enumerate(views):
        shares, hits = [], []
        for view in sorted(set(labels[labels >= 0].tolist())):
            holders = [j for j in range(labels.size) if labels[j] == view and weights[j] > 0]
            if not holders:
                continue
            valid = [j for j in holders if not np.isnan(answers[item, j])]
            total = sum(weights[j] for j in valid)
            mean = sum(weights[j] * answers[item, j] for j in valid) / total if valid else -np.inf
            shares.append(sum(weights[j] for j in holders))
            hits.append(mean >= tau - 1e-9)
        if shares:
            plain.append(np.mean(hits))
            weighted.append(np.dot(shares, hits) / sum(shares))
    return np.mean(plain), np.mean(weighted)


def test_the_worked_example_of_the_docs():
    found = overton_coverage(ANSWERS, VIEWS, models=["narrow", "broad"])
    narrow, broad = found.rows
    assert narrow.coverage.value == pytest.approx(0.5)
    assert narrow.weighted.value == pytest.approx((2 / 4 + 3 / 4) / 2)
    assert broad.coverage.value == pytest.approx(1.0)
    assert found.differences[0].coverage.value == pytest.approx(-0.5)
    assert [(view.model, view.item, view.viewpoint) for view in found.left_out] == [
        ("narrow", 0, 1),
        ("narrow", 1, 1),
    ]
    assert found.left_out[0].share == pytest.approx(0.5)
    assert found.left_out[0].mean == pytest.approx(1.5)
    # Generosity on item 0 is the mean over item 1: jurors 4.5, 4, 3.5, 2.5, so view 0 is
    # represented blindly (4.25) and view 1 is not (3); on item 1: 4.5, 4, 3.5, 2.
    assert found.blind.value == pytest.approx((0.5 + 0.5) / 2)
    assert broad.above_blind.value == pytest.approx(0.5)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([2.5, 3.0, 4.0]))
def test_coverage_equals_a_plain_loop(seed, tau):
    rng = np.random.default_rng(seed)
    views = rng.integers(-1, 3, (5, 7))
    views[0] = np.maximum(views[0], 0)
    answers = rng.integers(1, 6, (5, 7)).astype(float)
    answers[rng.random((5, 7)) < 0.2] = np.nan
    weights = rng.integers(0, 4, 7).astype(float)
    weights[0] = 1.0
    row = overton_coverage(answers, views, tau=tau, weights=weights, resamples=2).rows[0]
    plain, weighted = naive(answers, views, weights, tau)
    assert row.coverage.value == pytest.approx(plain)
    assert row.weighted.value == pytest.approx(weighted)


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(4)), st.permutations(range(2)))
def test_the_order_of_jurors_and_the_names_of_views_do_not_matter(order, names):
    moved = np.asarray(names)[VIEWS[:, order]]
    found = overton_coverage(ANSWERS[:, :, order], moved, resamples=2)
    assert [row.coverage.value for row in found.rows] == pytest.approx([0.5, 1.0])
    assert [row.weighted.value for row in found.rows] == pytest.approx([0.625, 1.0])


def test_doubling_a_juror_equals_doubling_the_weight():
    rng = np.random.default_rng(0)
    views, answers = rng.integers(0, 3, (6, 9)), rng.integers(1, 6, (6, 9)).astype(float)
    twice = [*range(9), 4]
    doubled = overton_coverage(answers[:, twice], views[:, twice], resamples=2).rows[0]
    weights = np.where(np.arange(9) == 4, 2.0, 1.0)
    weighted = overton_coverage(answers, views, weights=weights, resamples=2).rows[0]
    assert doubled.coverage.value == pytest.approx(weighted.coverage.value)
    assert doubled.weighted.value == pytest.approx(weighted.weighted.value)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_better_answers_and_a_lower_tau_never_lower_coverage(seed):
    rng = np.random.default_rng(seed)
    views, answers = rng.integers(-1, 3, (4, 8)), rng.integers(1, 6, (4, 8)).astype(float)
    views[0, 0] = 0
    better = np.minimum(answers + rng.integers(0, 2, (4, 8)), 5)
    base = overton_coverage(answers, views, resamples=2).rows[0].coverage.value
    assert overton_coverage(better, views, resamples=2).rows[0].coverage.value >= base
    assert overton_coverage(answers, views, tau=3.0, resamples=2).rows[0].coverage.value >= base


def test_a_view_nobody_answered_for_counts_as_not_represented():
    answers = ANSWERS[1].copy()
    answers[1, 3] = np.nan
    found = overton_coverage(answers, VIEWS)
    assert found.rows[0].coverage.value == pytest.approx(0.75)
    assert found.unrated == 1
    assert found.left_out[0].mean is None
    assert found.left_out[0].answered == 0


def test_items_without_a_view_are_in_no_mean_and_counted():
    views = np.array([[0, 0, 1, 1], [-1, -1, -1, -1], [0, 0, 0, 0]])
    found = overton_coverage(np.full((3, 4), 5.0), views)
    assert (found.items, found.without_views, found.single_view) == (2, 1, 1)
    assert found.rows[0].coverage.n == 2
    assert np.isnan(found.by_item[0, 1])


def test_one_item_has_a_score_but_no_interval_and_no_baseline():
    found = overton_coverage(ANSWERS[:, :1], VIEWS[:1])
    assert found.rows[0].coverage.value == pytest.approx(0.5)
    assert found.rows[0].coverage.low is None
    assert "nothing to resample" in found.rows[0].coverage.reason
    assert found.blind.value is None
    assert found.generosity.value is None


def test_constant_answers_have_no_correlation_with_generosity():
    found = overton_coverage(np.full((4, 3), 4.0), np.zeros((4, 3), dtype=int))
    assert found.generosity.value is None
    assert "do not vary" in found.generosity.reason
    assert found.rows[0].coverage.value == 1.0


def made_up_jury(rng, items=80, jurors=60, *, blind):
    """Answers that depend on generosity only, or on whether the view is voiced as well."""
    views = rng.integers(0, 3, (items, jurors))
    voiced = rng.random((items, 3)) < 0.5
    generous = rng.normal(3.2, 0.8, jurors)
    effect = 0.0 if blind else np.where(np.take_along_axis(voiced, views, axis=1), 1.6, -1.6)
    answers = np.clip(np.round(generous + effect + rng.normal(0, 0.4, (items, jurors))), 1, 5)
    return answers, views, voiced


def test_voiced_views_are_recovered_and_lie_above_the_blind_baseline():
    answers, views, voiced = made_up_jury(np.random.default_rng(0), blind=False)
    found = overton_coverage(answers, views)
    row = found.rows[0]
    assert row.coverage.low <= voiced.mean() <= row.coverage.high
    assert row.above_blind.low > 0
    assert {(view.item, view.viewpoint) for view in found.left_out} == {
        tuple(place) for place in np.argwhere(~voiced).tolist()
    }


def test_answers_that_are_generosity_alone_are_exposed():
    answers, views, _ = made_up_jury(np.random.default_rng(1), blind=True)
    found = overton_coverage(answers, views)
    assert found.generosity.value > 0.7
    row = found.rows[0].above_blind
    assert row.low <= 0 <= row.high


def test_the_correlation_with_generosity_equals_numpys():
    rng = np.random.default_rng(2)
    answers, views, _ = made_up_jury(rng, items=12, jurors=9, blind=False)
    answers[rng.random(answers.shape) < 0.2] = np.nan
    expected = np.full(answers.shape, np.nan)
    for item in range(12):
        for juror in range(9):
            expected[item, juror] = np.nanmean(np.delete(answers[:, juror], item))
    there = np.isfinite(answers)
    truth = np.corrcoef(answers[there], expected[there])[0, 1]
    found = overton_coverage(answers, views).generosity
    assert found.value == pytest.approx(truth)
    assert found.low < truth < found.high


def test_planted_views_lead_from_statements_to_quotes():
    rng = np.random.default_rng(3)
    held = np.repeat([0, 1], [35, 25])
    words = [[f"side{view}word{number}" for number in range(8)] for view in range(2)]
    common = [f"common{number}" for number in range(60)]
    texts = [" ".join([*rng.choice(words[v], 6), *rng.choice(common, 8)]) for v in held]
    views = cluster_viewpoints(texts)
    answers = np.where(held == 0, 5.0, 2.0)[None]
    (missing,) = overton_coverage(answers, views.labels[None]).left_out
    assert missing.share == pytest.approx(25 / 60)
    quotes = views.quotes(missing.viewpoint, texts)
    assert len(quotes) == 3
    assert all("side1word" in quote for quote in quotes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"represented": np.ones((2, 3))}, "expected \\[models, items, jurors\\]"),
        ({"viewpoints": VIEWS.astype(float)}, "whole numbers"),
        ({"viewpoints": VIEWS - 3}, "whole numbers from -1"),
        ({"represented": np.full((2, 2, 4), np.inf)}, "infinite"),
        ({"weights": [1, 1, 1]}, "weights"),
        ({"weights": [1, 1, 1, -1]}, "weights"),
        ({"models": ["one"]}, "1 names for 2 models"),
        ({"models": ["one", "one"]}, "1 names for 2 models"),
    ],
)
def test_bad_input_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        overton_coverage(**({"represented": ANSWERS, "viewpoints": VIEWS} | change))


LISTS = (
    ValueList(id="a", situation="s", values=("Right to privacy", "Justice"), explanations=("", "")),
    ValueList(id="b", situation="t", values=("Justice",), explanations=("",)),
)


def test_value_coverage_is_the_mean_share_expressed():
    found = value_coverage(LISTS, [[0.9, 0.1], [np.nan]], scorer="jury")
    assert found.coverage.value == pytest.approx((0.5 + 0.0) / 2)
    assert found.unscored == 1
    assert (found.missed[0].value, found.missed[0].missed, found.missed[0].listed) == (
        "Justice",
        2,
        2,
    )
    assert found.scorer == "jury"


@pytest.mark.parametrize(
    ("scores", "message"), [([[1, 1]], "1 responses for 2"), ([[1], [1]], "'a': 1 scores for 2")]
)
def test_scores_must_fit_the_lists(scores, message):
    with pytest.raises(ValueError, match=message):
        value_coverage(LISTS, scores, scorer="jury")


@pytest.mark.parametrize(
    ("value", "response", "expected"),
    [
        ("Right to privacy", "It invades people's private lives.", True),
        ("Justice", "That would not be just. Think of safety.", True),
        ("Safety", "That would not be just. Everyone is safe.", True),
        ("Duty to protect children", "Protecting is good. Children play.", False),
        ("Duty to protect children", "We must protect our children.", True),
        ("Compassion", "Be kind.", False),
        ("Respect", "We are responsible.", False),
        ("Duty to others", "We have a duty to others.", True),
        ("Justice", "", False),
    ],
)
def test_the_lexical_matcher_sees_words_and_only_words(value, response, expected):
    assert words_express([value], response).tolist() == [expected]


def test_value_lists_are_read(tmp_path):
    path = tmp_path / "values.json"
    row = {"situation": "lying", "vrd": ["Honesty"], "explanation": ["Lying is dishonest."]}
    path.write_text(json.dumps([row | {"id": 7}, row]))
    first, second = read_value_lists(path)
    assert (first.id, second.id, first.values) == ("7", "2", ("Honesty",))
    path.write_text(json.dumps([row | {"explanation": []}]))
    with pytest.raises(InputError, match=r"line 1: values and explanations differ.*1 and 0"):
        read_value_lists(path)
    path.write_text(json.dumps([row | {"vrd": "Honesty"}]))
    with pytest.raises(InputError, match="vrd is no list"):
        read_value_lists(path)


def test_on_real_lists_the_matcher_finds_a_value_in_its_own_explanation_more_often(shared_data):
    lists = read_value_lists(shared_data("valuekaleidoscope_overton.json"))
    assert (len(lists), sum(len(listed.values) for listed in lists)) == (626, 4450)
    own, other = [], []
    for listed in lists:
        for place, text in enumerate(listed.explanations):
            found = words_express(listed.values, text)
            own.append(found[place])
            other.extend(np.delete(found, place))
    assert np.mean(own) == pytest.approx(0.57, abs=0.005)
    assert np.mean(other) == pytest.approx(0.05, abs=0.005)
