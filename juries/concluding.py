"""From a run folder to its scores and tables."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from graphs.items import Item, Question, criterion_names, questions
from graphs.ledger import open_ledger
from graphs.panel import Juror
from juries.baselines import count_baselines, read_baselines
from juries.calibration.record import FILE_NAME, parts_of, read_record
from juries.deliberation.concluding import write_deliberation
from juries.design import assignment_of
from juries.exports.ratings_table import read_ratings, table_of
from juries.exports.verdict_table import verdict_table, write_verdicts
from juries.injection import read_injection
from juries.measures.welfare_functions import parse_welfares
from juries.pluralism.evidence import Evidence
from juries.pluralism.six import six_measures
from juries.pluralism.validity import validity_table
from juries.progress import Progress
from juries.run_directory import RunDirectory, RunRecord
from juries.scores import NOT_CALIBRATED, SCHEMA_VERSION, MindSummary, Scores
from juries.scoring import score_verdicts
from juries.spec import ScoresSpec
from juries.subjects.concluding import with_subjects
from juries.verdicts import Verdicts, collect, unordered
from personas.errors import JuriesError
from personas.identity import content_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """A run as arrays, with what their axes are.

    Attributes:
        items: those the run covers, in study order.
        jurors: in seat order.
        questions: what was asked about each response.
        criteria: names of the questions.
        verdicts: the jury's answers.
    """

    items: Sequence[Item]
    jurors: tuple[Juror, ...]
    questions: tuple[Question, ...]
    criteria: tuple[str, ...]
    verdicts: Verdicts


def gather(directory: RunDirectory, record: RunRecord, progress: Progress) -> Gathered:
    """Bring `ratings.parquet` up to date with the ledger, and read the answers as arrays.

    Raises:
        JuriesError: the run recorded no rating.
    """
    study = directory.read_study()
    every, jurors = directory.read_items(), directory.read_jury()
    items = every[: record.items]
    asked, names = questions(study.scale), criterion_names(study.scale)
    assignment = assignment_of(study, items=len(every), jurors=len(jurors))
    with closing(
        open_ledger(directory.ledger_place, fingerprint=record.fingerprint, ids={})
    ) as ledger:
        if not ledger.count():
            raise JuriesError(f"{directory.path}: nothing was recorded yet, so nothing to score.")
        table_of(directory, record, ledger, items=items, jurors=jurors).update(progress)
        counted = ledger.counted
    verdicts = collect(
        read_ratings(
            directory.ratings,
            items=[item.id for item in items],
            models=record.models,
            jurors=[juror.id for juror in jurors],
            criteria=names,
            round_=counted,
            shares=unordered(asked),
        ),
        items=items,
        models=record.models,
        jurors=len(jurors),
        questions=asked,
        replicates=study.replicates,
        put=None if assignment is None else assignment.asked[: len(items)],
    )
    return Gathered(items=items, jurors=jurors, questions=asked, criteria=names, verdicts=verdicts)


# Products here are thin: more threads take twice the CPU and no less time, and on one the last
# digits are the same on any number of cores.
@threadpool_limits.wrap(limits=1, user_api="blas")
def conclude(
    directory: RunDirectory, record: RunRecord, spec: ScoresSpec, progress: Progress
) -> Scores:
    """Export the ratings and score them; what was concluded from the same before is read back.

    Raises:
        JuriesError: the run recorded no rating.
    """
    study = directory.read_study()
    spec = with_subjects(spec, study, record.subjects, directory.path)
    inputs = _inputs(directory, record, spec)
    earlier = directory.read_scores()
    if earlier is not None and earlier.inputs == inputs and directory.tables_exist():
        return earlier
    gathered = gather(directory, record, progress)
    progress.say("scoring")
    functions = parse_welfares(spec.welfare)
    weights = np.array([juror.weight for juror in gathered.jurors])
    write_verdicts(directory.verdicts, verdict_table(gathered.verdicts, weights, functions))
    scored = score_verdicts(
        gathered.verdicts,
        jurors=gathered.jurors,
        questions=gathered.questions,
        criteria=gathered.criteria,
        spec=spec,
        seed=record.seed,
    )
    design = _design_notes(gathered)
    calibration = _calibration(directory, record)
    evidence = evidence_of(directory, record, gathered, spec, calibration)
    baselines = read_baselines(
        directory.baselines,
        fingerprint=record.fingerprint,
        items=gathered.items,
        models=record.models,
        asked=gathered.questions,
        minds=[mind.name for mind in record.minds],
    )
    probed = read_injection(
        directory.injection,
        fingerprint=record.fingerprint,
        spec=study.injection,
        items=directory.read_items(),
        models=record.models,
        jurors=len(gathered.jurors),
        asked=gathered.questions,
        replicates=study.replicates,
    )
    if study.deliberation is not None:
        progress.say("measuring what talk changed")
        write_deliberation(directory, record, spec, produced_by=evidence.produced_by)
    progress.say("taking the measures of pluralism")
    return Scores(
        study=record.study,
        fingerprint=record.fingerprint,
        inputs=inputs,
        seed=record.seed,
        minds=tuple(MindSummary(**mind.model_dump()) for mind in record.minds),
        calibration=calibration,
        items=len(gathered.items),
        complete=record.complete,
        jury=scored.jury,
        answers=scored.answers,
        welfare=scored.welfare,
        comparisons=scored.comparisons,
        flips=scored.flips,
        groups=scored.groups,
        agreement=scored.agreement,
        measures=six_measures(evidence, baselines, scored.welfare, scored.flips),
        validity=validity_table(evidence, baselines, scored, probed),
        resamples=spec.resamples,
        notes=(*design, *scored.notes, *(each.reading for each in record.subjects)),
    )


def evidence_of(
    directory: RunDirectory,
    record: RunRecord,
    gathered: Gathered,
    spec: ScoresSpec,
    calibration: str,
) -> Evidence:
    """What the measures are taken from."""
    minds = ", ".join(f"{mind.name} ({mind.kind})" for mind in record.minds)
    return Evidence(
        folder=directory.path,
        ledger_place=directory.ledger_place,
        baselines_path=directory.baselines,
        fingerprint=record.fingerprint,
        items=gathered.items,
        jurors=gathered.jurors,
        questions=gathered.questions,
        criteria=gathered.criteria,
        verdicts=gathered.verdicts,
        replicates=directory.read_study().replicates,
        spec=spec,
        seed=record.seed,
        produced_by=f"{minds}; {calibration}",
        simulated=all(mind.kind == "simulator" for mind in record.minds),
    )


def _design_notes(gathered: Gathered) -> tuple[str, ...]:
    """What a sparse design left out, so that nobody takes few answers for a failed run."""
    put = gathered.verdicts.put
    if put.all() or not put.size:
        return ()
    fewest, most = put.sum(axis=1).min(), put.sum(axis=1).max()
    each = f"{fewest}" if fewest == most else f"{fewest} or {most}"
    return (
        f"Sparse design: {put.mean():.1%} of the pairs of an item and a juror were asked, each "
        f"item of {each} of {put.shape[1]} jurors. What was not asked counts neither as asked nor "
        f"as missing; welfare of an item is that of a jury of {each}. `juries fill` imputes the "
        "others.",
    )


def _calibration(directory: RunDirectory, record: RunRecord) -> str:
    """What stands beside every figure: whether, and against whom, this jury was calibrated."""
    path = directory.path / FILE_NAME
    if not path.exists():
        return NOT_CALIBRATED
    said = read_record(path).standing(parts_of(directory.read_study(), record))
    return said[0].lower() + said[1:].rstrip(".")


def _inputs(directory: RunDirectory, record: RunRecord, spec: ScoresSpec) -> str:
    """Hash of all that scores depend on: the ledger's rows, what is asked of them, the code.

    A row changes only when a failed question is answered later, so two counts tell the rows apart,
    and a run that was killed on its way ends with the same hash as one that was not.
    """
    with closing(
        open_ledger(directory.ledger_place, fingerprint=record.fingerprint, ids={})
    ) as ledger:
        rows = [ledger.count(), sum(ledger.answered_counts().values())]
    return content_hash(
        {
            "fingerprint": record.fingerprint,
            "items": record.items,
            "rows": rows,
            "baselines": count_baselines(directory.baselines, record.fingerprint),
            "injection": directory.read_study().injection.model_dump(mode="json"),
            "files": _files(directory, spec),
            "spec": spec.model_dump(mode="json"),
            "complete": record.complete,
            "version": [SCHEMA_VERSION, version("juries")],
        }
    )


def _files(directory: RunDirectory, spec: ScoresSpec) -> list[list[str | int]]:
    """Size and time of the files beside the ledger that scores are taken from."""
    distribution = spec.distribution
    named = distribution.survey
    survey = [] if named is None else [each for each in (named.path, named.people) if each]
    paths = [Path(path) for path in (*survey, *distribution.answers.values())]
    return [
        [path.name, path.stat().st_size, path.stat().st_mtime_ns]
        for path in (*paths, directory.sensitivity, directory.path / FILE_NAME)
        if path.exists()
    ]
