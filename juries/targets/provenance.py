"""Where a target comes from: it travels with every target, in the file or beside it."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from juries.run_directory import RunRecord, versions
from juries.scores import MindSummary
from personas.files import replacing

UNCALIBRATED = "not calibrated against people"


class Provenance(BaseModel):
    """What a target was computed from. JSON beside every exported file.

    Attributes:
        target: what kind of target it is.
        study: name of the study.
        fingerprint: hash of all that the answers depend on.
        hashes: of the items and of the jury.
        minds: which minds answered, for how many jurors.
        jurors: how many sat.
        items: how many items the run covers.
        complete: whether every question has a recorded answer.
        answered: share of the questions put that were validly answered.
        calibration: what is known of how the jury's answers relate to people's.
        uncalibrated: True until the jury was held against people.
        welfare: name of the welfare function, where one was used.
        settings: the other choices behind the target.
        notes: what a reader must know, in sentences.
        versions: of Python and of the libraries that results depend on.
    """

    model_config = ConfigDict(frozen=True)

    target: str
    study: str
    fingerprint: str
    hashes: dict[str, str]
    minds: tuple[MindSummary, ...]
    jurors: int
    items: int
    complete: bool
    answered: float
    calibration: str = UNCALIBRATED
    uncalibrated: bool = True
    welfare: str | None = None
    settings: dict[str, object] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()
    versions: dict[str, str] = Field(default_factory=versions)

    def of(
        self,
        target: str,
        *,
        welfare: str | None = None,
        settings: dict[str, object] | None = None,
        notes: tuple[str, ...] = (),
    ) -> Provenance:
        """The same origin for one kind of target, with the choices behind it."""
        return self.model_copy(
            update={
                "target": target,
                "welfare": welfare,
                "settings": settings or {},
                "notes": (*self.notes, *notes),
            }
        )

    @property
    def produced_by(self) -> str:
        """The label that stands beside every figure."""
        minds = ", ".join(f"{mind.name} ({mind.kind})" for mind in self.minds)
        return f"{minds}; {self.calibration}"

    def write_beside(self, path: Path) -> Path:
        """Write it as `<name of the file>.provenance.json` beside a file, and return its path."""
        beside = path.with_name(f"{path.name}.provenance.json")
        with replacing(beside) as file:
            file.write(self.model_dump_json(indent=1) + "\n")
        return beside


def origin(record: RunRecord, *, answered: float, calibration: str) -> Provenance:
    """What all targets of a run have in common."""
    return Provenance(
        target="",
        study=record.study,
        fingerprint=record.fingerprint,
        hashes=record.hashes,
        minds=tuple(MindSummary(**mind.model_dump()) for mind in record.minds),
        jurors=sum(mind.jurors for mind in record.minds),
        items=record.items,
        complete=record.complete,
        answered=answered,
        calibration=calibration,
        uncalibrated=calibration == UNCALIBRATED,
        notes=() if record.complete else ("The run is not complete; more answers may move this.",),
    )
