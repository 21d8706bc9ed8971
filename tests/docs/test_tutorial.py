"""The tutorial's own study runs on files as the page describes them."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import juries

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "tutorial.md").read_text("utf-8")


def test_a_first_study_on_own_data_runs_as_the_page_says(tmp_path: Path):
    [study] = re.findall(r"```yaml\n(name:.*?)```", PAGE, re.S)
    [line] = re.findall(r"```json\n(.*?)\n```", PAGE, re.S)
    [table] = re.findall(r"```\n(id,age.*?)```", PAGE, re.S)
    heading, *people = csv.reader(table.strip().splitlines())
    people += [["p3", "67", "Female", "West"], ["p4", "33", "Male", "Midwest"]]
    with (tmp_path / "people.csv").open("w", newline="") as file:
        csv.writer(file).writerows([heading, *people])
    item = json.loads(line)
    rows = [{**item, "id": f"q{n}", "prompt": f"{item['prompt']} {n}"} for n in range(3)]
    (tmp_path / "outputs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "own.yaml").write_text(study)
    run = juries.run(tmp_path / "own.yaml", out=tmp_path / "own")
    assert run.record.complete
    assert run.scores().jury.jurors == 4
    assert sorted(run.record.models) == ["model-a", "model-b"]
    assert {score.attribute for score in run.scores().groups} == {"sex"}
