"""`juries targets` and `juries export`: what a run's verdicts say to do, and for whom."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from juries.targets.pairs import PairSettings

RunFolder = Annotated[
    Path, typer.Argument(metavar="RUN", help="Folder of a run.", show_default=False)
]


class Pairs(StrEnum):
    """Which pairs of an item's responses become preferences."""

    WIDEST = "widest"
    ALL = "all"


Welfare = Annotated[
    str | None,
    typer.Option(help="Welfare function, such as nash or cvar:0.2; the study's first by default."),
]
Which = Annotated[Pairs, typer.Option("--pairs", help="Pairs kept per item.")]
Group = Annotated[
    list[str] | None,
    typer.Option("--group", help="Attribute of the jurors; may be given several times."),
]
Pareto = Annotated[
    bool, typer.Option("--pareto", help="Only pairs in which no level of the --group's loses.")
]
Margin = Annotated[float, typer.Option("--min-margin", help="Smallest difference of welfare.")]
Agreement = Annotated[
    float, typer.Option("--min-agreement", help="Smallest share of the jury that prefers it.")
]
Confidence = Annotated[
    float, typer.Option("--min-confidence", help="Smallest share of resampled juries that agree.")
]


def targets(
    run_folder: RunFolder,
    *,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            help="preferences, distributions, perspectives, trade_offs, gaps or mixture; "
            "all by default.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to; `targets` in the run's by default.")
    ] = None,
    welfare: Welfare = None,
    group: Group = None,
    pairs: Which = Pairs.WIDEST,
    pareto: Pareto = False,
    min_margin: Margin = 0.0,
    min_agreement: Agreement = 0.0,
    min_confidence: Confidence = 0.0,
    k: Annotated[
        int | None, typer.Option("-k", help="How many perspectives; by coverage if absent.")
    ] = None,
) -> None:
    """Compute steering targets from a run's verdicts."""
    from juries.runs import open_run
    from juries.targets.files import TargetSettings, kinds_for, write_targets

    run = open_run(run_folder)
    scores = run.study.scores
    groups = tuple(group or scores.groups)
    settings = TargetSettings(
        pairs=pair_settings(
            welfare or scores.welfare[0],
            pairs,
            groups if pareto else (),
            pareto=pareto,
            filters=(min_margin, min_agreement, min_confidence),
        ),
        groups=groups,
        k=k,
        resamples=scores.resamples,
        level=scores.level,
    )
    written = write_targets(run, out or run.path / "targets", kind or kinds_for(run), settings)
    for each in written:
        typer.secho(f"{each.kind}: {each.path or 'not written'}", bold=True)
        for line in each.said:
            typer.echo(f"  {line}")
    typer.secho(f"Judged by: {run.scores().produced_by}", fg=typer.colors.YELLOW)


def export(
    run_folder: RunFolder,
    *,
    to: Annotated[
        str,
        typer.Option(
            help="trl-dpo, trl-reward, trl-kto, preferences, hf, parquet, csv, distributions, "
            "lewidi, inspect or promptfoo."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File or folder to write.")
    ] = None,
    welfare: Welfare = None,
    by: Annotated[
        str | None, typer.Option(help="Attribute: preferences of each of its levels, a file each.")
    ] = None,
    group: Group = None,
    pairs: Which = Pairs.WIDEST,
    pareto: Pareto = False,
    min_margin: Margin = 0.0,
    min_agreement: Agreement = 0.0,
    min_confidence: Confidence = 0.0,
    model: Annotated[str | None, typer.Option(help="For inspect: whose responses.")] = None,
    threshold: Annotated[
        float, typer.Option(help="For promptfoo: welfare from which a response passes.")
    ] = 0.5,
) -> None:
    """Write a run's verdicts in the form that a tool takes."""
    from juries.exports.forms import FORMS, ExportSettings
    from juries.exports.forms import export as write
    from juries.measures.welfare_functions import parse_welfares
    from juries.runs import open_run

    run = open_run(run_folder)
    named = run.study.scores.welfare
    functions = parse_welfares([welfare] if welfare else named)
    others = tuple(f for f in parse_welfares(named) if f != functions[0])
    settings = ExportSettings(
        pairs=pair_settings(
            functions[0].name,
            pairs,
            tuple(group or ()),
            pareto=pareto,
            filters=(min_margin, min_agreement, min_confidence),
        ),
        by=by,
        groups=tuple(group or ()),
        model=model,
        functions=(functions[0], *others),
        threshold=threshold,
    )
    form = FORMS.get(to)
    default = Path(to if form is None or form.folder else f"{to}{form.suffix}")
    written = write(run, to, out or default, settings)
    for path, count in written.files.items():
        typer.echo(f"{path}: {count:,} rows")
    typer.secho(f"Judged by: {written.provenance.produced_by}", fg=typer.colors.YELLOW)


def pair_settings(
    welfare: str,
    pairs: Pairs,
    groups: tuple[str, ...],
    *,
    pareto: bool,
    filters: tuple[float, float, float],
) -> PairSettings:
    """What the options on pairs say; filters are margin, agreement and confidence, at least."""
    from juries.measures.welfare_functions import parse_welfare
    from juries.targets.pairs import PairSettings

    margin, agreement, confidence = filters
    return PairSettings(
        welfare=parse_welfare(welfare),
        pairs=pairs.value,
        groups=groups,
        pareto_only=pareto,
        min_margin=margin,
        min_agreement=agreement,
        min_confidence=confidence,
    )
