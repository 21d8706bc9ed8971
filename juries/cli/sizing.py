"""`juries power` and `juries budget`: how large a study must be, and what it costs."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from personas.errors import InputError

if TYPE_CHECKING:
    from juries.calibration.power import Clusters
    from juries.calibration.study_size import Components


class Drawn(StrEnum):
    """What a test takes as drawn from a population."""

    ITEMS = "items"
    BOTH = "items-and-raters"


def power(
    study: Annotated[
        Path | None,
        typer.Argument(help="A study on the embedded mind; without it, give variances."),
    ] = None,
    *,
    items: Annotated[str, typer.Option(help="Numbers of items, such as 20,50,100.")] = "20,50,100",
    raters: Annotated[str, typer.Option(help="Numbers of raters, such as 5,20.")] = "10,30",
    shift: Annotated[float, typer.Option(help="Planted effect, logits (with a study).")] = 0.5,
    effect: Annotated[float, typer.Option(help="Planted effect, points (without one).")] = 0.2,
    variances: Annotated[
        str, typer.Option(help="Item, rater and residual variance (without a study).")
    ] = "0.2,0.05,1.0",
    drawn: Annotated[Drawn, typer.Option(help="What the test clusters by.")] = Drawn.BOTH,
    simulations: Annotated[int, typer.Option(min=10, help="Studies simulated per design.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Of all draws.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the curve as JSON.")] = False,
) -> None:
    """Find the power of study designs by simulation, with an effect planted.

    With a study, its embedded mind answers; without one, answers are drawn with the variances
    given. Every rater rates every item, so that raters and items are both drawn.
    """
    from juries.cli.calibration_tables import print_rows

    sizes, panels = numbers(items, "--items"), numbers(raters, "--raters")
    clusters: Clusters = "items" if drawn is Drawn.ITEMS else "items and raters"
    designs = [(count, panel) for panel in panels for count in sizes]
    if study is None:
        title = f"Power to find {effect:g} points, answers drawn with variances {variances}"
        rows = _drawn_power(designs, effect, variances, clusters, simulations, seed)
    else:
        title = f"Power to find a shift of {shift:g} logits, on the embedded rater simulator"
        rows = _study_power(study, designs, shift, clusters, simulations, seed)
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
    else:
        print_rows(title, rows)


def _study_power(
    study: Path,
    designs: list[tuple[int, int]],
    shift: float,
    clusters: Clusters,
    simulations: int,
    seed: int,
) -> list[dict[str, object]]:
    from juries.calibration.study_power import simulate_study_power
    from juries.running import prepare
    from juries.runs import load_study

    prepared = prepare(*load_study(study))
    found = (
        simulate_study_power(
            prepared,
            shift=shift,
            items=items,
            jurors=jurors,
            clusters=clusters,
            simulations=simulations,
            seed=seed,
        )
        for items, jurors in designs
    )
    return [
        {
            "items": one.items,
            "raters": one.jurors,
            "effect, points": one.effect,
            "power": one.power,
            "low": one.interval.low,
            "high": one.interval.high,
        }
        for one in found
    ]


def _drawn_power(
    designs: list[tuple[int, int]],
    effect: float,
    variances: str,
    clusters: Clusters,
    simulations: int,
    seed: int,
) -> list[dict[str, object]]:
    from juries.calibration.power import simulate_power
    from juries.calibration.study_size import Design, precision_curve

    components = parse_components(variances)
    rows: list[dict[str, object]] = []
    for items, raters in designs:
        design = Design(items=items, raters_per_item=raters, raters=raters)
        one = simulate_power(
            design, components, effect, clusters=clusters, simulations=simulations, seed=seed
        )
        (point,) = precision_curve(
            components, items=[items], raters_per_item=[raters], raters=raters, effect=effect
        )
        rows.append(
            {
                "items": items,
                "raters": raters,
                "power": one.power,
                "low": one.interval.low,
                "high": one.interval.high,
                "by formula": point.power or 0.0,
                "half width": point.half_width,
            }
        )
    return rows


def budget(
    *,
    half_width: Annotated[float, typer.Option(help="Half the interval wanted, in points.")],
    items: Annotated[int, typer.Option(min=2, help="Items of the study.")],
    jurors: Annotated[int, typer.Option(min=1, help="Jurors who rate every item.")],
    correlation: Annotated[float, typer.Option(help="Of jury's and people's item means.")],
    variances: Annotated[
        str, typer.Option(help="Item, rater and residual variance of people's answers.")
    ] = "0.4,0.1,1.0",
    raters_per_item: Annotated[int, typer.Option(min=1, help="People who see an item.")] = 5,
    person_cost: Annotated[float, typer.Option(help="Of one answer of a person.")] = 0.2,
    juror_cost: Annotated[float, typer.Option(help="Of one answer of a juror.")] = 0.0005,
    item_cost: Annotated[float, typer.Option(help="Of preparing an item for people.")] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print table and curve as JSON.")] = False,
) -> None:
    """Say what an interval of people's mean costs: people only, jury only, both."""
    from juries.calibration.costs import Costs, cost_table
    from juries.calibration.study_size import precision_curve
    from juries.cli.calibration_tables import cost_rows, print_rows

    components = parse_components(variances)
    rows = cost_table(
        items=items,
        half_width=half_width,
        components=components,
        raters_per_item=raters_per_item,
        jurors=jurors,
        correlation=correlation,
        costs=Costs(person_answer=person_cost, juror_answer=juror_cost, item=item_cost),
    )
    curve = precision_curve(
        components,
        items=[n for n in (25, 50, 100, 200, 400, 800) if n <= max(items, 25)],
        raters_per_item=[1, 3, 5, 10],
    )
    if as_json:
        figures = {"costs": [asdict(row) for row in rows], "curve": [asdict(p) for p in curve]}
        typer.echo(json.dumps(figures, indent=1))
        return
    print_rows(f"People's mean to plus and minus {half_width:g} points", cost_rows(rows))
    for row in rows:
        typer.echo(f"{row.who}: {row.note}")
    print_rows(
        "Half width by people alone",
        [
            {
                "items": point.items,
                "people an item": point.raters_per_item,
                "answers": point.answers,
                "half width": point.half_width,
            }
            for point in curve
        ],
    )


def numbers(text: str, option: str) -> list[int]:
    """Whole numbers in a comma-separated list.

    Raises:
        InputError: anything else.
    """
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or min(found) < 2:
        raise InputError(f"{option} cannot be read", found=text, expected="numbers such as 20,50")
    return found


def parse_components(text: str) -> Components:
    """Three variances in a comma-separated list.

    Raises:
        InputError: anything else.
    """
    from juries.calibration.study_size import Components

    try:
        item, rater, residual = (float(part) for part in text.split(","))
        return Components(item=item, rater=rater, residual=residual)
    except ValueError:
        raise InputError(
            "--variances cannot be read",
            found=text,
            expected="three numbers, not negative: item,rater,residual",
        ) from None
