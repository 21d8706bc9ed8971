"""The measures of one run's talk, as figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from graphs.deliberation.plan import Plan
from graphs.items import Choice, FloatArray, Item, Question, question_name
from graphs.ledger import Ledger
from juries.deliberation.evidence import Ballots, hearing
from juries.deliberation.results import (
    ChangeFigures,
    ConformityFigures,
    FlipTable,
    JurorPath,
    Pull,
    Tie,
)
from juries.figures import figure
from juries.measures.deliberation.change import (
    Change,
    flip_matrix,
    juror_paths,
    welfare_changes,
)
from juries.measures.deliberation.conformity import conformity
from juries.measures.deliberation.influence import Influence, influence
from juries.measures.deliberation.spread import spread_changes
from juries.measures.welfare_functions import parse_welfares
from juries.spec import ScoresSpec
from personas.identity import generator

MOST_SPEAKERS = 60
"""Jurors up to which pulls are estimated: each hearer's regression has one unknown per speaker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Talked:
    """A run whose jury talked.

    Attributes:
        ledger: of the run.
        plan: of its deliberation.
        items: those that the run covers.
        models: names.
        questions: what was asked about each response.
        replicates: how often each question was put in each ballot.
        scores: functions, resamples and level.
        produced_by: what kind of mind the figures are a property of.
    """

    ledger: Ledger
    plan: Plan
    items: Sequence[Item]
    models: Sequence[str]
    questions: tuple[Question, ...]
    replicates: int
    scores: ScoresSpec
    produced_by: str

    @property
    def weights(self) -> FloatArray:
        """Of the jurors, shape [J]."""
        return np.array([juror.weight for juror in self.plan.jurors])


class Measures:
    """The measures of one run, each with resamples of its own stream."""

    def __init__(self, run: Talked, ballots: Ballots) -> None:
        self._run = run
        self._ballots = ballots
        self._names = criterion_names_of(run.questions)
        self._steps = len(ballots.talk) - 1

    def flips(self) -> tuple[FlipTable, ...]:
        """Which point jurors left for which, by criterion."""
        ballots = self._ballots
        tables: list[FlipTable] = []
        for criterion, question in enumerate(self._run.questions):
            asked = ballots.criteria == criterion
            name = self._names[criterion]
            found = flip_matrix(
                ballots.first[asked],
                ballots.final[asked],
                scale=len(question.points),
                items=ballots.items[asked],
                resamples=self._run.scores.resamples,
                level=self._run.scores.level,
                rng=self._stream("flips", name),
            )
            counts = tuple(tuple(row) for row in found.counts.tolist())
            tables.append(
                FlipTable(
                    criterion=name,
                    points=(*question.points, "no valid answer"),
                    counts=counts,
                    flipped=figure("flipped", name, found.flipped),
                    up=figure("up", name, found.up),
                    down=figure("down", name, found.down),
                    paired=found.paired,
                )
            )
        return tuple(tables)

    def changes(self) -> tuple[ChangeFigures, ...]:
        """Shift of every welfare function, and of entropy, variance and polarisation."""
        run, ballots = self._run, self._ballots
        functions = {f.name: f for f in parse_welfares(run.scores.welfare)}
        found: list[tuple[str, Change]] = []
        before, after = ballots.utilities
        if np.isfinite(before).any():
            changes = welfare_changes(
                before,
                after,
                functions=functions,
                weights=run.weights,
                items=ballots.rows,
                resamples=run.scores.resamples,
                level=run.scores.level,
                rng=self._stream("welfare"),
            )
            found.extend(("welfare", change) for change in changes)
        for criterion, question in enumerate(run.questions):
            asked = ballots.criteria == criterion
            spreads = spread_changes(
                ballots.first[asked],
                ballots.final[asked],
                scale=len(question.points),
                weights=run.weights,
                items=ballots.items[asked],
                resamples=run.scores.resamples,
                level=run.scores.level,
                rng=self._stream("spread", self._names[criterion]),
            )
            nominal = isinstance(question, Choice)
            kept = [c for c in spreads if c.name == "entropy" or not nominal]
            found.extend((self._names[criterion], change) for change in kept)
        return tuple(_change(of, change) for of, change in found)

    def conformity(self) -> ConformityFigures | None:
        """Moves towards the local majority; None where positions have no order."""
        run, ballots = self._run, self._ballots
        if not np.isfinite(ballots.talk).any():
            return None
        sampled = ballots.control_items > 0
        found = conformity(
            ballots.talk,
            ballots.control if sampled else None,
            weights=hearing(run.plan, self._steps),
            items=ballots.items,
            resamples=run.scores.resamples,
            level=run.scores.level,
            rng=self._stream("conformity"),
        )
        return ConformityFigures(
            talk=figure("talk", "jury", found.talk),
            drift=figure("drift", "jury", found.drift),
            index=figure("index", "jury", found.index),
            moves=found.moves,
            control_moves=found.control_moves,
            local=found.local,
        )

    def speakers(self) -> tuple[Pull, ...]:
        """How much each juror pulls those who hear them; empty for large juries."""
        found = self._influence
        if found is None:
            return ()
        hearers = np.isfinite(found.pull).sum(axis=0)
        return tuple(
            Pull(
                juror=juror.id,
                pull=_number(found.by_speaker[seat]),
                low=_number(found.by_speaker_low[seat]),
                high=_number(found.by_speaker_high[seat]),
                hearers=int(hearers[seat]),
            )
            for seat, juror in enumerate(self._run.plan.jurors)
        )

    def ties(self) -> tuple[Tie, ...]:
        """Who hears whom in any round, and how far they follow; empty for large juries."""
        found, jurors = self._influence, self._run.plan.jurors
        if found is None:
            return ()
        heard = hearing(self._run.plan, self._steps).max(axis=0) > 0
        return tuple(
            Tie(
                hearer=jurors[hearer].id,
                speaker=jurors[speaker].id,
                pull=_number(found.pull[hearer, speaker]),
                low=_number(found.low[hearer, speaker]),
                high=_number(found.high[hearer, speaker]),
            )
            for hearer in range(len(jurors))
            for speaker in range(len(jurors))
            if heard[hearer, speaker] and hearer != speaker
        )

    @cached_property
    def _influence(self) -> Influence | None:
        """Who moved whom; None for large juries, and where positions have no order."""
        run, ballots = self._run, self._ballots
        if run.plan.seats > MOST_SPEAKERS or not np.isfinite(ballots.talk).any():
            return None
        return influence(
            ballots.talk,
            weights=hearing(run.plan, self._steps),
            items=ballots.items,
            resamples=min(run.scores.resamples, 500),
            level=run.scores.level,
            rng=self._stream("influence"),
        )

    def paths(self) -> tuple[JurorPath, ...]:
        """Each juror's mean position, ballot by ballot."""
        paths = juror_paths(self._ballots.talk)
        return tuple(
            JurorPath(
                juror=juror.id,
                mean=tuple(map(_number, paths.mean[:, seat])),
                moved=tuple(map(_number, paths.moved[:, seat])),
            )
            for seat, juror in enumerate(self._run.plan.jurors)
        )

    def notes(self) -> tuple[str, ...]:
        """What a reader must know beside the figures."""
        notes = [
            "Intervals resample items: one item is one deliberation, and jurors who hear each "
            "other are not independent draws."
        ]
        if not self._ballots.control_items:
            notes.append("No item was rated again without talk, so drift is part of `talk`.")
        if self._run.plan.seats > MOST_SPEAKERS:
            notes.append(f"Influence by speaker is estimated for at most {MOST_SPEAKERS} jurors.")
        if any(isinstance(question, Choice) for question in self._run.questions):
            notes.append("Options of a choice have no order: only flips and entropy apply to them.")
        return tuple(notes)

    def _stream(self, *names: str) -> np.random.Generator:
        return generator(self._run.plan.seed, "deliberation", "scores", *names)


def criterion_names_of(questions: Sequence[Question]) -> tuple[str, ...]:
    """Names of the questions, as `graphs.items.criterion_names` gives them for a scale."""
    return tuple(map(question_name, questions))


def _change(of: str, change: Change) -> ChangeFigures:
    return ChangeFigures(
        name=change.name,
        before=figure("before", of, change.before),
        after=figure("after", of, change.after),
        change=figure("change", of, change.change),
        undefined=change.undefined,
    )


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
