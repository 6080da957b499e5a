"""What a reader can do with an interactive figure, by keyboard, and while the page changes its colours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from repro.report.figure import Figure, Line, Panel
from repro.report.picture import figure_files
from repro.report.style import COLOURS, DARK
from tests.site.conftest import ROOT
from tests.site.server import serving

SEEDS = {"3": [(1.0, 2.0), (10.0, 4.0)], "5": [(1.0, 8.0), (10.0, 6.0)]}
FIGURE = Figure("a", [[Panel("t", "x", "y", [Line("SB", "SB", SEEDS)], log_x=True)]], interactive=True)
PAGE = """<!doctype html><html lang="en"><title>t</title><link rel="icon" href="data:,">
<body data-md-color-scheme="default"><img class="drawing interactive" src="a.svg" alt="two seeds">
<script src="figures.js" defer></script></body></html>"""
LINES = """plot => plot.data.filter(trace => trace.visible !== false && trace.line.color && trace.mode !== "none")
  .map(trace => [trace.meta ?? null, trace.line.color])"""

pytestmark = pytest.mark.slow


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """A page that holds nothing but one interactive figure, drawn."""
    (tmp_path / "vendor").symlink_to(ROOT / "docs" / "vendor")
    (tmp_path / "figures.js").symlink_to(ROOT / "docs" / "figures.js")
    (tmp_path / "index.html").write_text(PAGE)
    for name, content in figure_files(FIGURE).items():
        (tmp_path / name).write_bytes(content)
    with serving(tmp_path) as address, browser.new_page() as opened:
        opened.set_default_timeout(60_000)
        opened.goto(address)
        opened.locator(".trace path").first.wait_for()
        yield opened


def plot(page: Page) -> Locator:
    return page.locator(".panels > div")


def test_the_plot_has_every_trace_of_its_data_and_says_what_the_drawing_said(page: Page) -> None:
    (panel,) = json.loads(figure_files(FIGURE)["a.json"])["panels"]
    assert plot(page).evaluate("plot => plot.data.length") == len(panel["data"])
    assert plot(page).evaluate("plot => plot.layout.xaxis.type") == "log"
    assert page.get_by_role("img", name="two seeds").count() == 1
    assert page.locator("img").count() == 0


def test_a_seed_is_chosen_by_keyboard(page: Page) -> None:
    slider = page.get_by_role("slider", name="Seeds shown")
    page.keyboard.press("Tab")
    expect(slider).to_be_focused()
    expect(slider).to_have_attribute("aria-valuetext", "all 2")
    assert [seed for seed, _ in plot(page).evaluate(LINES)] == ["3", "5", None]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "seed 5")
    assert [seed for seed, _ in plot(page).evaluate(LINES)] == ["5", None]
    page.keyboard.press("Home")
    assert [seed for seed, _ in plot(page).evaluate(LINES)] == ["3", "5", None]


def test_colours_follow_the_page(page: Page) -> None:
    light = COLOURS["SB"]
    assert {colour for _, colour in plot(page).evaluate(LINES)} == {light}
    page.evaluate("document.body.dataset.mdColorScheme = 'slate'")
    page.wait_for_function(f"document.querySelector('.panels > div').data[0].line.color === '{DARK[light]}'")
    assert {colour for _, colour in plot(page).evaluate(LINES)} == {DARK[light]}


def test_the_drawing_follows_the_page_too(browser: Browser, tmp_path: Path) -> None:
    """A picture has no other way to know than `color-scheme`, which the theme sets."""
    (tmp_path / "a.svg").write_bytes(figure_files(FIGURE)["a.svg"])
    brightness = {}
    for scheme in ("light", "dark"):
        (tmp_path / "index.html").write_text(f'<html style="color-scheme: {scheme}"><img src="a.svg">')
        with serving(tmp_path) as address, browser.new_page() as opened:
            opened.goto(address)
            brightness[scheme] = opened.evaluate("""() => {
              const context = document.createElement("canvas").getContext("2d");
              context.drawImage(document.images[0], 0, 0);
              return context.getImageData(2, 2, 1, 1).data[0];
            }""")
    assert brightness["light"] > 240
    assert brightness["dark"] < 60
