"""The executors beside each other: wall time, CPU a rating and what each adds, in one run.

One study on the embedded mind is put to its jury by every executor in turn, without baselines,
scores or the table of ratings, which are the same for all; the order changes from repeat to repeat.
The time to start workers is measured by a study of few items and shown apart. On a machine that is
in use the ratios of wall times say little, and the CPU seconds more. Ray's workers are children of
its daemon, so their CPU is not seen here.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from pipeline import write_study

WORK = """
import json, os, sys, time
from pathlib import Path
from juries.executors import Placement
from juries.exports import ratings_table
from juries.runs import load_study, rate
ratings_table.PART_ROWS = sys.maxsize
study, base = load_study(Path(sys.argv[1]))
study = study.located(base)
study = study.model_copy(update={
    "baselines": study.baselines.model_copy(update={"share": 0}),
    "injection": study.injection.model_copy(update={"share": 0}),
})
workers = int(sys.argv[4])
if sys.argv[3] == "ray":
    import ray
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
begun, here = time.monotonic(), time.process_time()
run = rate(study, out=Path(sys.argv[2]), placement=Placement(executor=sys.argv[3], workers=workers))
print(json.dumps({
    "wall": time.monotonic() - begun, "driver": time.process_time() - here,
    "ratings": run.record.recorded,
}))
"""


def once(study: Path, out: Path, executor: str, workers: int) -> dict[str, float]:
    """Wall time of asking, and CPU of the driver and of the whole tree of processes."""
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-c", WORK, study, out, executor, str(workers)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    after = os.times()
    spent = after.children_user + after.children_system
    figures = json.loads(done.stdout.splitlines()[-1])
    return {**figures, "cpu": spent - before.children_user - before.children_system}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=4000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--executors", nargs="+", default=["local", "processes", "ray"])
    options = parser.parse_args()
    seen: dict[tuple[str, str], list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        few = write_study(folder / "few", 2 * options.workers)
        many = write_study(folder / "many", options.items)
        for repeat in range(options.repeats):
            turn = repeat % len(options.executors)
            for executor in (*options.executors[turn:], *options.executors[:turn]):
                for name, study in (("few", few), ("many", many)):
                    out = folder / f"{name}-{executor}-{repeat}"
                    figures = once(study, out, executor, options.workers)
                    seen.setdefault((executor, name), []).append(figures)
    ratings = int(seen[options.executors[0], "many"][0]["ratings"])
    print(f"{ratings:,} ratings, {options.workers} workers, median of {options.repeats}")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores at {time.strftime('%H:%M')}")
    heads = ("start s", "wall s", "ratings/s", "CPU µs", "driver µs", "ratio")
    print(f"{'':12}" + "".join(f"{head:>11}" for head in heads))
    first = None
    for executor in options.executors:
        median = {
            (name, what): statistics.median(each[what] for each in seen[executor, name])
            for name in ("few", "many")
            for what in ("wall", "cpu", "driver")
        }
        asking = median["many", "wall"] - median["few", "wall"]
        cpu = median["many", "cpu"] - median["few", "cpu"]
        driver = median["many", "driver"] - median["few", "driver"]
        first = first or asking
        print(
            f"{executor:12}{median['few', 'wall']:11.2f}{asking:11.2f}{ratings / asking:11,.0f}"
            f"{cpu / ratings * 1e6:11.1f}{driver / ratings * 1e6:11.1f}{first / asking:11.2f}"
        )


if __name__ == "__main__":
    main()
