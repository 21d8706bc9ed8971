"""Graphs that a user drew are read strictly: a wrong line is named, nothing is guessed."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from graphs.panel import Juror
from graphs.topology import File
from graphs.topology.draw import draw
from personas.errors import InputError
from personas.persona import Persona

JURORS = tuple(
    Juror(
        position=seat,
        id=name,
        persona=Persona(attributes={"n": seat}, source_id=f"person-{seat}"),
        weight=0.25,
        mind="embedded",
    )
    for seat, name in enumerate(("ann", "bob", "cas", "dot#2"))
)


def write(folder: Path, text: str, name: str = "jury.edges") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_an_undirected_edge_list_is_heard_both_ways(tmp_path: Path) -> None:
    path = write(tmp_path, "# hearer speaker weight\nann bob 3\n\nbob,dot#2\n")
    network = draw(File(path=path, self_weight=0.5), JURORS, seed=0)
    assert network.neighbours == ((1,), (0, 3), (), (1,))
    np.testing.assert_allclose(network.weights[1], [0.375, 0.5, 0, 0.125])
    assert network.connectivity.isolated == ("cas",)


def test_a_directed_edge_list_says_who_hears_and_loops_are_own_weight(tmp_path: Path) -> None:
    path = write(tmp_path, "ann bob 3\nann ann 1\nbob cas\ncas ann\ndot#2 ann\n")
    network = draw(File(path=path, directed=True), JURORS, seed=0)
    assert network.neighbours == ((1,), (2,), (0,), (0,))
    np.testing.assert_allclose(network.weights[0], [0.25, 0.75, 0, 0])
    assert not network.connectivity.strongly_connected
    assert "never reach" in network.connectivity.describe()


@pytest.mark.parametrize("directed", [True, False])
def test_graphml_says_itself_whether_it_is_directed(tmp_path: Path, directed: bool) -> None:
    graph = nx.DiGraph() if directed else nx.Graph()
    graph.add_weighted_edges_from([("person-0", "person-1", 2.0), ("person-1", "person-2", 1.0)])
    path = tmp_path / "jury.graphml"
    nx.write_graphml(graph, path)
    network = draw(File(path=path, nodes="source_id"), JURORS, seed=0)
    assert network.neighbours == (((1,), (2,), (), ()) if directed else ((1,), (0, 2), (1,), ()))


def test_seats_can_be_named_by_number(tmp_path: Path) -> None:
    path = write(tmp_path, "0 1\n2 3\n")
    network = draw(File(path=path, nodes="seat"), JURORS, seed=0)
    assert network.connectivity.components == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ann bob\nann bop\ncas eve\n", r"line 2: 2 of its nodes are not on the jury: bop, eve"),
        ("ann bob\nann\n", r"line 2: this line is not an edge"),
        ("ann bob 1 extra\n", r"line 1: this line is not an edge"),
        ("ann bob -1\n", r"line 1.*not a positive number; found '-1'"),
        ("ann bob nan\n", r"not a positive number"),
        ("ann bob 0\n", r"Leave out the edges that nobody hears"),
        ("ann bob\nbob ann\n", r"line 2: an edge is there twice"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        draw(File(path=write(tmp_path, text)), JURORS, seed=0)


def test_a_misspelt_juror_gets_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Did you mean 'dot#2'"):
        draw(File(path=write(tmp_path, "ann dot#3\n")), JURORS, seed=0)


def test_graphml_with_an_unknown_juror_without_edges_is_refused(tmp_path: Path) -> None:
    graph = nx.Graph([("ann", "bob")])
    graph.add_node("zoe")
    nx.write_graphml(graph, tmp_path / "jury.graphml")
    with pytest.raises(InputError, match="1 of its nodes is not on the jury: zoe"):
        draw(File(path=tmp_path / "jury.graphml"), JURORS, seed=0)


@pytest.mark.parametrize("text", ["", "<graphml>", "<html></html>"])
def test_what_is_not_graphml_is_said(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match="not GraphML"):
        draw(File(path=write(tmp_path, text, "jury.graphml")), JURORS, seed=0)


def test_graphml_with_parallel_edges_or_a_bad_weight_is_refused(tmp_path: Path) -> None:
    twice = nx.MultiGraph([("ann", "bob"), ("ann", "bob")])
    nx.write_graphml(twice, tmp_path / "twice.graphml")
    with pytest.raises(InputError, match="twice"):
        draw(File(path=tmp_path / "twice.graphml"), JURORS, seed=0)
    nx.write_graphml(nx.Graph([("ann", "bob", {"weight": -2})]), tmp_path / "minus.graphml")
    with pytest.raises(InputError, match=r"edge 'ann bob'.*found -2"):
        draw(File(path=tmp_path / "minus.graphml"), JURORS, seed=0)


def test_missing_and_binary_files_are_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        draw(File(path=tmp_path / "none.edges"), JURORS, seed=0)
    (tmp_path / "image.edges").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a text file"):
        draw(File(path=tmp_path / "image.edges"), JURORS, seed=0)


def test_source_ids_must_tell_jurors_apart(tmp_path: Path) -> None:
    twins = tuple(
        Juror(position=i, id=str(i), persona=Persona(narrative="x"), weight=0.5, mind="m")
        for i in range(2)
    )
    with pytest.raises(InputError, match="cannot be told apart"):
        draw(File(path=write(tmp_path, "a b\n"), nodes="source_id"), twins, seed=0)
