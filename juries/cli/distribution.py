"""`juries distribution`: models' answers to a survey beside people's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from juries.measures.alignment import AlignmentComparison
    from juries.measures.distributional import PopulationComparison
    from juries.measures.estimates import Estimate
    from juries.spec_measures import SurveySpec

_MOST_POPULATIONS = 20
_DEFAULT_POPULATIONS = 2


class Survey(StrEnum):
    """How a survey file is laid out."""

    GLOBALOPINIONQA = "globalopinionqa"
    OPINIONQA = "opinionqa"
    POPQUORN = "popquorn"
    MPI = "mpi"


People = Annotated[
    Path | None,
    typer.Option(help="With --format mpi: people's answers, a row each.", show_default=False),
]
Answered = typer.Option(
    show_default=False,
    help="File of answers, a row a question: id or question, probabilities {option: share}.",
)


def survey_section(
    survey: Path, survey_format: Survey, *, group: str | None = None, people: Path | None = None
) -> SurveySpec:
    """The section of a study that says the same.

    Raises:
        InputError: the options do not go together.
    """
    from juries.spec_measures import SurveySpec
    from personas.errors import InputError

    if people is not None and survey_format is not Survey.MPI:
        raise InputError("--people goes with --format mpi", where="--people", found=str(people))
    named = None if people is None else str(people)
    return SurveySpec(path=str(survey), format=survey_format.value, group=group, people=named)


def distribution(
    survey: Annotated[Path, typer.Option(help="How people answered.", show_default=False)],
    *,
    pre: Annotated[Path | None, Answered] = None,
    post: Annotated[Path | None, Answered] = None,
    survey_format: Annotated[
        Survey, typer.Option("--format", help="How the survey is laid out.")
    ] = Survey.GLOBALOPINIONQA,
    population: Annotated[
        list[str] | None,
        typer.Option(help="Compare with this population; may be repeated.", show_default=False),
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="Column or attribute whose levels are populations.")
    ] = None,
    people: People = None,
    resamples: Annotated[int, typer.Option(min=100, help="Bootstrap resamples.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of shuffles and resamples.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Compare a model's answers with people's, or a model before and after alignment.

    With --pre and --post: distances to each population, the same with the model's probabilities
    shuffled, the distance between the populations, and entropies, paired by question
    (arXiv 2402.05070, section 5). Without --population, those two that answered most questions.
    With one of --pre and --post: that model against each population.
    """
    from juries.measures.alignment import compare_alignment
    from juries.measures.distributional import compare_to_population
    from juries.surveys import read_answers, read_survey
    from personas.errors import InputError
    from personas.identity import generator

    given = [path for path in (pre, post) if path is not None]
    if not given:
        raise InputError(
            "there is no model to compare", where="--pre, --post",
            hint="Name a file of a model's answers; with both, they are compared with each other.",
        )  # fmt: skip
    reference = read_survey(survey_section(survey, survey_format, group=group, people=people))
    if not reference.distributions:
        raise InputError(
            "there are no people to compare with", where="--people",
            hint="Name the file of people's answers to the statements.",
        )  # fmt: skip
    rng = generator(seed, "distribution")
    models = [read_answers(path, reference) for path in given]
    if len(models) == 2:
        pair = compare_alignment(
            models[0],
            models[1],
            reference,
            populations=population or reference.populations[:_DEFAULT_POPULATIONS],
            resamples=resamples,
            rng=rng,
        )
        if as_json:
            typer.echo(json.dumps(asdict(pair), indent=1))
        else:
            _print(pair.label, _pair_table(pair), len(pair.questions))
        return
    one = compare_to_population(
        models[0], reference, populations=population, resamples=resamples, rng=rng
    )
    if as_json:
        typer.echo(json.dumps(asdict(one), indent=1))
    else:
        _print(one.label, _one_table(one, given[0].stem), one.overall.distance.n)


def _print(label: str, table: Table, questions: int) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    console.print(Text(f"\n{label}, mean over {questions} questions; 95% intervals"))
    console.print(table)
    console.print(Text("Answers of the models named, as their files have them.", style="yellow"))


def _pair_table(found: AlignmentComparison) -> Table:
    table = _table(found.survey, ("", "before", "after", "after less before"))
    for row in found.rows:
        name = f"{row.measure}: {row.of}"
        if row.value is not None:
            table.add_row(name, _cell(row.value), "", "")
        else:
            table.add_row(name, *(_cell(one) for one in (row.pre, row.post, row.difference)))
    return table


def _one_table(found: PopulationComparison, name: str) -> Table:
    table = _table(
        f"{found.survey}, answered by {name}",
        ("population", "distance", "shuffled", "representative", "entropy, theirs"),
    )
    rows = sorted(found.rows, key=lambda row: row.distance.value or 2.0)
    shown = rows[:_MOST_POPULATIONS]
    for row in (*shown, found.overall):
        table.add_row(
            row.population,
            _cell(row.distance),
            _cell(row.shuffled),
            _cell(row.representativeness),
            f"{_number(row.model_entropy)}, {_number(row.population_entropy)}",
        )
    if len(rows) > len(shown):
        table.caption = f"the {len(shown)} nearest of {len(rows)}; all in --json"
    return table


def _table(title: str, columns: Sequence[str]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for place, column in enumerate(columns):
        table.add_column(column, overflow="fold", justify="right" if place else "left")
    return table


def _cell(estimate: Estimate | None) -> str:
    """A figure above its interval, in little room."""
    if estimate is None or estimate.value is None:
        return "n/a"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.3f}"
    return f"{estimate.value:.3f}\n[{estimate.low:.3f}, {estimate.high:.3f}]"


def _number(estimate: Estimate) -> str:
    return "n/a" if estimate.value is None else f"{estimate.value:.2f}"
