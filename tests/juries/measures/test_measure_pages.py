"""The measure pages: every Python block runs and prints what the page says."""

import contextlib
import io
import re
from pathlib import Path

import pytest
import yaml

from juries.spec import Study

PAGES = Path(__file__).resolve().parents[3] / "docs" / "measures"
BLOCK = re.compile(r"```python\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize(
    "page",
    [
        "distributional",
        "group-effects",
        "index",
        "overton",
        "steerable",
        "multi-objective",
        "trade-off",
        "validity",
    ],
)
def test_the_examples_print_what_the_page_says(page):
    text = (PAGES / f"{page}.md").read_text()
    blocks = BLOCK.findall(text)
    assert len(blocks) == text.count("```python") > 0
    names = {}
    for code, expected in blocks:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(code, f"{page}.md", "exec"), names)
        assert out.getvalue() == expected


@pytest.mark.parametrize("page", sorted(page.stem for page in PAGES.glob("*.md")))
def test_what_a_study_may_say_is_valid(page):
    """Every YAML block is a part of a study that the schema takes."""
    for block in re.findall(r"```yaml\n(.*?)```", (PAGES / f"{page}.md").read_text(), re.DOTALL):
        study = {
            "name": "page",
            "items": {"path": "items.jsonl"},
            "scale": {"kind": "likert", "question": "?", "points": ["1", "2"]},
            "population": {"path": "people.csv"},
        }
        Study.model_validate(study | yaml.safe_load(block))
