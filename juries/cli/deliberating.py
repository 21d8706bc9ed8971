"""`juries transcript` and `juries answer`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from graphs.minds.human_forms import HumanAnswers, HumanForm, SeatAnswer, SeatForm

RunFolder = Annotated[
    Path, typer.Argument(metavar="RUN", help="Folder of a run.", show_default=False)
]
SKIP = "-"
"""What a person types to abstain."""


def transcript(
    run_folder: RunFolder,
    item: Annotated[str, typer.Argument(help="Id of the item.", show_default=False)],
    *,
    hearer: Annotated[
        str | None,
        typer.Option("--as", metavar="JUROR", help="Only what this juror heard, said and voted."),
    ] = None,
    prompts: Annotated[
        bool,
        typer.Option(
            "--prompts", help="The exact prompts that language models were sent, with the replies."
        ),
    ] = False,
) -> None:
    """Read one item's deliberation from start to end, or the prompts behind it."""
    from juries.deliberation.transcript import transcript as lines
    from juries.prompts import item_prompts, prompt_lines
    from juries.run_directory import RunDirectory

    directory = RunDirectory(run_folder)
    read = lines(directory, item, hearer=hearer)
    if prompts:
        read = prompt_lines(item_prompts(directory, item, juror=hearer))
    for line in read:
        typer.echo(line)


def answer(
    run_folder: RunFolder,
    *,
    juror: Annotated[
        str | None, typer.Option(help="Ask only this juror; by default all who wait.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="Only say who waits for what.")] = False,
) -> None:
    """Answer for people at seats of the jury, and let the run go on.

    Type the number of a point, or a dash to abstain. Ctrl-C leaves what was not answered waiting.
    """
    from juries.deliberation.people import read_waiting
    from juries.run_directory import RunDirectory

    waiting = read_waiting(RunDirectory(run_folder))
    if not waiting.items:
        typer.echo("Nobody is waited for.")
        return
    if listed:
        for one in waiting.items:
            seats = ", ".join(seat.juror for seat in one.form.seats)
            until = "" if one.until is None else f", until {one.until:%Y-%m-%d %H:%M %Z}"
            typer.echo(f"{one.item}: {one.form.kind} in round {one.form.round} by {seats}{until}")
        return
    given: dict[str, HumanAnswers] = {}
    try:
        for one in waiting.items:
            answers = _ask(one.item, one.form, juror)
            if answers is not None:
                given[one.item] = answers
    except typer.Abort:
        typer.echo("\nThe rest waits.", err=True)
    _go_on(run_folder, given)


def _go_on(run_folder: Path, given: dict[str, HumanAnswers]) -> None:
    from juries.cli.report import after_run
    from juries.deliberation.answering import answer as hand_over
    from juries.deliberation.people import read_waiting

    if not given:
        return
    run = hand_over(run_folder, given)
    still = read_waiting(run.directory)
    if still.items:
        typer.echo(
            f"{len(still.items)} items wait for {', '.join(still.seats)}: "
            f"juries answer {run_folder}"
        )
    elif run.record.complete:
        typer.echo(f"The jury has finished: juries score {run_folder}")
        after_run(run.path)


def _ask(item: str, form: HumanForm, juror: str | None) -> HumanAnswers | None:
    from graphs.minds.deliberator import response_name
    from graphs.minds.human_forms import HumanAnswers

    seats = [seat for seat in form.seats if juror in {None, seat.juror}]
    if not seats:
        return None
    typer.echo(f"\n# {item}\n\n{form.prompt}")
    for number, text in enumerate(form.responses):
        typer.echo(f"\n## {response_name(number)}\n{text}")
    answers = tuple(_ask_seat(seat) for seat in seats)
    return HumanAnswers(round=form.round, kind=form.kind, answers=answers)


def _ask_seat(form: SeatForm) -> SeatAnswer:
    """One seat's answer, asked again until it can be taken."""
    from graphs.minds.human_forms import wrong

    typer.echo(f"\n### {form.juror}")
    for line in form.heard:
        typer.echo(line)
    if form.error:
        typer.echo(f"The last answer could not be taken: {form.error}")
    while True:
        answer = _typed(form)
        problem = wrong(form, answer)
        if problem is None:
            return answer
        typer.echo(problem)


def _typed(form: SeatForm) -> SeatAnswer:
    from graphs.minds.human_forms import SeatAnswer

    if form.statement is not None:
        text = typer.prompt(f"{form.statement} (at most {form.limit} characters)")
        if text.strip() == SKIP:
            return SeatAnswer(seat=form.seat, abstain="yes")
        return SeatAnswer(seat=form.seat, statement=text)
    if form.candidates:
        for number, text in form.candidates.items():
            typer.echo(f"{number}: {text}")
        ranking = typer.prompt("Rank all, best first, such as 2 0 1")
        if ranking.strip() == SKIP:
            return SeatAnswer(seat=form.seat, abstain="yes")
        endorsed = typer.prompt("Which would you put your name to?", default="")
        return SeatAnswer(seat=form.seat, ranking=_numbers(ranking), endorsed=_numbers(endorsed))
    ratings: dict[str, int] = {}
    for rating in form.ratings:
        typer.echo(f"\n{rating.about}: {rating.question}")
        for point, label in enumerate(rating.points, 1):
            typer.echo(f"  {point}: {label}")
        point = _point(len(rating.points))
        if point is None:
            return SeatAnswer(seat=form.seat, abstain="yes")
        ratings[rating.key] = point
    reason = typer.prompt("Why? (optional)", default="", show_default=False)
    return SeatAnswer(seat=form.seat, ratings=ratings, reason=reason or None)


def _point(most: int) -> int | None:
    """A point from the terminal, asked again until it is one; None to abstain."""
    while True:
        text = typer.prompt(f"1 to {most}, or {SKIP}").strip()
        if text == SKIP:
            return None
        if text.isdigit() and 1 <= int(text) <= most:
            return int(text)
        typer.echo(f"{text!r} is out of range; expected 1 to {most}.")


def _numbers(text: str) -> tuple[int, ...]:
    words = text.replace(",", " ").replace(">", " ").split()
    return tuple(int(word) if word.isdigit() else -1 for word in words)
