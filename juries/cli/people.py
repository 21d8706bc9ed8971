"""`juries personas`: look at a population, weight it, draw seats from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from personas.errors import InputError

if TYPE_CHECKING:
    from personas.margins import Margin
    from personas.population import Population

app = typer.Typer(help="Describe, weight and sample personas.", no_args_is_help=True)

Source = Annotated[
    Path,
    typer.Argument(help="A file of personas, or a study whose population is meant."),
]
Format = Annotated[
    str | None, typer.Option("--format", help="Importer, such as gss; told by the file if absent.")
]
Output = Annotated[
    Path, typer.Option("--output", "-o", help="File to write (JSONL).", show_default=False)
]


@app.command()
def describe(
    source: Source,
    format_: Format = None,
    levels: Annotated[int, typer.Option(min=1, help="Levels shown per attribute.")] = 8,
) -> None:
    """Show who is in a population."""
    from juries.cli.population_tables import print_description

    print_description(_population(source, format_).describe(max_levels=levels))


@app.command()
def rake(
    source: Source,
    margin: Annotated[
        list[str], typer.Option(help="Shipped margin or CSV file; may be given several times.")
    ],
    output: Output,
    format_: Format = None,
    bounds: Annotated[
        tuple[float, float], typer.Option(help="Smallest and largest ratio to the base weight.")
    ] = (0.1, 10.0),
    column: Annotated[
        list[str] | None, typer.Option(help="ATTRIBUTE=MARGIN_COLUMN, where the names differ.")
    ] = None,
) -> None:
    """Weight a population to published margins."""
    from juries.cli.population_tables import print_raking
    from personas.weighting import rake as rake_population

    renamed = dict(_pair(text) for text in column or [])
    margins = [_margin(name, renamed) for name in margin]
    raking = rake_population(_population(source, format_), margins, bounds=bounds)
    raking.population.save(output)
    print_raking(raking, output)


@app.command()
def sample(
    source: Source,
    seats: Annotated[int, typer.Option(min=1, help="How many to draw.")],
    output: Output,
    format_: Format = None,
    method: Annotated[str, typer.Option(help="simple, stratified, quota or leximin.")] = "simple",
    by: Annotated[list[str] | None, typer.Option(help="Attribute of the strata; repeat.")] = None,
    quota: Annotated[
        list[str] | None, typer.Option(help="attribute:level=min-max; repeat.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Draw seats from a population."""
    from juries.cli.population_tables import print_sample
    from juries.spec import JurySpec
    from juries.study_file import validate
    from personas.sampling import sample as draw

    population = _population(source, format_)
    asked = {"seats": seats, "sampling": method, "by": by or [], "quotas": _quotas(quota or [])}
    spec = validate(JurySpec, asked, where="options")
    drawn = draw(
        population, seats, method=spec.sampling, by=spec.by, quotas=spec.quotas or None, seed=seed
    )
    drawn.take(population).save(output)
    print_sample(drawn, output)


def _population(source: Path, format_: str | None) -> Population:
    if source.suffix in (".yaml", ".yml"):
        from juries.jury import read_population
        from juries.runs import load_study

        study, base = load_study(source)
        return read_population(study.population, base)[0]
    from personas.importers import load_population

    return load_population(source, format=format_)


def _margin(name: str, renamed: dict[str, str]) -> Margin:
    """The margin, with those of its columns renamed that it has."""
    from personas.margins import load_margin, shipped_margins

    source = name if name in shipped_margins() else Path(name)
    has = load_margin(source).attributes
    mine = {ours: theirs for ours, theirs in renamed.items() if theirs in has}
    return load_margin(source, columns=mine)


def _pair(text: str) -> tuple[str, str]:
    left, sign, right = text.partition("=")
    if not (left and sign and right):
        raise InputError("malformed option", found=text, expected="NAME=VALUE")
    return left, right


def _quotas(texts: list[str]) -> dict[str, dict[str, tuple[int, int]]]:
    quotas: dict[str, dict[str, tuple[int, int]]] = {}
    for text in texts:
        place, bounds = _pair(text)
        attribute, colon, level = place.partition(":")
        low, dash, high = bounds.partition("-")
        if not (colon and dash and low.isdigit() and high.isdigit()):
            raise InputError("malformed quota", found=text, expected="ATTRIBUTE:LEVEL=MIN-MAX")
        quotas.setdefault(attribute, {})[level] = (int(low), int(high))
    return quotas
