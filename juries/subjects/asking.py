"""Asking a study's subjects: every item's prompt, then the survey, into the run's ledger.

A reply that came is never asked for again. One that failed is asked for again until the jury has
begun on the item; from then on the response is missing, and counted. A refusal is what the model
answered, and is judged.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from graphs.items import Item, Response
from graphs.ledger import Ledger
from graphs.records import Status
from graphs.subjects.answers import LedgerReplies, ask_all
from graphs.subjects.opening import OpenSubject, identify, open_subject
from graphs.subjects.protocol import Ask, Message, Reply
from graphs.subjects.settings import LiveSettings
from juries.asking_surveys import SurveyOptions, ask_survey
from juries.measures.references import PopulationReference
from juries.progress import Progress
from juries.spec import Study
from juries.subjects.record import SubjectRecord
from juries.subjects.spec import PROMPT, SubjectSpec
from juries.surveys import read_survey
from personas.errors import InputError
from personas.identity import content_hash

_IN_FLIGHT = 64
"""Conversations at once with a server that is started for the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How subjects are asked.

    Attributes:
        positions: of the items that the run covers.
        begun: positions of those that the jury has begun on.
        folder: of the run.
        progress: told how far it is.
        stop: once set, nothing further is asked.
    """

    positions: Sequence[int]
    begun: frozenset[int]
    folder: Path
    progress: Progress
    stop: asyncio.Event | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What subjects answered.

    Attributes:
        items: all of the study; those not covered hold the responses on file alone.
        subjects: what became of each.
    """

    items: Sequence[Item]
    subjects: tuple[SubjectRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    item: int
    model: str
    ask: Ask


def expected_items(study: Study, items: Sequence[Item]) -> Sequence[Item]:
    """The items with an empty place for each response that will be asked for.

    Raises:
        InputError: a subject has the name of a model in the items file.
    """
    live = study.live_models
    taken = {response.model for item in items for response in item.responses}
    for model in live:
        if model in taken:
            raise InputError(
                f"{model!r} has responses in the items file and is to be asked too",
                where="subjects",
                hint="Give the subject another `name`.",
            )
    places = tuple(Response(model=model, text="") for model in live)
    return tuple(replace(item, responses=(*item.responses, *places)) for item in items)


def subjects_identity(study: Study) -> list[list[object]]:
    """All that responses depend on: surveys, addresses and timeouts are not in it."""
    return [
        [
            each.variants,
            each.template,
            each.samples,
            identify(each.subject, seed=study.seed).version,
        ]
        for each in study.subjects
        if each.samples
    ]


async def ask_subjects(
    study: Study, items: Sequence[Item], ledger: Ledger, asking: Asking
) -> Asked:
    """Ask every subject what is not on record yet.

    Args:
        study: as it runs, paths absolute.
        items: as `expected_items` gives them.
        ledger: of the run; every reply is committed to it.
        asking: which items, and how.

    Raises:
        InputError: the survey cannot be used.
        MindUnavailableError: no server answers any more; what was answered is kept.
        ServerError: a server did not start.
    """
    store = LedgerReplies(ledger)
    live = set(study.live_models)
    texts: dict[tuple[int, str], str] = {}
    records: list[SubjectRecord] = []
    async with ledger.committing():
        for spec in study.subjects:
            opening = open_subject(
                spec.subject,
                seed=study.seed,
                logs=asking.folder / "logs",
                say=asking.progress.say,
            )
            async with opening as subject:
                found = await _responses(spec, items, subject, store, asking)
                texts |= {
                    (case.item, case.model): reply.text
                    for case, reply in found
                    if reply.status is not Status.FAILED
                }
                record = _record(spec, subject, [reply for _, reply in found])
                records.append(await _surveyed(study, spec, record, subject, store, asking))
    return Asked(
        items=tuple(_answered(place, item, texts, live) for place, item in enumerate(items)),
        subjects=tuple(records),
    )


def _answered(place: int, item: Item, texts: Mapping[tuple[int, str], str], live: set[str]) -> Item:
    responses: list[Response] = []
    for response in item.responses:
        if response.model not in live:
            responses.append(response)
        elif (place, response.model) in texts:
            responses.append(replace(response, text=texts[place, response.model]))
    return replace(item, responses=tuple(responses))


async def _responses(
    spec: SubjectSpec,
    items: Sequence[Item],
    subject: OpenSubject,
    store: LedgerReplies,
    asking: Asking,
) -> list[tuple[_Case, Reply]]:
    cases = list(_cases(spec, items, asking.positions))
    frozen = {
        case.ask.key: Reply(key=case.ask.key, sample=case.ask.sample, status=Status.FAILED, text="")
        for case in cases
        if case.item in asking.begun and store.get(subject.texts, case.ask) is None
    }
    due = [case for case in cases if case.ask.key not in frozen]
    if any(store.get(subject.texts, case.ask) is None for case in due):
        asking.progress.say(f"asking {spec.shown} for {len(due)} responses")
    replies = await ask_all(
        subject.texts,
        [case.ask for case in due],
        store,
        in_flight=_in_flight(spec),
        stop=asking.stop,
    )
    answered = {case.ask.key: reply for case, reply in zip(due, replies, strict=True)}
    return [(case, (answered | frozen)[case.ask.key]) for case in cases]


def _cases(spec: SubjectSpec, items: Sequence[Item], positions: Sequence[int]) -> Iterator[_Case]:
    for place in positions:
        item = items[place]
        # Not str.format: a prompt may hold braces.
        said = Message(role="user", content=spec.template.replace(PROMPT, item.prompt))
        for variant, system in spec.variants.items():
            first = () if system is None else (Message(role="system", content=system),)
            for sample, model in enumerate(spec.responses(variant)):
                ask = Ask(key=f"{model}/{item.id}", messages=(*first, said), sample=sample)
                yield _Case(item=place, model=model, ask=ask)


def _in_flight(spec: SubjectSpec) -> int:
    if not isinstance(spec.subject, LiveSettings):
        return _IN_FLIGHT
    return sum(each.max_connections for each in spec.subject.endpoints) or _IN_FLIGHT


def _record(spec: SubjectSpec, subject: OpenSubject, replies: Sequence[Reply]) -> SubjectRecord:
    return SubjectRecord(
        name=spec.shown,
        model=subject.texts.name,
        kind=subject.texts.kind,
        version=subject.texts.version,
        replies=dict(Counter(reply.status.value for reply in replies)),
    )


def survey_questions(study: Study) -> tuple[PopulationReference, list[str]]:
    """The survey of `scores.distribution`, and ids of what any population wanted answered.

    Raises:
        InputError: the survey cannot be used.
    """
    distribution = study.scores.distribution
    assert distribution.survey is not None  # noqa: S101 (a study is checked for it)
    reference = read_survey(distribution.survey)
    answers = [reference.distributions[name] for name in reference.chosen(distribution.populations)]
    return reference, [key for key in reference.questions if any(key in each for each in answers)]


async def _surveyed(
    study: Study,
    spec: SubjectSpec,
    record: SubjectRecord,
    subject: OpenSubject,
    store: LedgerReplies,
    asking: Asking,
) -> SubjectRecord:
    """Put the survey to the subject, and write its answers as `scores.distribution` reads them."""
    if spec.survey is None:
        return record
    reference, known = survey_questions(study)
    keys = known[: spec.survey.limit]
    asking.progress.say(f"putting {len(keys)} survey questions to {spec.shown}")
    found = await ask_survey(
        subject.letters,
        reference,
        store,
        questions=keys,
        options=SurveyOptions(
            orders=spec.survey.orders,
            examples=spec.survey.examples,
            least_mass=spec.survey.least_mass,
            seed=study.seed,
            in_flight=_in_flight(spec),
        ),
        stop=asking.stop,
    )
    name = None
    if found.answers:
        name = f"survey-{content_hash(spec.shown)[:12]}.jsonl"
        found.write(asking.folder / name, reference)
    counts = {
        "questions": len(keys),
        "answered": len(found.answers),
        "failed requests": found.failed,
        "replies mostly no valid letter": found.low_mass,
        "questions with too many options": found.too_long,
    }
    return record.model_copy(update={"survey": name, "questions": counts})
