"""Items files: every layout gives the same items, and what can't be used is named."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from graphs.items import Response
from graphs.sources import ItemSet, ItemsSource, load_items
from personas.errors import InputError
from personas.files import write_rows
from personas.identity import content_hash

TAXES = {"id": "t1", "prompt": "Raise taxes?", "topic": "tax"}
PARKS = {"id": "p1", "prompt": "More parks?", "topic": "city"}
NESTED = [
    TAXES | {"responses": {"a": "Yes, fairly.", "b": "No."}},
    PARKS | {"responses": {"a": "Green is good."}},
]
WIDE = [
    TAXES | {"left": "Yes, fairly.", "right": "No."},
    PARKS | {"left": "Green is good.", "right": None},
]
LONG = [
    TAXES | {"text": "Yes, fairly.", "who": "a"},
    PARKS | {"text": "Green is good.", "who": "a"},
    TAXES | {"text": "No.", "who": "b"},
]
KEPT = {"id": "id", "attributes": ["topic"]}


def load(folder: Path, rows: Sequence[object], suffix: str = ".jsonl", **source: object) -> ItemSet:
    path = folder / f"items{suffix}"
    write_rows(path, [row for row in rows if isinstance(row, dict)])
    return load_items(ItemsSource.model_validate({"path": path.name, **source}), folder)


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".csv", ".tsv", ".parquet"])
def test_all_layouts_and_formats_give_the_same_items(tmp_path: Path, suffix: str) -> None:
    nested = load(tmp_path, NESTED, suffix, **KEPT)
    wide = load(tmp_path, WIDE, suffix, responses={"a": "left", "b": "right"}, **KEPT)
    long = load(tmp_path, LONG, suffix, response="text", model="who", **KEPT)
    assert nested == wide == long
    assert nested.models == ("a", "b")
    assert nested.missing == {"b": 1}
    assert [item.id for item in nested.items] == ["t1", "p1"]
    assert nested.items[1].responses == (Response(model="a", text="Green is good."),)
    assert nested.items[0].attributes == {"topic": "tax"}


def test_responses_have_the_order_of_the_models_not_of_the_row(tmp_path: Path) -> None:
    rows = [
        {"prompt": "One?", "responses": {"x": "1", "y": "2"}},
        {"prompt": "Two?", "responses": {"y": "2", "x": "1"}},
    ]
    found = load(tmp_path, rows)
    assert [r.model for r in found.items[1].responses] == ["x", "y"]
    chosen = load(tmp_path, rows, models=["y"])
    assert chosen.models == ("y",)
    assert [[r.text for r in item.responses] for item in chosen.items] == [["2"], ["2"]]


def test_without_an_id_the_prompt_is_the_identity(tmp_path: Path) -> None:
    found = load(tmp_path, NESTED)
    assert [item.id for item in found.items] == [
        content_hash("Raise taxes?"),
        content_hash("More parks?"),
    ]


def test_the_hash_tells_any_change_and_nothing_else(tmp_path: Path) -> None:
    first = load(tmp_path, NESTED, **KEPT)
    assert load(tmp_path, [row | {"note": "ignored"} for row in NESTED], **KEPT).hash == first.hash
    changed = [NESTED[0] | {"topic": "money"}, NESTED[1]]
    assert load(tmp_path, changed, **KEPT).hash != first.hash
    assert load(tmp_path, NESTED[::-1], **KEPT).hash != first.hash
    assert load(tmp_path, NESTED).hash != first.hash


def test_a_limit_counts_items_also_where_their_rows_are_scattered(tmp_path: Path) -> None:
    found = load(tmp_path, LONG, response="text", model="who", id="id", limit=1)
    assert [item.id for item in found.items] == ["t1"]
    assert [r.text for r in found.items[0].responses] == ["Yes, fairly.", "No."]
    assert load(tmp_path, NESTED, limit=1).missing == {}


def test_an_empty_text_is_a_response_in_json_and_missing_in_csv(tmp_path: Path) -> None:
    rows = [{"prompt": "One?", "a": "", "b": "Yes."}]
    columns = {"a": "a", "b": "b"}
    found = load(tmp_path, rows, responses=columns)
    assert found.items[0].responses[0] == Response(model="a", text="")
    assert found.missing == {}
    assert load(tmp_path, rows, ".csv", responses=columns).missing == {"a": 1}


def test_whole_number_ids_are_read_as_text(tmp_path: Path) -> None:
    found = load(tmp_path, [NESTED[0] | {"id": 7}], id="id")
    assert found.items[0].id == "7"


@given(
    texts=st.lists(
        st.dictionaries(st.sampled_from("abc"), st.text(max_size=20), min_size=1),
        min_size=1,
        max_size=5,
    )
)
def test_what_was_written_is_read(tmp_path_factory: pytest.TempPathFactory, texts) -> None:
    rows = [{"prompt": f"{n}?", "responses": answers} for n, answers in enumerate(texts)]
    found = load(tmp_path_factory.mktemp("items"), rows)
    assert [{r.model: r.text for r in item.responses} for item in found.items] == texts
    for model in found.models:
        lacking = sum(model not in answers for answers in texts)
        assert found.missing.get(model, 0) == lacking


@pytest.mark.parametrize(
    ("rows", "source", "message"),
    [
        ([NESTED[0], NESTED[0]], {"id": "id"}, r"line 2: the id repeats that of line 1.*'t1'"),
        ([NESTED[0], NESTED[0]], {}, r"line 2: the prompt repeats that of line 1.*`id` column"),
        ([NESTED[0] | {"prompt": " "}], {}, r"line 1: column 'prompt': the prompt is empty"),
        ([NESTED[0] | {"prompt": 3}], {}, r"'prompt': this is not a text; found 3"),
        ([NESTED[0] | {"id": True}], {"id": "id"}, r"the id cannot be used; found True"),
        ([NESTED[0] | {"id": ""}], {"id": "id"}, r"the id cannot be used; found ''"),
        ([NESTED[0]], {"prompt": "promt"}, r"no column 'promt'.*Did you mean 'prompt'"),
        ([NESTED[0]], {"responses": "response"}, r"no column 'response'.*mean 'responses'"),
        ([NESTED[0]], {"responses": "prompt"}, r"'prompt': the responses are not a map"),
        ([NESTED[0]], {"attributes": ["topics"]}, r"no column 'topics'.*Did you mean 'topic'"),
        ([NESTED[0]], {"models": ["c"]}, r"no item has a response of the model 'c'.*a, b"),
        (
            [NESTED[0] | {"responses": {"a": 5}}],
            {},
            r"line 1: column 'responses.a': this is not a text; found 5",
        ),
        ([NESTED[0] | {"responses": {" ": "x"}}], {}, r"a model has no name"),
        ([NESTED[0] | {"responses": '{"a": '}], {}, r"the JSON is malformed"),
        ([NESTED[0] | {"responses": {}}], {}, r"no item has a response"),
        ([NESTED[0] | {"topic": ["x"]}], {"attributes": ["topic"]}, r"'topic': the attribute"),
        ([WIDE[0]], {"responses": {"a": "lef"}}, r"no column 'lef'.*Did you mean 'left'"),
        (
            [*LONG, LONG[2]],
            {"response": "text", "model": "who", "id": "id"},
            r"line 4: item 't1' has a second response of 'b'",
        ),
        (
            [LONG[0], LONG[2] | {"prompt": "Lower?"}],
            {"response": "text", "model": "who", "id": "id"},
            r"line 2: item 't1' has other prompt here than in line 1; found 'Lower\?'",
        ),
        (
            [LONG[0] | {"who": ""}],
            {"response": "text", "model": "who"},
            r"'who': the model has no name",
        ),
        ([LONG[0]], {"response": "txt", "model": "who"}, r"no column 'txt'.*mean 'text'"),
    ],
)
def test_what_cannot_be_used_is_named(
    tmp_path: Path, rows: list[object], source: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        load(tmp_path, rows, **source)
    assert str(tmp_path / "items.jsonl") in str(caught.value)


@pytest.mark.parametrize(
    "source",
    [
        {"path": "x.jsonl", "prompts": "p"},
        {"path": "x.jsonl", "response": "text"},
        {"path": "x.jsonl", "model": "who"},
        {"path": "x.jsonl", "responses": "r", "response": "text", "model": "who"},
        {"path": "x.jsonl", "responses": {}},
        {"path": "x.jsonl", "limit": 0},
        {"path": "x.jsonl", "models": ["a", "a"]},
    ],
)
def test_a_source_that_cannot_be_meant_is_refused(source: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ItemsSource.model_validate(source)


def test_a_missing_file_and_a_broken_line_are_named(tmp_path: Path) -> None:
    source = ItemsSource(path="none.jsonl")
    with pytest.raises(InputError, match=r"none\.jsonl: no such file"):
        load_items(source, tmp_path)
    good = json.dumps(NESTED[0])
    (tmp_path / "none.jsonl").write_text(f'{good}\n{{"prompt": \n', encoding="utf-8")
    with pytest.raises(InputError, match="line 2"):
        load_items(source, tmp_path)


def test_real_outputs_load_with_their_own_column_names(shared_data: Callable[[str], Path]) -> None:
    path = shared_data("alpaca_eval_outputs.jsonl")
    source = ItemsSource(path=path.name, prompt="instruction", responses="outputs")
    found = load_items(source, path.parent)
    assert len(found.items) == 400
    assert len(found.models) == 5
    assert found.missing == {}
    assert len({item.id for item in found.items}) == 400
