"""From a run folder to its scores and tables."""

from __future__ import annotations

import numpy as np

from graphs.items import criterion_names, questions
from graphs.ledger import open_ledger
from juries.exports.ratings_table import ratings_are_current, write_ratings
from juries.exports.verdict_table import verdict_table, write_verdicts
from juries.measures.welfare_functions import parse_welfares
from juries.progress import Progress
from juries.run_directory import RunDirectory, RunRecord
from juries.scores import MindSummary, Scores
from juries.scoring import score_verdicts
from juries.spec import ScoresSpec
from juries.verdicts import collect, columns
from personas.errors import JuriesError


def conclude(
    directory: RunDirectory, record: RunRecord, spec: ScoresSpec, progress: Progress
) -> Scores:
    """Export the ratings and score them.

    Raises:
        JuriesError: the run recorded no rating.
    """
    study = directory.read_study()
    items = directory.read_items()[: record.items]
    jurors = directory.read_jury()
    asked, names = questions(study.scale), criterion_names(study.scale)
    ledger = open_ledger(directory.ledger, fingerprint=record.fingerprint, ids={})
    try:
        recorded = ledger.count()
        if not recorded:
            raise JuriesError(f"{directory.path}: nothing was recorded yet, so nothing to score.")
        if not ratings_are_current(directory.ratings, ledger, len(items)):
            progress.say("writing ratings.parquet")
            write_ratings(
                directory.ratings,
                ledger,
                run_id=record.fingerprint,
                items=items,
                jurors=jurors,
                criteria=names,
                minds=[(mind.name, mind.version) for mind in record.minds],
            )
        progress.say("scoring")
        verdicts = collect(
            ledger.blocks(columns(asked), items=len(items)),
            items=items,
            models=record.models,
            jurors=len(jurors),
            questions=asked,
            replicates=study.replicates,
        )
    finally:
        ledger.close()
    functions = parse_welfares(spec.welfare)
    weights = np.array([juror.weight for juror in jurors])
    write_verdicts(directory.verdicts, verdict_table(verdicts, weights, functions))
    scored = score_verdicts(
        verdicts, jurors=jurors, questions=asked, criteria=names, spec=spec, seed=record.seed
    )
    return Scores(
        study=record.study,
        fingerprint=record.fingerprint,
        seed=record.seed,
        minds=tuple(MindSummary(**mind.model_dump()) for mind in record.minds),
        items=len(items),
        complete=record.complete,
        jury=scored.jury,
        answers=scored.answers,
        welfare=scored.welfare,
        comparisons=scored.comparisons,
        flips=scored.flips,
        groups=scored.groups,
        agreement=scored.agreement,
        resamples=spec.resamples,
        notes=scored.notes,
    )
