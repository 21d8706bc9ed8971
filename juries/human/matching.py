"""Match a file's answers to a study: its items, its models, its scale.

What can be left out safely is left out, counted and named; where going on would mislead (no item
known, most labels foreign to the scale) it is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from graphs.items import Choice, Item, Likert, Question, Rubric, criterion_names, questions
from juries.human.ratings import HumanRatings
from juries.human.raw import RawAnswer, RawTable, Tally
from personas.errors import InputError

AnyScale = Likert | Choice | Rubric
_OUT = "left out"
_AGAIN = "further answer of the same person to the same question"
_SAFE_SHARE = 0.5  # with fewer usable answers than this the file is not of this scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What answers are matched to: the study's items, models and scale."""

    items: Sequence[Item]
    models: Sequence[str]
    scale: AnyScale


def match(
    table: RawTable, target: Target, *, labels: Mapping[str, str] | None = None, where: str
) -> HumanRatings:
    """Match answers to a study.

    Args:
        table: as a file states them.
        target: the study's items, models and scale.
        labels: the file's label to the scale's, where they differ.
        where: the file, for messages.

    Raises:
        InputError: no answer is about an item of the study, or most values are not on the scale.
    """
    tally = Tally()
    places = _Places(target, table, where)
    readers = [
        _PointReader(question, labels or {}, table.range) for question in questions(target.scale)
    ]
    criteria = {name: position for position, name in enumerate(criterion_names(target.scale))}
    annotators: dict[str, int] = {}
    seen: Counter[tuple[int, ...]] = Counter()
    rows: list[tuple[int, ...]] = []
    seconds: list[float] = []
    foreign: Counter[str] = Counter()
    for answer in table.answers:
        place = places.find(answer, tally)
        criterion = _criterion(answer, criteria, tally)
        if place is None or criterion is None:
            continue
        point = readers[criterion].point(answer.value)
        if point is None:
            foreign[str(answer.value)] += 1
            tally.note("value not on the scale", _OUT, answer.line, answer.value)
            continue
        key = (*place, criterion, annotators.setdefault(answer.annotator, len(annotators)))
        if seen[key]:
            tally.note(_AGAIN, "kept for self-consistency only; the first one counts", answer.line)
        rows.append((*key, point, seen[key]))
        seconds.append(float("nan") if answer.seconds is None else answer.seconds)
        seen[key] += 1
    _refuse_what_is_unsafe(table, len(rows), foreign, target, where)
    _tell(tally, table, readers, annotators)
    item, model, criteria_of, annotator, rating, repeat = np.ascontiguousarray(
        np.array(rows, dtype=np.int64).T
    )
    return HumanRatings(
        items=tuple(one.id for one in target.items),
        models=tuple(target.models),
        criteria=tuple(criteria),
        labels=tuple(tuple(question.points) for question in questions(target.scale)),
        annotators=tuple(annotators),
        item=item,
        model=model,
        criterion=criteria_of,
        annotator=annotator,
        rating=rating,
        seconds=np.array(seconds),
        repeat=repeat,
        attributes=tuple(table.attributes.get(name, {}) for name in annotators),
        problems=(*table.problems, *tally.problems()),
        source=table.source,
    )


class _Places:
    """Finds the response that an answer is about: by id, else by the text judged."""

    def __init__(self, target: Target, table: RawTable, where: str) -> None:
        self._items = {item.id: position for position, item in enumerate(target.items)}
        self._models = {model: position for position, model in enumerate(target.models)}
        self._has = {
            (position, self._models[response.model])
            for position, item in enumerate(target.items)
            for response in item.responses
        }
        self._only = [
            self._models[item.responses[0].model] if len(item.responses) == 1 else None
            for item in target.items
        ]
        self._by_text: dict[str, tuple[int, int]] = {}
        if not any(answer.item in self._items for answer in table.answers):
            self._by_text = _texts(target, self._models)
        if not any(
            answer.item in self._items or (answer.text or "") in self._by_text
            for answer in table.answers
        ):
            raise InputError(
                "no answer is about an item of the run",
                where=where,
                found=", ".join(sorted({answer.item for answer in table.answers})[:3]),
                expected="ids such as " + ", ".join(list(self._items)[:3]),
                hint="Give the items the same ids on both sides, or keep the texts unchanged.",
            )

    def find(self, answer: RawAnswer, tally: Tally) -> tuple[int, int] | None:
        """Positions of item and model, or None, counted."""
        if self._by_text:
            place = self._by_text.get(answer.text or "")
            if place is None:
                tally.note("unknown item", _OUT, answer.line, answer.item)
            return place
        item = self._items.get(answer.item)
        if item is None:
            tally.note("unknown item", _OUT, answer.line, answer.item)
            return None
        if answer.model is None:
            model = self._only[item]
            if model is None:
                tally.note("does not say which response it is about", _OUT, answer.line)
                return None
            return item, model
        model = self._models.get(answer.model)
        if model is None or (item, model) not in self._has:
            tally.note("model without a response to the item", _OUT, answer.line, answer.model)
            return None
        return item, model


def _texts(target: Target, models: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Response by its text, where no two share one."""
    found: dict[str, tuple[int, int]] = {}
    doubled: set[str] = set()
    for position, item in enumerate(target.items):
        for response in item.responses:
            if response.text in found:
                doubled.add(response.text)
            found[response.text] = (position, models[response.model])
    return {text: place for text, place in found.items() if text not in doubled}


def _criterion(answer: RawAnswer, criteria: Mapping[str, int], tally: Tally) -> int | None:
    if answer.criterion is None:
        if len(criteria) == 1:
            return 0
        tally.note("does not say which criterion it is about", _OUT, answer.line)
        return None
    position = criteria.get(answer.criterion)
    if position is None:
        tally.note("unknown criterion", _OUT, answer.line, answer.criterion)
    return position


class _PointReader:
    """Reads values as points of one question: by label, else by number."""

    def __init__(
        self, question: Question, labels: Mapping[str, str], source: tuple[float, float] | None
    ) -> None:
        self._points = len(question.points)
        self._by_label = {_plain(label): k for k, label in enumerate(question.points, start=1)}
        self._numbers: dict[float, int] = {}
        for label, point in list(self._by_label.items()):
            number = _number(label)
            if number is not None:
                self._numbers[number] = point
        if len(self._numbers) < self._points:  # labels are words: numbers are positions
            self._numbers = {float(k): k for k in range(1, self._points + 1)}
        for theirs, ours in labels.items():
            known = self._by_label.get(_plain(ours))
            if known is not None:
                self._by_label[_plain(theirs)] = known
        self._source = source if source and source[1] - source[0] + 1 != self._points else None

    @property
    def rescales(self) -> bool:
        """Whether the source's own scale has another number of points."""
        return self._source is not None

    def point(self, value: object) -> int | None:
        """The point 1..K, or None where the value is not on the scale."""
        if isinstance(value, str):
            known = self._by_label.get(_plain(value))
            if known is not None:
                return known
        number = _number(value)
        if number is None:
            return None
        if self._source is not None:
            low, high = self._source
            if not low <= number <= high:
                return None
            return min(self._points, 1 + int((number - low) * self._points / (high - low)))
        return self._numbers.get(number)


def _plain(label: str) -> str:
    return " ".join(label.split()).casefold()


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def _tell(
    tally: Tally, table: RawTable, readers: Sequence[_PointReader], annotators: Mapping[str, int]
) -> None:
    """Say what holds for the file as a whole."""
    last = table.answers[-1].line
    if len(annotators) == 1:
        alone = "people cannot be compared with each other: no alt-test, no ceiling"
        tally.note("only annotator", alone, last, next(iter(annotators)))
    if table.range and any(reader.rescales for reader in readers):
        low, high = table.range
        kind = f"source with its own scale, {low:g} to {high:g}"
        tally.note(kind, "scores were cut into bands of equal width, one for each point", last)


def _refuse_what_is_unsafe(
    table: RawTable, usable: int, foreign: Counter[str], target: Target, where: str
) -> None:
    asked = usable + foreign.total()
    if foreign and usable < _SAFE_SHARE * asked:
        labels = [label for question in questions(target.scale) for label in question.points]
        raise InputError(
            f"{foreign.total():,} of {asked:,} answers are not on the study's scale",
            where=where,
            found=", ".join(label for label, _ in foreign.most_common(5)),
            expected=", ".join(dict.fromkeys(labels)),
            hint="If they are the same points in other words or another language, map them with "
            "--label THEIRS=OURS.",
        )
    if not usable:
        reasons = "; ".join(map(str, table.problems))
        raise InputError("no answer could be used", where=where, found=reasons or None)
