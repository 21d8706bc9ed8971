"""The real-data figures of docs/results.md, printed from local copies of the data.

Run: `python benchmarks/real_data.py FOLDER`, where FOLDER holds `globalopinionqa.json`,
`popquorn_offensiveness.csv` and `valuekaleidoscope_overton.json` (sources in docs/results.md).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from juries.measures.agreement import krippendorff_alpha_bootstrap
from juries.measures.alignment import BETWEEN, compare_alignment
from juries.measures.distributional import compare_to_population
from juries.measures.group_gaps import group_gaps
from juries.measures.surveys import read_globalopinionqa
from juries.measures.value_lists import read_value_lists, value_coverage, words_express
from personas.tables import read_rows

PAIRS = (
    ("Japan", "United States"),
    ("Germany", "United States"),
    ("Britain", "United States"),
    ("Jordan", "United States"),
    ("Japan", "S. Korea"),
)


def country_distances(folder: Path) -> Iterator[str]:
    reference = read_globalopinionqa(folder / "globalopinionqa.json")
    people = reference.distributions
    for a, b in PAIRS:
        table = compare_alignment(people[a], people[b], reference, populations=[a, b])
        value = table.row(BETWEEN, f"{a} and {b}").value
        if value is not None:
            yield f"| {a} and {b} | {value.n} | {value} |"
    others = [name for name in reference.populations if name != "United States"]
    found = compare_to_population(people["United States"], reference, populations=others)
    distance = found.overall.distance
    yield f"| United States and the other {len(others)}, mean | {distance.n} | {distance} |"


def popquorn(folder: Path) -> tuple[NDArray[np.float64], list[dict[str, object]]]:
    """Ratings [raters, items] and one row of attributes per rater."""
    rows = [row.data for row in read_rows(folder / "popquorn_offensiveness.csv")]
    raters = {row["user_id"]: row for row in rows}
    items = {row["instance_id"]: None for row in rows}
    line = {rater: place for place, rater in enumerate(raters)}
    column = {item: place for place, item in enumerate(items)}
    table = np.full((len(line), len(column)), np.nan)
    for row in rows:
        table[line[row["user_id"]], column[row["instance_id"]]] = float(str(row["offensiveness"]))
    return table, list(raters.values())


def alphas(table: NDArray[np.float64]) -> Iterator[str]:
    for level in ("nominal", "ordinal", "interval", "ratio"):
        found = krippendorff_alpha_bootstrap(table, level=level, rng=np.random.default_rng(0))
        ends = found.interval()
        yield f"| {level} | {found.alpha.alpha:.3f} [{ends.low:.3f}, {ends.high:.3f}] |"


def gaps(table: NDArray[np.float64], raters: list[dict[str, object]]) -> Iterator[str]:
    for attribute in ("gender", "race", "age", "education"):
        labels = [str(rater[attribute]) for rater in raters]
        for row in group_gaps(table, labels, points=5):
            yield (
                f"| {attribute}: {row.group} | {row.raters} | {row.gap} | {row.distance:.3f} | "
                f"{row.chance:.3f} | {row.p_value:.3f} |"
            )


def matcher(folder: Path) -> Iterator[str]:
    lists = read_value_lists(folder / "valuekaleidoscope_overton.json")
    own: list[bool] = []
    other: list[bool] = []
    for listed in lists:
        for place, text in enumerate(listed.explanations):
            found = words_express(listed.values, text).tolist()
            own.append(found.pop(place))
            other += found
    bare = value_coverage(
        lists,
        [words_express(listed.values, listed.situation) for listed in lists],
        scorer="lexical matcher",
    )
    yield f"| value found in its own explanation | {np.mean(own):.3f} |"
    yield f"| value found in the explanation of another listed value | {np.mean(other):.3f} |"
    yield f"| coverage by the bare situation | {bare.coverage} |"


def main(folder: Path) -> None:
    sections = {"GlobalOpinionQA, JS distance (base 2)": country_distances(folder)}
    table, raters = popquorn(folder)
    sections |= {
        "POPQUORN offensiveness, Krippendorff's alpha": alphas(table),
        "POPQUORN offensiveness, groups against the other raters": gaps(table, raters),
        "ValueKaleidoscope, lexical matcher": matcher(folder),
    }
    for title, lines in sections.items():
        print(f"\n{title}")
        for line in lines:
            print(line)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data"))
