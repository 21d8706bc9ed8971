"""`juries targets` and `juries export`: files, what is said, and mistakes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import juries
from juries.cli.app import app
from juries.targets.files import KINDS, TargetSettings, write_targets
from personas.errors import InputError


def juries_command(*arguments: object) -> None:
    app([str(argument) for argument in arguments], standalone_mode=False)


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_all_targets_of_a_run(demo_run: juries.Run, tmp_path: Path) -> None:
    result = invoke("targets", demo_run.path, "--out", tmp_path / "t", "--group", "outlook",
                    "--welfare", "nash")  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "one-sided until 38% of the weight moves" in result.output
    assert "outlook = deliberative" in result.output
    assert "not calibrated against people" in result.output
    for kind in KINDS:
        lines, whole = (tmp_path / "t" / f"{kind}{suffix}" for suffix in (".jsonl", ".json"))
        text = (lines if lines.exists() else whole).read_text()
        assert "NaN" not in text
        assert json.loads(text.splitlines()[0] if lines.exists() else text)
    mixture = json.loads((tmp_path / "t" / "mixture.json").read_text())
    assert mixture["models"]["provenance"]["welfare"] == "power:0"
    assert mixture["models"]["provenance"]["uncalibrated"] is True
    assert len(mixture["items"]) == 24


def test_one_criterion_without_groups_has_nothing_to_trade_off(
    demo_run: juries.Run, tmp_path: Path
) -> None:
    (written,) = write_targets(demo_run, tmp_path / "t", ["trade_offs"], TargetSettings())
    assert written.path is None
    assert "nothing to trade off" in written.said[0]
    with pytest.raises(InputError, match=r"unknown target 'gap'.*gaps"):
        write_targets(demo_run, tmp_path / "t", ["gap"], TargetSettings())
    with pytest.raises(InputError, match="cannot be made"):
        write_targets(demo_run, Path("/proc/none/t"), ["gaps"], TargetSettings())


@pytest.fixture
def tied(small_study: Callable[..., Path], tmp_path: Path) -> juries.Run:
    """Everybody gave every response the middle point."""
    run = juries.run(small_study(), out=tmp_path / "tied")
    _edit(run, "rating = 2")
    return run


def _edit(run: juries.Run, values: str, where: str = "1") -> None:
    with closing(sqlite3.connect(run.directory.ledger)) as ledger, ledger:
        ledger.execute(
            f"UPDATE ratings SET {values}, expected = NULL, probabilities = NULL WHERE {where}"
        )
    run.directory.ratings.unlink(missing_ok=True)  # written again from the ledger


def test_a_tie_is_said_and_makes_no_pair(tied: juries.Run, tmp_path: Path) -> None:
    out = tmp_path / "t"
    for kind in ("targets", "export"):
        more = ["--kind", "preferences"] if kind == "targets" else ["--to", "trl-dpo"]
        with pytest.raises(InputError, match=r"no pair is left to export.*36 tie"):
            juries_command(kind, tied.path, *more, "--out", tmp_path / kind)
        left = [*tmp_path.glob(f"{kind}/*"), *tmp_path.glob(kind)]
        assert not [each for each in left if each.is_file()]
    found = invoke("targets", tied.path, "--kind", "trade_offs", "--group", "side", "--out", out)
    assert "ash and birch and cedar are equally good under every weighing" in found.output
    settings = TargetSettings(groups=("side",), resamples=50)
    rest = [kind for kind in KINDS if kind != "preferences"]
    for written in write_targets(tied, out, rest, settings):
        assert written.path is not None
        assert "NaN" not in written.path.read_text()


def test_a_failed_majority_makes_no_target_of_any_kind(tied: juries.Run, tmp_path: Path) -> None:
    _edit(tied, "status = 'refused', rating = NULL", "juror >= 4")
    for kind in KINDS:
        with pytest.raises(InputError, match="only 40% of the questions were validly answered"):
            write_targets(tied, tmp_path / kind, [kind], TargetSettings(groups=("side",)))
        assert not [each for each in tmp_path.glob(f"{kind}/*") if each.is_file()]


def test_export_from_the_command_line(demo_run: juries.Run, tmp_path: Path) -> None:
    out = tmp_path / "pairs.jsonl"
    result = invoke("export", demo_run.path, "--to", "trl-dpo", "-o", out, "--group", "outlook",
                    "--pareto", "--pairs", "all")  # fmt: skip
    assert result.exit_code == 0, result.output
    pairs = [json.loads(line) for line in out.read_text().splitlines()]
    assert 20 <= len(pairs) < 72
    assert pairs[0].keys() == {"prompt", "chosen", "rejected"}
    said = json.loads((tmp_path / "pairs.jsonl.provenance.json").read_text())
    assert said["settings"]["pareto_only"] is True
    assert said["settings"]["dropped"]["not a Pareto improvement"] == 72 - len(pairs)
    refused = invoke("export", demo_run.path, "--to", "trl-dpo", "-o", out, "--pareto")
    assert isinstance(refused.exception, InputError)
    unknown = invoke("export", demo_run.path, "--to", "trl", "-o", out)
    assert isinstance(unknown.exception, InputError)
    assert len(out.read_text().splitlines()) == len(pairs)
