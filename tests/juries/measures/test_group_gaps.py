"""Groups of raters against the others, beside what chance gives; and the page of results."""

import numpy as np
import pytest

from juries.measures.agreement import krippendorff_alpha
from juries.measures.distances import js_distance
from juries.measures.group_gaps import group_gaps
from personas.tables import read_rows


def jury(rng, shift=0.0, raters=30, items=60, missing=0.5):
    """Ratings 1-5 of two groups, the second shifted on the latent scale."""
    labels = np.where(np.arange(raters) < raters // 3, "b", "a")
    latent = 3 + rng.normal(0, 1, items) + rng.normal(0, 0.4, (raters, 1))
    latent = latent + shift * (labels == "b")[:, None] + rng.normal(0, 0.7, (raters, items))
    ratings = np.clip(np.round(latent), 1, 5)
    ratings[rng.random((raters, items)) < missing] = np.nan
    return ratings, labels.tolist()


def test_distance_and_gap_equal_a_plain_loop():
    ratings, labels = jury(np.random.default_rng(0), raters=9, items=7)
    row = {row.group: row for row in group_gaps(ratings, labels, points=5, permutations=1)}["b"]
    inside = np.array(labels) == "b"
    distances = []
    for item in range(7):
        sides = [ratings[side, item] for side in (inside, ~inside)]
        sides = [side[np.isfinite(side)] for side in sides]
        if all(side.size for side in sides):
            shares = [[np.mean(side == point) for point in range(1, 6)] for side in sides]
            distances.append(float(js_distance(*shares)))
    assert row.items == len(distances)
    assert row.distance == pytest.approx(np.mean(distances))
    gaps, worth = [], []
    for item in range(7):
        sides = [ratings[side, item] for side in (inside, ~inside)]
        sides = [side[np.isfinite(side)] for side in sides]
        if all(side.size for side in sides):
            gaps.append(sides[0].mean() - sides[1].mean())
            worth.append(1 / sum(1 / side.size for side in sides))
    assert row.gap.value == pytest.approx(np.average(gaps, weights=worth))
    assert (row.raters, row.ratings) == (3, int(np.isfinite(ratings[inside]).sum()))


def test_a_planted_shift_is_found_and_no_other():
    ratings, labels = jury(np.random.default_rng(1), shift=1.0)
    shifted = {row.group: row for row in group_gaps(ratings, labels, points=5)}["b"]
    assert shifted.gap.low > 0.4
    assert shifted.distance > shifted.chance
    assert shifted.p_value == pytest.approx(1 / 200)


def test_without_a_shift_p_values_are_spread_evenly():
    rng = np.random.default_rng(2)
    values = [
        group_gaps(*jury(rng, raters=18, items=25), points=5, permutations=39, rng=rng)[0].p_value
        for _ in range(120)
    ]
    assert 0.4 < np.mean(values) < 0.6
    assert np.mean(np.array(values) <= 0.1) == pytest.approx(0.1, abs=0.08)


def test_a_group_of_one_rater_has_a_gap_without_an_interval():
    ratings, _ = jury(np.random.default_rng(4), raters=6, items=9, missing=0.0)
    row = group_gaps(ratings, ["a"] * 5 + ["b"], points=5, permutations=5)[-1]
    assert row.group == "b"
    assert row.gap.value is not None
    assert row.gap.low is None
    assert "one juror on a side" in row.gap.reason


def test_a_group_that_rates_nothing_shared_has_no_distance():
    ratings = np.array([[1, np.nan], [2, np.nan], [np.nan, 5]])
    rows = {row.group: row for row in group_gaps(ratings, ["a", "a", "b"], points=5)}
    assert rows["b"].distance is None
    assert rows["b"].p_value is None
    assert rows["b"].items == 0


@pytest.mark.parametrize(
    ("ratings", "groups", "message"),
    [
        ([[1, 2], [3, 6]], ["a", "b"], "1 to 5"),
        ([[1, 2], [3, 4]], ["a"], "1 group labels"),
        ([[1, 2], [3, 4]], ["a", "a"], "one group only"),
    ],
)
def test_bad_input_is_refused(ratings, groups, message):
    with pytest.raises(ValueError, match=message):
        group_gaps(ratings, groups, points=5)


@pytest.fixture
def popquorn(shared_data):
    """Ratings [raters, items] and one row of attributes per rater, in the file's order."""
    rows = [row.data for row in read_rows(shared_data("popquorn_offensiveness.csv"))]
    raters = {row["user_id"]: row for row in rows}
    line = {rater: place for place, rater in enumerate(raters)}
    column = {item: place for place, item in enumerate({row["instance_id"]: 0 for row in rows})}
    table = np.full((len(line), len(column)), np.nan)
    for row in rows:
        table[line[row["user_id"]], column[row["instance_id"]]] = float(row["offensiveness"])
    return table, list(raters.values())


def test_the_agreement_of_the_results_page(popquorn):
    table, _ = popquorn
    levels = ("nominal", "ordinal", "interval", "ratio")
    found = [krippendorff_alpha(table, level=level).alpha for level in levels]
    assert found == pytest.approx([0.134, 0.286, 0.287, 0.272], abs=5e-4)


def test_the_group_gaps_of_the_results_page(popquorn):
    table, raters = popquorn
    race = group_gaps(table, [rater["race"] for rater in raters], points=5, permutations=59)
    rows = {row.group: row for row in race}
    black = rows["Black or African American"]
    assert (black.raters, black.gap.value) == (34, pytest.approx(0.299, abs=5e-4))
    assert (black.gap.low, black.gap.high) == pytest.approx((0.036, 0.563), abs=5e-4)
    assert black.distance == pytest.approx(0.566, abs=5e-4)
    assert black.chance == pytest.approx(0.530, abs=0.005)
    assert black.p_value < 0.1
    gender = group_gaps(table, [rater["gender"] for rater in raters], points=5, permutations=9)
    woman = gender[0]
    assert woman.group == "Woman"
    assert woman.gap.low < 0 < woman.gap.high
    assert woman.distance == pytest.approx(woman.chance, abs=0.015)
