"""What one juror has in front of them when the jury talks.

A conversation begins with all responses, the persona and the jury, and goes on with what was heard
and what the juror said, as turns of a chat. Each later call repeats the earlier ones word for word
and adds to their end, so that a server computes only what is new. Where speakers have condensed
what they said, the conversation begins anew from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphs.items import Item
from graphs.llm.rendering import Message, Renderer
from graphs.minds.deliberator import Round, Side, response_name
from graphs.panel import Juror
from graphs.records import Rating, Statement, Status, Utterance

_HEADED = {Utterance.FEEDBACK: "talk_report", Utterance.AGREED: "talk_agreed"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Begun:
    """A conversation up to the point where something new is asked.

    Attributes:
        messages: as the API takes them, the last one from the user.
        notes: what was done to quoted text.
        refusal: why the item cannot be put to a juror, None where it can.
    """

    messages: list[Message]
    notes: str | None
    refusal: str | None

    def asking(self, instruction: str) -> list[Message]:
        """The conversation with what is asked now."""
        return _extended(self.messages, instruction)


class Conversations:
    """Begins the conversations of jurors about one item.

    Args:
        renderer: of the mind's prompts.
        item: all of whose responses the jury has before it.
        seed: of the study.
    """

    def __init__(self, renderer: Renderer, item: Item, *, seed: int) -> None:
        self._renderer = renderer
        self._subject = renderer.everything(item, seed)
        self._jury = renderer.fill("talk_jury")

    def begin(self, juror: Juror, heard: Sequence[Round]) -> Begun:
        """A juror's conversation after some rounds of talk."""
        subject = self._subject
        messages = self._renderer.opening(subject, juror.portrait, self._jury)
        condensed = [place for place, talk in enumerate(heard) if talk.summaries]
        first = condensed[-1] if condensed else 0
        for place, talk in enumerate(heard[first:], first):
            anew = bool(condensed) and place == first
            messages = self._round(messages, juror.position, talk, anew=anew)
        return Begun(messages=messages, notes=subject.notes, refusal=subject.refusal)

    def instruction(
        self, kind: Utterance, round_: int, limit: int, side: Side | None = None
    ) -> str:
        """What a juror is asked to say; the same words when it is told again in a later round."""
        fields = {"round": str(round_), "limit": str(limit)}
        name = "talk_speak"
        if side is not None:
            name = "talk_object" if kind == Utterance.OBJECTION else "talk_side"
            fields["side"] = side.text
        elif kind in (Utterance.OPINION, Utterance.SUMMARY):
            name = f"talk_{kind.value}"
            del fields["round"]
        return self._renderer.fill(name, **fields)

    def critique(self, about: Sequence[Statement], limit: int) -> str:
        """What a juror is asked to say of the leading draft."""
        drafts = "\n".join(self._renderer.said(row.text or "") for row in about)
        return self._renderer.fill("talk_critique", statement=drafts, limit=str(limit))

    def ballot(self, response: int, questions: str) -> str:
        """What a juror is asked in a private ballot about one response."""
        text = self._renderer.fill("talk_ballot", response=response_name(response))
        return f"{text}\n\n{questions}"

    def _round(
        self, messages: list[Message], seat: int, talk: Round, *, anew: bool
    ) -> list[Message]:
        """The conversation with one more round; `anew` where the conversation begins with it."""
        if anew:
            lines = self._lines(talk, seat, talk.summaries, own="You")
            if lines:
                text = self._renderer.fill("talk_condensed", round=str(talk.number), said=lines)
                messages = _extended(messages, text)
        if votes := self._votes(talk, seat):
            text = self._renderer.fill("talk_votes", round=str(talk.number), votes=votes)
            messages = _extended(messages, text)
        own = [row for row in talk.statements if row.juror == seat and row.status == Status.OK]
        if not own:
            return self._hear(messages, seat, talk, talk.statements)
        first = own[0]
        before = [row for row in talk.statements if row.order < first.order] if talk.in_turn else []
        messages = self._hear(messages, seat, talk, before)
        asked = self.instruction(
            Utterance(first.kind), talk.number, talk.limit, talk.sides.get(seat)
        )
        messages = [*_extended(messages, asked), _message("assistant", first.text or "")]
        after = [row for row in talk.statements if row not in before]
        return self._hear(messages, seat, talk, after)

    def _hear(
        self, messages: list[Message], seat: int, talk: Round, rows: Sequence[Statement]
    ) -> list[Message]:
        headed = [row for row in rows if row.kind in _HEADED and row.status == Status.OK]
        for row in headed:
            fields = {"said": self._renderer.said(row.text or "")}
            if row.kind == Utterance.FEEDBACK:
                fields["round"] = str(talk.number)
            text = self._renderer.fill(_HEADED[Utterance(row.kind)], **fields)
            messages = _extended(messages, text)
        lines = self._lines(talk, seat, [row for row in rows if row.kind not in _HEADED])
        if lines:
            text = self._renderer.fill("talk_heard", round=str(talk.number), said=lines)
            messages = _extended(messages, text)
        return messages

    def _lines(
        self, talk: Round, seat: int, rows: Sequence[Statement], *, own: str | None = None
    ) -> str:
        """What was heard, a line for each speaker; one's own words only where `own` names them."""
        lines: list[str] = []
        for row in rows:
            name = own if row.juror == seat else talk.name(seat, row.juror)
            heard = row.juror == seat or talk.weights[seat, row.juror] > 0
            if name is not None and heard and row.status == Status.OK and row.text:
                lines.append(f"{name}: {self._renderer.said(row.text)}")
        return "\n".join(lines)

    def _votes(self, talk: Round, seat: int) -> str:
        """Running votes of those whom a juror hears, a line for each."""
        by_juror: dict[int, list[Rating]] = {}
        for row in talk.votes:
            heard = row.juror != seat and talk.weights[seat, row.juror] > 0
            if heard and row.status == Status.OK and row.rating is not None:
                by_juror.setdefault(row.juror, []).append(row)
        return "\n".join(
            f"{talk.name(seat, juror)}: "
            + ", ".join(f"{response_name(row.response)} {row.rating}" for row in rows)
            for juror, rows in sorted(by_juror.items())
        )


def _extended(messages: list[Message], text: str) -> list[Message]:
    """The same conversation with more from the user, whose turns never follow one another."""
    last = messages[-1]
    if last["role"] != "user":
        return [*messages, _message("user", text)]
    return [*messages[:-1], _message("user", f"{last['content']}\n\n{text}")]


def _message(role: str, content: str) -> Message:
    return {"role": role, "content": content}
