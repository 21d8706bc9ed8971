"""Time to fit a surrogate on 100,000 simulated ratings; median of runs.

Usage: python benchmarks/surrogate.py [runs]
"""

from __future__ import annotations

import statistics
import sys
import time

import numpy as np
import torch

from juries.surrogate.fitting import SurrogateSettings, fit_surrogate
from juries.surrogate.table import RatingTable

RATINGS, RESPONSES, JURORS = 100_000, 5_000, 200


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    rng = np.random.default_rng(0)
    response, juror = rng.integers(0, RESPONSES, RATINGS), rng.integers(0, JURORS, RATINGS)
    side = rng.integers(0, 2, JURORS)
    quality = rng.normal(size=RESPONSES)
    score = quality[response] * (2 * side[juror] - 1) + rng.logistic(size=RATINGS)
    table = RatingTable(
        response=response,
        juror=juror,
        rating=np.digitize(score, [-1.5, -0.5, 0.5, 1.5]),
        points=5,
        responses=rng.normal(size=(RESPONSES, 32)),
        jurors=np.column_stack([np.ones(JURORS), side, rng.normal(size=(JURORS, 20))]),
    )
    times: list[float] = []
    processor: list[float] = []
    for _ in range(runs):
        start, spent = time.perf_counter(), time.process_time()
        fitted = fit_surrogate(table, SurrogateSettings())
        times.append(time.perf_counter() - start)
        processor.append(time.process_time() - spent)
    print(fitted.report.reading)
    print(
        f"{RATINGS:,} ratings, {torch.get_num_threads()} threads: median of {runs} "
        f"{statistics.median(times):.1f} s, processor {statistics.median(processor):.1f} s"
    )


if __name__ == "__main__":
    main()
