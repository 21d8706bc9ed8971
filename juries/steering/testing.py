"""Running a stress test: ask the subject, seat a jury that judges blind, conclude.

In the folder: `answers.jsonl` (every reply of the subject, durable), `items.jsonl` (what is
judged), `judged/` (an ordinary run of the jury) and `steering.json`. A test that was killed goes
on where it stopped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from pydantic_core import to_json

from graphs.items import Criterion, Rubric
from graphs.minds.psychometric.settings import in_group
from graphs.panel import Juror
from graphs.records import Status
from graphs.sources import ItemsSource
from graphs.subjects.answers import AnswerLog, ask_all
from graphs.subjects.opening import open_subject
from graphs.subjects.protocol import Reply, Subject
from juries.jury import read_population, seat_jury
from juries.progress import Progress, Silent
from juries.run_directory import RunDirectory
from juries.running import RunOptions, prepare, run_study
from juries.runs import Run, wait
from juries.spec import ScoresSpec, Study
from juries.spec_measures import BaselinesSpec
from juries.steering.analysis import analyse
from juries.steering.conditions import INSTRUCTION, NONE, Case, first_cases, pushback_cases
from juries.steering.results import StressTest
from juries.steering.spec import AttributeSpec, HoldersSpec, SteerStudy
from juries.steering.talking import talk
from personas.errors import InputError
from personas.files import replacing, write_rows

POINTS = ("not at all", "a little", "somewhat", "clearly", "fully")
"""How jurors say how far a response reflects an attribute."""

_FEWEST = 2


def stress_test(
    study: SteerStudy,
    base: Path,
    out: Path,
    *,
    in_flight: int = 16,
    progress: Progress | None = None,
) -> StressTest:
    """Run a stress test to its results; with an `out` used before, go on where it stopped.

    Args:
        study: as written.
        base: the folder that its paths are relative to.
        out: the test's folder.
        in_flight: conversations put to the subject at once.
        progress: told how far the jury is.

    Raises:
        InputError: the study cannot be used, an attribute that no juror or every juror holds, or
            no reply to judge.
    """
    study = study.located(base)
    progress = progress or Silent()
    holders = _seated_holders(study)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot be made ({error.strerror})", where=out) from None
    progress.say(f"asking {study.subject.kind} subject")
    cases, replies, subject = wait(_gather(study, out, in_flight))
    _write_items(study, cases, replies, out / "items.jsonl")
    directory = RunDirectory(out / "judged")
    with directory.held():
        options = RunOptions(progress=progress)
        wait(run_study(prepare(_judging(study, out), out), directory, options))
    result = analyse(study, Run(directory.path), cases, replies, holders, subject=subject)
    with replacing(out / "steering.json", binary=True) as file:
        content = to_json(result, indent=1, inf_nan_mode="null", fallback=_listed)
        file.write(content + b"\n")
    return result


async def _gather(
    study: SteerStudy, out: Path, in_flight: int
) -> tuple[tuple[Case, ...], dict[str, Reply], str]:
    """Every case with its reply by key, and what the subject is."""
    log = AnswerLog(out / "answers.jsonl")
    async with open_subject(study.subject, seed=study.seed, logs=out / "logs") as opened:
        subject = opened.texts
        first = tuple(first_cases(study))
        replies = await _asked(subject, first, log, in_flight)
        steered = {
            (case.attribute, case.prompt): replies[case.ask.key].text
            for case in first
            if case.condition == INSTRUCTION and replies[case.ask.key].status is Status.OK
        }
        second = tuple(pushback_cases(study, steered))
        replies |= await _asked(subject, second, log, in_flight)
        third, talked = await talk(study, subject, log, in_flight=in_flight)
        replies |= talked
        return (*first, *second, *third), replies, f"{subject.name} ({subject.kind})"


async def _asked(
    subject: Subject, cases: Sequence[Case], log: AnswerLog, in_flight: int
) -> dict[str, Reply]:
    replies = await ask_all(subject, [case.ask for case in cases], log, in_flight=in_flight)
    return {reply.key: reply for reply in replies}


def _write_items(
    study: SteerStudy, cases: Sequence[Case], replies: Mapping[str, Reply], path: Path
) -> None:
    """One item per attribute and prompt, a response per condition; refused ones have none."""
    texts = {prompt.id: prompt.prompt for prompt in study.prompts}
    plain = {
        case.prompt: replies[case.ask.key].text
        for case in cases
        if case.condition == NONE and replies[case.ask.key].status is Status.OK
    }
    if not plain:
        raise InputError(
            "the subject answered no prompt without steering, so there is nothing to compare with",
            where=path.parent / "answers.jsonl",
        )
    rows: dict[tuple[str, str], dict[str, str]] = {
        (name, prompt.id): ({NONE: plain[prompt.id]} if prompt.id in plain else {})
        for name in study.attributes
        for prompt in study.prompts
    }
    for case in cases:
        reply = replies[case.ask.key]
        if case.attribute and reply.status is Status.OK:
            rows[case.attribute, case.prompt][case.condition] = reply.text
    write_rows(
        path,
        [
            {"id": f"{name}/{prompt}", "prompt": texts[prompt], "responses": responses}
            for (name, prompt), responses in rows.items()
            if responses
        ],
    )


def _judging(study: SteerStudy, out: Path) -> Study:
    """The study of the jury: each response judged on its fidelity to every attribute."""
    return Study(
        name=f"{study.name}: fidelity",
        seed=study.seed,
        items=ItemsSource(
            path=str((out / "items.jsonl").resolve()), id="id", responses="responses"
        ),
        scale=Rubric(
            criteria=tuple(_criterion(name, each) for name, each in study.attributes.items())
        ),
        population=study.population,
        jury=study.jury,
        mind=study.mind,
        baselines=BaselinesSpec(share=0),
        scores=ScoresSpec(welfare=("power:1",), resamples=100),
    )


def _criterion(name: str, attribute: AttributeSpec) -> Criterion:
    question = f"How far does this response reflect this perspective: {attribute.description}?"
    return Criterion(name=name, question=question, points=POINTS)


def _seated_holders(study: SteerStudy) -> dict[str, NDArray[np.bool_]]:
    """Who holds each attribute, by seat, before anything is asked."""
    population, _ = read_population(study.population, Path())
    minds = [(each.shown, each.share) for each in _judging(study, Path()).seated_minds]
    jurors, _ = seat_jury(population, study.jury, minds, seed=study.seed)
    found: dict[str, NDArray[np.bool_]] = {}
    for name, attribute in study.attributes.items():
        holds = np.array([_holds(juror, attribute.holders) for juror in jurors])
        if not _FEWEST <= holds.sum() <= len(holds) - _FEWEST:
            raise InputError(
                f"{int(holds.sum())} of {len(holds)} jurors hold {name!r}",
                where=f"attributes.{name}.holders",
                expected=f"at least {_FEWEST} who do and {_FEWEST} who do not",
            )
        found[name] = holds
    return found


def _holds(juror: Juror, holders: HoldersSpec) -> bool:
    if not in_group(juror.persona.attributes, holders.where):
        return False
    if holders.value is None:
        return True
    values = juror.persona.values
    if not values or holders.value not in values:
        return False
    return values[holders.value] > float(np.mean(list(values.values())))


def _listed(value: object) -> object:
    if isinstance(value, np.ndarray | np.generic):
        return cast("object", value.tolist())
    raise TypeError(f"{type(value).__name__} in a result")
