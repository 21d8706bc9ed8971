"""Items read from a file one by one are those that would be held in memory."""

from __future__ import annotations

import gc
import json
import pickle
from pathlib import Path

import pytest

from graphs import sources
from graphs.item_store import StoredItems, item_row
from graphs.items import Item, Response
from graphs.sources import ItemSet, ItemsSource, load_items
from personas.errors import InputError
from personas.files import write_rows

ROWS = [
    {
        "id": f"i{n}",
        "prompt": f"Zoë asks {n}?\n",
        "out": {"b": "later", "a": "é"} if n % 2 else {"a": "x"},
    }
    for n in range(9)
]


def load(folder: Path) -> ItemSet:
    write_rows(folder / "items.jsonl", ROWS)
    source = ItemsSource(path="items.jsonl", id="id", responses="out", models=("b", "a"))
    return load_items(source, folder)


def test_many_items_stay_in_a_file_and_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = load(tmp_path)
    monkeypatch.setattr(sources, "HELD", 4)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    stored = load(tmp_path)
    assert isinstance(held.items, tuple)
    assert isinstance(stored.items, StoredItems)
    assert tuple(stored.items) == held.items
    assert (stored.hash, stored.models, stored.missing) == (held.hash, held.models, held.missing)
    assert tuple(stored.items[2:7:2]) == held.items[2:7:2]
    assert stored.items[-1] == held.items[-1]
    with pytest.raises(IndexError):
        stored.items[9]
    assert tuple(pickle.loads(pickle.dumps(stored.items))) == held.items


def test_the_temporary_file_goes_with_the_last_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "HELD", 4)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    part = load(tmp_path).items[3:5]
    gc.collect()
    assert [item.id for item in part] == ["i3", "i4"]
    assert list(tmp_path.glob("juries-items-*"))
    del part
    gc.collect()
    assert not list(tmp_path.glob("juries-items-*"))


def test_a_mistake_far_down_the_file_leaves_no_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "HELD", 4)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    write_rows(tmp_path / "items.jsonl", [*ROWS, ROWS[0]])
    with pytest.raises(InputError, match="repeats that of line 1"):
        load_items(ItemsSource(path="items.jsonl", id="id", responses="out"), tmp_path)
    assert not list(tmp_path.glob("juries-items-*"))


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    item = Item(id="a", prompt="p", responses=(Response(model="m", text="t"),))
    path.write_text(json.dumps(item_row(item)) + "\n{broken\n")
    stored = StoredItems.over(path)
    assert stored[0] == item
    with pytest.raises(InputError, match="begins at byte"):
        stored[1]
