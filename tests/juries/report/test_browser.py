"""The report in a real browser: what a reader does with it, and what hostile text cannot do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

import juries
from juries.report import write_report
from juries.report.page.writing import write_page
from juries.report.source import read_source

if TYPE_CHECKING:
    from playwright.sync_api import Page

Visit = Callable[..., "Page"]


def ranked(page: Page) -> list[str]:
    """Models of the ranking chart from top to bottom, by the place of their labels."""
    labels = page.locator("[data-figure=ranking] .role-axis-label text")
    found = [
        (box["y"], text)
        for at in range(labels.count())
        if (text := labels.nth(at).text_content()) in ("plural", "one-sided", "evasive")
        and (box := labels.nth(at).bounding_box())
    ]
    return [str(text) for _, text in sorted(found)]


def test_every_figure_is_drawn_and_says_which_mind_produced_it(
    visit: Visit, demo: juries.Run, demo_page: str
):
    page = visit(demo_page)
    figures = page.locator("figure")
    assert figures.count() == len(list(demo.plot))
    for at in range(figures.count()):
        assert figures.nth(at).locator("svg").count() == 1
        assert "not calibrated against people" in figures.nth(at).inner_text()
        assert "embedded rater simulator" in figures.nth(at).inner_text()


def test_the_welfare_switch_re_ranks(visit: Visit, demo: juries.Run, demo_page: str):
    page = visit(demo_page)
    scores = demo.scores()
    assert ranked(page) == list(scores.ranking("power:1"))
    before = page.locator("#headline").inner_text()
    page.select_option("#welfare", "power:-inf")
    page.wait_for_timeout(200)
    assert ranked(page) == list(scores.ranking("power:-inf")) == ["plural", "evasive", "one-sided"]
    assert page.locator("#headline").inner_text() != before
    assert "w=power%3A-inf" in page.url


def test_the_items_list_follows_the_welfare_function(
    visit: Visit, demo: juries.Run, demo_page: str
):
    page = visit(f"{demo_page}#items?w=cvar%3A0.2&sort=high")
    best = (
        demo.verdicts.sort("cvar:0.2", descending=True)
        .group_by("item_id", maintain_order=True)
        .first()
    )
    rows = page.locator("#list tbody tr")
    assert rows.count() == len(best)
    for at, row in enumerate(best.head(5).to_dicts()):
        assert rows.nth(at).locator("th a").inner_text() == row["item_id"]
        assert rows.nth(at).locator("td").nth(0).inner_text() == row["model"]
        assert rows.nth(at).locator("td").nth(1).inner_text() == f"{row['cvar:0.2']:.3f}"


def test_search_filters_items_and_the_address_keeps_it(visit: Visit, demo_page: str):
    page = visit(f"{demo_page}#items")
    page.fill("#q", "DOCTORS")
    assert page.locator("#list tbody tr").count() == 1
    assert "1 of 24" in page.locator("#found").inner_text()
    again = visit(page.url)
    assert again.locator("#list tbody tr").count() == 1
    assert again.input_value("#q") == "DOCTORS"


def test_an_item_shows_the_very_ratings_that_were_recorded(
    visit: Visit, demo: juries.Run, demo_page: str
):
    page = visit(f"{demo_page}#items")
    page.click("#list a >> nth=2")
    item = page.locator("#title-item").inner_text()
    recorded = demo.ratings.filter(pl.col("item_id") == item)
    given = {(r["juror_id"], r["model"]): str(r["rating"]) for r in recorded.to_dicts()}
    models = page.locator("#matrix thead th").all_inner_texts()[1:]
    rows = page.locator("#matrix tbody tr")
    assert rows.count() == 100
    for row in rows.all():
        juror = row.locator("th").inner_text()
        cells = row.locator("td.cell").all_inner_texts()
        assert cells == [given[juror, model] for model in models]


def test_a_view_of_an_item_can_be_linked(visit: Visit, demo: juries.Run, demo_page: str):
    page = visit(f"{demo_page}#item?id=zoos&by=outlook&level=deliberative&juror=0")
    seated = sum(
        j.persona.attributes["outlook"] == "deliberative" for j in demo.directory.read_jury()
    )
    assert f"{seated} of 100 jurors" in page.locator("#item output").inner_text()
    assert page.locator("#matrix tbody tr").count() == seated
    first = demo.directory.read_jury()[0]
    panel = page.locator("#juror")
    assert first.id in panel.inner_text()
    reason = demo.ratings.filter((pl.col("item_id") == "zoos") & (pl.col("juror_id") == first.id))[
        "reason"
    ]
    assert all(text in panel.inner_text() for text in reason)
    panel.locator("summary", has_text="Portrait").click()
    assert first.portrait in panel.inner_text()
    page.go_back()


def test_the_keyboard_reaches_items_and_jurors(visit: Visit, demo_page: str):
    page = visit(demo_page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.locator("#list a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#matrix")
    assert page.evaluate("document.activeElement.id") == "title-item"
    page.locator("#matrix button").nth(4).focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#juror h3")
    assert page.evaluate("document.activeElement.dataset.keep") == "seat-4"


def test_text_that_models_wrote_stays_text(visit: Visit, hostile: juries.Run):
    page = visit(write_report(hostile.path).as_uri())
    page.wait_for_selector("#list tbody tr")
    page.click("#list a >> nth=0")
    page.wait_for_selector("#matrix")
    page.click("#matrix button >> nth=1")
    page.wait_for_selector("#juror h3")
    page.hover("[class=response] h3 >> nth=0")
    assert page.evaluate("window.harmed") is None
    assert page.locator("img").count() == 0
    # Vega's bundle, the page's own script, and packed data that is not run: no other script.
    kinds = page.locator("script").evaluate_all("nodes => nodes.map(n => n.type)")
    assert kinds.count("") == 2
    assert set(kinds) == {"", "text/plain"}
    response = page.locator(".response .text").first.inner_text()
    assert response.startswith("<script>window.harmed=1</script><img src=x onerror=")
    assert "<script>" in page.locator("h1").inner_text()


def test_the_policy_stops_scripts_that_are_not_the_pages_own(browser, demo_page: str):
    page = browser.new_page()
    page.goto(demo_page)
    page.wait_for_selector("html[data-ready=true]", state="attached")
    page.evaluate(
        """() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1';
        document.body.append(s); document.body.insertAdjacentHTML('beforeend',
        '<img src=x onerror="window.ran = 2">'); }"""
    )
    page.wait_for_timeout(200)
    assert page.evaluate("() => window.ran") is None
    page.close()


def test_a_large_report_reads_its_items_from_a_folder(
    visit: Visit, demo: juries.Run, tmp_path: Path
):
    output = tmp_path / "large.html"
    write_page(read_source(demo.path), output, largest=1000)
    chunks = list((tmp_path / "large-items").iterdir())
    assert chunks
    assert 'id="chunk-' not in output.read_text()
    page = visit(f"{output.as_uri()}#item?id=zoos")
    assert page.locator("#matrix tbody tr").count() == 100


def test_an_item_whose_file_is_missing_is_said_to_be(browser, demo: juries.Run, tmp_path: Path):
    output = write_page(read_source(demo.path), tmp_path / "large.html", largest=1000)
    for chunk in (tmp_path / "large-items").iterdir():
        chunk.unlink()
    page = browser.new_page()
    page.goto(f"{output.as_uri()}#item?id=zoos")
    page.wait_for_selector("#item .warn")
    assert "0.js is missing; it belongs beside this page" in page.locator("#item").inner_text()
    page.close()


def test_nothing_overflows_a_phone_and_paper_has_no_controls(visit: Visit, demo_page: str):
    page = visit(demo_page, viewport={"width": 375, "height": 800})
    wide = "() => document.documentElement.scrollWidth - window.innerWidth"
    assert page.evaluate(wide) == 0
    page.click("#list a >> nth=0")
    page.wait_for_selector("#matrix")
    assert page.evaluate(wide) == 0
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert not page.locator("#item .controls").is_visible()
    assert page.locator("#item .response").first.is_visible()


def test_dark_is_taken_from_the_system_and_can_be_switched(visit: Visit, demo_page: str):
    page = visit(demo_page, color_scheme="dark")
    background = "() => getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(background) == "rgb(20, 23, 27)"
    page.click("#theme")
    assert page.evaluate(background) == "rgb(255, 255, 255)"


def test_two_runs_are_compared_and_noise_is_called_noise(
    visit: Visit, demo: juries.Run, tmp_path: Path
):
    other = juries.run(demo.study, out=tmp_path / "other", seed=7)
    page = visit(write_report(other.path, tmp_path / "c.html", compare=demo.path).as_uri())
    section = page.locator("#comparison")
    assert "seed" in section.inner_text()
    page.click("#figure-comparison summary")
    rows = page.locator("#figure-comparison tbody tr")
    assert rows.count() == 21
    cells = rows.first.locator("td").all_inner_texts()
    here, there = other.scores().of(cells[1]), demo.scores().of(cells[1])
    assert cells[2:5] == [
        f"{here.estimate:.3f}",
        f"{there.estimate:.3f}",
        f"{here.estimate - there.estimate:+.3f}",
    ]
