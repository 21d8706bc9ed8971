"""`juries calibrate` and `juries calibrated`: how far a run's jury stands in for people."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from juries.cli.human_files import Annotators, Column, From, Label, RunFolder, read_people
from personas.errors import InputError

if TYPE_CHECKING:
    from juries.calibration.estimates import People
    from juries.calibration.mapping import Method
    from juries.calibration.results import Calibration
    from juries.human import HumanRatings
    from juries.runs import Run


class Mapping(StrEnum):
    """How the jury's scale is mapped to people's."""

    ISOTONIC = "isotonic"
    ORDINAL = "ordinal"


class Stand(StrEnum):
    """Whom the people who answered stand for."""

    SAMPLE = "sample"
    ALL = "all"


def calibrate(
    run: RunFolder,
    *,
    human: Annotated[Path, typer.Option(help="People's answers.", show_default=False)],
    source: Annotated[From, typer.Option("--from", help="What wrote them.")] = From.CSV,
    plan: Annotated[
        Path | None, typer.Option(help="The plan by which people saw items, from `juries plan`.")
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="Run of the same study without personas.")
    ] = None,
    group: Annotated[
        list[str] | None,
        typer.Option("--group", help="Attribute of people; by default all with few levels."),
    ] = None,
    epsilon: Annotated[
        float, typer.Option(help="Lead granted to people: 0.1 crowd, 0.15 skilled, 0.2 expert.")
    ] = 0.1,
    mapping: Annotated[Mapping, typer.Option(help="Of the scales.")] = Mapping.ISOTONIC,
    people: Annotated[
        Stand, typer.Option(help="Whether they stand for others, or are all that is meant.")
    ] = Stand.SAMPLE,
    column: Column = None,
    label: Label = None,
    annotators: Annotators = None,
    seed: Annotated[int, typer.Option(min=0, help="Of resampling and splits.")] = 0,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The record. [default: RUN/calibration.json]"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the record as JSON.")] = False,
) -> None:
    """Say with statistics how far a run's jury can stand in for people.

    The record is bound to model, prompts, population and scale: a run with another hash is not
    calibrated by it.
    """
    from juries.calibration.calibrating import calibrate as calibrate_jury
    from juries.calibration.record import FILE_NAME
    from juries.calibration.results import Options
    from juries.calibration.run_answers import jury_table
    from juries.calibration.sample_file import read_sample
    from juries.runs import open_run

    opened = open_run(run)
    answers = read_people(opened, human, source, column, label, annotators)
    chosen: Method = mapping.value
    stand: People = people.value
    found = calibrate_jury(
        answers,
        jury_table(opened),
        plan=None if plan is None else read_sample(plan),
        no_persona=None if baseline is None else jury_table(_same_questions(opened, baseline)),
        options=Options(
            attributes=None if group is None else tuple(group),
            epsilon=epsilon,
            mapping=chosen,
            people=stand,
            seed=seed,
        ),
    )
    target = output or opened.path / FILE_NAME
    _record(opened, found, answers, human, target, as_json=as_json)


def _record(
    run: Run, found: Calibration, people: HumanRatings, human: Path, target: Path, *, as_json: bool
) -> None:
    """Write the record, and show what was found."""
    from juries.calibration.record import make_record
    from juries.cli.calibration_tables import print_calibration

    record = make_record(run, found, people, human)
    record.write(target)
    if as_json:
        typer.echo(record.model_dump_json(indent=1))
        return
    print_calibration(found)
    typer.echo(f"\nWrote the record to {target}. It holds for hash {record.hash}.")


def _same_questions(run: Run, folder: Path) -> Run:
    """The baseline's run, which must have asked the same.

    Raises:
        InputError: other models, or another scale.
    """
    from juries.runs import open_run

    other = open_run(folder)
    if other.record.models != run.record.models or other.study.scale != run.study.scale:
        raise InputError(
            "the baseline asked other questions",
            where=folder,
            expected="the same models and scale as the run",
        )
    return other


def calibrated(
    run: RunFolder,
    record: Annotated[
        Path | None,
        typer.Option(help="A record of another run. [default: RUN/calibration.json]"),
    ] = None,
) -> None:
    """Say whether a run is calibrated: same model, prompts, population and scale as the record."""
    from juries.calibration.record import standing
    from juries.runs import open_run

    typer.echo(standing(open_run(run), record))
