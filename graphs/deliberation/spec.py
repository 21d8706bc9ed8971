"""The `deliberation` section of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from graphs.topology import Complete, File, Topology
from graphs.verdict_rules import Median, VerdictRule
from personas.settings import Settings

Turns = Literal["simultaneous", "round_robin"]
RankingRule = Literal["schulze", "borda", "instant_runoff", "approval"]

MOST_ROUNDS = 50


class Independent(Settings):
    """No talk: jurors rate again as often as they would with it. The control."""

    kind: Literal["independent"] = "independent"


class Discussion(Settings):
    """Each round every juror makes a statement to those who hear them.

    Attributes:
        turns: `simultaneous`, or `round_robin`: one after the other in an order drawn for each
            round, each having heard those before.
    """

    kind: Literal["discussion"] = "discussion"
    turns: Turns = "simultaneous"


class Delphi(Settings):
    """Nobody speaks: all see anonymously how ratings are distributed, and reasons of both sides.

    Attributes:
        reasons: how many reasons are shown for each side of each question.
    """

    kind: Literal["delphi"] = "delphi"
    reasons: Annotated[int, Field(ge=0, le=10)] = 2


class Debate(Settings):
    """Advocates of each side, chosen from the jury by first votes, argue before all.

    Attributes:
        advocates: of each side.
    """

    kind: Literal["debate"] = "debate"
    advocates: Annotated[int, Field(ge=1, le=5)] = 1


class DevilsAdvocate(Settings):
    """A discussion in which one seat, another each round, must argue against the leading view.

    Attributes:
        turns: as in a discussion.
    """

    kind: Literal["devils_advocate"] = "devils_advocate"
    turns: Turns = "simultaneous"


class Mediator(Settings):
    """A mediator drafts group statements, jurors rank them, criticise the winner and rank again.

    The shape is that of the Habermas machine (Tessler et al. 2024, Science 386). Each round beyond
    the first is one of critique, revision and ranking.

    Attributes:
        candidates: drafts in each round.
        rule: how rankings choose the winner; ties are drawn by the study's seed.
    """

    kind: Literal["mediator"] = "mediator"
    candidates: Annotated[int, Field(ge=2, le=16)] = 4
    rule: RankingRule = "schulze"


def _named(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


Protocol: TypeAlias = Annotated[
    Annotated[
        Independent | Discussion | Delphi | Debate | DevilsAdvocate | Mediator,
        Field(discriminator="kind"),
    ],
    BeforeValidator(_named),
]
WITH_TOPOLOGY = (Discussion, DevilsAdvocate)
"""Protocols in which jurors hear their neighbours; in the others all hear the same."""


class StopRules(Settings):
    """When talk ends before its last round.

    Attributes:
        stable: points by which answers may have changed on average since the vote before (on a
            choice: share of answers changed).
        unanimous: every seat votes validly and alike on every question.
        tokens: that servers counted for what was said about one item; the round that passes it is
            the last.
        calls: turns asked for about one item (statements, drafts, rankings), each of which is one
            call of a language model; the round that reaches it is the last.
        least_rounds: of talk, before any rule but `tokens` and `calls` may end it.
    """

    stable: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    unanimous: bool = False
    tokens: Annotated[int, Field(ge=1)] | None = None
    calls: Annotated[int, Field(ge=1)] | None = None
    least_rounds: Annotated[int, Field(ge=1)] = 1


class Deliberation(Settings):
    """How the jury talks about each item between its first and its final ballot.

    Attributes:
        protocol: by name, or a section with `kind`.
        topology: who hears whom.
        rounds: of talk.
        votes: whether jurors vote between rounds, and whether those who hear them see it. The
            first and the final ballot are always private.
        reveal: what jurors learn of each other: nothing but a letter drawn for each hearer, each
            other's `identity` (as their portraits tell it), or the attributes named.
        statement_characters: longest statement.
        transcript_characters: of talk that a juror may have in front of them; beyond it speakers
            condense what they said.
        stop: when talk ends early.
        control: share of items on which the same jurors also rate as often again without talk.
        verdict: how the final ballots become the jury's verdict.
    """

    protocol: Protocol = Field(default_factory=Discussion)
    topology: Topology = Field(default_factory=Complete)
    rounds: int = 2
    votes: Literal["secret", "public", "none"] = "secret"
    reveal: Literal["nothing", "identity"] | tuple[str, ...] = "nothing"
    statement_characters: Annotated[int, Field(ge=40, le=8000)] = 600
    transcript_characters: Annotated[int, Field(ge=200)] = 12_000
    stop: StopRules = Field(default_factory=StopRules)
    control: Annotated[float, Field(ge=0, le=1)] = 0.1
    verdict: VerdictRule = Field(default_factory=Median)

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if not 1 <= self.rounds <= MOST_ROUNDS:
            raise ValueError(
                f"{self.rounds} rounds of talk; expected 1 to {MOST_ROUNDS}"
                + ("; to have none, use the protocol `independent`" if not self.rounds else "")
            )
        if self.stop.least_rounds > self.rounds:
            raise ValueError(
                f"stop.least_rounds is {self.stop.least_rounds}, but there are {self.rounds} rounds"
            )
        voting = self.votes != "none" and self.protocol.kind != "mediator"
        voted_on = self.stop.unanimous or self.stop.stable is not None
        if not voting and voted_on:
            raise ValueError(
                "stop.unanimous and stop.stable need running votes, but "
                + ("a mediator holds none" if self.votes != "none" else "votes is `none`")
            )
        if voted_on and self.stop.least_rounds >= self.rounds:
            raise ValueError(
                "stop.unanimous and stop.stable can never act: they may end talk after round "
                f"{self.stop.least_rounds} at the earliest, and it ends after round {self.rounds}"
            )
        if self.votes == "none" and self.protocol.kind == "delphi":
            raise ValueError("delphi feeds votes back, but votes is `none`")
        if self.votes == "public" and not isinstance(self.protocol, WITH_TOPOLOGY):
            raise ValueError(f"{self.protocol.kind} has no public votes; use `secret`")
        if self.topology != Complete() and not isinstance(self.protocol, WITH_TOPOLOGY):
            raise ValueError(
                f"{self.protocol.kind} has no neighbours: all hear the same; leave out `topology`"
            )
        return self

    def located(self, base: Path) -> Self:
        """The same with the path of a topology's file made absolute."""
        if not isinstance(self.topology, File):
            return self
        path = (base / self.topology.path).resolve()
        topology = self.topology.model_copy(update={"path": path})
        return self.model_copy(update={"topology": topology})

    @property
    def in_turn(self) -> bool:
        """Speakers hear those before them in the same round."""
        protocol = self.protocol
        return isinstance(protocol, WITH_TOPOLOGY) and protocol.turns == "round_robin"

    @property
    def final_round(self) -> int:
        """`Rating.round` of the final ballot, whether or not talk ended early."""
        return self.rounds + 1

    @property
    def running_votes(self) -> int:
        """Most votes between the first and the final ballot."""
        voting = self.votes != "none" and self.protocol.kind != "mediator"
        return self.rounds - 1 if voting else 0

    @property
    def control_rounds(self) -> tuple[int, ...]:
        """`Rating.round` of the ratings without talk: -1, -2 … as many as re-ratings with it."""
        return tuple(-number for number in range(1, self.running_votes + 2))
