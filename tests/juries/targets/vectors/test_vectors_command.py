"""`juries vectors` from verdicts to a vector whose effect the jury sees, beside a random one."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import juries
from graphs.minds.psychometric.lexicon import VALUES, shipped_lexicon
from juries.cli.app import app
from personas.errors import InputError

OTHER = [f"word{n}" for n in range(80)]


def words_of(value: str) -> list[str]:
    return sorted(w for w, place in shipped_lexicon().words.items() if VALUES[place] == value)


SAFE, FUN = words_of("security"), words_of("hedonism")


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> juries.Run:
    """A jury of cautious and merry people, on responses of safe and of merry words."""
    folder = tmp_path_factory.mktemp("verdicts")
    rng = np.random.default_rng(4)

    def text(words: list[str]) -> str:
        return " ".join(rng.permutation([*rng.choice(words, 8), *rng.choice(OTHER, 6)]))

    rows = [
        {"id": f"i{n}", "prompt": " ".join(rng.choice(OTHER, 4)),
         "responses": {"safe": text(SAFE), "merry": text(FUN)}}
        for n in range(20)
    ]  # fmt: skip
    (folder / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with (folder / "people.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "side", *(value.value for value in VALUES)])
        for n in range(24):
            side = "cautious" if n % 6 else "merry"  # five in six are cautious
            held = {"security": 5.5, "hedonism": 1.5}
            if side == "merry":
                held = {"security": 1.5, "hedonism": 5.5}
            writer.writerow([f"p{n}", side, *(held.get(value.value, 3.5) for value in VALUES)])
    study = {
        "name": "words", "seed": 5,
        "items": {"path": "items.jsonl", "id": "id", "responses": "responses"},
        "scale": {"kind": "likert", "question": "Good?", "points": ["1", "2", "3", "4", "5"]},
        "population": {
            "path": "people.csv",
            "columns": {"id": "id", "attributes": ["side"],
                        "values": {value.value: value.value for value in VALUES}},
        },
        "mind": {"kind": "embedded"},
        "scores": {"groups": ["side"], "resamples": 200},
    }  # fmt: skip
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    return juries.run(folder / "study.yaml", out=folder / "run")


@pytest.fixture(scope="module")
def speaker(make_checkpoint: Callable[..., Path], tmp_path_factory: Any) -> Path:
    """A random Llama whose safe and merry words lie opposite, in its input and its output."""
    folder = tmp_path_factory.mktemp("speaker") / "tiny"
    return make_checkpoint(folder, good=SAFE, bad=FUN, tied=True, size=0.3)


def juries_vectors(run: juries.Run, model: Path, *more: str) -> None:
    """The command, in this process: a new one would take longer to import than to find."""
    words = ["vectors", str(run.path), "--model", str(model), "--device", "cpu"]
    app([*words, "--max-new-tokens", "12", *more], standalone_mode=False)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_the_vector_is_found_and_the_jury_sees_its_effect(
    torch: Any, verdicts: juries.Run, speaker: Path, planted: np.ndarray, tmp_path: Path
) -> None:
    from juries.targets.vectors.file import load_vector

    out = tmp_path / "v.safetensors"
    juries_vectors(verdicts, speaker, "--out", str(out), "--strength", "6")
    vector = load_vector(out)
    # Most of the jury is cautious: welfare points to the safe words.
    assert cosine(vector.vectors[vector.layer].numpy(), planted) >= 0.9
    assert len(vector.held_out) == 6
    effect = json.loads(out.with_suffix(".effect.json").read_text())
    assert len(effect["generated"]) == 6
    assert effect["over_random"]["low"] > 0
    assert effect["over_opposed"]["low"] > 0
    held = {f"i{position}" for position in vector.held_out}
    prompts = {item.prompt for item in verdicts.directory.read_items() if item.id in held}
    assert {each["prompt"] for each in effect["generated"]} == prompts
    card = out.with_suffix(".md").read_text()
    assert "less random vectors of equal norm: 0." in card
    assert "not calibrated against people" in card

    # The file is taken up again: on one more layer, without finding anything anew.
    before = out.read_bytes()
    juries_vectors(
        verdicts, speaker, "--vector", str(out), "--layer", "2", "--out", str(out),
        "--strength", "0",
    )  # fmt: skip
    assert out.read_bytes() == before
    effect = json.loads(out.with_suffix(".effect.json").read_text())
    assert effect["layer"] == 2
    # Nothing was added: the texts are the same, and what the jury sees in them is noise.
    assert all(len(set(each["texts"].values())) == 1 for each in effect["generated"])
    assert effect["over_unsteered"]["low"] < 0 < effect["over_unsteered"]["high"]


def test_groups_that_disagree_make_a_vector(
    torch: Any, verdicts: juries.Run, speaker: Path, planted: np.ndarray, tmp_path: Path
) -> None:
    from juries.targets.vectors.file import load_vector

    out = tmp_path / "v.safetensors"
    juries_vectors(
        verdicts, speaker, "--by", "side", "--towards", "merry", "--out", str(out),
        "--strength", "6", "--held-out", "0.5",
    )  # fmt: skip
    vector = load_vector(out)
    assert cosine(vector.vectors[0].numpy(), -planted) >= 0.9
    effect = json.loads(out.with_suffix(".effect.json").read_text())
    assert effect["groups"]["side=merry"]["low"] > 0
    assert effect["groups"]["side=cautious"]["high"] < 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--layer", "4"], "there is no layer 4"),
        (["--by", "shoe_size", "--towards", "9"], "no juror has the attribute 'shoe_size'"),
        (["--by", "side"], "which level of 'side'"),
        (["--by", "side", "--towards", "mery"], "no two jurors have side = mery"),
        (["--by", "side", "--towards", "merry", "--against", "merry"], "the same"),
        (["--towards", "merry"], "go with --by ATTRIBUTE"),
        (["--min-margin", "0.99"], "items have a contrast"),
        (["--held-out", "1"], "held_out is 1"),
        (["--vector", "none.safetensors"], "no such file"),
        (["--out", "v.bin"], "saved as safetensors"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_no_file(
    torch: Any,
    verdicts: juries.Run,
    speaker: Path,
    tmp_path: Path,
    options: list[str],
    message: str,
) -> None:
    out = [] if "--out" in options else ["--out", str(tmp_path / "v.safetensors")]
    with pytest.raises(InputError, match=message):
        juries_vectors(verdicts, speaker, *options, *out)
    assert not list(tmp_path.iterdir())


def test_vectors_of_another_model_and_no_model_are_refused(
    torch: Any, verdicts: juries.Run, speaker: Path, checkpoint: Path, tmp_path: Path
) -> None:
    out = tmp_path / "v.safetensors"
    juries_vectors(verdicts, speaker, "--out", str(out), "--no-effect", "--layer", "1")
    assert "Not measured." in out.with_suffix(".md").read_text()
    assert "Layer 1 (from 0), as asked for" in out.with_suffix(".md").read_text()
    with pytest.raises(InputError, match="belong to another model"):
        juries_vectors(verdicts, checkpoint, "--vector", str(out))
    with pytest.raises(InputError, match="no causal model with a tokenizer"):
        juries_vectors(verdicts, tmp_path)
