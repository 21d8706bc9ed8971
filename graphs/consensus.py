"""Where talk without end leads: consensus weights and the total influence of every start.

Rounds themselves are in `graphs.dynamics`.
"""

from __future__ import annotations

import networkx as nx
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def total_influence(
    weights: FloatArray, susceptibility: FloatArray | float = 1.0
) -> FloatArray | None:
    """The matrix V that takes starting positions to where talk without end leads: x = V x(0).

    With some hold on the start everywhere in reach, V = (I - LW)^-1 (I - L), L the diagonal matrix
    of susceptibilities (Friedkin and Johnsen 1999). Groups of fully susceptible jurors who hear
    nobody outside reach DeGroot's consensus: their rows are the group's left eigenvector of W.

    Args:
        weights: W, shape [hearer, speaker], rows sum to 1.
        susceptibility: in 0..1, shape [jurors] or one for all.

    Returns:
        V, shape [juror, starting juror], rows sum to 1; None where such a group is periodic, so
        that its opinions swing for ever.
    """
    jurors = len(weights)
    yields = np.broadcast_to(np.asarray(susceptibility, dtype=np.float64), (jurors,))
    influence = np.zeros((jurors, jurors))
    settled = np.zeros(jurors, dtype=np.bool_)
    for group in _closed_groups(weights, yields):
        inside = weights[np.ix_(group, group)]
        if not nx.is_aperiodic(_graph(inside)):
            return None
        influence[np.ix_(group, group)] = _left_eigenvector(inside)
        settled[group] = True
    rest = ~settled
    hears = yields[rest, None] * weights[rest]
    hold = np.diag(1.0 - yields)[rest]
    influence[rest] = np.linalg.solve(
        np.eye(int(rest.sum())) - hears[:, rest], hears[:, settled] @ influence[settled] + hold
    )
    return influence


def consensus_weights(weights: FloatArray) -> FloatArray | None:
    """What each juror's start counts in the consensus of plain averaging (DeGroot 1974).

    Returns:
        The left eigenvector of W for eigenvalue 1, shape [jurors], sum 1; None where averaging
        does not end in consensus: several groups that hear nobody outside, or a periodic one.
    """
    if len(_closed_groups(weights, np.ones(len(weights)))) > 1:
        return None
    influence = total_influence(weights)
    return None if influence is None else influence[0]


def _closed_groups(weights: FloatArray, yields: FloatArray) -> list[list[int]]:
    """Strongly connected groups of fully susceptible jurors who hear nobody outside."""
    graph = _graph(weights)
    return [
        sorted(group)
        for group in nx.strongly_connected_components(graph)
        if all(yields[i] == 1.0 and set(graph.successors(i)) <= group for i in group)
    ]


def _graph(weights: FloatArray) -> nx.DiGraph[int]:
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(len(weights)))
    graph.add_edges_from((int(i), int(j)) for i, j in np.argwhere(weights))
    return graph


def _left_eigenvector(weights: FloatArray) -> FloatArray:
    size = len(weights)
    equations: FloatArray = np.eye(size) - weights.T
    equations[-1] = 1.0  # one equation follows from the others; the weights sum to 1 instead
    total: FloatArray = np.zeros(size)
    total[-1] = 1.0
    return np.linalg.solve(equations, total).astype(np.float64, copy=False)
