"""What can be seen of a run from outside, while another process writes it."""

from __future__ import annotations

import fcntl
import shutil
import sqlite3
import tempfile
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from graphs.ledger import Ledger, open_ledger
from juries.deliberation.people import read_waiting
from juries.run_directory import RunDirectory, RunRecord
from juries.scores import NOT_CALIBRATED
from personas.errors import JuriesError


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How far a run is.

    Attributes:
        name: of the run's folder, below the folder of runs.
        study: its name.
        judged_by: the minds.
        questions: to be put, over all sessions.
        recorded: rows in the ledger.
        statuses: rows by status.
        items: answered per item position, for the items that have any.
        items_total: items that the run covers.
        complete: whether every question has an answer.
        running: whether a process holds the folder.
        waiting: seats that wait for people to answer.
        updated: when the record was written last.
    """

    name: str
    study: str
    judged_by: str
    questions: int
    recorded: int
    statuses: dict[str, int]
    items: dict[int, int]
    items_total: int
    complete: bool
    running: bool
    waiting: int
    updated: str

    def plain(self) -> dict[str, object]:
        """The same, ready for JSON."""
        return asdict(self)


def run_folders(root: Path) -> Iterator[tuple[str, Path]]:
    """Names and folders of the runs below a folder (or of the folder itself), by name."""
    if (root / "run.json").is_file():
        yield root.resolve().name, root
    for path in sorted(root.glob("*/run.json")):
        yield path.parent.name, path.parent


def look(name: str, folder: Path, *, closely: bool = False) -> Seen:
    """See how far a run is, without writing to it.

    Args:
        name: of the run.
        folder: its folder.
        closely: count the ledger's rows also where the record already says how many there are.

    Raises:
        JuriesError: the record is damaged.
    """
    directory = RunDirectory(folder)
    record = directory.read_record()
    running = is_held(folder)
    waiting = read_waiting(directory)
    statuses: dict[str, int] = {}
    items: dict[int, int] = {}
    if closely or running or not record.complete:
        statuses, items = _counts(directory, record)
    return Seen(
        name=name,
        study=record.study,
        judged_by=_label(directory, record, running=running),
        questions=record.questions,
        recorded=sum(statuses.values()) if statuses else record.recorded,
        statuses=statuses,
        items=items,
        items_total=record.items,
        complete=record.complete and not running,
        running=running,
        waiting=0 if running else sum(len(one.form.seats) for one in waiting.items),
        updated=record.updated,
    )


def revision(folder: Path) -> int:
    """A number that grows with every commit to the run's ledger; -1 where there is none."""
    directory = RunDirectory(folder)
    if directory.database.exists():
        with _in_database(directory, directory.read_record()) as ledger:
            return ledger.revision()
    path = directory.ledger
    if not path.exists():
        return -1
    try:
        with closing(_open(path)) as connection:
            row = connection.execute("SELECT value FROM about WHERE key = 'revision'").fetchone()
    except sqlite3.Error:  # the file is being made
        return -1
    return -1 if row is None else int(row[0])


def copy_of(folder: Path) -> Path:
    """The run as it stands now, in a folder of its own that may be scored and thrown away.

    The ledger is copied by SQLite's backup, which gives one state even while it is written; one in
    a database is read where it is.
    """
    target = Path(tempfile.mkdtemp(prefix="juries-view-"))
    for name in ("study.yaml", "run.json", "items.jsonl", "jury.jsonl", "ledger.json"):
        if (folder / name).exists():
            shutil.copyfile(folder / name, target / name)
    for name in ("ledger.sqlite", "baselines.sqlite"):
        if (folder / name).exists():
            with (
                closing(_open(folder / name)) as source,
                closing(sqlite3.connect(target / name)) as copy,
            ):
                source.backup(copy)
    return target


def _counts(directory: RunDirectory, record: RunRecord) -> tuple[dict[str, int], dict[int, int]]:
    """Rows by status and by item."""
    if directory.database.exists():
        with _in_database(directory, record) as ledger:
            rows = [(*key, count) for key, count in ledger.statuses().items()]
    elif directory.ledger.exists():
        rows = _counts_in_file(directory.ledger)
    else:
        rows = []
    statuses: dict[str, int] = {}
    items: dict[int, int] = {}
    for item, status, count in rows:
        statuses[status] = statuses.get(status, 0) + count
        items[item] = items.get(item, 0) + count
    return statuses, items


def _counts_in_file(ledger: Path) -> list[tuple[int, str, int]]:
    query = "SELECT item, status, count(*) FROM ratings WHERE round = 0 GROUP BY item, status"
    try:
        with closing(_open(ledger)) as connection:
            return connection.execute(query).fetchall()
    except sqlite3.Error as error:
        raise JuriesError(f"{ledger}: the ledger cannot be read ({error})") from None


@contextmanager
def _in_database(directory: RunDirectory, record: RunRecord) -> Generator[Ledger]:
    place = directory.ledger_place
    with closing(open_ledger(place, fingerprint=record.fingerprint, ids={})) as ledger:
        yield ledger


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10)


def is_held(folder: Path) -> bool:
    """Whether a process holds the folder's lock."""
    try:
        with (folder / ".lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _label(directory: RunDirectory, record: RunRecord, *, running: bool) -> str:
    """The minds, and whether they were calibrated: as the scores say it, where there are any."""
    scores = None if running else directory.read_scores()
    if scores is not None:
        return scores.produced_by
    minds = ", ".join(f"{mind.name} ({mind.kind})" for mind in record.minds)
    return f"{minds}; {NOT_CALIBRATED}"
