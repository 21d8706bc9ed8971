"""A run is ended from outside, or waits for somebody, and another process goes on with it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from graphs.minds.psychometric import PsychometricMind
from juries.deliberation.people import read_waiting
from juries.runs import Run

DISCUSSION = {
    "protocol": {"kind": "discussion", "turns": "round_robin"},
    "rounds": 3,
    "control": 1.0,
}
TABLES = ("ratings", "statements", "preferences")
PEOPLE = [
    {"mind": {"kind": "embedded"}, "share": 3},
    {"mind": {"kind": "human"}, "share": 1},
]

DIES = """
import asyncio, os, signal, sys
from graphs.minds.psychometric import PsychometricMind
from juries.runs import run

spoken = []
speak = PsychometricMind.speak

async def speak_and_die(self, task):
    if (task.position, task.round) == (2, 2):
        spoken.append(task.speakers)
        if len(spoken) == 4:
            await asyncio.sleep(0.5)  # the ledger commits meanwhile
            os.kill(os.getpid(), signal.SIGKILL)
    async for rows in speak(self, task):
        yield rows

PsychometricMind.speak = speak_and_die
run(sys.argv[1], out=sys.argv[2], limit=6)
"""

ANSWERS = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from graphs.deliberation import threads
from graphs.minds.human_forms import HumanAnswers, SeatAnswer
from juries.deliberation.answering import answer
from juries.deliberation.people import read_waiting
from juries.run_directory import RunDirectory

class DaysLater(datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.now(UTC) + timedelta(days=9)

threads.datetime = DaysLater
directory = RunDirectory(Path(sys.argv[1]))
[one] = read_waiting(directory).items
print(one.form.kind, one.form.round, flush=True)
answer(directory.path, {one.item: HumanAnswers(
    round=one.form.round,
    kind=one.form.kind,
    answers=[
        SeatAnswer(
            seat=seat.seat,
            ratings={rating.key: 4 for rating in seat.ratings},
            statement="I find it clear." if seat.limit else None,
        )
        for seat in one.form.seats
    ],
)})
"""


def elsewhere(code: str, *arguments: Path | str, **changes: str) -> subprocess.CompletedProcess:
    """Run a script in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, **changes},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def recorded(folder: Path) -> dict[str, set[tuple[Any, ...]]]:
    with sqlite3.connect(folder / "ledger.sqlite") as connection:
        return {
            table: set(connection.execute(f"select * from {table}").fetchall()) for table in TABLES
        }


def test_a_run_killed_in_the_middle_of_round_two_goes_on_as_if_it_had_not_been(
    talking, tmp_path, monkeypatch
) -> None:
    whole = talking(DISCUSSION, seats=8, out="whole")
    study, killed = tmp_path / "study.yaml", tmp_path / "killed"
    assert elsewhere(DIES, study, killed).returncode == -signal.SIGKILL
    before = recorded(killed)
    in_round_two = [r for r in before["statements"] if r[:3] == (2, 2, "statement")]
    assert 0 < len(in_round_two) < 8
    assert before["ratings"] < recorded(whole.path)["ratings"]

    asked: list[tuple[Any, ...]] = []
    speak, answers = PsychometricMind.speak, PsychometricMind.answers

    async def heard(self: PsychometricMind, task: Any) -> Any:
        async for rows in speak(self, task):
            asked.extend(rows)
            yield rows

    def rated(self: PsychometricMind, *task: Any) -> Any:
        for rows in answers(self, *task):
            asked.extend(rows)
            yield rows

    monkeypatch.setattr(PsychometricMind, "speak", heard)
    monkeypatch.setattr(PsychometricMind, "answers", rated)
    again = talking(DISCUSSION, seats=8, out="killed")
    assert again.record.complete
    assert again.record.sessions == 2
    after = recorded(again.path)
    assert after == recorded(whole.path)
    assert asked
    known = before["ratings"] | before["statements"]
    assert known.isdisjoint(asked)
    assert len(asked) == len(set(asked))
    assert again.directory.scores.read_text() == whole.directory.scores.read_text()


def wait_for_somebody(talking, **human: Any) -> Run:
    minds = [PEOPLE[0], PEOPLE[1] | {"mind": {"kind": "human", **human}}]
    section = {"protocol": "discussion", "rounds": 1, "control": 0.0}
    return talking(section, seats=4, limit=1, minds=minds, without=("mind",))


def answer_to_the_end(run: Run, **environment: str) -> list[str]:
    """Every answer is given by a new process, nine days later by its clock."""
    asked: list[str] = []
    while read_waiting(run.directory).items:
        done = elsewhere(ANSWERS, run.path, **environment)
        assert done.returncode == 0, done.stderr
        asked += done.stdout.splitlines()
    return asked


def check_end(run: Run) -> None:
    ended = Run(run.path)
    assert ended.record.complete
    [(answered,)] = ended_rows(run, "select count(*) from ratings where mind = 1 and rating = 4")
    assert answered == 2 * 3  # first and final ballot, three responses
    assert ended_rows(run, "select text from statements where mind = 1") == [("I find it clear.",)]


def ended_rows(run: Run, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(run.directory.ledger) as connection:
        return connection.execute(query).fetchall()


def test_a_thread_that_waits_goes_on_days_later_in_another_process(talking) -> None:
    run = wait_for_somebody(talking)
    assert not run.record.complete
    assert answer_to_the_end(run) == ["rating 0", "statement 1", "rating 2"]
    check_end(run)


def test_threads_wait_in_postgres_where_the_study_says_so(
    talking, postgres_server, monkeypatch
) -> None:
    import psycopg

    url = postgres_server.create_database()
    monkeypatch.setenv("JURIES_TEST_THREADS", url)
    run = wait_for_somebody(talking, checkpoints_env="JURIES_TEST_THREADS")
    assert not run.directory.checkpoints.exists()
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        found = connection.execute("select distinct thread_id from checkpoints").fetchall()
    assert found == [(f"{run.record.fingerprint}:0",)]
    assert answer_to_the_end(run) == ["rating 0", "statement 1", "rating 2"]
    check_end(run)


def test_without_the_address_the_run_says_which_variable_is_missing(talking, monkeypatch) -> None:
    from personas.errors import InputError

    monkeypatch.delenv("JURIES_TEST_THREADS", raising=False)
    with pytest.raises(InputError, match="JURIES_TEST_THREADS"):
        wait_for_somebody(talking, checkpoints_env="JURIES_TEST_THREADS")
