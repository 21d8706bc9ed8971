"""Who hears whom.

- `spec`: the topologies a study can name (`kind: small_world, neighbours: 4`), validated.
- `draw`: an influence network made of one, seeded: a NetworkX graph and its weights W.
- `file`: graphs that a user drew, from GraphML or an edge list.
"""

from graphs.topology.spec import (
    Breakout,
    Complete,
    CrossCutting,
    ErdosRenyi,
    File,
    RandomRegular,
    Ring,
    ScaleFree,
    SmallWorld,
    Star,
    StochasticBlock,
    Topology,
)

__all__ = [
    "Breakout",
    "Complete",
    "CrossCutting",
    "ErdosRenyi",
    "File",
    "RandomRegular",
    "Ring",
    "ScaleFree",
    "SmallWorld",
    "Star",
    "StochasticBlock",
    "Topology",
]
