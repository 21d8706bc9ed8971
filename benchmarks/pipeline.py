"""A whole study on the embedded mind: CPU a rating, memory, and the time to resume.

Each figure is a fresh process, so that CPU and resident memory are its own. The whole pipeline
(graph, ledger, all six measures, exports; the report apart) stands beside the mind alone, asked
in a bare loop.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
MODELS = ("ash", "birch", "cedar", "date", "elm")
JURORS = 50
BARE = """
import asyncio, sys
from pathlib import Path
from juries.runs import load_study
from juries.running import prepare
from graphs.items import questions
from graphs.minds.protocol import RatingTask
from graphs.minds.psychometric import PsychometricMind
from graphs.panel import Panel

study, base = load_study(Path(sys.argv[1]))
prepared = prepare(study, base)
mind, panel = PsychometricMind(study.mind), Panel(prepared.jurors)

async def work():
    count = 0
    for position, item in enumerate(prepared.items):
        task = RatingTask(
            item=item, position=position, panel=panel, questions=questions(study.scale), seed=1
        )
        async for rows in mind.rate(task):
            count += len(rows)
    return count

assert asyncio.run(work()) > 0
"""


def write_study(folder: Path, items: int) -> Path:
    """A study of so many items, 5 models and 50 jurors; texts of 20 to 120 words."""
    rng = np.random.default_rng(1)
    words = (ROOT / "LICENSE").read_text().split()
    folder.mkdir()
    with (folder / "items.jsonl").open("w") as file:
        for number in range(items):
            texts = {m: " ".join(rng.choice(words, int(rng.integers(20, 120)))) for m in MODELS}
            row = {"id": f"i{number}", "prompt": " ".join(rng.choice(words, 12)), "out": texts}
            file.write(json.dumps(row) + "\n")
    rows = [f"{20 + n % 60},{'left' if n % 2 else 'right'}" for n in range(JURORS)]
    (folder / "people.csv").write_text("\n".join(["age,side", *rows]))
    study = folder / "study.yaml"
    study.write_text(
        "name: bench\nitems: {path: items.jsonl, id: id, prompt: prompt, responses: out}\n"
        "scale: {kind: likert, question: 'Good?', points: [a, b, c, d, e]}\n"
        "population: {path: people.csv}\n"
    )
    return study


def measure(*command: str | Path) -> tuple[float, float, float]:
    """CPU seconds, wall seconds and peak resident MB of a process."""
    with tempfile.TemporaryFile() as log:
        before = os.times().elapsed
        process = subprocess.Popen(
            [sys.executable, *map(str, command)], stdout=log, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = os.times().elapsed - before
        if status:
            log.seek(0)
            raise SystemExit(log.read().decode())
    return usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024


def median_cpu(repeats: int, *command: str | Path, fresh: Path | None = None) -> float:
    figures: list[float] = []
    for _ in range(repeats):
        if fresh is not None:
            shutil.rmtree(fresh, ignore_errors=True)
        figures.append(measure(*command)[0])
    return statistics.median(figures)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--large", type=int, default=4000, help="items of the large study")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        small = write_study(folder / "small", 400)
        large = write_study(folder / "large", options.large)
        run = ["-m", "juries", "run", "--no-report", "--display", "none", "--out"]
        start = median_cpu(options.repeats, "-m", "juries", "run", small, "--dry-run")
        bare = median_cpu(options.repeats, "-c", BARE, small)
        out = folder / "out"
        whole = median_cpu(options.repeats, *run, out, small, fresh=out)
        ratings = 400 * len(MODELS) * JURORS
        print(f"ratings of the small study            {ratings:>12,}")
        print(f"start and reading, CPU s              {start:>12.2f}")
        print(f"the mind alone in a bare loop, CPU s  {bare:>12.2f}")
        print(f"the whole pipeline, CPU s             {whole:>12.2f}")
        print(f"  ratings per CPU second              {ratings / whole:>12,.0f}")
        print(f"  times the mind alone                {whole / bare:>12.2f}")
        report = median_cpu(options.repeats, "-m", "juries", "report", out)
        print(f"its report, CPU s                     {report:>12.2f}")
        shutil.rmtree(out)
        small_memory = measure(*run, out, small)[2]
        cpu, _, large_memory = measure(*run, folder / "large-out", large)
        many = options.large * len(MODELS) * JURORS
        print(f"ratings of the large study            {many:>12,}")
        print(f"  its CPU µs a rating                 {cpu / many * 1e6:>12.1f}")
        print(f"  resident MB                         {large_memory:>12.0f}")
        print(f"  above the small study's             {large_memory - small_memory:>12.0f}")
        figures = [measure(*run, folder / "large-out", large)[1] for _ in range(options.repeats)]
        print(f"resuming it when finished, wall s     {statistics.median(figures):>12.2f}")


if __name__ == "__main__":
    main()
