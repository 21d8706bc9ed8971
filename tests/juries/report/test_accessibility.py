"""The report as a screen reader is told it: the browser's own accessibility tree."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

import juries

if TYPE_CHECKING:
    from playwright.sync_api import Page

Visit = Callable[..., "Page"]
NAMED = {
    "button", "link", "textbox", "searchbox", "combobox", "checkbox", "radio", "img", "image",
    "navigation", "region", "article", "search", "progressbar", "graphics-document",
}  # fmt: skip
"""Roles that say nothing without a name."""


def tree(page: Page) -> list[dict[str, Any]]:
    """Nodes of the accessibility tree that are not ignored, in document order."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    return [
        {
            "role": node.get("role", {}).get("value"),
            "name": node.get("name", {}).get("value", "").strip(),
            **{one["name"]: one["value"].get("value") for one in node.get("properties", ())},
        }
        for node in nodes
        if not node.get("ignored")
    ]


def nameless(page: Page) -> list[dict[str, Any]]:
    return [node for node in tree(page) if node["role"] in NAMED and not node["name"]]


@pytest.fixture
def item_address(demo: juries.Run, demo_page: str) -> str:
    item = demo.directory.read_items()[0].id
    return f"{demo_page}#item?id={item}&juror=0"


def test_whatever_can_be_used_or_looked_at_has_a_name(visit: Visit, demo_page: str):
    page = visit(demo_page)
    assert nameless(page) == []
    assert page.locator("[role=group]:not([aria-label])").count() == 0
    roles = {node["role"] for node in tree(page)}
    assert {"banner", "navigation", "main", "contentinfo", "search", "table", "combobox"} <= roles


def test_an_item_and_a_juror_have_names_too(visit: Visit, item_address: str):
    page = visit(item_address)
    page.wait_for_selector("#juror .juror")
    assert nameless(page) == []
    names = {node["name"] for node in tree(page) if node["role"] == "region"}
    assert {"Response of plural", "Response of one-sided", "Response of evasive"} <= names
    assert any(name.startswith("Juror ") for name in names)


def test_headings_lead_through_the_page_without_leaving_a_level_out(visit: Visit, demo_page: str):
    headings = [
        (int(node["level"]), node["name"])
        for node in tree(visit(demo_page))
        if node["role"] == "heading"
    ]
    assert headings[0][0] == 1
    levels = [level for level, _ in headings]
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    assert levels.count(1) == 1
    titles = [name for level, name in headings if level == 2]
    assert titles[0] == "Overview"
    assert titles[-1] == "Items"


def test_every_table_has_headings_for_columns_and_rows(visit: Visit, demo_page: str):
    page = visit(demo_page)
    bare = page.evaluate(
        """() => [...document.querySelectorAll("table")]
            .filter((table) => !table.querySelector("thead th[scope=col]"))
            .map((table) => table.outerHTML.slice(0, 200))"""
    )
    assert bare == []


def test_every_chart_has_its_figures_as_a_table(visit: Visit, demo_page: str):
    page = visit(demo_page)
    figures = page.locator("figure")
    for at in range(figures.count()):
        assert figures.nth(at).locator("details table tbody tr").count() > 0


def test_what_changes_by_itself_is_announced(visit: Visit, demo_page: str):
    live = {node["name"] or node["role"] for node in tree(visit(demo_page)) if node.get("live")}
    page = visit(demo_page)
    assert live
    for selector in ("#headline", "#found"):
        assert page.locator(selector).get_attribute("aria-live") == "polite"


def test_the_keyboard_alone_leads_from_the_start_to_a_jurors_answers(visit: Visit, demo_page: str):
    page = visit(demo_page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.locator("#list tbody a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#matrix")
    assert page.evaluate("document.activeElement.id") == "title-item"
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('#matrix tbody') !== null"):
            break
    page.keyboard.press("Enter")
    page.wait_for_selector("#juror .juror")
    assert page.evaluate("document.activeElement.dataset.keep") == "seat-0"
