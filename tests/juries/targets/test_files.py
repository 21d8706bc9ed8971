"""`juries targets` and `juries export`: files, what is said, and mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import juries
from juries.cli.app import app
from juries.targets.files import KINDS, TargetSettings, write_targets
from personas.errors import InputError


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
