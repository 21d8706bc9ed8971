"""The generated page and the site's table of contents keep up with the project."""

from __future__ import annotations

import tomllib
from pathlib import Path

from juries.cli.reference import page

ROOT = Path(__file__).resolve().parents[2]


def paths(nav: object) -> set[str]:
    if isinstance(nav, str):
        return {nav}
    if isinstance(nav, dict):
        return {path for inner in nav.values() for path in paths(inner)}
    return {path for inner in nav for path in paths(inner)}


def test_the_command_line_page_says_what_the_commands_say():
    committed = (ROOT / "docs" / "reference" / "cli.md").read_text("utf-8")
    assert committed == page(), (
        "write it anew: python -m juries.cli.reference > docs/reference/cli.md"
    )


def test_every_page_is_in_the_table_of_contents():
    site = tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))["project"]
    held = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    decisions = {path for path in held if path.startswith("decisions/")}
    assert paths(site["nav"]) == held - decisions
