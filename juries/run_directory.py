"""A run's folder: what stands in it, how it is written, and that one process writes at a time."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import platform
from collections.abc import Generator, Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from graphs.item_store import HELD, StoredItems, item_row
from graphs.items import Item
from graphs.ledger.places import LedgerPlace, PostgresPlace, without_password
from graphs.minds.protocol import MindKind
from graphs.panel import Juror
from juries.scores import Scores
from juries.spec import Study
from juries.study_file import load_model
from juries.subjects.record import SubjectRecord
from personas.errors import InputError, JuriesError
from personas.files import replacing
from personas.persona import Persona
from personas.tables import read_rows

_LIBRARIES = ("juries", "langgraph", "numpy", "polars", "pydantic", "scipy", "sqlalchemy")


class MindRecord(BaseModel):
    """A mind as it answered in a run."""

    model_config = ConfigDict(frozen=True)

    name: str
    version: str
    kind: MindKind
    jurors: int


class RunRecord(BaseModel):
    """`run.json`: what ran, with which versions, and how far it came."""

    model_config = ConfigDict(frozen=True)

    study: str
    fingerprint: str
    seed: int
    items: int = Field(description="items of the study that this run covers")
    shard: str | None = Field(
        default=None, description="share of those items, such as `2/8`; null for all of them"
    )
    models: tuple[str, ...]
    minds: tuple[MindRecord, ...]
    questions: int = Field(description="questions put, over all sessions")
    recorded: int = Field(description="rows in the ledger")
    complete: bool
    started: str
    updated: str
    sessions: int = Field(description="how often the run was started")
    command: str
    versions: dict[str, str]
    hashes: dict[str, str]
    jury: dict[str, Any] = Field(description="how the seats were filled and weighted")
    asking: tuple[dict[str, Any], ...] = Field(
        default=(),
        description="for each mind that asks servers and each session: how, and what it cost",
    )
    subjects: tuple[SubjectRecord, ...] = Field(
        default=(), description="models that the study asked, and what became of their replies"
    )
    notes: tuple[str, ...] = ()


class RunDirectory:
    """Paths and files of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.study = path / "study.yaml"
        self.record = path / "run.json"
        self.jury = path / "jury.jsonl"
        self.items = path / "items.jsonl"
        self.ledger = path / "ledger.sqlite"
        self.database = path / "ledger.json"
        self.baselines = path / "baselines.sqlite"
        self.injection = path / "injection.sqlite"
        self.ratings = path / "ratings.parquet"
        self.verdicts = path / "verdicts.parquet"
        self.scores = path / "scores.json"
        self.sensitivity = path / "sensitivity.json"
        self.deliberation = path / "deliberation.json"
        self.dissent = path / "dissent.jsonl"
        self.decisions = path / "decisions.jsonl"
        self.agreements = path / "agreements.jsonl"
        self.checkpoints = path / "checkpoints.sqlite"
        self.waiting = path / "waiting.json"

    @contextlib.contextmanager
    def held(self) -> Generator[None]:
        """Hold the folder against other processes while the block runs; makes it if need be.

        Raises:
            InputError: the folder cannot be made or written.
            JuriesError: another process is running this study here.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = (self.path / ".lock").open("a+")
        except OSError as error:
            raise InputError(
                f"the run folder cannot be written ({error.strerror})",
                where=self.path,
                hint="Choose another --out.",
            ) from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.seek(0)
                holder = lock.read().strip() or "unknown"
                raise JuriesError(
                    f"{self.path}: another run is writing here (process {holder}). "
                    "Wait for it, or choose another --out."
                ) from None
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
            yield

    @property
    def ledger_place(self) -> LedgerPlace:
        """Where the answers are: `ledger.sqlite`, or the database that `ledger.json` names.

        Raises:
            InputError: `ledger.json` is damaged.
        """
        try:
            said = json.loads(self.database.read_bytes())
            return PostgresPlace(url=without_password(said["url"]), schema=said["schema"])
        except FileNotFoundError:
            return self.ledger
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"the name of the run's database cannot be read ({error})", where=self.database
            ) from None

    def settle_ledger(self, wanted: PostgresPlace | None) -> LedgerPlace:
        """Where this run keeps its answers, from its first session on (`keep_ledger_at`).

        Args:
            wanted: the database that the study names; None where it names none, which goes on
                wherever the run began.

        Raises:
            InputError: the run began elsewhere.
        """
        found = self.ledger_place
        if wanted is None or wanted == found:
            return found
        if found != self.ledger or self.ledger.exists():
            raise InputError(
                "this run keeps its answers elsewhere",
                where=self.path,
                found=str(wanted),
                expected=str(found),
                hint="Leave --ledger as it was, or choose another --out.",
            )
        return wanted

    def keep_ledger_at(self, place: LedgerPlace) -> None:
        """Write down where the answers are, once the ledger there was opened."""
        if isinstance(place, PostgresPlace):
            self._write(self.database, [json.dumps({"url": place.url, "schema": place.schema})])

    def write_study(self, study: Study) -> None:
        """Write the resolved study, from which the run can be repeated."""
        text = yaml.safe_dump(study.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
        self._write(self.study, ["# The study as it ran, every setting spelt out.\n", text])

    def read_study(self) -> Study:
        """The study as it ran."""
        return load_model(self.study, Study)

    def write_jury(self, jurors: Sequence[Juror]) -> None:
        """Write who sits, one juror a line."""
        self._write(self.jury, (json.dumps(juror_row(juror)) + "\n" for juror in jurors))

    def read_jury(self) -> tuple[Juror, ...]:
        """Who sat."""
        return tuple(juror_of(row.data) for row in read_rows(self.jury))

    def write_items(self, items: Iterable[Item]) -> None:
        """Write what was judged, one item a line, in study order."""
        self._write(self.items, (json.dumps(item_row(item)) + "\n" for item in items))

    def read_items(self) -> Sequence[Item]:
        """What was judged, in study order."""
        stored = StoredItems.over(self.items)
        return stored if len(stored) > HELD else tuple(stored)

    def write_record(self, record: RunRecord) -> None:
        """Write `run.json`."""
        self._write(self.record, [record.model_dump_json(indent=1), "\n"])

    def read_record(self) -> RunRecord:
        """Read `run.json`.

        Raises:
            InputError: the folder holds no run, or the record is damaged.
        """
        try:
            return RunRecord.model_validate_json(self.record.read_bytes())
        except FileNotFoundError:
            raise InputError(
                "this folder holds no run",
                where=self.path,
                hint="Name the folder that `juries run --out` wrote.",
            ) from None
        except (OSError, ValidationError) as error:
            raise InputError(f"the run record is damaged ({error})", where=self.record) from None

    def read_scores(self) -> Scores | None:
        """The scores written last; None where there are none that this version can read."""
        try:
            return Scores.model_validate_json(self.scores.read_bytes())
        except (OSError, ValidationError):
            return None

    def tables_exist(self) -> bool:
        """Whether the tables that are written with the scores are there."""
        return self.ratings.exists() and self.verdicts.exists()

    def _write(self, path: Path, parts: Iterable[str]) -> None:
        with replacing(path) as file:
            file.writelines(parts)


def juror_row(juror: Juror) -> dict[str, Any]:
    """A juror as a line of `jury.jsonl`."""
    return {
        "position": juror.position,
        "id": juror.id,
        "weight": juror.weight,
        "mind": juror.mind,
        "persona": juror.persona.model_dump(mode="json"),
        "portrait": juror.portrait,
    }


def juror_of(data: dict[str, Any]) -> Juror:
    """The juror behind `juror_row`."""
    persona = Persona.model_validate(data["persona"])
    return Juror(**{key: value for key, value in data.items() if key != "persona"}, persona=persona)


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that results depend on."""
    return {"python": platform.python_version()} | {name: version(name) for name in _LIBRARIES}


def now() -> str:
    """The time, in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
