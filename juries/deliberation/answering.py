"""Going on with a run once people at its seats have answered."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from graphs.minds.human_forms import HumanAnswers, wrong
from juries.deliberation.people import read_waiting
from juries.progress import Progress, Silent
from juries.run_directory import RunDirectory
from juries.runs import Run, wait
from personas.errors import InputError, nearest


def answer(
    path: Path | str, given: Mapping[str, HumanAnswers], *, progress: Progress | None = None
) -> Run:
    """Hand people's answers to the run that waits for them, let it go on, and score it at its end.

    Args:
        path: the run's folder.
        given: answers by item id.
        progress: told how far the run is.

    Raises:
        InputError: an item that does not wait, or an answer that cannot be taken; nothing was
            recorded of any of them.
    """
    from juries.running import RunOptions, prepare, run_study

    directory = RunDirectory(Path(path))
    _check(directory, given)
    record = directory.read_record()
    prepared = prepare(directory.read_study(), directory.path)
    position = {item.id: place for place, item in enumerate(prepared.items)}
    with directory.held():
        work = run_study(
            prepared,
            directory,
            RunOptions(limit=record.items, progress=progress or Silent()),
            answers={position[item]: answers for item, answers in given.items()},
        )
        wait(work)
        run = Run(directory.path)
        if run.record.complete:
            run.score(progress=progress)
    return run


def _check(directory: RunDirectory, given: Mapping[str, HumanAnswers]) -> None:
    waiting = {one.item: one.form for one in read_waiting(directory).items}
    for item, answers in given.items():
        form = waiting.get(item)
        if form is None:
            raise InputError(
                f"nobody waits to be asked about {item!r}",
                where=directory.waiting,
                expected=f"one of {', '.join(waiting)}" if waiting else "no answer at all",
                hint=nearest(item, waiting) or "The time to answer may be over.",
            )
        seats = {seat.seat: seat for seat in form.seats}
        if (answers.round, answers.kind) != (form.round, form.kind):
            raise InputError(
                f"these answers are to something else than what is asked about {item!r} now",
                where=directory.waiting,
                found=f"{answers.kind} in round {answers.round}",
                expected=f"{form.kind} in round {form.round}",
            )
        for one in answers.answers:
            if one.seat not in seats:
                raise InputError(
                    f"seat {one.seat} is not asked about {item!r}",
                    where=directory.waiting,
                    expected=f"one of {', '.join(map(str, seats))}",
                )
            problem = wrong(seats[one.seat], one)
            if problem is not None:
                raise InputError(
                    f"the answer of seat {one.seat} on {item!r} cannot be taken",
                    where=directory.waiting,
                    hint=problem,
                )
