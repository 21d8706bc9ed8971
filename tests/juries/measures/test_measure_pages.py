"""The measure pages: every Python block runs and prints what the page says."""

import contextlib
import io
import re
from pathlib import Path

import pytest

PAGES = Path(__file__).resolve().parents[3] / "docs" / "measures"
BLOCK = re.compile(r"```python\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize(
    "page",
    ["distributional", "group-effects", "overton", "steerable", "multi-objective", "trade-off"],
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
