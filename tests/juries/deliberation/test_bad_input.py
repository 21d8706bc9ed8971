"""What is wrong with a study that deliberates is said once, before anybody is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from juries.runs import Run, run
from personas.errors import InputError

MEDIATOR: dict[str, Any] = {"kind": "mediator", "candidates": 0}


@pytest.mark.parametrize(
    ("deliberation", "sections", "words"),
    [
        (
            {},
            {"jury": {"seats": 1}},
            "the jury is too small for discussion; found 1; expected at least 2 jurors",
        ),
        ({"protocol": "debate"}, {"jury": {"seats": 1}}, "too small for debate"),
        ({"protocol": "devils_advocate"}, {"jury": {"seats": 2}}, "expected at least 3"),
        ({"topology": {"kind": "ring", "neighbours": 12}}, {}, "too small for a ring"),
        ({"rounds": 0}, {}, "0 rounds of talk; expected 1 to 50; to have none, use the protocol"),
        ({"rounds": -2}, {}, "-2 rounds of talk"),
        ({"rounds": 2, "stop": {"least_rounds": 3}}, {}, "least_rounds is 3, but there are 2"),
        ({"rounds": 3, "stop": {"least_rounds": 3, "stable": 0.1}}, {}, "can never act"),
        ({"rounds": 1, "stop": {"unanimous": True}}, {}, "can never act"),
        ({"votes": "none", "stop": {"stable": 0.1}}, {}, "need running votes, but votes is `none`"),
        ({"stop": {"stable": -0.1}}, {}, "greater than or equal to 0, found -0.1"),
        ({"stop": {"tokens": 0}}, {}, "greater than or equal to 1, found 0"),
        (
            {"protocol": MEDIATOR},
            {},
            "protocol.candidates: Input should be greater than or equal to 2, found 0",
        ),
        (
            {},
            {"scale": {"kind": "pairwise"}},
            "scale: pairs of responses give no rating of either, so there is nothing to deliberate",
        ),
        ({"topology": {"kind": "hypercube"}}, {}, "hypercube"),
        ({"topology": {"kind": "file", "path": "nowhere.txt"}}, {}, "nowhere.txt"),
        (
            {"topology": {"kind": "stochastic_block", "attribute": "sied"}},
            {},
            "Did you mean 'side'?",
        ),
        ({"reveal": ["sied"]}, {}, "Did you mean 'side'?"),
    ],
)
def test_what_is_wrong_is_said_before_anybody_is_asked(
    small_study, tmp_path, deliberation, sections, words
) -> None:
    study = small_study(deliberation=deliberation, **sections)
    with pytest.raises(InputError) as error:
        run(study, out=tmp_path / "out")
    assert words in str(error.value)
    assert not (tmp_path / "out" / "ledger.sqlite").exists()


def test_unknown_jurors_in_a_topology_are_named_with_their_line(small_study, tmp_path) -> None:
    topology = {"kind": "file", "path": "network.txt", "nodes": "seat"}
    study = small_study(deliberation={"topology": topology})
    network = study.parent / "network.txt"
    network.write_text("0 1\n1 2\n11 3\n")
    with pytest.raises(InputError) as error:
        run(study, out=tmp_path / "out")
    assert f"{network}, line 3: 1 of its nodes is not on the jury: 11" in str(error.value)
    network.write_text("".join(f"{seat} {(seat + 1) % 10}\n" for seat in range(10)))
    result = run(study, out=tmp_path / "out", limit=2)
    assert result.record.complete


def test_a_correction_of_the_study_goes_on_with_what_was_recorded(small_study, tmp_path) -> None:
    """Nothing is lost: the folder of a run takes up where it stopped once the study is right."""
    right = {"rounds": 2, "control": 0.0}
    whole = ledger_rows(run(small_study(deliberation=right), out=tmp_path / "whole", limit=4))
    run(small_study(deliberation=right), out=tmp_path / "out", limit=2)
    with pytest.raises(InputError):
        run(small_study(deliberation=right | {"rounds": 0}), out=tmp_path / "out", limit=4)
    again = run(small_study(deliberation=right), out=tmp_path / "out", limit=4)
    assert ledger_rows(again) == whole


def ledger_rows(result: Run) -> list[tuple[Any, ...]]:
    import sqlite3

    path: Path = result.directory.ledger
    with sqlite3.connect(path) as connection:
        return [
            row
            for table in ("ratings", "statements")
            for row in connection.execute(f"select * from {table}").fetchall()
        ]
