"""Two-way bootstrap of the welfare family: 10,000 items, 200 jurors, 1,000 resamples, 4 powers.

Beside it, in the same run, the definition by a loop over replicates (resample the array, apply
the function), timed on a few replicates and scaled up. Memory is the growth of the peak resident
size over that with the data loaded, in a fresh process each.

Run: `python benchmarks/welfare.py [items] [jurors] [resamples]`.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time

import numpy as np

from juries.measures.bootstrap import welfare_bootstrap
from juries.measures.resampling import item_multiplicities, juror_multiplicities
from juries.measures.welfare_functions import DEFAULT_FAMILY, parse_welfares

POWERS = ("power:1", "power:0", "power:-1", "power:-inf")
REPEATS = 5
NAIVE_REPLICATES = 3


def utilities(kind: str, items: int, jurors: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    if kind == "five points":
        points = np.array([0.01, 0.25, 0.5, 0.75, 1.0], dtype=np.float32)
        return points[rng.integers(0, 5, size=(1, items, jurors))]
    table = rng.random((1, items, jurors), dtype=np.float32)
    if kind == "20 % missing":
        table[rng.random(table.shape, dtype=np.float32) < 0.2] = np.nan
    return table


def naive(table: np.ndarray, functions: list, jurors: int, items: int) -> float:
    rng = np.random.default_rng(1)
    weights = juror_multiplicities(jurors, NAIVE_REPLICATES, rng)
    drawn = np.concatenate(list(item_multiplicities(items, NAIVE_REPLICATES, rng)))
    start = time.perf_counter()
    for b in range(NAIVE_REPLICATES):
        again = np.repeat(table[0], drawn[:, b].astype(int), axis=0)
        for function in functions:
            function(again, weights[:, b]).mean()
    return (time.perf_counter() - start) / NAIVE_REPLICATES


def measure(items: int, jurors: int, resamples: int, kind: str, names: list[str]) -> None:
    functions = list(parse_welfares(names))
    table = utilities(kind, items, jurors)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds, cpu = [], []
    for _ in range(REPEATS):
        start, used = time.perf_counter(), time.process_time()
        welfare_bootstrap(table, functions, resamples=resamples, rng=np.random.default_rng(1))
        seconds.append(time.perf_counter() - start)
        cpu.append(time.process_time() - used)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    loop = naive(table, functions, jurors, items) * resamples
    median = statistics.median(seconds)
    print(
        f"{kind:13s} {' '.join(names):44s} {median:6.2f} s ({statistics.median(cpu):.2f} CPU s), "
        f"+{grown:.0f} MB; loop about {loop:.0f} s: {loop / median:.0f} times"
    )


def main() -> None:
    given = [int(each) for each in sys.argv[1:4] if each.isdigit()]
    items, jurors, resamples = [*given, *(10_000, 200, 1_000)[len(given) :]]
    if "--one" in sys.argv:
        at = sys.argv.index("--one")
        measure(items, jurors, resamples, sys.argv[at + 1], sys.argv[at + 2].split())
        return
    print(f"{items:,} items, {jurors} jurors, {resamples:,} resamples, median of {REPEATS}")
    cases = [(kind, POWERS) for kind in ("five points", "continuous", "20 % missing")]
    cases += [("five points", (each.name,)) for each in DEFAULT_FAMILY[4:]]
    cases += [("continuous", (each.name,)) for each in DEFAULT_FAMILY[4:6]]
    size = [str(items), str(jurors), str(resamples)]
    for kind, names in cases:
        one = [sys.executable, __file__, *size, "--one", kind, " ".join(names)]
        subprocess.run(one, check=True)


if __name__ == "__main__":
    main()
