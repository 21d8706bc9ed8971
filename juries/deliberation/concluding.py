"""What talk changed in a run, who dissents, and what the jury's verdicts are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graphs.deliberation.spec import Mediator
from graphs.items import questions
from graphs.ledger import open_ledger
from graphs.records import Statement, Status, Utterance
from graphs.verdict_rules import Decisions, VerdictStatus, decide
from juries.deliberation.asking import plan_deliberation
from juries.deliberation.dissent import dissent
from juries.deliberation.evidence import Ballots, gather_ballots
from juries.deliberation.measuring import Measures, Talked, criterion_names_of
from juries.deliberation.outcomes import agreements, jury_decisions
from juries.deliberation.results import (
    Agreement,
    DeliberationReport,
    Dissent,
    JuryDecision,
    VerdictTable,
)
from juries.figures import Figure, Result, figure
from juries.measures.estimates import mean_estimates
from juries.run_directory import RunDirectory, RunRecord
from juries.spec import ScoresSpec
from personas.errors import InputError
from personas.files import replacing
from personas.identity import generator


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliberated:
    """Everything concluded from a deliberation."""

    report: DeliberationReport
    dissent: tuple[Dissent, ...]
    decisions: tuple[JuryDecision, ...]
    agreements: tuple[Agreement, ...]


def write_deliberation(
    directory: RunDirectory, record: RunRecord, spec: ScoresSpec, *, produced_by: str
) -> Deliberated:
    """Conclude from a run's deliberation, and write it into the run's folder.

    `deliberation.json` says what talk changed, `decisions.jsonl` what the jury decided,
    `dissent.jsonl` who dissents, and `agreements.jsonl` the statements that mediations came to.

    Args:
        directory: of the run.
        record: how far it came.
        spec: functions, resamples and level.
        produced_by: what kind of mind the figures are a property of.

    Raises:
        InputError: the study has no deliberation.
    """
    study, jurors = directory.read_study(), directory.read_jury()
    items = directory.read_items()[: record.items]
    plan = plan_deliberation(study, jurors, items)
    if plan is None:
        raise InputError("this study has no deliberation", where=directory.study)
    opened = open_ledger(directory.ledger_place, fingerprint=record.fingerprint, ids={})
    with closing(opened) as ledger:
        found = conclude_deliberation(
            Talked(
                ledger=ledger,
                plan=plan,
                items=items,
                models=record.models,
                questions=questions(study.scale),
                replicates=study.replicates,
                scores=spec,
                produced_by=produced_by,
            )
        )
    with replacing(directory.deliberation) as file:
        file.write(found.report.model_dump_json(indent=1) + "\n")
    lines: list[tuple[Path, Sequence[Result]]] = [
        (directory.dissent, found.dissent),
        (directory.decisions, found.decisions),
    ]
    if isinstance(plan.spec.protocol, Mediator):
        lines.append((directory.agreements, found.agreements))
    for path, rows in lines:
        with replacing(path) as file:
            file.writelines(one.model_dump_json() + "\n" for one in rows)
    return found


def conclude_deliberation(run: Talked) -> Deliberated:
    """Measure what talk changed, and report who dissents."""
    ballots = gather_ballots(
        run.ledger,
        run.plan,
        items=run.items,
        models=run.models,
        questions=run.questions,
        replicates=run.replicates,
    )
    decisions = tuple(
        decide(
            run.plan.spec.verdict,
            ballots.final[ballots.criteria == criterion],
            scale=len(question.points),
            weights=run.weights,
        )
        for criterion, question in enumerate(run.questions)
    )
    found = dissent(run, ballots, decisions)
    turns: Counter[str] = Counter()
    stopped: Counter[str] = Counter()
    for row in run.ledger.every(Statement):
        turns[row.status] += row.juror >= 0
        if row.kind == Utterance.CLOSED:
            stopped[row.text or ""] += 1
    talked = Measures(run, ballots)
    report = DeliberationReport(
        protocol=run.plan.spec.protocol.kind,
        produced_by=run.produced_by,
        jurors=run.plan.seats,
        items=len(run.items),
        control_items=ballots.control_items,
        stopped=dict(stopped),
        statements={status.value: turns.get(status.value, 0) for status in Status},
        connectivity=run.plan.network(1).connectivity.describe(),
        flips=talked.flips(),
        changes=talked.changes(),
        conformity=talked.conformity(),
        speakers=talked.speakers(),
        ties=talked.ties(),
        paths=talked.paths(),
        verdicts=_verdict_tables(run, decisions),
        dissenting=_dissenting(run, ballots, found),
        notes=talked.notes(),
    )
    return Deliberated(
        report=report,
        dissent=found,
        decisions=jury_decisions(run, ballots, decisions, found),
        agreements=agreements(run),
    )


def _verdict_tables(run: Talked, decisions: Sequence[Decisions]) -> tuple[VerdictTable, ...]:
    tables: list[VerdictTable] = []
    for name, found in zip(criterion_names_of(run.questions), decisions, strict=True):
        decided = np.isfinite(found.value)
        support = float(found.support[decided].mean()) if decided.any() else None
        tables.append(
            VerdictTable(
                criterion=name,
                rule=found.rule.kind,
                statuses={status: found.count(status) for status in VerdictStatus},
                mean_support=support,
            )
        )
    return tuple(tables)


def _dissenting(run: Talked, ballots: Ballots, found: Sequence[Dissent]) -> Figure:
    """Share of questions with a dissenting cluster, resampling items."""
    count = Counter(one.item for one in found)
    asked = np.bincount(ballots.items, minlength=len(run.items))
    shares = np.array(
        [[count[item.id] / max(1, int(asked[at]))] for at, item in enumerate(run.items)]
    )
    [estimate] = mean_estimates(
        shares,
        resampled="items",
        resamples=run.scores.resamples,
        level=run.scores.level,
        rng=generator(run.plan.seed, "deliberation", "scores", "dissent"),
    )
    return figure("dissenting", "questions", estimate)
