"""What a mind must do to take part in a deliberation: speak, rate again, mediate and rank.

What it says and votes depends only on what it is handed, so that a run resumes from the ledger in
the middle of a round.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from graphs.items import FloatArray, Item, Question
from graphs.minds.protocol import Mind, RatingTask
from graphs.panel import Panel
from graphs.records import Poll, Preference, Rating, Statement, Turn, Utterance


def response_name(response: int) -> str:
    """What jurors call a response: by letter, never by its model."""
    return f"response {chr(ord('A') + response)}" if response < 26 else f"response {response + 1}"


def seat_name(hearer: int, speaker: int) -> str:  # noqa: ARG001 (the same for every hearer)
    """A juror by seat: what they are called where nothing is hidden or drawn."""
    return f"Juror {speaker + 1}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What an advocate argues for.

    Attributes:
        response: position of the response in question.
        favourable: for it or against it.
        option: an option of a single choice, 1..K, where that is what is argued about.
        text: the side in words, as a juror is told it.
    """

    response: int
    favourable: bool = True
    option: int | None = None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Round:
    """One round of talk as the jury heard it.

    Attributes:
        number: from 1.
        statements: in speaking order; those without status `ok` were not heard.
        weights: what each hearer listens to, shape [seats, seats + 1]; the last column is the
            mediator (`Statement.juror` -1), the diagonal one's own position; rows sum to 1.
        everyone: everybody's position counts as said, as when a facilitator reports to all how
            the jury stands; `statements` then hold the report.
        votes: running votes of the round before, shown to those who hear the voter.
        summaries: what each speaker said in all rounds before this one, condensed by themselves;
            they stand in for the words of those rounds, never for the stances.
        sides: by seat, what those who spoke for a side were given to argue.
        in_turn: speakers heard those before them in the same round; else all spoke at once.
        limit: characters that a statement may have.
        name: from a hearer's and another juror's seat to what the one calls the other.
    """

    number: int
    statements: tuple[Statement, ...]
    weights: FloatArray
    everyone: bool = False
    votes: tuple[Rating, ...] = ()
    summaries: tuple[Statement, ...] = ()
    sides: Mapping[int, Side] = field(default_factory=dict[int, Side])
    in_turn: bool = False
    limit: int = 600
    name: Callable[[int, int], str] = seat_name


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakTask:
    """Some jurors of one panel are to say something about an item.

    Attributes:
        item: the prompt with its responses; `position` is its place in the study.
        panel: the jurors that this mind answers for, in the round as in every other.
        speakers: seats of those who speak now, in the order of speaking.
        order: place of each of them in the round's order of speaking, from 0.
        questions: what the jury is asked about each response.
        seed: of the study.
        round: of talk, from 1.
        kind: what kind of thing is to be said.
        heard: earlier rounds, and what was said so far in this one.
        ballots: the speakers' latest private ratings.
        sides: by seat, what an advocate argues for, whatever they think themselves.
        about: candidate statements that a critique is of.
        limit: characters that a statement may have.
        answered: turns that the ledger holds already; a mind neither asks nor yields them.
    """

    item: Item
    position: int
    panel: Panel
    speakers: tuple[int, ...]
    order: tuple[int, ...]
    questions: tuple[Question, ...]
    seed: int
    round: int
    kind: Utterance
    heard: tuple[Round, ...] = ()
    ballots: tuple[Rating, ...] = ()
    sides: Mapping[int, Side] = field(default_factory=dict[int, Side])
    about: tuple[Statement, ...] = ()
    limit: int = 600
    answered: frozenset[Turn] = field(default_factory=frozenset[Turn])


@dataclass(frozen=True, slots=True, kw_only=True)
class MediateTask:
    """The mediator is to draft statements that the jury could agree on.

    Attributes:
        item: the prompt with its responses; `position` is its place in the study.
        questions: what the jury is asked about each response.
        seed: of the study.
        round: of talk, from 1.
        candidates: how many drafts; `Statement.about` counts them from 0.
        opinions: what the jurors said.
        leading: the statement that won so far, to be revised, or None.
        critiques: of `leading`.
        limit: characters that a draft may have.
        answered: turns that the ledger holds already.
    """

    item: Item
    position: int
    questions: tuple[Question, ...]
    seed: int
    round: int
    candidates: int
    opinions: tuple[Statement, ...]
    leading: Statement | None = None
    critiques: tuple[Statement, ...] = ()
    limit: int = 600
    answered: frozenset[Turn] = field(default_factory=frozenset[Turn])


@dataclass(frozen=True, slots=True, kw_only=True)
class RankTask:
    """A panel is to rank the mediator's candidate statements, each juror in private.

    Attributes:
        item: the prompt with its responses; `position` is its place in the study.
        panel: the jurors that this mind answers for.
        questions: what the jury is asked about each response.
        seed: of the study.
        round: of talk, from 1.
        candidates: by `about`; `Preference.ranking` names them so.
        heard: earlier rounds.
        answered: rankings that the ledger holds already.
    """

    item: Item
    position: int
    panel: Panel
    questions: tuple[Question, ...]
    seed: int
    round: int
    candidates: tuple[Statement, ...]
    heard: tuple[Round, ...] = ()
    answered: frozenset[Poll] = field(default_factory=frozenset[Poll])


@runtime_checkable
class Deliberator(Mind, Protocol):
    """A mind that can also talk: what it says and votes depends only on what it is handed."""

    def speak(self, task: SpeakTask) -> AsyncIterator[Sequence[Statement]]:
        """Yield one row for every speaker's turn, whatever became of it."""
        ...

    def revise(self, task: RatingTask, heard: tuple[Round, ...]) -> AsyncIterator[Sequence[Rating]]:
        """Rate again, in private, after what was heard; `task.round` is the round of talk."""
        ...

    def mediate(self, task: MediateTask) -> AsyncIterator[Sequence[Statement]]:
        """Yield one row for every draft."""
        ...

    def rank(self, task: RankTask) -> AsyncIterator[Sequence[Preference]]:
        """Yield one row for every juror's ranking."""
        ...
