"""Krippendorff's alpha and its bootstrap beside evalica, in the same run.

Small: 10,000 items, 200 jurors, 20 % missing (1.6 million ratings). Large: 1,000,000 items, 10
jurors, 20 % missing (8 million). Ours is timed on int8 codes and on float64 with NaN; evalica takes
a data frame of floats. Memory is the growth of the peak resident size over that with the data.

Run: `python benchmarks/alpha.py`; evalica and pandas are optional.
"""

from __future__ import annotations

import importlib
import importlib.util
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

from juries.measures.agreement import krippendorff_alpha, krippendorff_alpha_bootstrap

SIZES = {"small": (200, 10_000), "large": (10, 1_000_000)}
REPEATS = 5


def ratings(size: str) -> np.ndarray:
    jurors, items = SIZES[size]
    rng = np.random.default_rng(0)
    common = rng.integers(1, 6, size=items, dtype=np.int8)
    own = rng.integers(1, 6, size=(jurors, items), dtype=np.int8)
    table = np.where(rng.random((jurors, items), dtype=np.float32) < 0.5, common, own)
    table[rng.random((jurors, items), dtype=np.float32) < 0.2] = -1
    return table


def median(call: Callable[[], object], repeats: int = REPEATS) -> float:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def points(size: str, level: str) -> None:
    codes = ratings(size)
    floats = np.where(codes < 0, np.nan, codes).astype(np.float64)
    ours = median(lambda: krippendorff_alpha(codes, level, missing=-1))
    from_floats = median(lambda: krippendorff_alpha(floats, level))
    line = f"{size:5s} {level:8s} int8 {1e3 * ours:7.2f} ms, float64 {1e3 * from_floats:7.2f} ms"
    if importlib.util.find_spec("evalica") and importlib.util.find_spec("pandas"):
        evalica, pd = importlib.import_module("evalica"), importlib.import_module("pandas")
        frame = pd.DataFrame(floats)
        theirs = median(lambda: evalica.alpha(frame, distance=level))
        gap = evalica.alpha(frame, distance=level).alpha
        gap -= krippendorff_alpha(codes, level, missing=-1).alpha
        line += (
            f", evalica {1e3 * theirs:7.1f} ms: {theirs / ours:.0f} and "
            f"{theirs / from_floats:.0f} times, alphas differ by {abs(gap):.0e}"
        )
    print(line)


def bootstrap(size: str, level: str, over: str) -> None:
    codes = ratings(size)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def call() -> object:
        rng = np.random.default_rng(1)
        return krippendorff_alpha_bootstrap(codes, level, over=over, missing=-1, rng=rng)

    used = time.process_time()
    seconds = median(call)
    used = (time.process_time() - used) / REPEATS
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(
        f"{size:5s} {level:8s} 1,000 resamples of {over}: {seconds:.2f} s, "
        f"{used:.2f} CPU s, +{grown:.0f} MB"
    )


def main() -> None:
    if len(sys.argv) > 1:
        what, *rest = sys.argv[1:]
        {"points": points, "bootstrap": bootstrap}[what](*rest)
        return
    print(f"median of {REPEATS}, each line in a fresh process")
    lines = [["points", size, level] for size in SIZES for level in ("nominal", "ordinal")]
    lines += [
        ["bootstrap", size, level, "items"] for size in SIZES for level in ("nominal", "ordinal")
    ]
    lines += [["bootstrap", "small", level, "jurors"] for level in ("nominal", "ordinal")]
    for line in lines:
        subprocess.run([sys.executable, __file__, *line], check=True)


if __name__ == "__main__":
    main()
