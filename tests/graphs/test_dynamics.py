"""Talk ends where theory says: DeGroot, Friedkin-Johnsen and bounded confidence."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphs.consensus import consensus_weights, total_influence
from graphs.dynamics import clusters, settle, step, trajectory
from graphs.panel import Juror
from graphs.topology import Complete, RandomRegular, Ring, SmallWorld, Star
from graphs.topology.draw import draw
from personas.identity import generator
from personas.persona import Persona


def jury(count: int) -> tuple[Juror, ...]:
    return tuple(
        Juror(
            position=i, id=str(i), persona=Persona(attributes={"n": i}), weight=1 / count, mind="m"
        )
        for i in range(count)
    )


def random_weights(seed: int, jurors: int) -> np.ndarray:
    """Strongly connected and aperiodic: a ring, loops and whatever else is drawn."""
    random = generator(seed, "weights")
    weights = random.random((jurors, jurors)) * (random.random((jurors, jurors)) < 0.4)
    weights += np.eye(jurors) + np.roll(np.eye(jurors), 1, axis=1)
    return weights / weights.sum(axis=1, keepdims=True)


def plain_step(x, x0, weights, susceptibility, confidence):
    """Hegselmann, Krause, Friedkin and Johnsen written out juror by juror."""
    out = []
    for i in range(len(x)):
        near = [j for j in range(len(x)) if abs(x[i] - x[j]) <= confidence and weights[i][j] > 0]
        total = sum(weights[i][j] for j in near)
        heard = sum(weights[i][j] * x[j] for j in near) / total if total else x[i]
        out.append(susceptibility[i] * heard + (1 - susceptibility[i]) * x0[i])
    return out


# published figures


def test_degroot_three_jurors() -> None:
    weights = np.array([[1 / 3, 1 / 3, 1 / 3], [1 / 2, 1 / 2, 0], [0, 1 / 4, 3 / 4]])
    np.testing.assert_allclose(consensus_weights(weights), [3 / 11, 4 / 11, 4 / 11])


def test_friedkin_johnsen_four_actors() -> None:
    """Friedkin and Johnsen 1999, section on a small group's issue positions."""
    weights = np.array(
        [
            [0.220, 0.120, 0.360, 0.300],
            [0.147, 0.215, 0.344, 0.294],
            [0.000, 0.000, 1.000, 0.000],
            [0.090, 0.178, 0.446, 0.286],
        ]
    )
    susceptibility = 1 - np.diagonal(weights)
    start = np.array([25.0, 25.0, 75.0, 85.0])
    influence = total_influence(weights, susceptibility)
    assert influence is not None
    np.testing.assert_allclose(influence @ start, [60, 60, 75, 75], atol=0.05)
    walked = settle(start, weights=weights, susceptibility=susceptibility)
    assert walked.at_rest
    np.testing.assert_allclose(walked.positions, influence @ start, atol=1e-6)


@pytest.mark.parametrize("jurors", [12, 18, 20, 23])
def test_bounded_confidence_of_equally_spaced_jurors(jurors: int) -> None:
    """Hegarty and Wedin (1406.0819): spacing 1, confidence 1: threes, and n mod 6 in the middle."""
    near = 1 + 1e-9  # positions are sums of thirds and so on: leave room for rounding
    settled = settle(
        np.arange(jurors, dtype=float),
        weights=np.full((jurors, jurors), 1 / jurors),
        confidence=near,
    )
    sizes = [len(group) for group in clusters(settled.positions, near)]
    wings = [3] * (jurors // 6)
    assert sizes == wings + ([jurors % 6] if jurors % 6 else []) + wings


# theory


@given(seed=st.integers(0, 10_000), jurors=st.integers(2, 9))
def test_full_susceptibility_ends_in_the_left_eigenvectors_consensus(
    seed: int, jurors: int
) -> None:
    weights = random_weights(seed, jurors)
    share = consensus_weights(weights)
    assert share is not None
    np.testing.assert_allclose(share @ weights, share, atol=1e-12)
    assert share.sum() == pytest.approx(1)
    start = generator(seed, "start").normal(size=jurors)
    walked = settle(start, weights=weights, tolerance=1e-13)
    np.testing.assert_allclose(walked.positions, share @ start, atol=1e-9)


@given(seed=st.integers(0, 10_000), jurors=st.integers(2, 9))
def test_stubborn_jurors_end_at_the_resolvent(seed: int, jurors: int) -> None:
    weights, random = random_weights(seed, jurors), generator(seed, "start")
    susceptibility = random.uniform(0, 0.98, jurors)
    start = random.normal(size=(3, jurors))
    hold = np.diag(susceptibility)
    limit = np.linalg.inv(np.eye(jurors) - hold @ weights) @ (np.eye(jurors) - hold) @ start.T
    influence = total_influence(weights, susceptibility)
    assert influence is not None
    np.testing.assert_allclose(influence.sum(axis=1), 1.0)
    np.testing.assert_allclose(start @ influence.T, limit.T, atol=1e-10)
    walked = settle(start, weights=weights, susceptibility=susceptibility, tolerance=1e-13)
    np.testing.assert_allclose(walked.positions, limit.T, atol=1e-9)


def test_the_centre_of_a_star_counts_for_a_third() -> None:
    """Symmetric weights with loops: a juror's share is proportional to neighbours + 1."""
    for jurors in (3, 5, 12):
        share = consensus_weights(draw(Star(foreperson=2), jury(jurors), seed=0).weights)
        assert share is not None
        assert share[2] == pytest.approx(jurors / (3 * jurors - 2))
        np.testing.assert_allclose(np.delete(share, 2), 2 / (3 * jurors - 2))


@pytest.mark.parametrize("topology", [Complete(), Ring(), RandomRegular(neighbours=4)])
def test_on_a_regular_graph_all_count_alike(topology) -> None:
    share = consensus_weights(draw(topology, jury(12), seed=4).weights)
    np.testing.assert_allclose(share, 1 / 12)


def test_on_any_undirected_graph_shares_go_with_degree() -> None:
    network = draw(SmallWorld(neighbours=4, rewire=0.5), jury(12), seed=4)
    share = consensus_weights(network.weights)
    degree = np.array([len(heard) + 1 for heard in network.neighbours])
    np.testing.assert_allclose(share, degree / degree.sum())


def test_no_consensus_is_said() -> None:
    swinging = np.array([[0.0, 1.0], [1.0, 0.0]])
    assert consensus_weights(swinging) is None
    assert total_influence(swinging) is None
    assert not settle(np.array([0.0, 1.0]), weights=swinging, most_rounds=50).at_rest
    apart = np.eye(3)
    assert consensus_weights(apart) is None
    np.testing.assert_array_equal(total_influence(apart), np.eye(3))


def test_one_stubborn_juror_draws_all_who_hear_them_and_not_a_closed_group() -> None:
    weights = np.array(
        [
            [1.0, 0.0, 0.0, 0.0, 0.0],
            [0.5, 0.5, 0.0, 0.0, 0.0],
            [0.0, 0.0, 0.5, 0.5, 0.0],
            [0.0, 0.0, 0.2, 0.8, 0.0],
            [0.25, 0.0, 0.75, 0.0, 0.0],
        ]
    )
    susceptibility = np.array([0.0, 1.0, 1.0, 1.0, 1.0])
    start = np.array([10.0, 0.0, 1.0, 2.0, 5.0])
    influence = total_influence(weights, susceptibility)
    assert influence is not None
    group = (2 * 1.0 + 5 * 2.0) / 7
    expected = [10, 10, group, group, 2.5 + 0.75 * group]
    np.testing.assert_allclose(influence @ start, expected)
    walked = settle(start, weights=weights, susceptibility=susceptibility, tolerance=1e-14)
    np.testing.assert_allclose(walked.positions, expected, atol=1e-9)


def test_two_camps_beyond_confidence_never_meet() -> None:
    start = np.array([0.0, 0.1, 0.2, 0.8, 0.9])
    settled = settle(start, weights=np.full((5, 5), 0.2), confidence=0.3)
    np.testing.assert_allclose(settled.positions, [0.1, 0.1, 0.1, 0.85, 0.85])
    assert clusters(settled.positions, 0.3) == ((0, 1, 2), (3, 4))
    united = settle(start, weights=np.full((5, 5), 0.2), confidence=0.8)
    assert len(clusters(united.positions, 0.3)) == 1


# invariances and the written-out reference


@given(
    seed=st.integers(0, 10_000),
    jurors=st.integers(2, 8),
    confidence=st.one_of(st.none(), st.floats(0.05, 2)),
)
def test_step_equals_the_juror_by_juror_reference(seed, jurors, confidence) -> None:
    weights, random = random_weights(seed, jurors), generator(seed, "start")
    start, now = random.random((4, jurors)), random.random((4, jurors))
    susceptibility = random.random(jurors)
    moved = step(
        now, start=start, weights=weights, susceptibility=susceptibility, confidence=confidence
    )
    for topic in range(4):
        expected = plain_step(
            now[topic],
            start[topic],
            weights,
            susceptibility,
            np.inf if confidence is None else confidence,
        )
        np.testing.assert_allclose(moved[topic], expected, atol=1e-12)


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), shift=st.floats(-5, 5), scale=st.floats(0.1, 5))
def test_talk_commutes_with_moving_and_stretching_the_scale(seed, shift, scale) -> None:
    weights, random = random_weights(seed, 6), generator(seed, "start")
    start, susceptibility = random.random(6), random.random(6)
    path = trajectory(start, weights=weights, rounds=4, susceptibility=susceptibility)
    moved = trajectory(
        start * scale + shift, weights=weights, rounds=4, susceptibility=susceptibility
    )
    np.testing.assert_allclose(moved, path * scale + shift, atol=1e-9)
    assert path.min() >= start.min() - 1e-12
    assert path.max() <= start.max() + 1e-12


def test_a_juror_who_trusts_only_distant_others_stays() -> None:
    weights = np.array([[0.0, 1.0], [1.0, 0.0]])
    start = np.array([0.0, 1.0])
    assert np.array_equal(step(start, start=start, weights=weights, confidence=0.5), start)


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=12), st.floats(0, 10))
def test_clusters_partition_the_jurors_and_are_gap_apart(values, gap) -> None:
    positions = np.array(values)
    groups = clusters(positions, gap)
    assert sorted(juror for group in groups for juror in group) == list(range(len(values)))
    for lower, upper in pairwise(groups):
        assert positions[list(upper)].min() - positions[list(lower)].max() > gap
