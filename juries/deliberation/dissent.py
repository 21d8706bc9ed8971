"""Minority reports: the dissenting cluster on each question, with its strongest reasons."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from graphs.items import Choice, question_name
from graphs.records import Rating, Statement, Status, Utterance
from graphs.verdict_rules import Decisions
from juries.deliberation.evidence import Ballots
from juries.deliberation.measuring import Talked
from juries.deliberation.results import Dissent, DissentReason
from juries.measures.deliberation.minority import MinorityReport, minority_report

APART = 0.5
"""Share of the scale by which the means of two sides differ at least, to be called dissent."""
_OWN_WORDS = (
    Utterance.STATEMENT,
    Utterance.ADVOCACY,
    Utterance.REBUTTAL,
    Utterance.OPINION,
    Utterance.CRITIQUE,
)
"""What jurors say for themselves; an objection may have been their duty."""


def dissent(run: Talked, ballots: Ballots, decisions: Sequence[Decisions]) -> tuple[Dissent, ...]:
    """A report on each question that leaves a dissenting cluster, in the order of questions.

    Options of a choice have no order, and so no two sides.

    Args:
        run: whose jury talked.
        ballots: of the run.
        decisions: verdicts by criterion.
    """
    found: list[Dissent] = []
    given: tuple[int, _Reasons] | None = None
    order = np.lexsort((ballots.criteria, ballots.models, ballots.items))
    places = np.empty(len(order), dtype=np.int64)
    for criterion in range(len(run.questions)):
        asked = np.flatnonzero(ballots.criteria == criterion)
        places[asked] = np.arange(len(asked))
    for at in order.tolist():
        item, criterion = int(ballots.items[at]), int(ballots.criteria[at])
        if isinstance(run.questions[criterion], Choice) or not _apart(run, ballots, at):
            continue
        if given is None or given[0] != item:
            given = (item, _Reasons(run, item))
        model = run.models[int(ballots.models[at])]
        texts = given[1].about(model, criterion)
        report = _minority(run, ballots, at, texts)
        if report is not None:
            decided = decisions[criterion]
            found.append(_dissent(run, ballots, at, decided, int(places[at]), report))
    return tuple(found)


class _Reasons:
    """What jurors gave as their reasons on one item."""

    def __init__(self, run: Talked, item: int) -> None:
        responses = [response.model for response in run.items[item].responses]
        self._spoken: dict[int, str] = {}
        said = run.ledger.of_item(Statement, item)
        for row in sorted(said, key=lambda row: row.round):
            if row.status == Status.OK and row.kind in _OWN_WORDS and row.text:
                self._spoken[row.juror] = row.text
        self._rated: dict[tuple[str, int], dict[int, str]] = defaultdict(dict)
        for row in run.ledger.of_item(Rating, item):
            final = row.round == run.plan.spec.final_round and row.replicate == 0
            if final and row.status == Status.OK and row.reason:
                self._rated[responses[row.response], row.criterion][row.juror] = row.reason

    def about(self, model: str, criterion: int) -> dict[int, str]:
        """By seat: the reason of the final rating, else what the juror said last."""
        return self._spoken | self._rated[model, criterion]


def _apart(run: Talked, ballots: Ballots, at: int) -> bool:
    """Whether the votes lie far enough apart for dissent at all; cheap, and false for most."""
    votes = ballots.final[at][ballots.final[at] > 0]
    return votes.size > 1 and int(np.ptp(votes)) >= _distance(run, ballots, at) - 1e-9


def _distance(run: Talked, ballots: Ballots, at: int) -> float:
    return APART * (len(run.questions[int(ballots.criteria[at])].points) - 1)


def _minority(
    run: Talked, ballots: Ballots, at: int, reasons: dict[int, str]
) -> MinorityReport | None:
    final, first = (
        np.where(points[at] > 0, points[at], np.nan) for points in (ballots.final, ballots.first)
    )
    return minority_report(
        final,
        start=first,
        apart=_distance(run, ballots, at),
        weights=run.weights,
        reasons=reasons,
    )


def _dissent(
    run: Talked, ballots: Ballots, at: int, decided: Decisions, place: int, report: MinorityReport
) -> Dissent:
    question = run.questions[int(ballots.criteria[at])]
    jurors = run.plan.jurors
    value = float(decided.value[place])
    return Dissent(
        item=run.items[int(ballots.items[at])].id,
        model=run.models[int(ballots.models[at])],
        criterion=question_name(question),
        status=decided.status[place],
        verdict=value if np.isfinite(value) else None,
        support=float(decided.support[place]),
        size=report.size,
        share=report.share,
        position=report.position,
        majority=report.majority,
        even=report.even,
        jurors=tuple(jurors[seat].id for seat in report.jurors),
        reasons=tuple(
            DissentReason(
                juror=jurors[reason.juror].id,
                text=reason.text,
                distance=reason.distance,
                moved=reason.moved,
            )
            for reason in report.reasons
        ),
    )
