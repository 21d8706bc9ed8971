"""Pages that walk through commands: every block runs as it is written, in order, in one folder."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from juries.cli.app import app
from juries.spec import Study

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(page: str) -> Iterator[tuple[str, str]]:
    yield from BLOCK.findall((ROOT / "docs" / page).read_text("utf-8"))


def needs(*libraries: str) -> None:
    missing = [name for name in libraries if not importlib.util.find_spec(name)]
    if missing:
        if os.environ.get("JURIES_REQUIRE_TORCH") == "1":
            pytest.fail(f"not installed: {', '.join(missing)}")
        pytest.skip(f"not installed: {', '.join(missing)} (make setup-peers)")


def checkpoint(folder: Path) -> None:
    """A tiny random causal model that reads the words of the examples."""
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    rows = [json.loads(line) for line in (ROOT / "examples/items.jsonl").read_text().splitlines()]
    texts = [text for row in rows for text in (row["prompt"], *row["responses"].values())]
    words = sorted({word for text in texts for word in re.findall(r"\w+|[^\w\s]+", text)})
    vocabulary = {word: at for at, word in enumerate(["<pad>", "<eos>", "<unk>", *words])}
    plain = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
    plain.pre_tokenizer = Whitespace()
    torch.manual_seed(0)
    network = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(vocabulary), hidden_size=32, intermediate_size=64, num_hidden_layers=3,
            num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=512,
            pad_token_id=0, eos_token_id=1, bos_token_id=None,
        )
    )  # fmt: skip
    network.save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=plain, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>"
    ).save_pretrained(folder)


def run_commands(code: str) -> None:
    """In this process: one for each of so many commands would import for minutes."""
    for line in code.strip().splitlines():
        program, *words = shlex.split(line)
        assert program == "juries", line
        assert not app(words, standalone_mode=False), line


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a reader stands: beside the examples."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    return tmp_path


@pytest.mark.filterwarnings("default")  # of libraries that the page's other tools bring
def test_from_verdicts_to_every_file_and_vector(folder: Path) -> None:
    needs("torch", "transformers", "safetensors", "datasets", "inspect_ai")
    checkpoint(folder / "my-checkpoint")
    seen = 0
    for kind, code in blocks("steering.md"):
        if kind == "yaml":
            name = re.match(r"# (\S+\.yaml)", code)
            assert name is not None
            (folder / name[1]).write_text(code)
        elif kind == "python":
            exec(compile(code, "steering.md", "exec"), {})
        else:
            assert not kind
            run_commands(code)
        seen += 1
    assert seen >= 9
    for written in (
        "runs/demo/targets/mixture.json", "pairs.jsonl", "reward.jsonl", "unpaired.jsonl",
        "scores.jsonl", "promptfoo/promptfooconfig.yaml", "deliberative.safetensors",
        "runs/demo/targets/vectors.effect.json", "runs/steering/steering.json",
    ):  # fmt: skip
        assert (folder / written).exists(), written


def test_what_the_page_on_subjects_says_can_be_written_and_run(folder: Path) -> None:
    for kind, code in blocks("subjects.md"):
        if kind == "yaml":
            known = yaml.safe_load((ROOT / "examples/study.yaml").read_text())
            study = Study.model_validate(known | yaml.safe_load(code))
            assert study.live_models == (
                "tuned #1", "tuned #2", "tuned, deliberative #1", "tuned, deliberative #2", "base",
            )  # fmt: skip
        else:
            run_commands(code)
    assert (folder / "runs/subjects/scores.json").exists()
