"""Clustering positions into viewpoints: 200 jurors on 1,000 items with the built-in features.

Reasons are made up: 30 words a juror, six of them of the juror's view, one to four views an item.
Prints the seconds for all items (target: 60 on 2 cores), how often the planted number of views is
found, and the time per item of the built-in features beside scikit-learn's, where that is there.

Run: `python benchmarks/overton.py [items] [jurors]`.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np

from juries.measures.clustering import adjusted_rand
from juries.measures.text_features import similarities
from juries.measures.viewpoints import cluster_viewpoints

COMMON = [f"common{number}" for number in range(300)]


def planted(views: int, jurors: int, seed: int) -> tuple[list[str], np.ndarray]:
    rng = np.random.default_rng(seed)
    held = rng.integers(0, views, jurors)
    words = [[f"view{view}word{number}" for number in range(12)] for view in range(views)]
    texts = [" ".join([*rng.choice(words[v], 6), *rng.choice(COMMON, 24)]) for v in held]
    return texts, held


def median_ms(run: Callable[[], object], repeats: int = 5) -> float:
    times: list[float] = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def scikit_learn(texts: Sequence[str]) -> float | None:
    try:
        from sklearn.feature_extraction.text import TfidfVectorizer
    except ImportError:
        return None

    def run() -> object:
        features = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit_transform(texts)
        return (features @ features.T).toarray()

    return median_ms(run)


def main(items: int, jurors: int) -> None:
    data = [planted(1 + item % 4, jurors, item) for item in range(items)]
    cluster_viewpoints(data[0][0])  # the reference for this number of jurors is drawn once
    start = time.perf_counter()
    found = [cluster_viewpoints(texts) for texts, _ in data]
    seconds = time.perf_counter() - start
    right = [0, 0, 0, 0]
    same = [0.0, 0.0, 0.0, 0.0]
    for item, (views, (_, held)) in enumerate(zip(found, data, strict=True)):
        right[item % 4] += views.count == 1 + item % 4
        same[item % 4] += adjusted_rand(views.labels, held)
    print(f"{items} items x {jurors} jurors: {seconds:.1f} s, {1000 * seconds / items:.1f} ms each")
    for views in range(4):
        share = items / 4
        print(
            f"  {views + 1} planted: found in {right[views] / share:.1%}, "
            f"mean adjusted Rand index {same[views] / share:.3f}"
        )
    texts = data[-1][0]
    print(f"features of one item: {median_ms(lambda: similarities(texts)):.1f} ms (built in)")
    other = scikit_learn(texts)
    print(f"features of one item: {other:.1f} ms (scikit-learn)" if other else "no scikit-learn")


if __name__ == "__main__":
    main(*(int(number) for number in (sys.argv[1:] + ["1000", "200"][len(sys.argv) - 1 :])))
