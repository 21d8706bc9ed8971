"""How one study's jury deliberates: who hears whom, who speaks when, drawn from the seed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from graphs.deliberation.names import Name, names
from graphs.deliberation.spec import Debate, Deliberation, Delphi, DevilsAdvocate, Mediator
from graphs.items import Choice, FloatArray, Question
from graphs.panel import Juror
from graphs.records import Statement, Status
from graphs.topology import File
from graphs.topology.spec import redrawn_each_round
from personas.errors import InputError, nearest
from personas.identity import content_hash, generator

if TYPE_CHECKING:
    from graphs.topology.draw import InfluenceNetwork

WHERE = "deliberation"
MEDIATOR = -1
"""`Statement.juror` of the mediator; the last column of the weights of a round."""


class Plan:
    """A study's deliberation with the jury seated.

    Args:
        spec: the study's section.
        jurors: the whole jury, in seat order.
        seed: of the study.
    """

    def __init__(self, spec: Deliberation, jurors: Sequence[Juror], *, seed: int) -> None:
        self.spec = spec
        self.jurors = tuple(jurors)
        self.seed = seed
        self._drawn = lru_cache(maxsize=64)(self._draw)
        self._common = lru_cache(maxsize=64)(self._common_weights)
        self._orders = lru_cache(maxsize=1024)(self._order)
        self._names = lru_cache(maxsize=1024)(self._names_on)

    @property
    def seats(self) -> int:
        """How many sit."""
        return len(self.jurors)

    @property
    def identity(self) -> dict[str, object]:
        """All of the section that answers depend on: not the verdict, nor where a file lies."""
        section = self.spec.model_dump(mode="json", exclude={"verdict"})
        if isinstance(self.spec.topology, File):
            section["topology"]["path"] = content_hash(self.network(1).weights.tolist())
        return section

    def network(self, round_: int) -> InfluenceNetwork:
        """Who hears whom in a round of talk, from 1."""
        return self._drawn(round_ if redrawn_each_round(self.spec.topology) else 1)

    def weights(self, round_: int, said: Sequence[Statement]) -> FloatArray:
        """What each hearer listens to in a round, shape [seats, seats + 1]; see `Round.weights`.

        Where jurors hear their neighbours it is the network's. Otherwise all listen alike to those
        who spoke: the advocates, or the mediator; and in Delphi to everybody.
        """
        protocol = self.spec.protocol
        if isinstance(protocol, Debate | Mediator):
            speakers = [row.juror for row in said if row.status == Status.OK]
            from graphs.topology.draw import influence  # networkx is slow to import

            hearing = np.zeros((self.seats + 1, self.seats + 1))
            hearing[:, speakers] = 1.0
            np.fill_diagonal(hearing, 0.0)
            return influence(hearing)[: self.seats]
        return self._common(round_ if redrawn_each_round(self.spec.topology) else 1)

    def order(self, item: int, round_: int) -> tuple[int, ...]:
        """Seats in the order of speaking."""
        return self._orders(item, round_)

    def names(self, item: int) -> Name:
        """What jurors call each other on an item."""
        return self._names(item)

    def objector(self, item: int, round_: int) -> int:
        """The seat that argues against the leading view; another each round."""
        seats = generator(self.seed, "deliberation", "objector", item).permutation(self.seats)
        return int(seats[(round_ - 1) % self.seats])

    def advocates(self, item: int, seats: Sequence[int]) -> tuple[int, ...]:
        """Who of a side's supporters speak for it."""
        protocol = self.spec.protocol
        most = protocol.advocates if isinstance(protocol, Debate) else 0
        drawn = generator(self.seed, "deliberation", "advocates", item, *seats).permutation(seats)
        return tuple(sorted(drawn[:most].tolist()))

    def is_control(self, item: int) -> bool:
        """Whether the jury also rates this item again without talk."""
        if self.spec.protocol.kind == "independent":
            return False
        drawn = generator(self.seed, "deliberation", "control", item).random()
        return bool(drawn < self.spec.control)

    def _order(self, item: int, round_: int) -> tuple[int, ...]:
        shuffled = generator(self.seed, "deliberation", "order", item, round_)
        return tuple(shuffled.permutation(self.seats).tolist())

    def _names_on(self, item: int) -> Name:
        return names(self.jurors, self.spec.reveal, seed=self.seed, item=item)

    def _common_weights(self, round_: int) -> FloatArray:
        weights = np.zeros((self.seats, self.seats + 1))
        weights[:, : self.seats] = (
            np.full((self.seats, self.seats), 1 / self.seats)
            if isinstance(self.spec.protocol, Delphi)
            else self.network(round_).weights
        )
        weights.flags.writeable = False
        return weights

    def _draw(self, round_: int) -> InfluenceNetwork:
        from graphs.topology.draw import draw

        return draw(self.spec.topology, self.jurors, seed=self.seed, round_=round_)


def check_deliberation(
    spec: Deliberation,
    *,
    jurors: Sequence[Juror],
    questions: Sequence[Question],
    most_responses: int,
    seed: int,
) -> Plan:
    """Hold the section against the study before anything is asked.

    Args:
        spec: the study's section.
        jurors: the whole jury.
        questions: what is asked about each response.
        most_responses: of any item.
        seed: of the study.

    Raises:
        InputError: a jury too small for the protocol or topology, an unknown attribute, or a
            verdict or protocol that the scale does not allow.
    """
    least = 3 if isinstance(spec.protocol, DevilsAdvocate) else 2
    if len(jurors) < least:
        raise InputError(
            f"the jury is too small for {spec.protocol.kind}",
            where=WHERE,
            found=len(jurors),
            expected=f"at least {least} jurors",
        )
    plan = Plan(spec, jurors, seed=seed)
    plan.network(1)
    _check_reveal(spec, jurors)
    _check_scale(spec, questions, most_responses)
    return plan


def _check_reveal(spec: Deliberation, jurors: Sequence[Juror]) -> None:
    if isinstance(spec.reveal, str):
        return
    known = {name for juror in jurors for name in juror.persona.attributes}
    for name in spec.reveal:
        if name not in known:
            raise InputError(
                "no juror states the attribute to be revealed",
                where=f"{WHERE}.reveal",
                found=name,
                expected=f"one of {', '.join(sorted(known))}",
                hint=nearest(name, known),
            )


def _check_scale(spec: Deliberation, questions: Sequence[Question], most_responses: int) -> None:
    nominal = any(isinstance(question, Choice) for question in questions)
    rule = spec.verdict
    if nominal and (rule.kind in {"mean", "median", "approval"} or getattr(rule, "yes_from", None)):
        raise InputError(
            f"the verdict rule {rule.kind} needs an ordered scale",
            where=f"{WHERE}.verdict",
            found="a choice among options",
            hint="Use majority, supermajority or unanimity, without `yes_from`.",
        )
    threshold = getattr(rule, "yes_from", None) or getattr(rule, "approve_from", None)
    fewest = min(len(question.points) for question in questions)
    if threshold is not None and threshold > fewest:
        raise InputError(
            "the verdict's threshold lies above the scale",
            where=f"{WHERE}.verdict",
            found=threshold,
            expected=f"at most {fewest}",
        )
    takes_sides = isinstance(spec.protocol, Debate | DevilsAdvocate)
    if takes_sides and most_responses > 1 and nominal and questions[0].utilities is None:
        raise InputError(
            f"{spec.protocol.kind} cannot tell who is on which side",
            where=f"{WHERE}.protocol",
            found=f"a choice without worths about {most_responses} responses",
            hint="Give the scale a `worth` for each option, or judge one response at a time.",
        )
