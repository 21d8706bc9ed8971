"""Influence networks drawn from a topology: who hears whom in one round, and how much.

An edge `i -> j` says that juror i hears juror j, so that row i of W is what i listens to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, singledispatch
from typing import Any, cast

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from graphs.panel import Juror
from graphs.topology import spec
from graphs.topology.difference import WHERE, check_stated, furthest_neighbours
from graphs.topology.file import read_edges
from personas.errors import InputError
from personas.identity import generator

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Connectivity:
    """Whether a jury hangs together.

    Attributes:
        components: parts between which nobody hears anybody.
        strongly_connected: everybody's position can reach everybody.
        aperiodic: opinions cannot swing for ever; with `strongly_connected` it makes averaging
            end in consensus.
        isolated: ids of the jurors who hear nobody and are heard by nobody.
    """

    components: int
    strongly_connected: bool
    aperiodic: bool
    isolated: tuple[str, ...]

    def describe(self) -> str:
        """One sentence for a person."""
        if self.isolated:
            names = ", ".join(self.isolated)
            return f"{len(self.isolated)} hear nobody and are heard by nobody: {names}"
        if self.components > 1:
            return f"the jury falls into {self.components} parts that do not hear each other"
        if not self.strongly_connected:
            return "connected, but some jurors never reach some others"
        return "connected"


@dataclass(frozen=True, kw_only=True, eq=False)
class InfluenceNetwork:
    """Who hears whom in one round.

    Attributes:
        graph: nodes are seats with their juror's `id`; an edge i -> j with its `weight` says that
            i hears j.
        weights: W, shape [hearer, speaker], rows sum to 1; the diagonal is one's own weight, 1 for
            a juror who hears nobody.
    """

    graph: nx.DiGraph[int]
    weights: FloatArray

    @cached_property
    def neighbours(self) -> tuple[tuple[int, ...], ...]:
        """For each seat the seats it hears, ascending."""
        return tuple(tuple(sorted(self.graph.successors(seat))) for seat in self.graph)

    @cached_property
    def connectivity(self) -> Connectivity:
        """Checked on the graph of W, in which own weight is a loop."""
        loops = _directed(self.weights > 0)
        strong = nx.is_strongly_connected(loops)
        return Connectivity(
            components=nx.number_weakly_connected_components(self.graph),
            strongly_connected=strong,
            aperiodic=strong and nx.is_aperiodic(loops),
            isolated=tuple(self.graph.nodes[seat]["id"] for seat in nx.isolates(self.graph)),
        )

    def layout(self, seed: int) -> FloatArray:
        """Where to draw each seat, shape [seats, 2]: force-directed, the same for one seed."""
        places: dict[int, Any] = nx.spring_layout(self.graph, seed=seed)
        return np.array([places[seat] for seat in self.graph])


def draw(
    topology: spec.Topology, jurors: Sequence[Juror], *, seed: int, round_: int = 0
) -> InfluenceNetwork:
    """The network of one round: the same for the same study, seed and round.

    Args:
        topology: what the study asks for.
        jurors: in seat order.
        seed: of the study.
        round_: of talk; it matters only for breakout tables.

    Raises:
        InputError: the jury is too small for the topology, or its file or attribute will not do.
    """
    _at_least(jurors, 2, "talk")
    stream = round_ if spec.redrawn_each_round(topology) else 0
    heard = hearing(topology, jurors, generator(seed, "topology", topology.kind, stream))
    weights = influence(heard, topology.self_weight)
    np.fill_diagonal(heard, 0.0)
    graph = _directed(heard)
    for juror in jurors:
        graph.nodes[juror.position]["id"] = juror.id
    return InfluenceNetwork(graph=graph, weights=weights)


def influence(hearing: FloatArray, self_weight: float | None = None) -> FloatArray:
    """The row-stochastic matrix W of an influence network.

    Args:
        hearing: shape [hearer, speaker], not negative; a positive diagonal is own weight as given.
        self_weight: what a juror without own weight gives to their own position, in 0..1; None
            counts them as one more neighbour of average weight.

    Returns:
        W, shape [hearer, speaker]; the row of a juror who hears nobody is 1 on the diagonal.
    """
    given = np.diagonal(hearing)
    others = hearing - np.diag(given)
    total, count = others.sum(axis=1), np.count_nonzero(others, axis=1)
    average = np.divide(total, count, out=np.ones_like(total), where=count > 0)
    own = average if self_weight is None else total * self_weight / (1 - self_weight)
    own = np.where(given > 0, given, own)
    own[count == 0] = 1.0
    weights = others + np.diag(own)
    return weights / weights.sum(axis=1, keepdims=True)


@singledispatch
def hearing(
    topology: spec.Topology, jurors: Sequence[Juror], random: np.random.Generator
) -> FloatArray:
    """How much each juror hears each other, shape [hearer, speaker], 0 for not at all."""
    raise TypeError(f"no topology: {topology!r}, {len(jurors)} jurors, {random}")


@hearing.register
def _complete(_: spec.Complete, jurors: Sequence[Juror], __: np.random.Generator) -> FloatArray:
    return 1.0 - np.eye(len(jurors))


@hearing.register
def _ring(topology: spec.Ring, jurors: Sequence[Juror], _: np.random.Generator) -> FloatArray:
    _at_least(jurors, topology.neighbours + 1, f"a ring of {topology.neighbours} neighbours")
    return _matrix(nx.circulant_graph(len(jurors), [*range(1, topology.neighbours // 2 + 1)]))


@hearing.register
def _star(topology: spec.Star, jurors: Sequence[Juror], _: np.random.Generator) -> FloatArray:
    _at_least(jurors, topology.foreperson + 1, f"foreperson {topology.foreperson}")
    weights = np.zeros((len(jurors), len(jurors)))
    weights[topology.foreperson, :] = weights[:, topology.foreperson] = 1.0
    np.fill_diagonal(weights, 0.0)
    return weights


@hearing.register
def _small_world(
    topology: spec.SmallWorld, jurors: Sequence[Juror], random: np.random.Generator
) -> FloatArray:
    _at_least(jurors, topology.neighbours + 1, f"{topology.neighbours} neighbours")
    graph = nx.watts_strogatz_graph(  # pyright: ignore[reportUnknownVariableType] (untyped)
        len(jurors), topology.neighbours, topology.rewire, seed=_seed(random)
    )
    return _matrix(cast("nx.Graph[int]", graph))


@hearing.register
def _random_regular(
    topology: spec.RandomRegular, jurors: Sequence[Juror], random: np.random.Generator
) -> FloatArray:
    _at_least(jurors, topology.neighbours + 1, f"{topology.neighbours} neighbours")
    if len(jurors) * topology.neighbours % 2:
        raise InputError(
            "no regular graph has an odd number both of jurors and of neighbours",
            where=WHERE,
            found=f"{len(jurors)} jurors, {topology.neighbours} neighbours",
            hint="Make one of them even.",
        )
    graph = nx.random_regular_graph(  # pyright: ignore[reportUnknownVariableType] (untyped)
        topology.neighbours, len(jurors), seed=_seed(random)
    )
    return _matrix(cast("nx.Graph[int]", graph))


@hearing.register
def _erdos_renyi(
    topology: spec.ErdosRenyi, jurors: Sequence[Juror], random: np.random.Generator
) -> FloatArray:
    return _bernoulli(np.full((len(jurors), len(jurors)), topology.probability), random)


@hearing.register
def _scale_free(
    topology: spec.ScaleFree, jurors: Sequence[Juror], random: np.random.Generator
) -> FloatArray:
    _at_least(jurors, topology.attachments + 1, f"{topology.attachments} attachments")
    graph: nx.Graph[int] = nx.barabasi_albert_graph(
        len(jurors), topology.attachments, seed=_seed(random)
    )
    return _matrix(graph)


@hearing.register
def _stochastic_block(
    topology: spec.StochasticBlock, jurors: Sequence[Juror], random: np.random.Generator
) -> FloatArray:
    check_stated(jurors, (topology.attribute,))
    groups = [juror.persona.attributes.get(topology.attribute) for juror in jurors]
    names = list(dict.fromkeys(groups))
    block = np.array([names.index(group) for group in groups])
    same = block[:, None] == block[None, :]
    return _bernoulli(np.where(same, topology.within, topology.between), random)


@hearing.register
def _cross_cutting(
    topology: spec.CrossCutting, jurors: Sequence[Juror], random: np.random.Generator
) -> FloatArray:
    _at_least(jurors, topology.neighbours + 1, f"{topology.neighbours} neighbours")
    return furthest_neighbours(jurors, topology.attributes, topology.neighbours, random)


@hearing.register
def _breakout(
    topology: spec.Breakout, jurors: Sequence[Juror], random: np.random.Generator
) -> FloatArray:
    seats = len(jurors)
    table = np.empty(seats, dtype=np.intp)
    tables = np.array_split(random.permutation(seats), max(1, seats // topology.size))
    for number, members in enumerate(tables):
        table[members] = number
    return (table[:, None] == table[None, :]) - np.eye(seats)


@hearing.register
def _file(topology: spec.File, jurors: Sequence[Juror], _: np.random.Generator) -> FloatArray:
    return read_edges(topology.path, jurors, nodes=topology.nodes, directed=topology.directed)


def _at_least(jurors: Sequence[Juror], needed: int, what: str) -> None:
    if len(jurors) < needed:
        raise InputError(
            f"the jury is too small for {what}",
            where=WHERE,
            found=f"{len(jurors)} jurors",
            expected=f"at least {needed}",
            hint="Seat more jurors or choose another topology.",
        )


def _directed(weights: NDArray[Any]) -> nx.DiGraph[int]:
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(len(weights)))
    graph.add_weighted_edges_from(
        (int(i), int(j), float(weights[i, j])) for i, j in np.argwhere(weights)
    )
    return graph


def _matrix(graph: nx.Graph[int]) -> FloatArray:
    return nx.to_numpy_array(graph, nodelist=sorted(graph))


def _bernoulli(probability: FloatArray, random: np.random.Generator) -> FloatArray:
    upper = np.triu(random.random(probability.shape) < probability, 1)
    return (upper | upper.T).astype(np.float64)


def _seed(random: np.random.Generator) -> int:
    return int(random.integers(2**32))
