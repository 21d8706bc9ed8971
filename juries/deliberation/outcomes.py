"""What a jury came to: its verdict on every question, and the statements it agreed on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphs.deliberation.mediation import named
from graphs.deliberation.spec import Mediator
from graphs.records import Preference, Statement, Status, Utterance
from graphs.verdict_rules import Decisions
from juries.deliberation.evidence import Ballots
from juries.deliberation.measuring import Talked, criterion_names_of
from juries.deliberation.results import Agreement, Dissent, JuryDecision


def jury_decisions(
    run: Talked, ballots: Ballots, decisions: Sequence[Decisions], found: Sequence[Dissent]
) -> tuple[JuryDecision, ...]:
    """The verdict on every question with its minority report, by item, model and criterion.

    Args:
        run: whose jury talked.
        ballots: of the run.
        decisions: verdicts by criterion.
        found: minority reports.
    """
    minority = {(one.item, one.model, one.criterion): one for one in found}
    names = criterion_names_of(run.questions)
    listed: list[tuple[tuple[int, int, int], JuryDecision]] = []
    for criterion, decided in enumerate(decisions):
        for place, at in enumerate(np.flatnonzero(ballots.criteria == criterion).tolist()):
            item, model = int(ballots.items[at]), int(ballots.models[at])
            key = (run.items[item].id, run.models[model], names[criterion])
            value = float(decided.value[place])
            decision = JuryDecision(
                item=key[0],
                model=key[1],
                criterion=key[2],
                rule=decided.rule.kind,
                status=decided.status[place],
                verdict=value if np.isfinite(value) else None,
                support=float(decided.support[place]),
                valid=int(decided.valid[place]),
                seats=decided.seats,
                minority=minority.get(key),
            )
            listed.append(((item, model, criterion), decision))
    listed.sort(key=lambda pair: pair[0])
    return tuple(decision for _, decision in listed)


def agreements(run: Talked) -> tuple[Agreement, ...]:
    """The winning statement of each mediation with who puts their name to it, by item.

    Endorsements are those of the ranking that the statement won; who gave no valid ranking stays a
    seat that did not endorse.
    """
    protocol = run.plan.spec.protocol
    if not isinstance(protocol, Mediator):
        return ()
    found: list[Agreement] = []
    for position, item in enumerate(run.items):
        said = run.ledger.of_item(Statement, position)
        told = [row for row in said if row.kind == Utterance.AGREED and row.status == Status.OK]
        if told:
            ranked = run.ledger.of_item(Preference, position)
            found.append(_agreement(run, item.id, protocol.rule, told[-1], ranked))
    return tuple(found)


def _agreement(
    run: Talked, item: str, rule: str, told: Statement, ranked: Sequence[Preference]
) -> Agreement:
    jurors, weights = run.plan.jurors, run.weights
    valid = [row for row in ranked if row.round == told.round and row.status == Status.OK]
    endorsing = sorted(row.juror for row in valid if told.about in named(row.endorsed))
    firsts = [row for row in valid if named(row.ranking)[:1] == (told.about,)]
    return Agreement(
        item=item,
        statement=told.text or "",
        round=told.round,
        candidate=told.about,
        rule=rule,
        endorsed_by=tuple(jurors[seat].id for seat in endorsing),
        endorsed=float(weights[endorsing].sum()),
        first_choices=len(firsts),
        rankings=len(valid),
        seats=len(jurors),
    )
