"""Scale mappings: known curves are recovered, and nothing is judged on what it was learned from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from juries.calibration import cross_mapped, learn_mapping

UNITS = tuple(f"u{i}" for i in range(400))


def planted(seed: int = 0, people: int = 20):
    """People follow a proportional-odds model in the jury's value, slope 2."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(1, 5, size=400)
    thresholds = np.array([2.0, 5.0, 7.0, 9.0])
    above = 1 / (1 + np.exp(-(2 * x[:, None] - thresholds)))
    edges = np.pad(above, ((0, 0), (1, 1)), constant_values=(1.0, 0.0))
    chance = edges[:, :-1] - edges[:, 1:]
    counts = np.array([rng.multinomial(people, p) for p in chance])
    return x, counts, chance


def test_an_ordinal_mapping_recovers_slope_thresholds_and_distributions():
    x, counts, chance = planted()
    mapping = learn_mapping(x, counts, UNITS, method="ordinal")

    assert mapping.slope == pytest.approx(2, rel=0.05)
    np.testing.assert_allclose(mapping.thresholds, [2, 5, 7, 9], rtol=0.06)
    np.testing.assert_allclose(mapping.distribution(x), chance, atol=0.03)
    np.testing.assert_allclose(mapping.mean(x), chance @ np.arange(1, 6), atol=0.06)


def test_an_isotonic_mapping_follows_a_rising_curve_and_never_falls():
    x, counts, chance = planted()
    mapping = learn_mapping(x, counts, UNITS)

    grid = np.linspace(1, 5, 200)
    assert (np.diff(mapping.mean(grid)) >= 0).all()
    error = mapping.mean(x) - chance @ np.arange(1, 6)
    assert np.abs(error).mean() < 0.1
    with pytest.raises(ValueError, match="no distribution"):
        mapping.distribution(grid)


@pytest.mark.parametrize("method", ["isotonic", "ordinal"])
def test_a_jury_on_another_part_of_the_scale_is_brought_to_peoples(method):
    x, counts, chance = planted()
    truth = chance @ np.arange(1, 6)
    shrunk = 3 + 0.2 * (x - 3)  # a jury that hardly uses its scale
    mapped = cross_mapped(
        shrunk, counts, UNITS, np.arange(400), method=method, rng=np.random.default_rng(0)
    )
    assert np.abs(mapped - truth).mean() < 0.3 * np.abs(shrunk - truth).mean()


def test_noise_teaches_nothing_that_pays_on_other_items():
    """In-sample an isotonic fit always gains; held out, a random jury ends up at the mean."""
    rng = np.random.default_rng(1)
    _, counts, _ = planted()
    x = rng.uniform(1, 5, size=400)
    people = counts @ np.arange(1, 6) / counts.sum(axis=1)
    held_out = cross_mapped(x, counts, UNITS, np.arange(400), rng=rng)
    in_sample = learn_mapping(x, counts, UNITS).mean(x)

    base = np.abs(people - people.mean()).mean()
    assert np.abs(in_sample - people).mean() < base
    assert np.abs(held_out - people).mean() > 0.98 * base


def test_a_mapping_refuses_to_be_judged_on_what_it_was_learned_from():
    x, counts, _ = planted()
    half = np.arange(400) < 200
    mapping = learn_mapping(np.where(half, x, np.nan), counts, UNITS)

    mapping.check_unseen(UNITS[200:])
    with pytest.raises(ValueError, match=r"learned on 1 of these units, such as u199"):
        mapping.check_unseen(UNITS[199:])


def test_an_item_is_never_split_between_folds():
    """Two responses of an item say the same; were one used for the other, the error would be 0."""
    rng = np.random.default_rng(2)
    x = np.repeat(rng.permutation(100), 2).astype(float)
    rating = np.repeat(rng.integers(1, 6, size=100), 2)
    counts = np.eye(5)[rating - 1]
    cluster = np.repeat(np.arange(100), 2)
    units = tuple(f"u{i}" for i in range(200))
    together = cross_mapped(x, counts, units, cluster, rng=np.random.default_rng(0))

    np.testing.assert_allclose(together[::2], together[1::2])
    assert np.abs(together - rating).mean() > 0.8


@given(st.integers(0, 2**16), st.floats(0.1, 10), st.floats(-5, 5))
def test_the_jurys_unit_does_not_matter(seed, scale, shift):
    rng = np.random.default_rng(seed)
    x = rng.uniform(1, 5, size=40)
    counts = rng.multinomial(5, np.full(5, 0.2), size=40)
    units = UNITS[:40]
    plain = learn_mapping(x, counts, units)
    moved = learn_mapping(shift + scale * x, counts, units)
    np.testing.assert_allclose(moved.mean(shift + scale * x), plain.mean(x), atol=1e-8)


def test_values_the_jury_did_not_give_stay_unknown():
    x, counts, _ = planted()
    mapping = learn_mapping(x, counts, UNITS)
    assert np.isnan(mapping.mean([np.nan, 3.0])).tolist() == [True, False]
    with pytest.raises(ValueError, match="too few"):
        learn_mapping(x[:1], counts[:1], UNITS[:1])
    with pytest.raises(ValueError, match="too few"):
        cross_mapped(x[:3], counts[:3], UNITS[:3], np.arange(3), rng=np.random.default_rng(0))
