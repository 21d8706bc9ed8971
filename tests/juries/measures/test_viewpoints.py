"""Viewpoints: planted ones recovered, a single one not split, invariances, edges."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.cluster.hierarchy import fcluster, ward
from scipy.spatial.distance import pdist, squareform

from juries.measures.clustering import (
    adjusted_rand,
    best_cut,
    cut_into,
    mean_silhouette,
    principal_scores,
)
from juries.measures.text_features import hashed_features, similarities
from juries.measures.viewpoints import ClusterSettings, cluster_viewpoints

COMMON = [f"common{number}" for number in range(150)]


def planted(views, jurors, seed, *, own=8, shared=20):
    """Reasons of jurors: words of their view among many words that all use."""
    rng = np.random.default_rng(seed)
    held = rng.integers(0, views, jurors)
    words = [[f"view{view}word{number}" for number in range(12)] for view in range(views)]
    texts = [
        " ".join([*rng.choice(words[view], own), *rng.choice(COMMON, shared)]) for view in held
    ]
    return texts, held


@pytest.mark.parametrize("views", [2, 3, 4])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_planted_views_are_recovered(views, seed):
    texts, held = planted(views, 120, seed)
    found = cluster_viewpoints(texts)
    assert found.count == views
    assert adjusted_rand(found.labels, held) > 0.95
    assert found.stability > 0.7
    assert found.p_value == pytest.approx(1 / 200)
    assert f"{views} views" in found.criterion


@pytest.mark.parametrize("jurors", [60, 200])
def test_a_single_view_is_rarely_split(jurors):
    """The criterion aims at 5 % at most; seven of 30 or more would have probability 0.001."""
    split = sum(cluster_viewpoints(planted(1, jurors, seed)[0]).count > 1 for seed in range(30))
    assert split <= 6


def test_the_test_of_one_cluster_keeps_its_level_under_its_own_null():
    rng = np.random.default_rng(4)
    rejected = sum(best_cut(rng.normal(size=(40, 3)), 4, 2).p_value <= 0.05 for _ in range(200))
    assert 2 <= rejected <= 20  # 10 expected


def test_an_unstable_split_is_not_accepted_and_said():
    rejected = [
        found
        for seed in range(30)
        if (found := cluster_viewpoints(planted(1, 60, seed)[0])).stability is not None
        and found.count == 1
    ]
    assert rejected
    assert all(found.stability < 0.7 for found in rejected)
    assert "one view: " in rejected[0].criterion
    assert "stability" in rejected[0].criterion


def test_stances_alone_separate_two_camps():
    rng = np.random.default_rng(0)
    camps = rng.integers(0, 2, 50)
    stances = np.where(camps == 1, 0.9, 0.1) + rng.uniform(-0.05, 0.05, 50)
    found = cluster_viewpoints(stances=stances)
    assert found.count == 2
    assert adjusted_rand(found.labels, camps) == 1.0


def test_choices_come_as_one_column_an_option():
    chosen = np.repeat([0, 1, 2], [30, 20, 10])
    found = cluster_viewpoints(stances=np.eye(3)[chosen])
    assert found.labels.tolist() == chosen.tolist()
    assert found.shares == pytest.approx([0.5, 1 / 3, 1 / 6])


def test_the_weight_of_stances_decides_between_two_splits():
    texts, held = planted(2, 80, 5)
    stances = np.tile([0.0, 1.0], 40)
    by_text = cluster_viewpoints(texts, stances, settings=ClusterSettings(stance_weight=0.0))
    by_stance = cluster_viewpoints(texts, stances, settings=ClusterSettings(stance_weight=1.0))
    assert adjusted_rand(by_text.labels, held) > 0.95
    assert adjusted_rand(by_stance.labels, stances.astype(np.int64)) == 1.0


def test_an_embedding_replaces_the_built_in_features():
    centres = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    rng = np.random.default_rng(1)
    held = np.repeat([0, 1], [25, 15])
    vectors = 7 * (centres[held] + 0.05 * rng.normal(size=(40, 3)))
    asked = []

    def embed(texts):
        asked.append(len(texts))
        return vectors[[int(text) for text in texts]]

    found = cluster_viewpoints([str(number) for number in range(40)], embed=embed)
    assert asked == [40]
    assert found.labels.tolist() == held.tolist()


def test_views_are_ordered_by_weight_and_quoted_from_their_middle():
    stances = np.array([0.0, 0.02, 0.04, 0.06, 0.94, 0.96, 1.0, 0.98])
    weights = [1, 1, 1, 1, 2, 2, 2, 2]
    found = cluster_viewpoints(stances=stances, weights=weights)
    assert found.labels.tolist() == [1, 1, 1, 1, 0, 0, 0, 0]
    assert found.shares == pytest.approx([2 / 3, 1 / 3])
    assert set(found.representatives[1][:2]) == {1, 2}
    assert len(found.representatives[0]) == 3


def test_jurors_without_a_position_are_set_apart():
    texts, held = planted(2, 60, 7)
    texts[3], texts[9] = "", "  \n"
    found = cluster_viewpoints(texts)
    assert found.unplaced == 2
    assert found.labels[3] == found.labels[9] == -1
    rest = found.labels >= 0
    assert adjusted_rand(found.labels[rest], held[rest]) > 0.95


def test_a_juror_with_reasons_but_no_stance_is_placed_by_the_reasons():
    texts, held = planted(2, 60, 8)
    stances = held.astype(float)
    stances[:5] = np.nan
    found = cluster_viewpoints(texts, stances)
    assert found.unplaced == 0
    assert adjusted_rand(found.labels, held) > 0.95


@pytest.mark.parametrize(
    ("texts", "stances", "count", "words"),
    [
        (["same words here"] * 12, None, 1, "no cut leaves two views"),
        (None, [0.5] * 9, 1, "no cut leaves two views"),
        (["only one juror"], None, 1, "no cut leaves two views"),
        (["a b", "c d", "e f"], None, 1, "no cut leaves two views"),
        (["", " "], None, 0, "nobody stated a position"),
        (None, [np.nan, np.nan], 0, "nobody stated a position"),
        (["", ""], [np.nan, np.nan], 0, "nobody stated a position"),
    ],
)
def test_edges_have_defined_results(texts, stances, count, words):
    found = cluster_viewpoints(texts, stances)
    assert found.count == count
    assert words in found.criterion
    assert found.stability is None
    assert len(found.representatives) == len(found.shares) == count


def test_small_views_are_dissolved():
    stances = np.array([0.0] * 30 + [1.0] * 29 + [0.5])
    found = cluster_viewpoints(stances=stances)
    assert found.count == 2
    loose = cluster_viewpoints(
        stances=np.array([0.0] * 30 + [1.0] * 29 + [0.5] * 2),
        settings=ClusterSettings(least_share=0.0),
    )
    assert loose.count == 3


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(40)))
def test_the_order_of_jurors_does_not_matter(order):
    texts, _ = planted(3, 40, 9)
    plain = cluster_viewpoints(texts)
    moved = cluster_viewpoints([texts[place] for place in order])
    assert adjusted_rand(moved.labels, plain.labels[list(order)]) == 1.0
    assert moved.shares == pytest.approx(plain.shares)


def test_the_same_input_gives_the_same_views_bit_for_bit():
    texts, _ = planted(3, 50, 10)
    one, two = cluster_viewpoints(texts), cluster_viewpoints(texts)
    assert (one.labels == two.labels).all()
    assert one.stability == two.stability


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"texts": None}, "neither texts nor stances"),
        ({"stances": [0.1]}, "2 texts and 1 stances"),
        ({"stances": [0.1, 1.2]}, "outside 0 to 1"),
        ({"stances": np.zeros((1, 1, 1))}, "shape"),
        ({"weights": [1.0]}, "weights"),
        ({"weights": [1.0, -1.0]}, "weights"),
        ({"embed": lambda texts: np.zeros((1, 3))}, "embed gave shape"),
    ],
)
def test_bad_input_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        cluster_viewpoints(**({"texts": ["one", "two"]} | change))


@pytest.mark.parametrize(
    "change", [{"stance_weight": 1.5}, {"most": 1}, {"least_share": 0.6}, {"resamples": 0}]
)
def test_bad_settings_are_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        ClusterSettings(**change)


def test_features_are_those_of_a_plain_calculation():
    texts = ["the cat sat", "the dog sat", "the cat ran ran"]
    cosine = similarities(texts)
    grams = [
        ["the", "cat", "sat", "the cat", "cat sat"],
        ["the", "dog", "sat", "the dog", "dog sat"],
        ["the", "cat", "ran", "ran", "the cat", "cat ran", "ran ran"],
    ]
    vocabulary = sorted({gram for text in grams for gram in text})
    counts = np.array([[text.count(gram) for gram in vocabulary] for text in grams], dtype=float)
    idf = np.log(4 / (counts > 0).sum(axis=0))
    weight = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0) * idf
    unit = weight / np.linalg.norm(weight, axis=1, keepdims=True)
    assert cosine == pytest.approx(unit @ unit.T)


def test_features_have_unit_rows_and_ignore_case():
    features = hashed_features(["Free speech!", "free SPEECH", "order first", ""])
    norms = np.sqrt(np.asarray(features.multiply(features).sum(axis=1))).ravel()
    assert norms == pytest.approx([1, 1, 1, 0])
    assert similarities(["Free speech!", "free SPEECH", "order"])[0, 1] == pytest.approx(1.0)


@settings(max_examples=40, deadline=None)
@given(
    arrays(np.float64, (12, 2), elements=st.floats(-5, 5)),
    arrays(np.int64, 12, elements=st.integers(0, 2)),
)
def test_the_silhouette_equals_a_plain_loop(points, labels):
    labels = np.unique(labels, return_inverse=True)[1]
    if labels.max() == 0:
        labels[0] = 1
        labels = np.unique(labels, return_inverse=True)[1]
    distances = squareform(pdist(points))
    values = []
    for point, own in enumerate(labels):
        mates = [other for other in range(12) if labels[other] == own and other != point]
        if not mates:
            values.append(0.0)
            continue
        within = distances[point, mates].mean()
        nearest = min(
            distances[point, labels == view].mean() for view in set(labels.tolist()) - {own}
        )
        larger = max(within, nearest)
        values.append((nearest - within) / larger if larger > 0 else 0.0)
    assert mean_silhouette(distances, labels) == pytest.approx(np.mean(values), abs=1e-9)


@pytest.mark.parametrize("size", [2, 3, 5, 40])
def test_cuts_of_the_tree_equal_scipys(size):
    points = np.random.default_rng(size).normal(size=(size, 3))
    for count in range(2, min(6, size) + 1):
        tree = ward(pdist(points[:, : count - 1]))
        expected = fcluster(tree, count, criterion="maxclust").astype(np.int64) - 1
        assert adjusted_rand(cut_into(points, count, 1), expected) == 1.0


def test_the_adjusted_rand_index_has_its_published_value():
    # Hubert and Arabie's index for the contingency table (1 1 0 / 1 2 1 / 0 0 4), by hand:
    # pairs together 1 + 6 = 7; rows 1 + 6 + 6 = 13; columns 1 + 3 + 10 = 14; all 45
    a = np.repeat([0, 1, 2], [2, 4, 4])
    b = np.array([0, 1, 0, 1, 1, 2, 2, 2, 2, 2])
    expected = (7 - 13 * 14 / 45) / ((13 + 14) / 2 - 13 * 14 / 45)
    assert adjusted_rand(a, b) == pytest.approx(expected)
    assert adjusted_rand(a, a) == 1.0
    assert adjusted_rand(np.zeros(5, dtype=int), np.zeros(5, dtype=int)) == 1.0


def test_principal_scores_are_those_of_the_singular_value_decomposition():
    points = np.random.default_rng(3).normal(size=(15, 4)) * [4.0, 2.0, 2.0, 0.1]
    scores = principal_scores(squareform(pdist(points)) ** 2, 10)
    centred = points - points.mean(axis=0)
    left = np.linalg.svd(centred, full_matrices=False)[0][:, :3] * np.sqrt(15)
    assert scores.shape == (15, 3)  # the fourth carries less than a tenth of the first's variance
    assert np.abs(scores) == pytest.approx(np.abs(left))
    assert scores.std(axis=0) == pytest.approx([1, 1, 1])
    assert principal_scores(np.zeros((4, 4)), 3).shape == (4, 0)
