"""Who sits: personas drawn from a population, weighted, each with the mind that answers for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
from pydantic_core import to_jsonable_python

from graphs.panel import Juror
from juries.spec import JurySpec, PopulationSpec
from personas.identity import generator
from personas.importers import load_population
from personas.margins import load_margin, shipped_margins
from personas.population import Population
from personas.portrait import portray
from personas.sampling import Sample, sample
from personas.weighting import Raking, kish_effective_size, rake


def seat_jury(
    population: Population, spec: JurySpec, minds: Sequence[tuple[str, float]], *, seed: int
) -> tuple[tuple[Juror, ...], Sample | None]:
    """Fill the seats and say which mind answers at each.

    Args:
        population: whom the seats are drawn from.
        spec: how many, and how.
        minds: name and share of each mind.
        seed: of the study.
    """
    drawn = None
    seated = population
    if spec.seats is not None:
        drawn = sample(
            population,
            spec.seats,
            method=spec.sampling,
            by=spec.by,
            quotas=spec.quotas or None,
            seed=seed,
        )
        seated = drawn.take(population)
    names = [name for name, _ in minds]
    assigned = assign_minds(len(seated), [share for _, share in minds], seed)
    sitting: Counter[str] = Counter()
    jurors: list[Juror] = []
    for position, persona in enumerate(seated.personas):
        sitting[persona.id] += 1
        times = sitting[persona.id]
        jurors.append(
            Juror(
                position=position,
                id=persona.id if times == 1 else f"{persona.id}#{times}",
                persona=persona,
                weight=float(seated.weights[position]),
                mind=names[assigned[position]],
                portrait=portray(persona, spec.portrait),
            )
        )
    return tuple(jurors), drawn


def read_population(spec: PopulationSpec, base: Path) -> tuple[Population, Raking | None]:
    """The population of a study: read, derived, weighted.

    Args:
        spec: the study's section.
        base: the folder that paths are relative to.
    """
    population = load_population(base / spec.path, format=spec.format, columns=spec.columns)
    if spec.derive:
        population = population.derive(spec.derive)
    if spec.rake is None:
        return population, None
    margins = [
        load_margin(_margin_source(name, base), columns=columns)
        for name, columns in (
            (margin, None) if isinstance(margin, str) else (margin.margin, margin.columns)
            for margin in spec.rake.margins
        )
    ]
    raking = rake(
        population,
        margins,
        bounds=spec.rake.bounds,
        missing=spec.rake.missing,
        empty=spec.rake.empty,
    )
    return raking.population, raking


def describe_seats(
    population: Population, raking: Raking | None, drawn: Sample | None
) -> dict[str, object]:
    """How the jury came to be, for the run record: plain values, ready for JSON."""
    return {
        "population": {
            "personas": len(population),
            "source": population.provenance.source,
            "licence": population.provenance.licence,
            "weighting": population.provenance.weighting,
            "notes": list(population.provenance.notes),
            "kish_effective": kish_effective_size(population.weights),
        },
        "raking": None if raking is None else _plain(raking, leave_out=("population", "weights")),
        "sampling": None
        if drawn is None
        else _plain(drawn, leave_out=("indices", "weights", "probabilities")),
    }


def _plain(result: Raking | Sample, *, leave_out: tuple[str, ...]) -> dict[str, object]:
    """The fields of a result as plain values; its arrays belong to the jury's own file."""
    return {
        field.name: to_jsonable_python(getattr(result, field.name))
        for field in fields(result)
        if field.name not in leave_out
    }


def _margin_source(name: str, base: Path) -> str | Path:
    return name if name in shipped_margins() else base / name


def assign_minds(seats: int, shares: Sequence[float], seed: int) -> list[int]:
    """Which mind answers at each seat: largest remainders of the shares, seats shuffled."""
    exact = np.array(shares) / sum(shares) * seats
    counts = np.floor(exact).astype(int)
    for mind in np.argsort(counts - exact, kind="stable")[: seats - counts.sum()]:
        counts[mind] += 1
    minds = np.repeat(np.arange(len(shares)), counts)
    if len(shares) > 1:
        generator(seed, "jury", "minds").shuffle(minds)
    return minds.tolist()
