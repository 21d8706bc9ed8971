"""Reading answers out of replies. What cannot be read for sure is not an answer.

Only the final message is read: reasoning, in a field of its own or between `<think>` tags, never
is. Nothing is clamped, rounded or guessed: `4.5` on a five-point scale, `6`, `3-4` or two different
numbers are unparseable.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

_THINKING = re.compile(r"</?think(?:ing)?>", re.IGNORECASE)
_FENCE = re.compile(r"^```[a-z]*\s*\n(.*?)\n?```$", re.DOTALL | re.IGNORECASE)
_WRAPPING = " \t\n\r*_`\"'()[]{}\u201c\u201d\u2018\u2019.,;:!"
_REFUSAL = re.compile(
    r"\b(?:i(?:'m| am)?|we)\s+(?:(?:am|are)\s+)?(?:sorry|unable|not\s+able|"
    r"(?:can(?:no|')?t|cannot|won't|will\s+not|must\s+decline|decline|refuse|"
    r"(?:do\s+not|don't)\s+feel\s+comfortable|(?:am\s+)?not\s+comfortable))\b"
    r"|\bas\s+an?\s+(?:ai|language\s+model|artificial\s+intelligence)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+")
MOST_READ = 50_000
"""Characters beyond which a reply is no answer to a question about one rating."""
MOST_REASON = 2000
"""Characters of a reason that are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer read from a reply: the label's number 0..K-1, and a reason where one was given."""

    label: int
    reason: str | None = None


def final_text(content: str | None) -> str | None:
    """The reply without what the model thought before it; None where nothing is left to read."""
    if content is None or len(content) > MOST_READ:
        return None
    text, open_ = content, False
    for tag in _THINKING.finditer(content):
        open_ = not tag[0].startswith("</")
        text = content[tag.end() :]
    return None if open_ else (text.strip() or None)


def is_refusal(text: str) -> bool:
    """The reply declines to answer, in the usual English ways. Asked only of unreadable replies."""
    return _REFUSAL.search(text.replace("\u2019", "'")[:600]) is not None


def one_line(text: str) -> str:
    """A reason as rows hold it: one printable line of bounded length."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= MOST_REASON else f"{line[: MOST_REASON - 1]}…"


def read_text(text: str, labels: Sequence[str], points: Sequence[str]) -> int | None:
    """The label that a plain reply names, as its number 0..K-1, or None where that is not sure.

    Args:
        text: the reply, without thinking.
        labels: the labels, such as `1` … `5` or `A` … `D`.
        points: what each label stands for, in the same order.
    """
    bare = text.strip(_WRAPPING)
    exact = _exact(bare, labels, points)
    if exact is not None:
        return exact
    named = _named(text, labels)
    if named:
        return named.pop() if len(named) == 1 else None
    begun = _begun(bare, labels, points)
    if begun is not None:
        return begun
    return _lone(text, labels)


def read_json(text: str, schema: Mapping[str, Mapping[str, int]]) -> dict[str, Answered] | None:
    """The answers in a JSON reply by criterion, or None where it is not what was asked for.

    Args:
        text: the reply, without thinking.
        schema: for each criterion, the number 0..K-1 of each label. A single question has the
            name `""` and its answer stands at the top level.
    """
    fenced = _FENCE.match(text.strip())
    try:
        # Constrained decoders let bare control characters into strings: strict=False reads them.
        value: object = json.loads(
            fenced[1] if fenced else text, strict=False, object_pairs_hook=_distinct
        )
    except (ValueError, RecursionError):
        return None
    answers: dict[str, Answered] = {}
    for name, labels in schema.items():
        part = value if name == "" else _object(value).get(name)
        answer = _rated(_object(part), labels)
        if answer is None:
            return None
        answers[name] = answer
    return answers


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object, unless a key comes twice: then two answers were given."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key comes twice")
    return made


def _object(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _rated(part: dict[str, object], labels: Mapping[str, int]) -> Answered | None:
    rating, reason = part.get("rating"), part.get("reason")
    if isinstance(rating, bool) or not isinstance(rating, int | str):
        return None
    label = labels.get(str(rating).strip())
    if label is None:
        return None
    said = one_line(reason) if isinstance(reason, str) else ""
    return Answered(label=label, reason=said or None)


def _exact(bare: str, labels: Sequence[str], points: Sequence[str]) -> int | None:
    folded = bare.casefold()
    for number, label in enumerate(labels):
        if folded == label.casefold():
            return number
    said = [number for number, point in enumerate(points) if folded == point.casefold()]
    return said[0] if len(said) == 1 else None


def _named(text: str, labels: Sequence[str]) -> set[int]:
    """Labels named as the answer: `Rating: 4`, `my answer is B`, `4/5`, `4 out of 5`."""
    of = "|".join(sorted(map(re.escape, labels), key=len, reverse=True))
    most = re.escape(labels[-1])
    apart = r"(?![\w]|[.,]\d|\s*(?:[-\u2013/]|to|or|out\s+of)\s*\d)"
    patterns = (
        rf"(?:answer|rating|score|choice|vote)\b\W{{0,4}}(?:is|would\s+be)?\W{{0,6}}({of}){apart}",
        rf"(?:answer|rating|score|choice|vote)\b\W{{0,4}}(?:is|would\s+be)?\W{{0,6}}({of})"
        rf"\s*(?:/|out\s+of)\s*{most}(?!\w|[.,]\d)",
        rf"(?<![\w.,/-])({of})\s*(?:/|out\s+of)\s*{most}(?!\w|[.,]\d)",
    )
    numbers = {label.casefold(): number for number, label in enumerate(labels)}
    return {
        numbers[found.casefold()]
        for pattern in patterns
        for found in re.findall(pattern, text, re.IGNORECASE)
    }


def _begun(bare: str, labels: Sequence[str], points: Sequence[str]) -> int | None:
    """`4: Helpful` or `B) The second`: a label followed by what it stands for, and no other."""
    for number, (label, point) in enumerate(zip(labels, points, strict=True)):
        pattern = rf"{re.escape(label)}\s*[:.)=\u2013-]\s*[\"'*]*{re.escape(point)}\b"
        if re.match(pattern, bare, re.IGNORECASE):
            return number
    return None


def _lone(text: str, labels: Sequence[str]) -> int | None:
    """The only number in the text, or the only letter that stands as an option does."""
    if _NUMBER.fullmatch(labels[0]):
        if re.search(r"\d[.,:/\u2013-]\d|-\d|\d%|\d\s+(?:to|or|out\s+of)\s+\d", text):
            return None
        said = set(_NUMBER.findall(text))
    else:
        # Not the pronoun, and not the article before a word.
        said = set(re.findall(r"\b(?!I\b|A\s+(?!and\b|or\b)[a-z])[A-Z]\b", text))
        placed = re.findall(r"(?:^|[\s*(\[])([A-Z])(?=[):.\]]|\*\*|\s*$)", text, re.MULTILINE)
        said = said if said <= set(placed) else set[str]()
    found = [number for number, label in enumerate(labels) if label in said]
    return found[0] if len(said) == 1 and found else None
