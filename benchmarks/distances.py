"""Distances between a million pairs of answer distributions, beside SciPy in the same run.

Jensen-Shannon distance against `scipy.spatial.distance.jensenshannon` on the same arrays; the
1-Wasserstein distance against `scipy.stats.wasserstein_distance`, which takes one pair at a time,
on as many pairs as it does in a second or so. Medians of five; ours include all checks.

Run: `python benchmarks/distances.py [pairs]`.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance as scipy_wasserstein

from juries.measures.distances import js_distance, wasserstein_distance

OPTIONS = 5
ONE_BY_ONE = 20_000


def median_ms(run: Callable[[], object], repeats: int = 5) -> float:
    times: list[float] = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def main(pairs: int) -> None:
    rng = np.random.default_rng(0)
    p, q = rng.dirichlet(np.ones(OPTIONS), (2, pairs))
    ours, theirs = (
        median_ms(lambda: js_distance(p, q)),
        median_ms(lambda: jensenshannon(p, q, 2.0, axis=1)),
    )
    print(
        f"JS distance, {pairs} pairs: {ours:.0f} ms; SciPy {theirs:.0f} ms ({theirs / ours:.1f} x)"
    )
    places = list(range(1, OPTIONS + 1))
    few = slice(0, min(ONE_BY_ONE, pairs))

    def loop() -> None:
        for a, b in zip(p[few], q[few], strict=True):
            scipy_wasserstein(places, places, a, b)

    ours = median_ms(lambda: wasserstein_distance(p, q))
    theirs = median_ms(loop, 3) * pairs / len(p[few])
    print(
        f"W1, {pairs} pairs: {ours:.0f} ms; SciPy {theirs:.0f} ms, scaled ({theirs / ours:.0f} x)"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
