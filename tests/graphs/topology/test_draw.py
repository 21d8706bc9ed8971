"""Influence networks have the shape their topology names, whatever the seed."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from graphs.panel import Juror
from graphs.topology import (
    Breakout,
    Complete,
    CrossCutting,
    ErdosRenyi,
    RandomRegular,
    Ring,
    ScaleFree,
    SmallWorld,
    Star,
    StochasticBlock,
    Topology,
)
from graphs.topology.difference import gower
from graphs.topology.draw import draw, influence
from personas.errors import InputError
from personas.persona import Persona


def seated(count: int, **columns: list[object]) -> tuple[Juror, ...]:
    """Jurors numbered by an attribute, with further attributes by column; None is not stated."""
    return tuple(
        Juror(
            position=seat,
            id=f"juror-{seat}",
            persona=Persona(
                attributes={"number": seat}
                | {
                    name: values[seat]
                    for name, values in columns.items()
                    if values[seat] is not None
                }
            ),
            weight=1 / count,
            mind="embedded",
        )
        for seat in range(count)
    )


SEEDED = [
    SmallWorld(neighbours=4, rewire=0.4),
    RandomRegular(neighbours=3),
    ErdosRenyi(probability=0.4),
    ScaleFree(attachments=2),
    StochasticBlock(attribute="side"),
    CrossCutting(attributes=("side",), neighbours=2),
    Breakout(size=3),
]
SIDES: list[object] = ["left", "right"] * 6


@pytest.mark.parametrize("topology", SEEDED, ids=lambda t: t.kind)
def test_the_seed_decides_the_network(topology: Topology) -> None:
    jurors = seated(12, side=SIDES)
    first, again, other = (draw(topology, jurors, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.weights, again.weights)
    assert not np.array_equal(first.weights, other.weights)


@given(
    topology=st.sampled_from([Complete(), Ring(), Star(), *SEEDED]),
    seed=st.integers(0, 1000),
    half=st.integers(4, 9),
)
def test_weights_are_row_stochastic_on_the_graph_with_own_weight(
    topology: Topology, seed: int, half: int
) -> None:
    jurors = seated(2 * half, side=(["left", "right"] * half))
    network = draw(topology, jurors, seed=seed)
    assert network.weights.min() >= 0
    np.testing.assert_allclose(network.weights.sum(axis=1), 1.0)
    assert (np.diagonal(network.weights) > 0).all()
    off = network.weights - np.diag(np.diagonal(network.weights))
    assert np.array_equal(off > 0, nx.to_numpy_array(network.graph) > 0)
    for seat, heard in enumerate(network.neighbours):
        own = network.weights[seat, seat]
        assert own == pytest.approx(1 / (len(heard) + 1))


def test_self_weight_is_what_the_study_says() -> None:
    network = draw(Ring(self_weight=0.6), seated(6), seed=0)
    np.testing.assert_allclose(np.diagonal(network.weights), 0.6)
    np.testing.assert_allclose(network.weights[0, [1, 5]], 0.2)
    assert draw(Star(self_weight=0.0), seated(4), seed=0).connectivity.aperiodic is False


def test_own_weight_given_in_a_graph_stands_and_a_deaf_juror_keeps_their_view() -> None:
    hearing = np.array([[6.0, 1.0, 1.0], [0.0, 0.0, 2.0], [0.0, 0.0, 0.0]])
    expected = [[0.75, 0.125, 0.125], [0.0, 0.5, 0.5], [0.0, 0.0, 1.0]]
    np.testing.assert_allclose(influence(hearing), expected)
    np.testing.assert_allclose(influence(hearing, 0.25)[1], [0.0, 0.25, 0.75])


def test_shapes() -> None:
    jurors = seated(9)
    assert draw(Complete(), jurors, seed=0).neighbours[4] == (0, 1, 2, 3, 5, 6, 7, 8)
    assert draw(Ring(neighbours=4), jurors, seed=0).neighbours[0] == (1, 2, 7, 8)
    star = draw(Star(foreperson=3), jurors, seed=0)
    assert star.neighbours[3] == (0, 1, 2, 4, 5, 6, 7, 8)
    assert star.neighbours[0] == (3,)
    regular = draw(RandomRegular(neighbours=4), jurors, seed=0)
    assert {len(heard) for heard in regular.neighbours} == {4}
    scale_free = draw(ScaleFree(attachments=2), jurors, seed=0)
    assert scale_free.graph.number_of_edges() == 2 * 2 * (9 - 2)


def test_small_world_without_rewiring_is_the_ring_and_with_it_is_shorter() -> None:
    jurors = seated(60)
    ring = draw(Ring(neighbours=4), jurors, seed=0)
    unrewired = draw(SmallWorld(neighbours=4, rewire=0.0), jurors, seed=0)
    assert np.array_equal(ring.weights, unrewired.weights)
    rewired = draw(SmallWorld(neighbours=4, rewire=0.2), jurors, seed=0).graph
    assert nx.average_shortest_path_length(rewired) < 0.7 * nx.average_shortest_path_length(
        ring.graph
    )


def test_erdos_renyi_has_the_density_it_asks_for() -> None:
    jurors = seated(80)
    edges = [
        draw(ErdosRenyi(probability=0.3), jurors, seed=seed).graph.number_of_edges() / (80 * 79)
        for seed in range(20)
    ]
    assert np.mean(edges) == pytest.approx(0.3, abs=0.01)


def test_echo_chambers_hear_their_own_and_cross_cutting_the_others() -> None:
    sides: list[object] = ["left"] * 10 + ["right"] * 10
    jurors = seated(20, side=sides)
    echo = draw(StochasticBlock(attribute="side", within=1.0, between=0.0), jurors, seed=3)
    assert echo.connectivity.components == 2
    assert all(sides[i] == sides[j] for i, j in echo.graph.edges)
    cross = draw(CrossCutting(attributes=("side",), neighbours=4), jurors, seed=3)
    assert all(sides[i] != sides[j] for i, j in cross.graph.edges)
    assert {degree for _, degree in cross.graph.out_degree} == {4}
    assert {degree for _, degree in cross.graph.in_degree} == {4}


def test_cross_cutting_layers_use_no_pair_twice_even_where_all_are_alike() -> None:
    jurors = seated(5, side=["same"] * 5)
    cross = draw(CrossCutting(attributes=("side",), neighbours=4), jurors, seed=0)
    assert all(len(heard) == 4 for heard in cross.neighbours)


def test_gower_takes_words_numbers_and_what_is_not_stated() -> None:
    jurors = seated(4, side=["a", "a", "b", None], age=[20, 60, 30, 40])
    difference = gower(jurors, ("side", "age"))
    assert difference[0, 1] == pytest.approx((0 + 1) / 2)
    assert difference[0, 2] == pytest.approx((1 + 0.25) / 2)
    assert difference[0, 3] == pytest.approx(0.5)  # only age is stated by both
    assert gower(seated(2, side=["a", None]), ("side",))[0, 1] == 0.5


def test_breakout_tables_are_shuffled_each_round_and_nobody_sits_alone() -> None:
    jurors = seated(11)
    rounds = [draw(Breakout(size=2), jurors, seed=5, round_=r) for r in range(3)]
    assert not np.array_equal(rounds[0].weights, rounds[1].weights)
    for network in rounds:
        assert network.connectivity.components == 5
        assert not network.connectivity.isolated
    ring = [draw(Ring(), jurors, seed=5, round_=r).weights for r in range(2)]
    assert np.array_equal(*ring)


def test_isolated_jurors_are_named() -> None:
    network = draw(ErdosRenyi(probability=0.0), seated(3), seed=0)
    assert network.connectivity.isolated == ("juror-0", "juror-1", "juror-2")
    assert "juror-1" in network.connectivity.describe()
    np.testing.assert_array_equal(network.weights, np.eye(3))


@pytest.mark.parametrize(
    ("topology", "message"),
    [
        (Ring(neighbours=4), "too small for a ring of 4 neighbours"),
        (Star(foreperson=9), "too small for foreperson 9"),
        (RandomRegular(neighbours=3), "odd number both"),
        (ScaleFree(attachments=4), "too small for 4 attachments"),
        (StochasticBlock(attribute="region"), "no juror states"),
        (CrossCutting(attributes=("region",), neighbours=1), "no juror states"),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_what_cannot_be_drawn_is_said(topology: Topology, message: str) -> None:
    jurors = seated(3) if "odd" not in message else seated(5)
    with pytest.raises(InputError, match=message):
        draw(topology, jurors, seed=0)


def test_one_juror_cannot_talk() -> None:
    with pytest.raises(InputError, match="too small for talk"):
        draw(Complete(), seated(1), seed=0)


def test_the_kind_chooses_the_topology() -> None:
    adapter: TypeAdapter[Topology] = TypeAdapter(Topology)
    assert adapter.validate_python({"kind": "ring", "neighbours": 4}) == Ring(neighbours=4)
    with pytest.raises(ValidationError, match="multiple of 2"):
        adapter.validate_python({"kind": "ring", "neighbours": 3})
    with pytest.raises(ValidationError, match="does not match any"):
        adapter.validate_python({"kind": "circle"})


def test_layout_is_the_same_for_one_seed() -> None:
    network = draw(Ring(), seated(5), seed=0)
    assert network.layout(3).shape == (5, 2)
    assert np.array_equal(network.layout(3), network.layout(3))
