"""The topologies a study can name; `graphs.topology.draw` makes networks of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from personas.settings import Settings


class _Topology(Settings):
    """What every topology has.

    Attributes:
        self_weight: what jurors give their own position, in 0..1, the rest going to those they
            hear; None counts oneself as one more neighbour of average weight, so that W_ii is
            1 / (neighbours + 1).
    """

    self_weight: float | None = Field(default=None, ge=0, lt=1)


class Complete(_Topology):
    """Everybody hears everybody."""

    kind: Literal["complete"] = "complete"


class Ring(_Topology):
    """Each juror hears the nearest `neighbours` round the table, half of them on either side."""

    kind: Literal["ring"] = "ring"
    neighbours: int = Field(default=2, ge=2, multiple_of=2)


class Star(_Topology):
    """The foreperson hears everybody and is heard by everybody; the others hear nobody else."""

    kind: Literal["star"] = "star"
    foreperson: int = Field(default=0, ge=0, description="the seat, from 0")


class SmallWorld(_Topology):
    """A ring with some edges rewired at random (Watts and Strogatz 1998)."""

    kind: Literal["small_world"] = "small_world"
    neighbours: int = Field(default=4, ge=2, multiple_of=2)
    rewire: float = Field(default=0.1, ge=0, le=1, description="probability of each edge")


class RandomRegular(_Topology):
    """Each juror hears `neighbours` others at random, and is heard by them."""

    kind: Literal["random_regular"] = "random_regular"
    neighbours: int = Field(default=4, ge=1)


class ErdosRenyi(_Topology):
    """Each pair hears each other with the same probability (Gilbert's G(n, p))."""

    kind: Literal["erdos_renyi"] = "erdos_renyi"
    probability: float = Field(ge=0, le=1)


class ScaleFree(_Topology):
    """Some are heard by many: preferential attachment (Barabási and Albert 1999)."""

    kind: Literal["scale_free"] = "scale_free"
    attachments: int = Field(default=2, ge=1, description="edges that each further juror brings")


class StochasticBlock(_Topology):
    """Echo chambers: jurors alike in `attribute` hear each other more often than the others.

    Jurors who do not state the attribute form a group of their own.
    """

    kind: Literal["stochastic_block"] = "stochastic_block"
    attribute: str
    within: float = Field(default=0.8, ge=0, le=1, description="probability in one's own group")
    between: float = Field(default=0.05, ge=0, le=1, description="probability across groups")


class CrossCutting(_Topology):
    """Neighbours chosen for difference: each juror hears `neighbours` and is heard by as many.

    Difference is Gower's over `attributes` (1971). Each layer of neighbours is the assignment with
    the greatest total difference; ties are broken at random.
    """

    kind: Literal["cross_cutting"] = "cross_cutting"
    attributes: tuple[str, ...] = Field(min_length=1)
    neighbours: int = Field(default=3, ge=1)


class Breakout(_Topology):
    """Tables of at least `size`, shuffled anew each round, as in a citizens' assembly."""

    kind: Literal["breakout"] = "breakout"
    size: int = Field(default=6, ge=2)


class File(_Topology):
    """A graph from GraphML (`.graphml`) or an edge list (`hearer speaker [weight]` a line).

    Attributes:
        path: the file, relative to the study.
        nodes: what its nodes name: jurors' ids, their personas' source ids, or seats from 0.
        directed: for an edge list, whether `a b` says only that a hears b; GraphML says so itself.
    """

    kind: Literal["file"] = "file"
    path: Path
    nodes: Literal["id", "source_id", "seat"] = "id"
    directed: bool = False


Topology: TypeAlias = Annotated[
    Complete
    | Ring
    | Star
    | SmallWorld
    | RandomRegular
    | ErdosRenyi
    | ScaleFree
    | StochasticBlock
    | CrossCutting
    | Breakout
    | File,
    Field(discriminator="kind"),
]


def redrawn_each_round(topology: Topology) -> bool:
    """Whether the network changes from round to round."""
    return isinstance(topology, Breakout)
