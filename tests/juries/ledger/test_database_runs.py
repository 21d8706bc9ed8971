"""Runs whose answers lie in a PostgreSQL database: the same results, and no password anywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

import juries
from graphs.ledger import PostgresPlace
from graphs.ledger.places import connection_url, ledger_option, without_password
from juries.executors import Placement, Shard
from juries.merging import merge
from juries.view.watching import copy_of, look, revision
from personas.errors import InputError

Study = Callable[..., Path]
Everything = Callable[[Path], dict[str, bytes]]
KEY = ["item_id", "model", "juror_id", "round", "criterion", "replicate"]


def command(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "juries", *map(str, arguments)],
        env={**os.environ, "PGPASSFILE": "/dev/null", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def schemas(url: str) -> set[str]:
    engine = sa.create_engine(url)
    try:
        return {name for name in sa.inspect(engine).get_schema_names() if "juries_" in name}
    finally:
        engine.dispose()


def test_a_run_is_the_same_in_a_file_and_in_a_database(
    small_study: Study, tmp_path: Path, postgres_database: str
):
    in_file = juries.run(small_study(), out=tmp_path / "file")
    study = small_study(ledger=postgres_database)
    started = juries.run(study, out=tmp_path / "database", limit=5)
    assert look("run", started.path, closely=True).recorded == 5 * 3 * 10
    seen = revision(started.path)
    in_database = juries.run(study, out=tmp_path / "database")
    assert in_database.record.complete
    assert revision(in_database.path) > seen > 0
    assert not in_database.directory.ledger.exists()
    frames = [run.ratings.sort(KEY) for run in (in_file, in_database)]
    assert frames[0].equals(frames[1])
    keep = {"inputs"}
    scores = [run.scores().model_dump(exclude=keep) for run in (in_file, in_database)]
    assert scores[0] == scores[1]
    copy = juries.open_run(copy_of(in_database.path))
    assert copy.score().model_dump(exclude=keep) == scores[1]


def test_several_runs_lie_side_by_side(small_study: Study, tmp_path: Path, postgres_database: str):
    first = juries.run(small_study(ledger=postgres_database), out=tmp_path / "first")
    again = juries.run(small_study(ledger=postgres_database), out=tmp_path / "again")
    assert first.directory.ledger_place == again.directory.ledger_place  # one study, one ledger
    other = juries.run(small_study(ledger=postgres_database, seed=12), out=tmp_path / "other")
    named = {"url": postgres_database, "run": "pilot_2"}
    apart = juries.run(small_study(ledger=named), out=tmp_path / "apart")
    assert apart.ratings.sort(KEY).drop("run_id").equals(first.ratings.sort(KEY).drop("run_id"))
    fingerprint = first.record.fingerprint
    assert schemas(postgres_database) == {
        f"juries_{fingerprint}",
        f"juries_{fingerprint}_pilot_2",
        f"juries_{other.record.fingerprint}",
    }


def test_shards_meet_in_the_database(small_study: Study, tmp_path: Path, postgres_database: str):
    study = small_study(ledger=postgres_database)
    for number in (1, 2):
        placement = Placement(shard=Shard(number=number, of=2))
        part = juries.run(study, out=tmp_path / str(number), placement=placement)
        assert part.record.complete
    with pytest.raises(InputError, match="together with those of all shards"):
        merge([tmp_path / "1", tmp_path / "2"], out=tmp_path / "merged")
    seen = revision(part.path)
    whole = juries.run(study, out=tmp_path / "whole")
    assert revision(whole.path) == seen  # nothing was asked again
    in_file = juries.run(small_study(), out=tmp_path / "file")
    assert whole.ratings.sort(KEY).equals(in_file.ratings.sort(KEY))
    assert whole.scores().model_dump(exclude={"inputs"}) == in_file.scores().model_dump(
        exclude={"inputs"}
    )


def test_a_run_stays_where_it_began(small_study: Study, tmp_path: Path, postgres_database: str):
    inside = juries.run(small_study(ledger=postgres_database), out=tmp_path / "a", limit=2)
    goes_on = juries.run(small_study(), out=tmp_path / "a", limit=3)  # needs not be told again
    assert goes_on.directory.ledger_place == inside.directory.ledger_place
    assert goes_on.record.recorded == 3 * 3 * 10
    juries.run(small_study(), out=tmp_path / "b", limit=2)
    with pytest.raises(InputError, match="keeps its answers elsewhere"):
        juries.run(small_study(ledger=postgres_database), out=tmp_path / "b")
    named = small_study(ledger={"url": postgres_database, "run": "other"})
    with pytest.raises(InputError, match="keeps its answers elsewhere"):
        juries.run(named, out=tmp_path / "a")


def test_the_password_is_written_nowhere(
    small_study: Study, tmp_path: Path, postgres_database: str, everything_in: Everything
):
    password = sa.make_url(postgres_database).password
    assert password
    planted = password.encode()
    out = tmp_path / "out"
    ran = command("run", small_study(), "--out", out, "--ledger", postgres_database)
    assert ran.returncode == 0, ran.stderr
    record = json.loads((out / "run.json").read_text())
    assert "--ledger postgresql" in record["command"]
    assert (out / "report.html").exists()
    assert [name for name, text in everything_in(out).items() if planted in text] == []
    assert password not in ran.stdout + ran.stderr
    assert "127.0.0.1" in (out / "ledger.json").read_text()
    # Without it nobody gets in; the client's own variable lets them in.
    refused = command("score", out)
    assert refused.returncode == 2
    assert "PGPASSWORD" in refused.stderr
    assert "Traceback" not in refused.stderr
    (out / "scores.json").unlink()
    scored = command("score", out, PGPASSWORD=password)
    assert scored.returncode == 0, scored.stderr
    assert (out / "scores.json").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda url: url.replace("postgresql+psycopg", "mysql"), "not the URL of a PostgreSQL"),
        (lambda url: url.replace("postgresql+psycopg", "http"), "not the URL of a PostgreSQL"),
        (lambda url: url.rsplit("/", 1)[0], "not the URL of a PostgreSQL"),
        (lambda url: url.replace("://", ":"), "not the URL of a database"),
        (lambda url: url.replace("@", "wrong@"), "refused the login"),
        (lambda url: url + "_missing", "no such database"),
    ],
)
def test_a_wrong_url_is_said_without_its_password(
    change: Any, said: str, small_study: Study, tmp_path: Path, postgres_url: str
):
    password = sa.make_url(postgres_url).password
    assert password
    wrong = change(postgres_url)
    for ledger in (wrong, {"url": wrong, "run": "x"}):
        with pytest.raises(InputError) as error:
            juries.run(small_study(ledger=ledger), out=tmp_path / "out")
        assert said in str(error.value)
        assert password not in str(error.value)
    # Nothing was begun, so the right one may follow.
    assert not (tmp_path / "out" / "ledger.json").exists()


@pytest.mark.parametrize("url", ["mysql://me:planted@h/d", "postgresql:me:planted@h", "planted"])
def test_a_wrong_option_is_said_without_its_password(url: str):
    with pytest.raises(InputError, match="--ledger: this is not the URL") as error:
        ledger_option(url)
    assert "planted" not in str(error.value)


def test_a_server_that_is_not_there_is_said(
    small_study: Study, tmp_path: Path, everything_in: Everything
):
    gone = "postgresql://juries:planted-secret@127.0.0.1:1/juries"
    study = small_study()
    ran = command("run", study, "--out", tmp_path / "out", "--ledger", gone)
    assert ran.returncode == 2
    assert "the ledger cannot be used" in ran.stderr
    assert "planted-secret" not in ran.stdout + ran.stderr
    assert not any(b"planted-secret" in text for text in everything_in(tmp_path).values())


def test_passwords_come_back_only_to_connect():
    url = "postgres://me:p%40ss:word@host:5433/db?sslmode=require&sslpassword=hidden-key"
    bare = without_password(url)
    assert bare == "postgresql+psycopg://me@host:5433/db?sslmode=require"
    assert "p@ss" not in str(PostgresPlace(url=bare, schema="juries_x"))
    full = connection_url(bare)
    assert full.password == "p@ss:word"
    assert full.query["sslpassword"] == "hidden-key"
    assert without_password(bare) == bare
    assert connection_url(bare).password == "p@ss:word"


def test_the_exports_do_not_depend_on_the_store(
    small_study: Study, tmp_path: Path, postgres_database: str
):
    run = juries.run(small_study(ledger=postgres_database), out=tmp_path / "out")
    before = run.directory.ratings.stat().st_mtime_ns
    run.directory.scores.unlink()
    run.score()
    assert run.directory.ratings.stat().st_mtime_ns == before  # still true, so not written anew
    assert pl.read_parquet_metadata(run.directory.ratings)["state"].startswith(
        "items 0 to 12, rows 360"
    )
