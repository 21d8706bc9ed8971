"""Calibration at size, the alt-test beside a double loop, Dawid-Skene beside crowd-kit.

- `alt-test`: the largest set of the optional data folder, vectorised and as the plain double loop.
- `dawid-skene`: 1,000,000 items, 10 raters, 8 million ratings, 20 iterations, with crowd-kit where
  it is installed (minutes, and several GB).
- `calibrate`: `juries calibrate` on a run of 1,000,000 jury ratings against 100,000 of people; the
  whole command in a process of its own.

Run: `python benchmarks/calibration.py [alt-test|dawid-skene|calibrate ...]`; all without a name.
Medians of five, but one pass where a part takes minutes.
"""

from __future__ import annotations

import csv
import importlib
import importlib.util
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import yaml

from juries.calibration import Answers, alt_test, dawid_skene

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "alt_test"
REPEATS = 5


def seconds(call: Callable[[], object], repeats: int = REPEATS) -> float:
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def naive_alt_test(human: dict, machine: dict, score: str) -> list[float]:
    """Mean W_f of every annotator, one comparison at a time."""

    def value(label: object, others: list) -> float:
        if score == "accuracy":
            return float(np.mean([label == other for other in others]))
        return -float(np.sqrt(np.mean([(label - other) ** 2 for other in others])))

    wins = []
    for left_out, labels in human.items():
        won = []
        for instance, label in labels.items():
            others = [
                other[instance]
                for name, other in human.items()
                if name != left_out and instance in other
            ]
            if others and instance in machine:
                won.append(value(machine[instance], others) >= value(label, others))
        wins.append(float(np.mean(won)))
    return wins


def time_alt_test() -> None:
    if not DATA.exists():
        print("alt-test: the optional data folder is absent")
        return
    sets = {
        folder.name: json.loads((folder / "human_annotations.json").read_text())
        for folder in DATA.iterdir()
    }
    name = max(sets, key=lambda one: sum(map(len, sets[one].values())))
    human = sets[name]
    machine = json.loads((DATA / name / "llm_annotations.json").read_text())["gpt-4o"]
    score = "neg_rmse" if name == "cebab_stars" else "accuracy"
    ours = seconds(lambda: alt_test(human, machine, score=score, epsilon=0.1))
    naive = seconds(lambda: naive_alt_test(human, machine, score))
    answers = sum(map(len, human.values()))
    print(
        f"alt-test, {name} ({answers:,} answers of {len(human)} people): {1e3 * ours:.2f} ms; "
        f"double loop without its t-tests {1e3 * naive:.1f} ms: {naive / ours:.1f} times"
    )


def time_dawid_skene() -> None:
    items, raters, points, ratings = 1_000_000, 10, 5, 8_000_000
    rng = np.random.default_rng(0)
    cells = rng.choice(items * raters, size=ratings, replace=False)
    unit, rater = np.divmod(cells, raters)
    truth = rng.integers(1, points + 1, size=items)
    right = rng.random(ratings) < np.linspace(0.5, 0.9, raters)[rater]
    rating = np.where(right, truth[unit], rng.integers(1, points + 1, size=ratings))
    answers = Answers(
        units=tuple(map(str, range(items))),
        raters=tuple(map(str, range(raters))),
        unit=unit,
        rater=rater,
        rating=rating,
        points=points,
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ours = seconds(lambda: dawid_skene(answers, iterations=20, tolerance=-1), repeats=3)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"Dawid-Skene, 8 million ratings, 20 iterations: {ours:.2f} s, +{grown:.0f} MB")
    if not (importlib.util.find_spec("crowdkit") and importlib.util.find_spec("pandas")):
        print("  crowd-kit is not installed")
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        crowdkit = importlib.import_module("crowdkit.aggregation")
        frame = importlib.import_module("pandas").DataFrame(
            {"task": unit, "worker": rater, "label": rating}
        )
        start = time.perf_counter()
        # its stopping rule ends after two steps; a hugely negative tolerance takes all
        theirs = crowdkit.DawidSkene(n_iter=20, tol=-1e9).fit(frame)
        taken = time.perf_counter() - start
    mine = dawid_skene(answers, iterations=20, tolerance=-1).labels
    same = float(np.mean(theirs.labels_.sort_index().to_numpy() == mine[np.unique(unit)]))
    print(f"  crowd-kit {taken:.1f} s: {taken / ours:.1f} times; {same:.2%} of the labels equal")


def time_calibrate() -> None:
    items, people, per_item = 5_000, 500, 10
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rng = np.random.default_rng(0)
        write_study(folder, items, rng)
        start = time.perf_counter()
        juries(folder, "run", "study.yaml", "--out", "run", "--display", "none")
        print(f"calibrate: made a run of 1,000,000 ratings in {time.perf_counter() - start:.0f} s")
        with (folder / "people.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["item_id", "model", "annotator_id", "rating", "side"])
            for item in range(items):
                for who in rng.choice(people, size=per_item, replace=False):
                    side = "left" if who % 2 else "right"
                    for model in ("ash", "birch"):
                        writer.writerow([f"i{item}", model, who, int(rng.integers(1, 6)), side])
        start = time.perf_counter()
        juries(folder, "calibrate", "run", "--human", "people.csv")
        taken = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(
            f"calibrate: 1,000,000 jury ratings against 100,000 of people in {taken:.1f} s; "
            f"largest process of all, the run's included, {peak:.0f} MB"
        )


def write_study(folder: Path, items: int, rng: np.random.Generator) -> None:
    words = ["rain", "river", "stone", "music", "bread", "light", "garden", "winter", "letter"]

    def text() -> str:
        return " ".join(rng.choice(words, size=int(rng.integers(5, 60))))

    with (folder / "items.jsonl").open("w") as file:
        for number in range(items):
            answers = {model: text() for model in ("ash", "birch")}
            row = {"id": f"i{number}", "prompt": f"question {number}", "responses": answers}
            file.write(json.dumps(row) + "\n")
    with (folder / "personas.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "side"])
        writer.writerows([f"p{n}", "left" if n % 2 else "right"] for n in range(100))
    study = {
        "name": "size",
        "items": {"path": "items.jsonl", "id": "id", "responses": "responses"},
        "scale": {"kind": "likert", "question": "Good?", "points": ["1", "2", "3", "4", "5"]},
        "population": {"path": "personas.csv", "columns": {"id": "id", "attributes": ["side"]}},
        "scores": {"resamples": 100},
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(study))


def juries(folder: Path, *words: str) -> None:
    subprocess.run([sys.executable, "-m", "juries", *words], cwd=folder, check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip


PARTS = {"alt-test": time_alt_test, "dawid-skene": time_dawid_skene, "calibrate": time_calibrate}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
