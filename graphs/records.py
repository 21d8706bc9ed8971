"""Rows that a run leaves behind, by position, as the ledger stores them.

Positions (item, juror, response, criterion) count from 0 within a study; the ledger keeps the ids
behind them. A row is a plain tuple: a study has millions.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Status(StrEnum):
    """What became of a question put to a juror. Only `OK` enters scores; all are counted."""

    OK = "ok"
    ABSTAINED = "abstained"
    REFUSED = "refused"
    UNPARSEABLE = "unparseable"
    LOW_MASS = "low_mass"
    FAILED = "failed"


class Cell(NamedTuple):
    """Which question: unique within a study, so that none is asked or counted twice.

    `against` is the other response of a pairwise comparison, -1 where a response is judged alone.
    """

    item: int
    response: int
    against: int
    juror: int
    round: int
    criterion: int
    replicate: int


class Rating(NamedTuple):
    """One juror's answer to one question about one response.

    The first seven fields are its `Cell`.

    Attributes:
        status: a `Status`; without `ok` the answer fields say what was seen, or are None.
        rating: the point chosen or drawn, 1..K.
        expected: mean point under `probabilities` (1..K), where a distribution is known.
        probabilities: float32 little-endian, K numbers; None where no distribution is known.
        label_mass: probability that the mind gave to the K labels together, before normalising.
        reason: why, in the juror's words (one line), or what went wrong.
        raw: the reply as it came, where the answer could not be read from it.
        mind: position of the mind in the study.
        call: key of the call that was answered, where a server was asked.
    """

    item: int
    response: int
    against: int
    juror: int
    round: int
    criterion: int
    replicate: int
    status: str
    rating: int | None
    expected: float | None
    probabilities: bytes | None
    label_mass: float | None
    reason: str | None
    raw: str | None
    mind: int
    call: str | None

    @property
    def cell(self) -> Cell:
        """The question this row answers."""
        return Cell(*self[:7])


class Call(NamedTuple):
    """One conversation put to a language-model server: what it cost, and how it was asked.

    Attributes:
        key: hash of what was asked and for which question; `Rating.call` names it.
        mind: position of the mind in the study.
        item: position of the item; `juror` and `round` as in `Rating`.
        purpose: `rate`, `draw` (one of several samples) or `reason`.
        endpoint: number of the server among the mind's endpoints, -1 where none answered.
        prompt: hash of the messages, which the study renders again from its items and jurors.
        order: point numbers in the order shown, such as `3,1,2`; several criteria are set apart
            by `;`.
        prompt_tokens: as the server counted them; with `completion_tokens` None where unknown.
        cached_tokens: of the prompt tokens, those that the server had cached; None where unknown.
        shared: conversations in the same request; above 1 the token counts are this one's share.
        seconds: from sending to answer, waits between attempts included.
        attempts: how often it was sent.
        notes: what was done to quoted text, such as `truncated 1200 characters`.
        error: why no answer came, in a line.
    """

    key: str
    mind: int
    item: int
    juror: int
    round: int
    purpose: str
    endpoint: int
    prompt: str
    order: str
    prompt_tokens: int | None
    cached_tokens: int | None
    completion_tokens: int | None
    shared: int
    seconds: float
    attempts: int
    notes: str | None
    error: str | None


class Utterance(StrEnum):
    """What kind of thing was said in a deliberation."""

    OPINION = "opinion"
    STATEMENT = "statement"
    ADVOCACY = "advocacy"
    REBUTTAL = "rebuttal"
    OBJECTION = "objection"
    CANDIDATE = "candidate"
    CRITIQUE = "critique"
    SUMMARY = "summary"
    FEEDBACK = "feedback"
    AGREED = "agreed"
    CLOSED = "closed"


class Turn(NamedTuple):
    """Who was to say what, and when: unique within a study, so that nobody is asked twice.

    `juror` is -1 for the mediator; `about` counts several utterances of one kind, such as candidate
    statements.
    """

    item: int
    round: int
    kind: str
    juror: int
    about: int


class Statement(NamedTuple):
    """What was said in one turn. The first five fields are its `Turn`.

    Attributes:
        order: place in the order of speaking within the round.
        status: a `Status`; without `ok` nothing was heard.
        text: what was said, on one line; None where nothing was.
        stance: the position argued for on every question about every response, as float64,
            little-endian, in the order of `graphs.deliberation.stances`; simulated minds only.
        tokens: that a server counted for the turn, prompt and completion; None without a server.
        raw: the reply as it came, where no statement could be read from it.
        mind: position of the mind in the study.
        call: key of the call that was answered, where a server was asked.
    """

    item: int
    round: int
    kind: str
    juror: int
    about: int
    order: int
    status: str
    text: str | None
    stance: bytes | None
    tokens: int | None
    raw: str | None
    mind: int
    call: str | None

    @property
    def turn(self) -> Turn:
        """The turn that this row took."""
        return Turn(*self[:5])


class Poll(NamedTuple):
    """Which ranking of candidate statements: unique within a study."""

    item: int
    round: int
    juror: int


class Preference(NamedTuple):
    """One juror's ranking of the mediator's candidates. The first three fields are its `Poll`.

    Attributes:
        status: a `Status`; only `ok` is counted in the ranking rules.
        ranking: candidates, best first, such as `2,0,1`.
        endorsed: candidates that the juror would put their name to, such as `2,0`; empty for none.
        tokens: that a server counted, prompt and completion; None without a server.
        raw: the reply as it came, where no ranking could be read from it.
        mind: position of the mind in the study.
        call: key of the call that was answered, where a server was asked.
    """

    item: int
    round: int
    juror: int
    status: str
    ranking: str | None
    endorsed: str | None
    tokens: int | None
    raw: str | None
    mind: int
    call: str | None

    @property
    def poll(self) -> Poll:
        """The ranking asked for."""
        return Poll(*self[:3])


class SubjectReply(NamedTuple):
    """What a model under test answered to one conversation.

    Attributes:
        asked: hash of the subject's version, the conversation, its name and the sample.
        subject: name of the model.
        key: of the conversation within the study.
        sample: number of the answer, where several are drawn.
        status: `ok`, `refused` (the text, if any, says so) or `failed`.
        text: what was said; empty where nothing was.
        error: why it failed, in a line.
    """

    asked: str
    subject: str
    key: str
    sample: int
    status: str
    text: str
    error: str | None


def pack(probabilities: NDArray[np.floating]) -> bytes:
    """A distribution as the ledger stores it: float32, little-endian."""
    return probabilities.astype("<f4", copy=False).tobytes()


def unpack(data: bytes) -> NDArray[np.float32]:
    """The distribution behind `pack`, read-only."""
    return np.frombuffer(data, dtype="<f4")
