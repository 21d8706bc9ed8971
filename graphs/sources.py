"""Items files: prompts with the responses of several models, in the layouts people have.

- one row an item, a column that holds `{model: text}` (`responses: outputs`);
- one row an item, a column for each model (`responses: {gpt: answer_a, llama: answer_b}`);
- one row a response (`response: text`, `model: name`), grouped by `id`, else by the prompt.

A model without a response to an item has none there; it is counted in `ItemSet.missing`, never
filled in. An empty text (JSON `""`) is a response; an empty CSV field is a missing one.
"""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Any, Self, cast

from pydantic import Field, model_validator

from graphs.item_store import HELD, StoredItems, item_of
from graphs.items import Item
from personas.errors import InputError, nearest
from personas.identity import content_hash
from personas.persona import AttributeValue
from personas.settings import Settings
from personas.tables import Row, read_rows, require_columns, table_suffix

Column = Annotated[str, Field(min_length=1)]


class ItemsSource(Settings):
    """Where a study's items lie, and which column holds what: the `items:` section.

    Attributes:
        path: JSONL, JSON, CSV, TSV or Parquet; relative to the study file.
        prompt: column of what the models were asked.
        responses: column that holds `{model: text}`, or a map from model to its column.
        response: in a file with one row a response, the column of its text.
        model: in such a file, the column that names the model.
        id: column of the item's id (text or whole number); without it the prompt identifies it.
        attributes: further columns kept with the item; an absent or empty value is left out.
        models: use these only, in this order; by default all, in order of first appearance.
        limit: use the first so many items.
    """

    path: Annotated[str, Field(min_length=1)]
    prompt: Column = "prompt"
    responses: Column | Annotated[dict[Column, Column], Field(min_length=1)] | None = None
    response: Column | None = None
    model: Column | None = None
    id: Column | None = None
    attributes: tuple[Column, ...] = ()
    models: tuple[Column, ...] | None = Field(default=None, min_length=1)
    limit: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _one_layout(self) -> Self:
        if (self.response is None) != (self.model is None):
            raise ValueError("`response` and `model` go together: one row a response")
        if self.response is not None and self.responses is not None:
            raise ValueError("give `responses`, or `response` with `model`, not both")
        if self.models and len(set(self.models)) < len(self.models):
            raise ValueError("`models` names one twice")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemSet:
    """The items of a study, read and checked.

    Attributes:
        items: in file order; beyond `HELD` items their texts stay in a file.
        models: in the order their responses have within every item.
        missing: how many items lack the model's response, for the models where any does.
        hash: of all content, in order.
    """

    items: Sequence[Item]
    models: tuple[str, ...]
    missing: Mapping[str, int]
    hash: str


@dataclass(slots=True)
class _Draft:
    number: int
    id: str
    prompt: str
    attributes: dict[str, AttributeValue]
    texts: dict[str, str] = field(default_factory=dict[str, str])


def load_items(source: ItemsSource, base_dir: Path, *, responses_needed: bool = True) -> ItemSet:
    """Read a study's items.

    Up to `HELD` items are held; of more, only where each lies in a temporary file, its id and its
    hash (about 300 bytes an item). A file with one row a response is held while it is read.

    Args:
        source: which file and columns.
        base_dir: what a relative `path` is relative to.
        responses_needed: without it, a source that names no column of responses has prompts only.

    Raises:
        InputError: naming file, line and column of the first value that cannot be used.
    """
    path = base_dir / source.path
    prompts_only = not (responses_needed or source.responses or source.response)
    reader = _Reader(source, path, prompts_only=prompts_only)
    given: Counter[str] = Counter()  # items with a response, by model
    drafts = _counted(reader.by_response() if source.response else reader.by_item(), given)
    first = list(islice(drafts, HELD + 1))
    stored = StoredItems.spooled(map(_row, chain(first, drafts))) if len(first) > HELD else None
    models = reader.chosen_models()
    if stored is not None:
        items: Sequence[Item] = stored.of_models(models)
    else:
        items = tuple(item_of(_row(draft), models) for draft in first)
    if not items:
        raise InputError("the file holds no item", where=path)
    if responses_needed and not any(given[model] for model in models):
        raise InputError("no item has a response", where=path)
    missing = {model: len(items) - given[model] for model in models}
    return ItemSet(
        items=items,
        models=models,
        missing={model: count for model, count in missing.items() if count},
        hash=content_hash([models, [_item_hash(item) for item in items]]),
    )


def _counted(drafts: Iterable[_Draft], given: Counter[str]) -> Iterator[_Draft]:
    for draft in drafts:
        given.update(draft.texts.keys())
        yield draft


class _Reader:
    """Rows of one file turned into drafts of items; remembers what it has seen."""

    def __init__(self, source: ItemsSource, path: Path, *, prompts_only: bool) -> None:
        self._source = source
        self._prompts_only = prompts_only
        self._path = path
        self._blank_is_missing = table_suffix(path) in {".csv", ".tsv"}
        self._models: dict[str, None] = {}
        self._columns: dict[str, None] = {}

    def by_item(self) -> Iterator[_Draft]:
        """One draft a row."""
        lines: dict[str, int] = {}
        for row in self._rows():
            if len(lines) == self._source.limit:
                return
            draft = self._draft(row)
            if draft.id in lines:
                raise self._repeated(draft, lines[draft.id])
            lines[draft.id] = row.number
            if not self._prompts_only:
                draft.texts.update(self._texts(row))
            yield draft

    def by_response(self) -> Iterator[_Draft]:
        """One draft a group of rows with the same id, in order of first appearance."""
        drafts: dict[str, _Draft] = {}
        for row in self._rows():
            draft = self._draft(row)
            known = drafts.get(draft.id)
            if known is None:
                if len(drafts) == self._source.limit:
                    continue
                known = drafts[draft.id] = draft
            elif (known.prompt, known.attributes) != (draft.prompt, draft.attributes):
                what = "prompt" if known.prompt != draft.prompt else "attributes"
                raise InputError(
                    f"item {draft.id!r} has other {what} here than in line {known.number}",
                    where=self._path,
                    line=row.number,
                    found=getattr(draft, what),
                    expected=f"the same {what} in every row of an item",
                )
            self._add_response(row, known)
        yield from drafts.values()

    def chosen_models(self) -> tuple[str, ...]:
        """The models to use, checked against those seen."""
        wanted = self._source.models
        if wanted is None:
            return tuple(self._models)
        for model in wanted:
            if model not in self._models:
                raise InputError(
                    f"no item has a response of the model {model!r}",
                    where=self._path,
                    expected="one of " + ", ".join(self._models),
                    hint=nearest(model, self._models),
                )
        return wanted

    def _rows(self) -> Iterator[Row]:
        """The file's rows; a column that some rows may lack is missed when none had it."""
        optional = self._optional_columns()
        for row in read_rows(self._path):
            self._columns.update(dict.fromkeys(row.data))
            yield row
        require_columns(optional, self._columns, where=self._path)

    def _optional_columns(self) -> tuple[str, ...]:
        responses = self._source.responses
        wide = tuple(responses.values()) if isinstance(responses, dict) else ()
        return (*self._source.attributes, *wide)

    def _draft(self, row: Row) -> _Draft:
        source = self._source
        prompt = self._text(row, source.prompt)
        if not prompt.strip():
            raise self._unusable(row, source.prompt, "the prompt is empty", prompt, "a text")
        identity = content_hash(prompt) if source.id is None else self._id(row, source.id)
        return _Draft(row.number, identity, prompt, self._attributes(row))

    def _id(self, row: Row, column: str) -> str:
        value = self._required(row, column)
        if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
            raise self._unusable(
                row, column, "the id cannot be used", value, "a text or whole number"
            )
        return str(value)

    def _attributes(self, row: Row) -> dict[str, AttributeValue]:
        found: dict[str, AttributeValue] = {}
        for column in self._source.attributes:
            value = row.data.get(column)
            if value is None or value == "":
                continue
            if not isinstance(value, bool | int | float | str) or (
                isinstance(value, float) and not math.isfinite(value)
            ):
                raise self._unusable(
                    row, column, "the attribute cannot be used", value, "a text, number or truth"
                )
            found[column] = value
        return found

    def _texts(self, row: Row) -> dict[str, str]:
        responses = self._source.responses or "responses"
        if isinstance(responses, dict):
            cells = {m: (c, row.data.get(c)) for m, c in responses.items()}
        else:
            by_model = self._by_model(row, responses)
            cells = {m: (f"{responses}.{m}", v) for m, v in by_model.items()}
        texts: dict[str, str] = {}
        for model, (column, value) in cells.items():
            name = self._seen(model)
            if not self._is_missing(value):
                texts[name] = self._as_text(row, column, value)
        return texts

    def _by_model(self, row: Row, column: str) -> dict[str, object]:
        value: object = self._required(row, column)
        if isinstance(value, str) and value.lstrip().startswith("{"):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError) as error:
                raise self._unusable(
                    row, column, f"the JSON is malformed ({error})", value, '{"model": "text"}'
                ) from error
        if not isinstance(value, Mapping):
            raise self._unusable(
                row, column, "the responses are not a map", value, '{"model": "text"}'
            )
        by_model = dict(cast("Mapping[str, object]", value))
        if any(not model.strip() for model in by_model):
            raise self._unusable(row, column, "a model has no name", by_model, '{"model": "text"}')
        return by_model

    def _add_response(self, row: Row, draft: _Draft) -> None:
        response, model = self._source.response or "", self._source.model or ""
        name = self._text(row, model)
        if not name.strip():
            raise self._unusable(row, model, "the model has no name", name, "a name")
        name = self._seen(name)
        if name in draft.texts:
            raise InputError(
                f"item {draft.id!r} has a second response of {name!r}",
                where=self._path,
                line=row.number,
                expected="one response per item and model",
            )
        value = self._required(row, response)
        if not self._is_missing(value):
            draft.texts[name] = self._as_text(row, response, value)

    def _seen(self, model: str) -> str:
        name = sys.intern(str(model))
        self._models[name] = None
        return name

    def _is_missing(self, value: object) -> bool:
        return value is None or (value == "" and self._blank_is_missing)

    def _required(self, row: Row, column: str) -> Any:
        require_columns((column,), row.data, where=self._path, line=row.number)
        return row.data[column]

    def _text(self, row: Row, column: str) -> str:
        return self._as_text(row, column, self._required(row, column))

    def _as_text(self, row: Row, column: str, value: object) -> str:
        if not isinstance(value, str):
            raise self._unusable(row, column, "this is not a text", value, "a text")
        return value

    def _unusable(
        self, row: Row, column: str, problem: str, value: object, expected: str
    ) -> InputError:
        return InputError(
            f"column {column!r}: {problem}",
            where=self._path,
            line=row.number,
            found=value,
            expected=expected,
        )

    def _repeated(self, draft: _Draft, first: int) -> InputError:
        named = self._source.id is not None
        return InputError(
            f"the {'id' if named else 'prompt'} repeats that of line {first}",
            where=self._path,
            line=draft.number,
            found=draft.id if named else draft.prompt,
            expected="each item once",
            hint="For a file with one row a response, give `response` and `model`."
            if named
            else "Name an `id` column if the same prompt is meant twice.",
        )


def _row(draft: _Draft) -> dict[str, Any]:
    return {
        "id": draft.id,
        "prompt": draft.prompt,
        "responses": draft.texts,
        "attributes": draft.attributes,
    }


def _item_hash(item: Item) -> str:
    responses = [[response.model, response.text] for response in item.responses]
    return content_hash([item.id, item.prompt, responses, dict(item.attributes)])
