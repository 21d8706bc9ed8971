"""Every form of export, read back by the tool it is for where that installs without a GPU."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

import juries
from juries.exports.forms import FORMS, ExportSettings, export
from juries.measures.welfare_functions import parse_welfares
from juries.targets.pairs import PairSettings
from personas.errors import InputError
from personas.tables import read_rows

# The common format of the second edition (SemEval 2023, task 11), in its order.
LEWIDI = ["text", "annotation task", "number of annotations", "annotations", "annotators"]
LEWIDI += ["lang", "hard_label", "soft_label", "split", "other_info"]
ALL_PAIRS = ExportSettings(pairs=PairSettings(pairs="all"))


def rows(path: Path) -> list[dict[str, object]]:
    return [dict(row.data) for row in read_rows(path)]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_where_it_comes_from(
    exported_run: juries.Run, tmp_path: Path, form: str
) -> None:
    path = tmp_path / f"out{'' if FORMS[form].folder else FORMS[form].suffix}"
    written = export(exported_run, form, path, ExportSettings(model="plural"))
    assert all(file.exists() and count for file, count in written.files.items())
    beside = path / "dataset" if FORMS[form].folder else path
    said = json.loads(beside.with_name(f"{beside.name}.provenance.json").read_text())
    assert said["fingerprint"] == exported_run.record.fingerprint
    assert said["uncalibrated"] is True
    assert said["minds"][0]["kind"] == "simulator"
    assert not list(tmp_path.rglob("*.part"))


def test_trl_preferences_are_conversations(exported_run: juries.Run, tmp_path: Path) -> None:
    export(exported_run, "trl-dpo", tmp_path / "dpo.jsonl", ALL_PAIRS)
    export(exported_run, "trl-reward", tmp_path / "reward.jsonl", ALL_PAIRS)
    dpo, reward = rows(tmp_path / "dpo.jsonl"), rows(tmp_path / "reward.jsonl")
    assert len(dpo) == len(reward) == 72
    for pair, with_margin in zip(dpo, reward, strict=True):
        assert pair.keys() == {"prompt", "chosen", "rejected"}
        assert with_margin == {**pair, "margin": with_margin["margin"]}
        assert 0 < with_margin["margin"] <= 1  # type: ignore[operator]
        for column, role in (
            ("prompt", "user"),
            ("chosen", "assistant"),
            ("rejected", "assistant"),
        ):
            (message,) = pair[column]  # type: ignore[misc]
            assert message["role"] == role
            assert message["content"].strip()
    texts = {
        (item.prompt, r.text): r.model
        for item in exported_run.directory.read_items()
        for r in item.responses
    }
    models = [
        texts[p["prompt"][0]["content"], p["rejected"][0]["content"]]  # type: ignore[index]
        for p in dpo
    ]
    assert models.count("evasive") == 48


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """A tokenizer with a chat template, made here; trl must be installed."""
    pytest.importorskip("trl", reason="trl is not installed: make setup-peers")
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import PreTrainedTokenizerFast

    plain = Tokenizer(WordLevel({"<unk>": 0, "<eos>": 1}, unk_token="<unk>"))
    plain.pre_tokenizer = Whitespace()
    made = PreTrainedTokenizerFast(tokenizer_object=plain, unk_token="<unk>", eos_token="<eos>")
    made.chat_template = (
        "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
        "{% if add_generation_prompt %}<assistant>{% endif %}"
    )
    return made


def test_trl_takes_every_form_as_the_conversations_of_its_kind(
    exported_run: juries.Run, tmp_path: Path, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through TRL's own utilities: what its trainers do to a data set before training."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from datasets import load_dataset
    from trl import data_utils

    found: dict[str, Any] = {}
    for form in ("trl-dpo", "trl-reward", "trl-kto"):
        path = tmp_path / f"{form}.jsonl"
        export(exported_run, form, path, ALL_PAIRS)
        found[form] = load_dataset(
            "json", data_files=str(path), split="train", cache_dir=str(tmp_path / "cache")
        )
        assert data_utils.is_conversational(found[form][0])

    pair = found["trl-dpo"][0]
    said = data_utils.apply_chat_template(pair, tokenizer)
    assert said == {
        "prompt": f"<user>{pair['prompt'][0]['content']}<assistant>",
        "chosen": pair["chosen"][0]["content"],
        "rejected": pair["rejected"][0]["content"],
    }
    reward = data_utils.apply_chat_template(found["trl-reward"][0], tokenizer)
    assert said.items() <= reward.items()

    # TRL turns pairs into labelled answers by itself; ours leave out those with both labels.
    unpaired = data_utils.unpair_preference_dataset(found["trl-dpo"])
    assert set(unpaired.column_names) == set(found["trl-kto"].column_names)

    def labels(rows: Any) -> dict[tuple[str, str], set[bool]]:
        known: dict[tuple[str, str], set[bool]] = {}
        for row in rows:
            key = (row["prompt"][0]["content"], row["completion"][0]["content"])
            known.setdefault(key, set()).add(row["label"])
        return known

    by_trl = {key: label for key, label in labels(unpaired).items() if len(label) == 1}
    assert labels(found["trl-kto"]) == by_trl
    plain = data_utils.apply_chat_template(found["trl-kto"][0], tokenizer)
    assert plain["completion"] == found["trl-kto"][0]["completion"][0]["content"]


def test_kto_labels_agree_with_the_pairs(exported_run: juries.Run, tmp_path: Path) -> None:
    export(exported_run, "trl-kto", tmp_path / "kto.jsonl", ALL_PAIRS)
    found = rows(tmp_path / "kto.jsonl")
    assert {frozenset(row) for row in found} == {frozenset(("prompt", "completion", "label"))}
    # Of three responses the best is only chosen, the worst only rejected, the middle one both.
    assert [row["label"] for row in found].count(True) == 24
    assert [row["label"] for row in found].count(False) == 24


def test_groups_go_to_files_of_their_own(exported_run: juries.Run, tmp_path: Path) -> None:
    settings = ExportSettings(by="outlook")
    written = export(exported_run, "preferences", tmp_path / "pairs.jsonl", settings)
    names = sorted(path.name for path in written.files)
    assert names == ["pairs.outlook-decisive.jsonl", "pairs.outlook-deliberative.jsonl"]
    first = rows(tmp_path / names[0])[0]
    assert (first["group"], first["chosen_model"]) == ("outlook=decisive", "one-sided")
    assert first["uncalibrated"] is True


def test_huggingface_loads_every_configuration(
    exported_run: juries.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    datasets = pytest.importorskip("datasets")
    folder, cache = tmp_path / "set", str(tmp_path / "cache")
    export(exported_run, "hf", folder)
    assert sorted(datasets.get_dataset_config_names(str(folder))) == [
        "preferences",
        "ratings",
        "verdicts",
    ]
    pairs = datasets.load_dataset(str(folder), "preferences", split="train", cache_dir=cache)
    assert pairs.num_rows == 24
    assert {"prompt", "chosen", "rejected", "margin"} <= set(pairs.column_names)
    ratings = datasets.load_dataset(str(folder), "ratings", split="train", cache_dir=cache)
    assert ratings.num_rows == 7200
    assert ratings[0]["status"] == "ok"
    export(exported_run, "trl-reward", tmp_path / "reward.jsonl")
    plain = datasets.load_dataset(
        "json", data_files=str(tmp_path / "reward.jsonl"), split="train", cache_dir=cache
    )
    assert plain[0]["chosen"][0]["role"] == "assistant"
    assert plain.features["margin"].dtype == "float64"


def test_tables_hold_every_rating(exported_run: juries.Run, tmp_path: Path) -> None:
    export(exported_run, "parquet", tmp_path / "all.parquet")
    assert pl.read_parquet(tmp_path / "all.parquet").equals(exported_run.ratings)
    export(exported_run, "csv", tmp_path / "all.csv")
    assert pl.read_csv(tmp_path / "all.csv").height == 7200


def test_soft_labels_sum_to_one(exported_run: juries.Run, tmp_path: Path) -> None:
    export(exported_run, "lewidi", tmp_path / "soft.json", ExportSettings(groups=("outlook",)))
    found = json.loads((tmp_path / "soft.json").read_text())
    assert len(found) == 24 * 3 * 3
    for instance in found.values():
        assert list(instance) == LEWIDI
        assert sum(instance["soft_label"].values()) == pytest.approx(1)
        assert list(instance["soft_label"]) == ["0", "1", "2", "3", "4"]
        best = max(instance["soft_label"], key=instance["soft_label"].__getitem__)
        assert instance["hard_label"] == best
        assert instance["other_info"]["uncalibrated"] is True


def test_promptfoo_looks_verdicts_up(exported_run: juries.Run, tmp_path: Path) -> None:
    settings = ExportSettings(functions=parse_welfares(["nash", "mean"]), threshold=0.4)
    export(exported_run, "promptfoo", tmp_path / "foo", settings)
    config = yaml.safe_load((tmp_path / "foo" / "promptfooconfig.yaml").read_text())
    assert config["tests"] == "file://tests.jsonl"
    (checked,) = config["defaultTest"]["assert"]
    assert checked == {"type": "python", "value": "file://get_assert.py"}
    # promptfoo's published schema (config-schema.json, read at commit 002b8d03) takes these keys
    # and no others: lists of texts as prompts and providers, a path as tests.
    assert config.keys() == {"description", "prompts", "providers", "defaultTest", "tests"}
    assert (config["prompts"], config["providers"]) == (["{{response.text}}"], ["echo"])
    spec = importlib.util.spec_from_file_location("got", tmp_path / "foo" / "get_assert.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    nash = {
        (row["item_id"], row["model"]): row["power:0"]
        for row in exported_run.verdicts.iter_rows(named=True)
    }
    texts = {item.id: item for item in exported_run.directory.read_items()}
    tests = rows(tmp_path / "foo" / "tests.jsonl")
    assert len(tests) == 72
    for test in tests:
        assert test.keys() == {"description", "vars"}
        variables: dict[str, dict[str, str]] = test["vars"]  # type: ignore[assignment]
        # As a variable of its own, a response of `file:///etc/passwd` would be that file's content,
        # and `{{ env.HOME }}` what it names (promptfoo 0.123.1); inside an object neither is.
        assert all(isinstance(value, dict) for value in variables.values())
        item, response = variables["item"], variables["response"]
        assert item["prompt"] == texts[item["id"]].prompt
        assert response["text"] in {each.text for each in texts[item["id"]].responses}
        got = module.get_assert(response["text"], {"vars": variables})
        expected = nash[item["id"], response["model"]]
        assert got["score"] == pytest.approx(expected, abs=1e-6)
        assert got["pass"] == (got["score"] >= 0.4)
        assert got["namedScores"].keys() == {"power:0", "power:1"}
    unknown = {"item": {"id": "none"}, "response": {"model": "plural"}}
    missing = module.get_assert("x", {"vars": unknown})
    assert (missing["pass"], missing["score"]) == (False, 0.0)


def test_what_cannot_be_exported_is_said_and_leaves_no_file(
    exported_run: juries.Run, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"unknown form 'trl-dop'.*trl-dpo"):
        export(exported_run, "trl-dop", tmp_path / "x.jsonl")
    with pytest.raises(InputError, match="name the model"):
        export(exported_run, "inspect", tmp_path / "x.jsonl")
    with pytest.raises(InputError, match=r"no model 'plurl'.*plural"):
        export(exported_run, "inspect", tmp_path / "x.jsonl", ExportSettings(model="plurl"))
    strict = ExportSettings(pairs=PairSettings(min_margin=1.0))
    with pytest.raises(InputError, match="no pair is left to export"):
        export(exported_run, "trl-dpo", tmp_path / "x.jsonl", strict)
    with pytest.raises(InputError, match="there is no such folder"):
        export(exported_run, "trl-dpo", tmp_path / "none" / "x.jsonl")
    (tmp_path / "taken").write_text("here")
    with pytest.raises(InputError, match="this is a file"):
        export(exported_run, "hf", tmp_path / "taken")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
