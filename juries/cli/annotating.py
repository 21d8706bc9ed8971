"""`juries preannotate`, `juries import-human` and `juries plan`: between a jury and people."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from juries.cli.human_files import (
    Annotators,
    Column,
    From,
    Label,
    RunFolder,
    pairs,
    read_people,
)
from juries.cli.running import Display, Shown
from personas.errors import InputError

if TYPE_CHECKING:
    from juries.calibration.planning import Sample
    from juries.calibration.run_answers import JuryTable
    from juries.runs import Run
    from juries.spec import Study


class Tool(StrEnum):
    """Where pre-annotations go."""

    LABELSTUDIO = "labelstudio"
    ARGILLA = "argilla"
    CSV = "csv"


class Detail(StrEnum):
    """Whose predictions stand beside the aggregate."""

    AGGREGATE = "aggregate"
    GROUPS = "groups"
    JURORS = "jurors"


class Strategy(StrEnum):
    """How items are chosen for people."""

    NEYMAN = "neyman"
    UNCERTAINTY = "uncertainty"
    DISAGREEMENT = "disagreement"
    RANDOM = "random"


_SUFFIX = {Tool.LABELSTUDIO: ".json", Tool.ARGILLA: ".jsonl", Tool.CSV: ".csv"}
By = Annotated[
    list[str] | None, typer.Option("--by", help="Attribute of jurors; may be given several times.")
]


def preannotate(
    data: Annotated[
        Path, typer.Argument(help="Items, in place of the study's items file.", show_default=False)
    ],
    *,
    study: Annotated[Path, typer.Option(help="The study, a YAML file.", show_default=False)],
    to: Annotated[Tool, typer.Option(help="Tool whose format is written.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write. [default: in the run's folder]"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; used again, it resumes.")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option("--column", help="OURS=THEIRS: id, prompt, response, model, responses."),
    ] = None,
    detail: Annotated[
        Detail, typer.Option(help="Predictions beside the jury's aggregate.")
    ] = Detail.AGGREGATE,
    by: By = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many items.")] = None,
    display: Shown = Display.RICH,
) -> None:
    """Let the jury annotate items, and write its answers as predictions for an annotation tool.

    Questions that the jury failed on are left blank. Every record says that it is synthetic, and
    names run and model version.
    """
    from juries.cli.display import open_display
    from juries.paired_verdicts import rated_scale
    from juries.runs import load_study, run

    loaded, base = load_study(study)
    rated_scale(loaded.scale, "pre-annotation")
    target = output or _default_output(loaded, out, to)
    asked = _with_items(loaded.located(base), data, column)
    result = run(asked, out=out, limit=limit, progress=open_display(display.value))
    groups = tuple(by or asked.scores.groups)
    beside, number, blank = _write(result, target, to, detail=detail, by=groups)
    typer.echo(
        f"Wrote {number:,} records to {target}" + (f", {beside} beside it." if beside else ".")
    )
    if blank:
        typer.echo(f"{blank:,} responses are left blank: no juror validly answered.", err=True)
    if not result.record.complete:
        typer.echo(f"The run is not complete; run again with --out {result.path}.", err=True)


def import_human(
    file: Annotated[Path, typer.Argument(help="People's answers.", show_default=False)],
    *,
    source: Annotated[From, typer.Option("--from", help="What wrote it.", show_default=False)],
    run: Annotated[
        Path, typer.Option(help="Folder of the run they are about.", show_default=False)
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Table to write (CSV, JSONL or Parquet).")
    ],
    column: Column = None,
    label: Label = None,
    annotators: Annotators = None,
) -> None:
    """Read people's answers, match them to a run, and write them as one plain table.

    Rows that cannot be used are counted and named. `juries calibrate --from csv` reads the table.
    """
    from juries.runs import open_run
    from personas.files import write_rows

    people = read_people(open_run(run), file, source, column, label, annotators)
    write_rows(output, people.rows())
    typer.echo(
        f"Wrote {len(people):,} answers of {len(people.annotators):,} annotators to {output}."
    )
    for problem in people.problems:
        typer.echo(f"  {problem}", err=True)


def plan(
    run: RunFolder,
    *,
    budget: Annotated[int, typer.Option(min=2, help="Items that people can see.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The plan (CSV, JSONL or Parquet).")
    ] = Path("plan.csv"),
    strategy: Annotated[Strategy, typer.Option(help="How items are chosen.")] = Strategy.NEYMAN,
    by: By = None,
    random_share: Annotated[
        float, typer.Option(help="Share of the budget that the jury has no say in.")
    ] = 0.25,
    strata: Annotated[int, typer.Option(min=1, help="Strata of the neyman strategy.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw.")] = 0,
    tasks: Annotated[
        Path | None, typer.Option(help="Also write the chosen items as tasks without predictions.")
    ] = None,
    to: Annotated[Tool, typer.Option(help="Tool of the tasks.")] = Tool.LABELSTUDIO,
) -> None:
    """Choose the items that people should see, with the probabilities that estimates need.

    People whose answers are to be compared with the jury's must not see them: the tasks written
    here have no predictions.
    """
    from juries.calibration.planning import plan_sample
    from juries.calibration.ranking import item_scores
    from juries.calibration.run_answers import jury_table
    from juries.calibration.sample_file import write_sample
    from juries.runs import open_run

    opened = open_run(run)
    jury = jury_table(opened)
    chosen = plan_sample(
        [item.id for item in jury.items],
        item_scores(jury, strategy.value, by=by or ()),
        budget,
        strategy=strategy.value,
        random_share=random_share,
        strata=strata,
        seed=seed,
    )
    write_sample(output, chosen)
    typer.echo(_described(chosen))
    typer.echo(f"Wrote the plan to {output}. Keep it: `juries calibrate --plan {output}` needs it.")
    if tasks is not None:
        beside, number, _ = _write(opened, tasks, to, jury=jury, only=chosen.chosen, blind=True)
        typer.echo(
            f"Wrote {number:,} tasks without predictions to {tasks}"
            + (f" and {beside}." if beside else ".")
        )


def _with_items(study: Study, data: Path, column: list[str] | None) -> Study:
    """The study with other items, in columns of other names where told."""
    from juries.study_file import validate

    named = pairs(column, "--column")
    known = {"id", "prompt", "response", "model", "responses"}
    if unknown := set(named) - known:
        raise InputError(
            f"there is nothing called {min(unknown)!r} to map a column to",
            expected=", ".join(sorted(known)),
        )
    update: dict[str, object] = {"path": str(data.resolve()), **named}
    if "response" in named or "responses" in named:  # one layout takes the other's place
        update |= {key: None for key in ("response", "responses", "model") if key not in named}
    whole = {**study.items.model_dump(), **update}
    items = validate(type(study.items), whole, where="items, with --column")
    return study.model_copy(update={"items": items})


def _default_output(study: Study, out: Path | None, to: Tool) -> Path:
    from juries.runs import default_folder

    return (out or default_folder(study)) / f"preannotations-{to.value}{_SUFFIX[to]}"


def _write(
    run: Run,
    path: Path,
    to: Tool,
    *,
    jury: JuryTable | None = None,
    detail: Detail = Detail.AGGREGATE,
    by: tuple[str, ...] = (),
    only: tuple[str, ...] | None = None,
    blind: bool = False,
) -> tuple[Path | None, int, int]:
    """Write pre-annotations; the file beside, the number of records, and how many are blank."""
    from juries.calibration.run_answers import jury_table
    from juries.exports import argilla, labelstudio, preannotation, preannotation_table

    table = jury or jury_table(run)
    records = list(preannotation.preannotations(run, table, detail=detail.value, by=by, items=only))
    questions = dict(zip(table.criteria, table.questions, strict=True))
    origin = preannotation.origin(run)
    blank = 0 if blind else sum(record.blank for record in records)
    if to is Tool.CSV:
        return None, preannotation_table.write_table(path, records, origin, blind=blind), blank
    write = labelstudio.write_tasks if to is Tool.LABELSTUDIO else argilla.write_records
    return (*write(path, records, questions, origin, blind=blind), blank)


def _described(sample: Sample) -> str:
    lines = [f"{sample.budget} of {len(sample.units)} items, strategy {sample.strategy}:"]
    for stratum, size in enumerate(sample.stratum_sizes.tolist()):
        here = sample.stratum == stratum
        drawn, chance = int(sample.selected[here].sum()), float(sample.inclusion[here][0])
        lines.append(
            f"  stratum {stratum}: {drawn} of {size} drawn, each with probability {chance:.3f}; "
            f"mean score {sample.score[here].mean():.3f}"
        )
    return "\n".join(lines)
