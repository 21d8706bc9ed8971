"""Answers as a file states them, before they are matched to a study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from personas.persona import AttributeValue


class RawAnswer(NamedTuple):
    """One answer as it stands in a file.

    Attributes:
        item: the source's id of the item.
        model: whose response was judged; None where the source does not say.
        criterion: what was asked; None where the source asks one question.
        annotator: who answered.
        value: what they answered, as the file types it.
        seconds: how long they took; None where the source does not say.
        text: the text judged, to find the item by where ids differ; None if absent.
        line: line, row or element of the file, from 1.
    """

    item: str
    model: str | None
    criterion: str | None
    annotator: str
    value: object
    seconds: float | None
    text: str | None
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something wrong with some answers of a file.

    Attributes:
        kind: what is wrong, the same words for all such answers.
        count: how many answers it concerns.
        consequence: what was done about them.
        examples: the first few, each as `line N: what stood there`.
    """

    kind: str
    count: int
    consequence: str
    examples: tuple[str, ...]

    def __str__(self) -> str:
        shown = f" ({'; '.join(self.examples)})" if self.examples else ""
        return f"{self.count:,} {self.kind}: {self.consequence}{shown}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RawTable:
    """All answers of a file.

    Attributes:
        answers: in file order.
        attributes: what the source says of each annotator.
        problems: answers that could not be read.
        source: name of the format.
        range: lowest and highest value of the source's own scale, where the format fixes one.
    """

    answers: tuple[RawAnswer, ...]
    attributes: Mapping[str, Mapping[str, AttributeValue]]
    problems: tuple[Problem, ...]
    source: str
    range: tuple[float, float] | None = None


@dataclass(slots=True)
class Tally:
    """Collects problems by kind while answers are read."""

    shown: int = 3
    _counts: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    _examples: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def note(self, kind: str, consequence: str, line: int, found: object = None) -> None:
        """Count one more answer of a kind, with where it stands."""
        self._counts[kind, consequence] = self._counts.get((kind, consequence), 0) + 1
        examples = self._examples.setdefault(kind, [])
        if len(examples) < self.shown:
            text = repr(found)
            text = text if len(text) <= 40 else f"{text[:39]}…"
            examples.append(f"line {line}" if found is None else f"line {line}: {text}")

    def count(self, kind: str) -> int:
        """How many answers of a kind were counted."""
        return sum(count for (known, _), count in self._counts.items() if known == kind)

    def problems(self) -> tuple[Problem, ...]:
        """What was counted, most frequent first."""
        return tuple(
            Problem(
                kind=kind,
                count=count,
                consequence=consequence,
                examples=tuple(self._examples[kind]),
            )
            for (kind, consequence), count in sorted(
                self._counts.items(), key=lambda entry: -entry[1]
            )
        )
