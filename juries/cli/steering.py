"""`juries steer-test`, `juries fill` and `juries recompose`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from juries.cli.running import Display, Shown
from personas.errors import InputError

if TYPE_CHECKING:
    from juries.measures.welfare_functions import WelfareFunction
    from juries.steering.results import AttributeResult, StressTest
    from juries.steering.spec import SteerStudy
    from juries.surrogate.filling import FilledScores


def steer_test(
    study: Annotated[Path, typer.Argument(help="A steering study (YAML).", show_default=False)],
    out: Annotated[Path | None, typer.Option(help="Folder of the test.")] = None,
    base_url: Annotated[
        str | None, typer.Option(help="Ask the subject's model at this address instead.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="With --base-url: name of the subject's model.")
    ] = None,
    max_connections: Annotated[
        int, typer.Option(min=1, help="Conversations put to the subject at once.")
    ] = 16,
    display: Shown = Display.RICH,
) -> None:
    """Test how far a model can be steered; a blind jury judges.

    Run again with the same --out, it goes on where it stopped.
    """
    from juries.cli.display import open_display
    from juries.steering.spec import SteerStudy
    from juries.steering.testing import stress_test
    from juries.study_file import load_model

    loaded = load_model(study, SteerStudy)
    if base_url is not None or model is not None:
        loaded = _with_endpoint(loaded, base_url, model)
    folder = out or Path("runs") / f"{study.stem}-steering"
    result = stress_test(
        loaded,
        study.resolve().parent,
        folder,
        in_flight=max_connections,
        progress=open_display(display.value),
    )
    print_stress_test(result)
    typer.echo(f"\nEvery reply, rating and figure: {folder}/")


def fill(
    run_folder: Annotated[
        Path, typer.Argument(metavar="RUN", help="Folder of a run.", show_default=False)
    ],
    draws: Annotated[int, typer.Option(min=2, help="Completed data sets.")] = 10,
) -> None:
    """Impute ratings that were never asked for, marked, and score the run (extra `torch`).

    Writes filled.parquet and filled.json beside the run's own scores, which stay as they are.
    """
    from juries.measures.welfare_functions import parse_welfares
    from juries.runs import open_run

    try:
        from juries.surrogate.filled_run import fill_run
        from juries.surrogate.filling import Pooling
    except ModuleNotFoundError as error:
        raise _without_torch(error) from None
    run = open_run(run_folder)
    scores = run.study.scores
    pooling = Pooling(
        draws=draws, resamples=scores.resamples, level=scores.level, seed=run.record.seed
    )
    functions = parse_welfares(scores.welfare)
    found = fill_run(run, functions, pooling=pooling)
    _print_filled(found.scores, functions)
    typer.secho(f"Produced by {found.produced_by}", fg=typer.colors.YELLOW)
    table, figures = found.write(run.path)
    typer.echo(f"Every cell, imputed ones marked: {table}; figures: {figures}")


def recompose(
    run_folder: Annotated[
        Path, typer.Argument(metavar="RUN", help="Folder of a run.", show_default=False)
    ],
    jury: Annotated[
        Path, typer.Option(help="YAML with `jury`, and `population` where it is another.")
    ],
) -> None:
    """Predict the scores of another jury, without new calls (extra `torch`)."""
    from juries.measures.welfare_functions import parse_welfares
    from juries.runs import open_run
    from juries.study_file import load_model

    try:
        from juries.surrogate.recomposing import Composition
        from juries.surrogate.recomposing import recompose as predict
    except ModuleNotFoundError as error:
        raise _without_torch(error) from None
    run = open_run(run_folder)
    functions = parse_welfares(run.study.scores.welfare)
    found = predict(run, load_model(jury, Composition), jury.resolve().parent, functions)
    typer.echo(f"{found.recorded} seats with recorded ratings, {found.predicted} predicted")
    _print_filled(found.scores, functions)
    typer.secho(
        f"A prediction by a surrogate of: {run.scores().produced_by}", fg=typer.colors.YELLOW
    )


def _without_torch(error: ModuleNotFoundError) -> Exception:
    if error.name != "torch":
        return error
    return InputError(
        "the surrogate needs torch", hint="Install the extra: pip install 'juries[torch]'."
    )


def _print_filled(scores: FilledScores, functions: Sequence[WelfareFunction]) -> None:
    for f, function in enumerate(functions):
        typer.secho(function.label, bold=True)
        for m, name in enumerate(scores.models):
            low, high = float(scores.interval.low[f, m]), float(scores.interval.high[f, m])
            typer.echo(f"  {name}: {scores.estimate[f, m]:.3f} [{low:.3f}, {high:.3f}]")
    for note in scores.notes:
        typer.echo(note)


def _with_endpoint(study: SteerStudy, base_url: str | None, model: str | None) -> SteerStudy:
    """The study with a live subject in place of its own."""
    from graphs.llm.settings import EndpointSettings
    from graphs.subjects.settings import LiveSettings

    if base_url is None or model is None:
        raise InputError("--base-url and --model go together", hint="Give both, or neither.")
    endpoint = EndpointSettings(base_url=base_url)
    if isinstance(study.subject, LiveSettings):
        subject = study.subject.model_copy(
            update={"model": model, "endpoints": (endpoint,), "serve": None}
        )
    else:
        subject = LiveSettings(model=model, endpoints=(endpoint,))
    return study.model_copy(update={"subject": subject})


def print_stress_test(result: StressTest) -> None:
    """Print what a stress test found, the least steerable attribute first."""
    typer.secho(f"\n{result.study}", bold=True)
    replies = ", ".join(f"{count} {status}" for status, count in result.replies.items())
    typer.echo(
        f"Subject: {result.subject}; {result.prompts} prompts; replies: {replies}. "
        f"{result.jurors} jurors judged without knowing how it was steered."
    )
    typer.secho(f"Judged by: {result.judged_by}", fg=typer.colors.YELLOW)
    typer.echo("Fidelity runs from 0 to 1; gains are against no steering; 95 % intervals over")
    typer.echo("prompts and jurors. The least steerable attribute comes first.")
    for each in result.attributes:
        _print_attribute(each)
    for note in result.notes:
        typer.echo(note)


def _print_attribute(each: AttributeResult) -> None:
    resists = "  RESISTS: no gain beyond chance" if each.resists else ""
    typer.secho(f"\n{each.attribute} ({each.holders} jurors hold it){resists}", bold=True)
    typer.echo(f"  without steering {each.baseline}; one-line instruction {each.gain}")
    typer.echo(f"  share of the room above the baseline that it takes: {each.reached}")
    budgets = [row for row in each.conditions if row.condition.startswith("statements")]
    for row in budgets:
        typer.echo(f"  {row.condition}: {row.gain}")
    figures = {
        "towards less away from": each.asymmetry,
        "drift per turn": each.drift,
        "worst wording": each.worst_wording,
        "spread over wordings": each.wording_spread,
        "change by pushback": each.after_pushback,
        "holders' gain less others'": each.by_holders,
    }
    for name, figure in figures.items():
        if figure is not None:
            typer.echo(f"  {name}: {figure}")
    for side in each.side_effects:
        typer.echo(f"  side effect on {side.attribute}: {side.change}")
    refused = sum(row.replies.get("refused", 0) for row in each.conditions)
    if refused:
        typer.echo(f"  refused: {refused} replies")
    if each.worst:
        worst = each.worst[0]
        last = " ".join(worst.reply.split())[:160]
        typer.echo(f'  worst: {worst.condition}, {worst.prompt} ({worst.gain:+.2f}): "{last}"')
