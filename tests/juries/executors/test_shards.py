"""Shards: every item in one of them, and together they are the study run whole."""

from __future__ import annotations

import shutil
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

import juries
from juries.executors import Placement, Shard, parse_shard
from juries.merging import merge
from personas.errors import InputError

TALK = {"kind": "embedded", "talk": {"susceptibility": 0.4}}
SAME = ("scores.json", "items.jsonl", "jury.jsonl", "study.yaml")


@pytest.fixture
def sharded(tmp_path):
    def run(study, of, **more):
        return [
            juries.run(
                study,
                out=tmp_path / f"shard-{number}",
                placement=Placement(shard=Shard(number=number, of=of)),
                **more,
            ).path
            for number in range(1, of + 1)
        ]

    return run


@given(st.integers(1, 40), st.integers(0, 200))
def test_every_item_is_in_one_shard(of, items):
    shards = [Shard(number=number, of=of) for number in range(1, of + 1)]
    held = [[p for p in range(items) if shard.holds(p)] for shard in shards]
    assert sorted(p for positions in held for p in positions) == list(range(items))
    assert max(map(len, held)) - min(map(len, held)) <= 1


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"mind": TALK, "deliberation": {"protocol": "discussion", "rounds": 2, "control": 0.5}},
        {"design": {"share": 0.35}, "injection": {"share": 0.5}},
    ],
    ids=["rating", "talk", "sparse design"],
)
def test_merged_shards_are_the_study_run_whole(changes, small_study, sharded, tmp_path):
    study = small_study(items=14, **changes)
    whole = juries.run(study, out=tmp_path / "whole")
    merged = merge(sharded(study, 3), out=tmp_path / "merged")
    assert merged.record.complete
    assert merged.record.shard is None
    assert merged.record.recorded == whole.record.recorded
    for name in SAME:
        assert (merged.path / name).read_bytes() == (whole.path / name).read_bytes(), name
    assert merged.ratings.equals(whole.ratings)
    again = merge([tmp_path / f"shard-{n}" for n in (2, 3, 1)], out=tmp_path / "merged")
    assert again.scores() == merged.scores()
    assert juries.run(study, out=tmp_path / "merged").scores() == whole.scores()


def test_more_shards_than_items(small_study, sharded, tmp_path):
    study = small_study(items=3)
    merged = merge(sharded(study, 5), out=tmp_path / "merged")
    whole = juries.run(study, out=tmp_path / "whole")
    assert merged.scores() == whole.scores()


def test_shards_missing_or_twice_are_named(small_study, sharded, tmp_path):
    one, two, three, four = sharded(small_study(), 4)
    with pytest.raises(InputError, match=r"2 of 4 shards are missing: 2/4, 4/4"):
        merge([one, three], out=tmp_path / "merged")
    with pytest.raises(InputError, match=r"shard 3/4 is there 2 times"):
        merge([one, two, three, four, three], out=tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_shards_of_different_studies_are_refused(small_study, sharded, tmp_path):
    one, two = sharded(small_study(), 2)
    shutil.move(one, tmp_path / "one")
    shutil.move(two, tmp_path / "two")
    _, two_of_other = sharded(small_study(seed=12), 2)
    with pytest.raises(InputError, match="a shard of another study"):
        merge([tmp_path / "one", two_of_other], out=tmp_path / "merged")


def test_shards_cut_differently_are_refused(small_study, sharded, tmp_path):
    study = small_study()
    one, _ = sharded(study, 2)
    shutil.move(one, tmp_path / "half")
    shutil.rmtree(tmp_path / "shard-2")
    _, two, _ = sharded(study, 3)
    with pytest.raises(InputError, match=r"another number of shards; found 'i/3'"):
        merge([tmp_path / "half", two], out=tmp_path / "merged")


def test_an_unfinished_shard_is_refused(small_study, sharded, tmp_path):
    one, two = sharded(small_study(), 2)
    record = juries.open_run(two).record
    unfinished = record.model_copy(update={"complete": False})
    juries.open_run(two).directory.write_record(unfinished)
    with pytest.raises(InputError, match=r"shard 2/2 is not complete"):
        merge([one, two], out=tmp_path / "merged")


def test_a_whole_run_is_no_shard(small_study, tmp_path):
    whole = juries.run(small_study(), out=tmp_path / "whole")
    with pytest.raises(InputError, match="no shard, but a whole study"):
        merge([whole.path], out=tmp_path / "merged")


def test_a_row_of_another_shards_item_is_not_taken_twice(small_study, sharded, tmp_path):
    one, two = sharded(small_study(), 2)
    connection = sqlite3.connect(two / "ledger.sqlite")
    connection.execute("ATTACH DATABASE ? AS other", (str(one / "ledger.sqlite"),))
    connection.execute("INSERT INTO ratings SELECT * FROM other.ratings WHERE item = 0")
    connection.commit()
    connection.close()
    with pytest.raises(InputError, match="answers questions that another one answers too"):
        merge([one, two], out=tmp_path / "merged")
    assert not (tmp_path / "merged" / "ledger.sqlite").exists()


def test_a_shard_is_not_scored(small_study, sharded):
    one, _ = sharded(small_study(), 2)
    assert not (one / "scores.json").exists()
    with pytest.raises(InputError, match=r"shard 1/2 of a study.*juries merge"):
        juries.open_run(one).score()


def test_a_folder_keeps_to_its_shard(small_study, sharded, tmp_path):
    study = small_study()
    one, _ = sharded(study, 2)
    with pytest.raises(InputError, match=r"found 'shard 1/2'; expected the whole study"):
        juries.run(study, out=one)
    with pytest.raises(InputError, match=r"expected shard 2/2"):
        juries.run(study, out=one, placement=Placement(shard=Shard(number=2, of=2)))


def test_shards_do_not_ask_subjects_apart(small_study, sharded):
    subject = {
        "kind": "endpoint",
        "model": "m",
        "endpoints": [{"base_url": "http://127.0.0.1:9/v1"}],
    }
    study = small_study(subjects=[{"subject": subject, "name": "live"}])
    with pytest.raises(InputError, match="cannot be run in shards"):
        sharded(study, 2)


SLURM = {"SLURM_ARRAY_TASK_COUNT": "4", "SLURM_ARRAY_TASK_MIN": "0", "SLURM_ARRAY_TASK_STEP": "1"}


@pytest.mark.parametrize(
    ("text", "environment", "expected"),
    [
        ("2/4", {}, "2/4"),
        ("auto", {**SLURM, "SLURM_ARRAY_TASK_ID": "0"}, "1/4"),
        ("auto", {**SLURM, "SLURM_ARRAY_TASK_ID": "3"}, "4/4"),
        ("auto", {**SLURM, "SLURM_ARRAY_TASK_MIN": "1", "SLURM_ARRAY_TASK_ID": "4"}, "4/4"),
        (
            "auto",
            {
                **SLURM,
                "SLURM_ARRAY_TASK_MIN": "10",
                "SLURM_ARRAY_TASK_STEP": "5",
                "SLURM_ARRAY_TASK_ID": "20",
            },
            "3/4",
        ),
        # Task 3 submitted again alone is still shard 3 of 8.
        ("auto/8", {"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_COUNT": "1"}, "3/8"),
        ("auto/8", {"JOB_COMPLETION_INDEX": "0"}, "1/8"),
        ("auto", {"JOB_COMPLETION_INDEX": "7", "JOB_COMPLETIONS": "8"}, "8/8"),
    ],
)
def test_shards_are_read(text, environment, expected):
    assert str(parse_shard(text, environment)) == expected


@pytest.mark.parametrize(
    ("text", "environment", "said"),
    [
        ("3", {}, "names no shard"),
        ("0/4", {}, "no such shard"),
        ("5/4", {}, "no such shard"),
        ("auto", {}, "this is no array job"),
        ("auto", {"JOB_COMPLETION_INDEX": "1"}, "does not say JOB_COMPLETIONS"),
        ("auto/4", {"SLURM_ARRAY_TASK_ID": "0"}, "no such shard"),
        ("auto", {"SLURM_ARRAY_TASK_ID": "one", **SLURM}, "does not say SLURM_ARRAY_TASK_ID"),
    ],
)
def test_what_names_no_shard_is_said(text, environment, said):
    with pytest.raises(InputError, match=said):
        parse_shard(text, environment)
