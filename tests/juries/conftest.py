"""A small study written for the tests, on the embedded mind."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

WORDS = ["rain", "river", "stone", "music", "bread", "light", "garden", "winter", "letter"]


@pytest.fixture
def small_study(tmp_path: Path) -> Callable[..., Path]:
    """Write a study with its files and return its path; keywords replace its sections."""

    def write(items: int = 12, people: int = 30, **sections: object) -> Path:
        folder = tmp_path / "study"
        folder.mkdir(exist_ok=True)
        rng = np.random.default_rng(5)

        def text() -> str:
            return " ".join(rng.choice(WORDS, size=int(rng.integers(5, 60)))) + "."

        with (folder / "items.jsonl").open("w") as file:
            for number in range(items):
                answers = {model: text() for model in ("ash", "birch", "cedar")}
                file.write(
                    json.dumps({"id": f"i{number}", "prompt": text(), "out": answers}) + "\n"
                )
        with (folder / "people.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "age", "side"])
            for number in range(people):
                age, side = int(rng.integers(18, 80)), rng.choice(["left", "right"])
                writer.writerow([f"p{number}", age, side])
        study: dict[str, object] = {
            "name": "small",
            "seed": 11,
            "items": {"path": "items.jsonl", "id": "id", "prompt": "prompt", "responses": "out"},
            "scale": {"kind": "likert", "question": "Good?", "points": ["no", "so-so", "yes"]},
            "population": {"path": "people.csv", "columns": {"id": "id"}},
            "jury": {"seats": 10},
            "scores": {"groups": ["side"], "resamples": 200},
        }
        study.update(sections)
        path = folder / "study.yaml"
        path.write_text(yaml.safe_dump({k: v for k, v in study.items() if v is not None}))
        return path

    return write
