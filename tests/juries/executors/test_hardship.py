"""The whole command under hardship: it says what is wrong, keeps what it has, and goes on later."""

from __future__ import annotations

import os
import resource
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

import juries
from juries.run_directory import RunDirectory

ROOT = Path(__file__).resolve().parents[3]
BARE = {"baselines": {"share": 0}, "injection": {"share": 0}, "scores": {"resamples": 100}}


def command(study, out, *options):
    run = [sys.executable, "-m", "juries", "run", str(study), "--out", str(out), "--no-report"]
    return [*run, "--display", "plain", *options]


def go(study, out, *options, **more):
    return subprocess.run(
        command(study, out, *options), cwd=ROOT, capture_output=True, text=True, check=False, **more
    )


def start(study, out, *options):
    return subprocess.Popen(
        command(study, out, *options),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a terminal signals the whole group
    )


def wait_for_rows(process, out):
    deadline = time.monotonic() + 120
    while not recorded(out / "ledger.sqlite"):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def recorded(ledger):
    """Whether any answer is committed."""
    try:
        with closing(sqlite3.connect(f"{ledger.as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT 1 FROM ratings LIMIT 1").fetchone() is not None
    except sqlite3.OperationalError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_run_with_workers_drains_and_says_how_to_resume(
    number, small_study, workers_of, tmp_path
):
    study, out = small_study(items=1500, **BARE), tmp_path / "out"
    with start(study, out, "--executor", "processes", "--workers", "2") as process:
        wait_for_rows(process, out)
        workers = workers_of(process.pid)
        os.killpg(process.pid, number) if number == signal.SIGINT else process.terminate()
        _, said = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert "finishing what is in flight" in said
    assert f"Run the same command again with --out {out}" in said
    assert "was lost" not in said  # Ctrl-C reached the workers too, who left it to the driver
    run = juries.open_run(out)
    assert not run.record.complete
    assert run.record.recorded % 30 == 0
    assert workers
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)


@pytest.mark.parametrize("executor", ["local", "processes"])
def test_ctrl_c_twice_stops_at_once_and_loses_nothing_recorded(
    executor, small_study, rated, rows, workers_of, tmp_path
):
    study, out = small_study(items=2500, **BARE), tmp_path / "out"
    with start(study, out, "--executor", executor, "--workers", "2") as process:
        wait_for_rows(process, out)
        workers = workers_of(process.pid)
        os.killpg(process.pid, signal.SIGINT)
        # The handler stands aside once it has run; until then a second signal is the same one.
        time.sleep(0.05)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
    # A shell shows both as 130: the second is an interrupt that strikes while Python shuts down.
    assert process.returncode in (130, -signal.SIGINT), said
    assert "Traceback" not in said
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert rows(rated(study, out)) == rows(rated(study, tmp_path / "whole"))


def test_a_second_run_in_the_same_folder_says_so_and_leaves(small_study, tmp_path):
    study, out = small_study(**BARE), tmp_path / "out"
    with RunDirectory(out).held():
        second = go(study, out)
    assert second.returncode == 2
    assert f"another run is writing here (process {os.getpid()})" in second.stderr
    assert "choose another --out" in second.stderr
    assert not (out / "ledger.sqlite").exists()
    assert go(study, out).returncode == 0


@pytest.mark.parametrize("executor", ["local", "processes"])
def test_64_file_descriptors_are_enough(executor, small_study, tmp_path):
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

    study = small_study(items=60)
    done = go(study, tmp_path / "out", "--executor", executor, "--workers", "2", preexec_fn=limit)
    assert done.returncode == 0, done.stderr
    assert juries.open_run(tmp_path / "out").record.complete


def test_a_quota_that_is_used_up_stops_the_run_which_goes_on_later(
    small_study, rated, rows, tmp_path
):
    def quota():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    study, out = small_study(items=700, **BARE), tmp_path / "out"
    done = go(study, out, preexec_fn=quota)
    assert done.returncode == 2
    assert "run again with the same --out" in done.stderr
    assert "Traceback" not in done.stderr
    assert go(study, out).returncode == 0
    assert rows(juries.open_run(out)) == rows(rated(study, tmp_path / "whole"))


@pytest.fixture
def in_a_namespace():
    """Prefix of a command that may mount file systems of its own."""
    unshare = shutil.which("unshare")
    prefix = [unshare or "unshare", "--mount", "sh", "-c"]
    probe = [*prefix, "mount -t tmpfs -o size=1m none /mnt"]
    if unshare is None or subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount file systems")
    return prefix


def test_a_full_disk_stops_the_run_which_goes_on_where_there_is_room(
    in_a_namespace, small_study, rated, rows, tmp_path
):
    study, disk, out = small_study(items=700, **BARE), tmp_path / "disk", tmp_path / "out"
    disk.mkdir()
    run = shlex.join(command(study, disk / "run"))
    script = (
        f"mount -t tmpfs -o size=2m none {disk} && {run} 2>{tmp_path}/said; echo $?; "
        f"cp -r {disk}/run {out}"
    )
    done = subprocess.run(
        [*in_a_namespace, script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    said = (tmp_path / "said").read_text()
    assert done.stdout.splitlines()[-1] == "2", said
    assert "disk is full" in said or "Free some space" in said
    assert "Traceback" not in said
    assert juries.open_run(out).record.items > 0
    assert go(study, out).returncode == 0
    assert rows(juries.open_run(out)) == rows(rated(study, tmp_path / "whole"))


def test_a_read_only_folder_is_said(in_a_namespace, small_study, tmp_path):
    study, disk = small_study(**BARE), tmp_path / "disk"
    disk.mkdir()
    run = shlex.join(command(study, disk / "run"))
    done = subprocess.run(
        [*in_a_namespace, f"mount -t tmpfs -o size=3m,ro none {disk} && {run}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "the run folder cannot be written (Read-only file system)" in done.stderr
    assert "Choose another --out" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_clock_that_jumps_changes_nothing(small_study, rated, rows, monkeypatch, tmp_path):
    study = small_study(items=60)
    whole = rated(study, tmp_path / "whole")
    jumps = iter(range(10**9))

    def jumping():
        return 1e9 + (-1) ** next(jumps) * 1e8

    monkeypatch.setattr(time, "time", jumping)
    times = iter([*["2031-01-01T00:00:00+00:00"] * 2, "1999-01-01T00:00:00+00:00"] * 10)
    monkeypatch.setattr("juries.running.records.now", lambda: next(times))
    part = rated(study, tmp_path / "out", limit=20)
    assert part.record.started > part.record.updated
    assert rows(rated(study, tmp_path / "out")) == rows(whole)
