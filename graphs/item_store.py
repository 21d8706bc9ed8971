"""Items kept in a file and read one by one, for studies whose texts do not fit in memory.

- `StoredItems`: a sequence of items over a JSONL file; it holds where each line lies, no text.
- `item_row` and `item_of`: an item as such a line, and back.
"""

from __future__ import annotations

import json
import os
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from graphs.items import Item, Response
from personas.errors import InputError

HELD = 20_000
"""Items up to which a study is simply held in memory, which is faster."""
_CHUNK = 1 << 24


class StoredItems(Sequence[Item]):
    """Items as lines of a file, parsed anew whenever one is asked for; 16 bytes an item held.

    It can be sent to other processes of this machine, which read the same file.

    Args:
        path: JSONL, each line an `item_row`; it must not change meanwhile.
        bounds: first byte of each line and the one after its last, int64 [items, 2].
        models: whose responses are used, in this order; None takes a line's own.
    """

    def __init__(
        self, path: Path, bounds: NDArray[np.int64], models: tuple[str, ...] | None = None
    ) -> None:
        self._path = path
        self._bounds = bounds
        self._models = models
        self._handle: int | None = None
        self._whole: StoredItems | None = None  # keeps a temporary file while a part is in use

    @classmethod
    def over(cls, path: Path) -> StoredItems:
        """Find the lines of a file."""
        ends: list[NDArray[np.int64]] = []
        with path.open("rb") as file:
            start = 0
            while block := file.read(_CHUNK):
                ends.append(start + 1 + np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n")))
                start += len(block)
        after = np.concatenate([np.zeros(1, dtype=np.int64), *ends])
        return cls(path, np.column_stack([after[:-1], after[1:]]))

    @classmethod
    def spooled(cls, rows: Iterable[dict[str, Any]]) -> StoredItems:
        """Write rows to a temporary file that goes with the result."""
        handle, name = tempfile.mkstemp(prefix="juries-items-", suffix=".jsonl")
        path = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.writelines(json.dumps(row) + "\n" for row in rows)
            stored = cls.over(path)
        except BaseException:
            path.unlink()
            raise
        weakref.finalize(stored, path.unlink, missing_ok=True)
        return stored

    def of_models(self, models: tuple[str, ...]) -> StoredItems:
        """The same items with these models' responses, in this order."""
        return self._part(self._bounds, models)

    def __len__(self) -> int:
        return len(self._bounds)

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> StoredItems: ...
    def __getitem__(self, index: int | slice) -> Item | StoredItems:
        if isinstance(index, slice):
            return self._part(self._bounds[index], self._models)
        start, end = self._bounds[index].tolist()
        if self._handle is None:
            self._handle = os.open(self._path, os.O_RDONLY)
            weakref.finalize(self, os.close, self._handle)
        try:
            row = json.loads(os.pread(self._handle, end - start, start))
            return item_of(row, self._models)
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"the item that begins at byte {start} is damaged ({error})",
                where=self._path,
                expected="a line as it was written",
                hint="Copy the file again, or start another run.",
            ) from None

    def __iter__(self) -> Iterator[Item]:
        return (self[position] for position in range(len(self)))

    def __reduce__(self) -> tuple[type[StoredItems], tuple[object, ...]]:
        return StoredItems, (self._path, self._bounds, self._models)

    def _part(self, bounds: NDArray[np.int64], models: tuple[str, ...] | None) -> StoredItems:
        part = StoredItems(self._path, bounds, models)
        part._whole = self
        return part


def item_row(item: Item) -> dict[str, Any]:
    """An item as a line of `items.jsonl`."""
    return {
        "id": item.id,
        "prompt": item.prompt,
        "responses": {r.model: r.text for r in item.responses},
        "attributes": dict(item.attributes),
    }


def item_of(row: dict[str, Any], models: Iterable[str] | None = None) -> Item:
    """The item behind `item_row`, with the responses of these models or of all."""
    texts: dict[str, str] = row["responses"]
    return Item(
        id=row["id"],
        prompt=row["prompt"],
        responses=tuple(
            Response(model=model, text=texts[model])
            for model in (texts if models is None else models)
            if model in texts
        ),
        attributes=row["attributes"],
    )
