"""What a report is drawn from: everything a run folder holds, read once."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from graphs.assignment import Assignment
from graphs.items import FloatArray, Item, Question, criterion_names, questions
from graphs.ledger import Ledger, open_ledger
from graphs.panel import Juror
from juries.deliberation.results import DeliberationReport
from juries.design import assignment_of
from juries.measures.welfare_functions import WelfareFunction, parse_welfares
from juries.run_directory import RunDirectory, RunRecord
from juries.scores import Scores
from juries.spec import Study
from juries.verdicts import Float32, Verdicts, collect, columns, read_rows


@dataclass(frozen=True, kw_only=True)
class Source:
    """A run as a report reads it.

    Attributes:
        directory: the run's folder.
        record: `run.json`.
        study: as it ran.
        scores: as written by `juries score`.
        items: those the run covers, in study order.
        jurors: in seat order.
        assignment: who was asked about which item; None where everybody was about everything.
    """

    directory: RunDirectory
    record: RunRecord
    study: Study
    scores: Scores
    items: Sequence[Item]
    jurors: tuple[Juror, ...]
    assignment: Assignment | None

    @property
    def models(self) -> tuple[str, ...]:
        """Names, in the study's order."""
        return self.record.models

    @property
    def label(self) -> str:
        """What stands beside every figure: the minds, and whether they were calibrated."""
        return self.scores.produced_by

    @property
    def functions(self) -> tuple[WelfareFunction, ...]:
        """The welfare functions that were scored; none where the scale states no worth."""
        names = tuple(dict.fromkeys(score.function for score in self.scores.welfare))
        return parse_welfares(names) if names else ()

    @property
    def questions(self) -> tuple[Question, ...]:
        """What was asked about each response."""
        return questions(self.study.scale)

    @property
    def criteria(self) -> tuple[str, ...]:
        """Names of the questions."""
        return criterion_names(self.study.scale)

    @cached_property
    def weights(self) -> FloatArray:
        """Of the jurors, in seat order."""
        return np.array([juror.weight for juror in self.jurors])

    @cached_property
    def verdicts(self) -> Verdicts:
        """Every answer as arrays."""
        with self.ledger() as ledger:
            return collect(
                read_rows(
                    ledger.blocks(columns(self.questions), items=len(self.items)),
                    items=self.items,
                    models=self.models,
                ),
                items=self.items,
                models=self.models,
                jurors=len(self.jurors),
                questions=self.questions,
                replicates=self.study.replicates,
                put=None if self.assignment is None else self.assignment.asked[: len(self.items)],
            )

    @cached_property
    def utilities(self) -> Float32:
        """Utility of the whole response, [models, items, jurors]; NaN where none is valid."""
        return self.verdicts.overall()

    @cached_property
    def deliberation(self) -> DeliberationReport | None:
        """What talk changed; None where the jury did not talk."""
        path = self.directory.deliberation
        if self.study.deliberation is None or not path.exists():
            return None
        return DeliberationReport.model_validate_json(path.read_bytes())

    @contextlib.contextmanager
    def ledger(self) -> Generator[Ledger]:
        """The ledger, open while the block runs."""
        ledger = open_ledger(
            self.directory.ledger_place, fingerprint=self.record.fingerprint, ids={}
        )
        try:
            yield ledger
        finally:
            ledger.close()

    def groups(self) -> dict[str, dict[str, list[int]]]:
        """Seats by level of every attribute that the study scores by."""
        return {name: self.seats_by(name) for name in self.study.scores.groups}

    def seats_by(self, attribute: str) -> dict[str, list[int]]:
        """Seats by level of one attribute, levels in order of their text."""
        levels: dict[str, list[int]] = {}
        for juror in self.jurors:
            value = juror.persona.attributes.get(attribute)
            level = "(not stated)" if value is None else str(value)
            levels.setdefault(level, []).append(juror.position)
        return dict(sorted(levels.items()))


def read_source(path: Path | str) -> Source:
    """Read a run folder.

    Raises:
        InputError: the folder holds no run.
        JuriesError: the run recorded nothing.
    """
    from juries.runs import Run

    run = Run(path)
    study, items, jurors = run.study, run.directory.read_items(), run.directory.read_jury()
    return Source(
        directory=run.directory,
        record=run.record,
        study=study,
        scores=run.scores(),
        items=items[: run.record.items],
        jurors=jurors,
        assignment=assignment_of(study, items=len(items), jurors=len(jurors)),
    )
