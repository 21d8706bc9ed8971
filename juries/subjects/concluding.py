"""What the scores take from a study's subjects."""

from __future__ import annotations

from pathlib import Path

from juries.spec import ScoresSpec, Study
from juries.subjects.record import SubjectRecord


def with_subjects(
    spec: ScoresSpec, study: Study, records: tuple[SubjectRecord, ...], folder: Path
) -> ScoresSpec:
    """The `scores` section with the subjects' steered models and survey answers in it.

    Args:
        spec: what is concluded; what it says itself comes first.
        study: as it ran.
        records: of its subjects.
        folder: of the run, where the survey answers lie.
    """
    named = {each.model for each in spec.steering.models}
    steered = [
        each for subject in study.subjects for each in subject.steered if each.model not in named
    ]
    changes: dict[str, object] = {}
    if steered:
        models = (*spec.steering.models, *steered)
        changes["steering"] = spec.steering.model_copy(update={"models": models})
    asked = study.scores.distribution.survey
    if asked is not None and spec.distribution.survey == asked:
        answers = {
            record.labelled: str((folder / record.survey).resolve())
            for record in records
            if record.survey is not None
        }
        answers |= spec.distribution.answers
        changes["distribution"] = spec.distribution.model_copy(update={"answers": answers})
    return spec.model_copy(update=changes)
