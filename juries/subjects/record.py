"""What became of a study's subjects, as `run.json` keeps it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from graphs.records import Status
from graphs.subjects.protocol import SubjectKind


class SubjectRecord(BaseModel):
    """One subject and its replies.

    Attributes:
        name: among the models.
        model: what it is.
        kind: what kind of subject it is; no result may hide it.
        version: of the subject and its sampling.
        replies: responses asked for, by status.
        survey: file of its answers to the survey, in the run's folder; None where none came.
        questions: of the survey, by what became of them; empty where it was not asked.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    model: str
    kind: SubjectKind
    version: str
    replies: dict[str, int]
    survey: str | None = None
    questions: dict[str, int] = {}

    @property
    def labelled(self) -> str:
        """Its name, with its kind where it is no model."""
        return self.name if self.kind == "language model" else f"{self.name} ({self.kind})"

    @property
    def reading(self) -> str:
        """What a reader of the scores must know of it, in a sentence or two."""
        what = ", ".join(dict.fromkeys((self.model, self.kind)))
        said = f"{self.name} was asked live ({what})"
        if self.replies:
            counts = [f"{count} {status}" for status, count in sorted(self.replies.items())]
            said += f": replies {', '.join(counts)}"
        lost = self.replies.get(Status.FAILED.value, 0)
        if lost:
            said += f"; where none came ({lost}) the jury judged no response"
        if self.questions:
            parts = [f"{count} {what}" for what, count in self.questions.items() if count]
            said += f"; survey: {', '.join(parts)}"
        return said + "."
