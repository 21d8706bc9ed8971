"""Coverage of a given list of values: which of the values at stake does a response express?

- `read_value_lists(path)`: situations with their values, rights and duties (ValueKaleidoscope).
- `value_coverage(expressed, …)`: share of listed values expressed, from a matrix that jurors or
  another scorer filled, with intervals over situations and the values missed most.
- `words_express(...)`: a lexical matcher for when there is no scorer. It looks for the value's own
  words in one sentence, misses every paraphrase and takes a denial for an expression. Of
  ValueKaleidoscope's explanations, each written for one value, it finds that value in 57 % and
  any other listed value in 5 %. Name it as lexical wherever its figures are shown.

Source of the lists: arXiv 2309.00779.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juries.measures.estimates import Estimate, mean_estimates
from personas.errors import InputError
from personas.tables import Row, read_rows, require_columns

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_WORD = re.compile(r"[^\W\d_]+")
_SENTENCE = re.compile(r"[.!?;\n]+")
_FORM = frozenset(
    {"a", "an", "and", "at", "be", "being", "by", "for", "from", "have", "in", "of", "on", "one"}
    | {"or", "other", "others", "right", "rights", "duty", "duties", "the", "their", "to", "with"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueList:
    """The values, rights and duties at stake in one situation.

    Attributes:
        id: the source's, or the position in the file.
        situation: what is judged.
        values: their names.
        explanations: how each bears on the situation, or empty texts.
    """

    id: str
    situation: str
    values: tuple[str, ...]
    explanations: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MissedValue:
    """How often a value was listed and not expressed."""

    value: str
    listed: int
    missed: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ValueCoverage:
    """Coverage of listed values.

    Attributes:
        coverage: mean over situations of the share of listed values expressed.
        by_item: that share per situation; NaN for an empty list.
        missed: values by how often they were missed, most first.
        unscored: values that the scorer gave no score; they count as not expressed.
        scorer: who decided, shown beside the figure.
    """

    coverage: Estimate
    by_item: FloatArray
    missed: tuple[MissedValue, ...]
    unscored: int
    scorer: str


def read_value_lists(path: Path) -> tuple[ValueList, ...]:
    """Situations with their values from a file of rows `situation, vrd, explanation` (and `id`).

    Raises:
        InputError: naming the row whose fields are missing or whose lists differ in length.
    """
    return tuple(_value_list(row, path) for row in read_rows(path))


def value_coverage(
    lists: Sequence[ValueList],
    expressed: Sequence[ArrayLike],
    *,
    scorer: str,
    threshold: float = 0.5,
    resamples: int = 1000,
    rng: np.random.Generator | None = None,
) -> ValueCoverage:
    """Share of listed values that responses express.

    Args:
        lists: the situations.
        expressed: per situation one score per listed value: whether, or how likely, the response
            expresses it; NaN for no score.
        scorer: who decided, such as `jury of 40 seats, language model` or `lexical matcher`.
        threshold: a value counts as expressed from this score on.
        resamples: bootstrap resamples of the situations.
        rng: source of the resamples; a fixed stream when None.

    Raises:
        ValueError: numbers of situations or values that do not match.
    """
    if len(lists) != len(expressed):
        raise ValueError(f"{len(expressed)} responses for {len(lists)} situations")
    by_item = np.full(len(lists), np.nan)
    tally: dict[str, list[int]] = {}
    unscored = 0
    for place, (listed, given) in enumerate(zip(lists, expressed, strict=True)):
        scores = np.asarray(given, dtype=np.float64)
        if scores.shape != (len(listed.values),):
            raise ValueError(
                f"situation {listed.id!r}: {scores.size} scores for {len(listed.values)} values"
            )
        unscored += int(np.isnan(scores).sum())
        there = scores >= threshold
        if there.size:
            by_item[place] = there.mean()
        for value, hit in zip(listed.values, there.tolist(), strict=True):
            counts = tally.setdefault(value, [0, 0])
            counts[0] += 1
            counts[1] += not hit
    missed = [
        MissedValue(value=value, listed=listed, missed=absent)
        for value, (listed, absent) in tally.items()
    ]
    return ValueCoverage(
        coverage=mean_estimates(
            by_item[:, None], resampled="situations", resamples=resamples, rng=rng
        )[0],
        by_item=by_item,
        missed=tuple(sorted(missed, key=lambda row: (-row.missed, row.value))),
        unscored=unscored,
        scorer=scorer,
    )


def words_express(values: Sequence[str], response: str) -> BoolArray:
    """Whether one sentence of the response holds all content words of a value, [values].

    Words match where they share a stem: a common beginning of at least four letters that makes
    up 55 % of the longer word (`safety` and `safe`). Words of form, such as `right to`, are left
    out; a value of nothing else is matched by its whole name.
    """
    sentences = [_WORD.findall(part.casefold()) for part in _SENTENCE.split(response)]
    return np.array([any(_holds(part, value) for part in sentences) for value in values])


def _holds(sentence: Sequence[str], value: str) -> bool:
    words = _WORD.findall(value.casefold())
    content = [word for word in words if word not in _FORM] or words
    return bool(content) and all(any(_related(word, said) for said in sentence) for word in content)


def _related(a: str, b: str) -> bool:
    if a == b:
        return True
    common = 0
    for left, right in zip(a, b, strict=False):
        if left != right:
            break
        common += 1
    return common >= 4 and common >= 0.55 * max(len(a), len(b))


def _value_list(row: Row, path: Path) -> ValueList:
    require_columns(("situation", "vrd", "explanation"), row.data, where=path, line=row.number)
    values = _texts(row, "vrd", path)
    explanations = _texts(row, "explanation", path)
    if len(values) != len(explanations):
        raise InputError(
            "values and explanations differ in number",
            where=path,
            line=row.number,
            found=f"{len(values)} and {len(explanations)}",
        )
    return ValueList(
        id=str(row.data.get("id", row.number)),
        situation=str(row.data["situation"]),
        values=values,
        explanations=explanations,
    )


def _texts(row: Row, column: str, path: Path) -> tuple[str, ...]:
    value = row.data[column]
    if not isinstance(value, list):
        raise InputError(f"{column} is no list", where=path, line=row.number, found=value)
    return tuple(str(text) for text in cast("list[object]", value))
