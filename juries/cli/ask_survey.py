"""`juries ask-survey`: put a survey to a served model, for `juries distribution`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from juries.cli.distribution import People, Survey, survey_section


def ask_survey(
    survey: Annotated[Path, typer.Option(help="How people answered.", show_default=False)],
    model: Annotated[str, typer.Option(help="Name the server gives it.", show_default=False)],
    base_url: Annotated[str, typer.Option(help="Of the server.", show_default=False)],
    out: Annotated[Path, typer.Option(help="File of answers to write.", show_default=False)],
    *,
    survey_format: Annotated[
        Survey, typer.Option("--format", help="How the survey is laid out.")
    ] = Survey.GLOBALOPINIONQA,
    base_model: Annotated[
        bool, typer.Option("--base-model", help="Ask by /completions, without a chat template.")
    ] = False,
    orders: Annotated[int, typer.Option(min=1, help="Orders of the options to average.")] = 5,
    examples: Annotated[int, typer.Option(min=0, help="Examples with random labels.")] = 3,
    population: Annotated[
        list[str] | None, typer.Option(help="Only questions that these answered.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only so many questions.")] = None,
    people: People = None,
    api_key_env: Annotated[str | None, typer.Option(help="Variable that holds the key.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of orders and examples.")] = 0,
) -> None:
    """Ask a served model a survey by exact label probabilities, and write its answers.

    Run again with the same --out, it asks only what is missing.
    """
    import asyncio

    from graphs.llm.settings import EndpointSettings
    from graphs.subjects.answers import AnswerLog
    from graphs.subjects.probabilities import LabelSubject
    from graphs.subjects.settings import LiveSettings
    from juries.asking_surveys import SurveyAnswers, SurveyOptions
    from juries.asking_surveys import ask_survey as put
    from juries.surveys import read_survey

    reference = read_survey(survey_section(survey, survey_format, people=people))
    keys = list(reference.shared(population)) if population else list(reference.questions)
    endpoint = EndpointSettings(base_url=base_url, api_key_env=api_key_env)
    api = "completions" if base_model else "chat"
    settings = LiveSettings(model=model, endpoints=(endpoint,), api=api)

    async def ask() -> SurveyAnswers:
        async with LabelSubject(settings) as subject:
            return await put(
                subject,
                reference,
                AnswerLog(out.with_suffix(".asked.jsonl")),
                questions=keys[:limit],
                options=SurveyOptions(orders=orders, examples=examples, seed=seed),
            )

    found = asyncio.run(ask())
    found.write(out, reference)
    mass = "n/a" if found.mass is None else f"{found.mass:.1%}"
    typer.echo(
        f"Wrote {len(found.answers)} answers of {found.model} to {out}; mean probability of a "
        f"valid letter {mass}."
    )
    lost = {"failed": found.failed, "mostly no valid letter": found.low_mass}
    for what, count in lost.items():
        if count:
            typer.echo(f"{count} requests {what}; their orders are left out.", err=True)
    if found.too_long:
        typer.echo(f"{found.too_long} questions have too many options to be asked.", err=True)
    if not found.answers:
        raise typer.Exit(1)
