"""Coverage of two intervals for a group difference, in designs of crossed normal random effects.

The crossed standard error of `juries.measures.group_effects` beside the percentile bootstrap of
items and jurors, at 95 %. `planted.py` and `coverage.py` do the same with the embedded rater
simulator.

Run: `python benchmarks/group_effects.py [studies] [bootstrapped studies]`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np

from juries.measures.group_effects import group_difference
from juries.measures.two_way import TwoWay

EFFECT = 0.4
RESAMPLES = 300


@dataclass(frozen=True, kw_only=True)
class Design:
    """Sizes, and standard deviations of jurors, group by item and single answers."""

    items: int
    jurors: tuple[int, int]
    juror: float
    gap: float
    chance: float
    missing: float = 0.0
    weighted: bool = False


DESIGNS = (
    Design(items=20, jurors=(12, 12), juror=0.7, gap=0.3, chance=0.7),
    Design(items=20, jurors=(12, 12), juror=0.7, gap=0.3, chance=0.7, weighted=True),
    Design(items=20, jurors=(12, 12), juror=0.7, gap=0.3, chance=0.7, missing=0.3),
    Design(items=20, jurors=(12, 12), juror=0.7, gap=0.0, chance=0.7),
    Design(items=20, jurors=(12, 12), juror=0.0, gap=0.5, chance=1.0),
    Design(items=40, jurors=(6, 18), juror=0.4, gap=0.2, chance=0.9),
    Design(items=50, jurors=(4, 30), juror=0.5, gap=0.2, chance=0.7),
    Design(items=30, jurors=(3, 3), juror=0.5, gap=0.2, chance=0.7),
    Design(items=8, jurors=(5, 5), juror=0.5, gap=0.5, chance=0.7),
    Design(items=60, jurors=(15, 30), juror=0.5, gap=0.2, chance=0.7, missing=0.85),
    Design(items=60, jurors=(15, 30), juror=0.5, gap=0.2, chance=0.7, missing=0.92),
    Design(items=20, jurors=(12, 12), juror=0.0, gap=0.0, chance=1.0),
)


def draw(design: Design, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Ratings [items, jurors], and who is of the first group."""
    count = sum(design.jurors)
    member = np.arange(count) < design.jurors[0]
    own = design.gap * rng.standard_normal((design.items, 2))
    table = rng.standard_normal((design.items, 1)) + design.juror * rng.standard_normal(count)
    table = table + np.where(member, own[:, :1] + EFFECT, own[:, 1:])
    table += design.chance * rng.standard_normal(table.shape)
    table[rng.random(table.shape) < design.missing] = np.nan
    return table, member


def coverage(design: Design, studies: int, bootstrapped: int) -> tuple[float, float]:
    """Share of studies whose interval held the effect: standard error, bootstrap."""
    rng = np.random.default_rng(0)
    hits = again = 0
    for study in range(studies):
        table, member = draw(design, rng)
        weights = rng.gamma(4.0, size=member.size) if design.weighted else None
        effect = group_difference(table, member, ~member, weights=weights).effect
        hits += effect.low <= EFFECT <= effect.high
        if study < bootstrapped:
            drawn = TwoWay.draw(table[None], weights=weights, resamples=RESAMPLES, rng=rng)
            gap = drawn.mean(0, member) - drawn.mean(0, ~member)
            low, high = np.nanquantile(gap[1:], (0.025, 0.975))
            again += low <= EFFECT <= high
    return hits / studies, again / max(bootstrapped, 1)


def main(studies: int, bootstrapped: int) -> None:
    print(f"{studies} studies, {bootstrapped} of them bootstrapped {RESAMPLES} times")
    print("items  jurors   sd juror, group x item, chance  missing   standard error  bootstrap")
    for design in DESIGNS:
        error, bootstrap = coverage(design, studies, bootstrapped)
        jurors = f"{design.jurors[0]} + {design.jurors[1]}"
        print(
            f"{design.items:5d}  {jurors:8s} {design.juror:7.1f} {design.gap:10.1f} "
            f"{design.chance:10.1f} {design.missing:10.0%} {error:13.1%} {bootstrap:13.1%}"
            f"{'  weighted' if design.weighted else ''}"
        )


if __name__ == "__main__":
    main(*(int(number) for number in (sys.argv[1:] + ["1500", "600"][len(sys.argv) - 1 :])))
