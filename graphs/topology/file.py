"""Influence networks that a user drew: GraphML and edge lists, read strictly."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from xml.etree.ElementTree import ParseError

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from graphs.panel import Juror
from personas.errors import InputError, nearest, shorten

NodeNames = Literal["id", "source_id", "seat"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edge:
    hearer: str
    speaker: str
    weight: float
    line: int | None


def read_edges(
    path: Path, jurors: Sequence[Juror], *, nodes: NodeNames, directed: bool
) -> NDArray[np.float64]:
    """How much each juror hears each other, shape [hearer, speaker]; loops are own weight.

    Args:
        path: `.graphml`, or a text file with `hearer speaker [weight]` a line, separated by
            blanks, tabs or commas; lines that start with `#` and a blank are comments.
        jurors: in seat order; a juror whom the file does not name hears nobody.
        nodes: what the file's nodes name.
        directed: for an edge list: `a b` says that a hears b, not that b hears a.

    Raises:
        InputError: the file cannot be read, names a juror who is not on the jury, repeats an edge,
            or has a weight that is not a positive number.
    """
    seats = _seats(path, jurors, nodes)
    if not path.is_file():
        raise InputError("there is no such file", where=path, hint="Paths start at the study.")
    if path.suffix.lower() == ".graphml":
        edges, directed, named = _graphml(path)
    else:
        edges, named = _edge_list(path), {}
    _check_names(path, edges, named, seats)
    weights = np.zeros((len(jurors), len(jurors)))
    for edge in edges:
        hearer, speaker = seats[edge.hearer], seats[edge.speaker]
        pairs = (
            [(hearer, speaker)]
            if directed or hearer == speaker
            else [
                (hearer, speaker),
                (speaker, hearer),
            ]
        )
        for pair in pairs:
            if weights[pair]:
                raise InputError(
                    "an edge is there twice",
                    where=path,
                    line=edge.line,
                    found=f"{edge.hearer} {edge.speaker}",
                )
            weights[pair] = edge.weight
    return weights


def _seats(path: Path, jurors: Sequence[Juror], nodes: NodeNames) -> Mapping[str, int]:
    if nodes == "id":
        return {juror.id: juror.position for juror in jurors}
    if nodes == "seat":
        return {str(juror.position): juror.position for juror in jurors}
    seats: dict[str, int] = {}
    for juror in jurors:
        name = juror.persona.source_id
        if name is None or name in seats:
            raise InputError(
                "jurors cannot be told apart by their source ids",
                where=path,
                found="none" if name is None else f"{name} twice",
                hint="Name jurors by `nodes: id` or `nodes: seat`.",
            )
        seats[name] = juror.position
    return seats


def _edge_list(path: Path) -> list[_Edge]:
    edges: list[_Edge] = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InputError("this is not a text file in UTF-8", where=path) from error
    for number, line in enumerate(lines, 1):
        words = line.replace(",", " ").split()
        if not words or words[0] == "#":
            continue
        if len(words) not in {2, 3}:
            raise InputError(
                "this line is not an edge",
                where=path,
                line=number,
                found=line,
                expected="`hearer speaker` or `hearer speaker weight`",
            )
        weight = _weight(words[2] if len(words) == 3 else 1.0, path, number)
        edges.append(_Edge(hearer=words[0], speaker=words[1], weight=weight, line=number))
    return edges


def _graphml(path: Path) -> tuple[list[_Edge], bool, dict[str, None]]:
    try:
        graph = nx.read_graphml(path)
    except (ParseError, nx.NetworkXError, ValueError, KeyError) as error:
        raise InputError("this is not GraphML", where=path, found=str(error)) from error
    if graph.is_multigraph():
        raise InputError("an edge is there twice", where=path, hint="Keep one edge per pair.")
    edges = [
        _Edge(
            hearer=str(hearer),
            speaker=str(speaker),
            weight=_weight(data.get("weight", 1.0), path, None, f"{hearer} {speaker}"),
            line=None,
        )
        for hearer, speaker, data in graph.edges(data=True)
    ]
    return edges, graph.is_directed(), dict.fromkeys(str(node) for node in graph)


def _weight(text: object, path: Path, line: int | None, edge: str | None = None) -> float:
    try:
        weight = float(str(text))
    except ValueError:
        weight = math.nan
    if not (math.isfinite(weight) and weight > 0):
        raise InputError(
            "an edge has a weight that is not a positive number"
            + (f" (edge {shorten(edge)})" if edge else ""),
            where=path,
            line=line,
            found=text,
            hint="Leave out the edges that nobody hears.",
        )
    return weight


def _check_names(
    path: Path, edges: Sequence[_Edge], named: Mapping[str, None], seats: Mapping[str, int]
) -> None:
    first: dict[str, int | None] = {name: None for name in named if name not in seats}
    for edge in edges:
        for name in (edge.hearer, edge.speaker):
            if name not in seats:
                first[name] = first.get(name) or edge.line
    if not first:
        return
    names = list(first)
    shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    close = nearest(names[0], seats)
    some = ", ".join(list(seats)[:3])
    raise InputError(
        f"{len(names)} of its nodes {'is' if len(names) == 1 else 'are'} not on the jury: {shown}",
        where=path,
        line=first[names[0]],
        expected=f"names of jurors such as {some}",
        hint=close or "Set `nodes:` to id, source_id or seat, whichever the file names.",
    )
