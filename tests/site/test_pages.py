"""Every page of the built site in a real browser: light and dark, wide and narrow, and with scripts off."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.site.conftest import ROOT
from tests.site.links import dead_links
from tests.site.visit import Reader, Visit, visit

MEGABYTE = 1_000_000
ACCESSIBLE = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
COLOURS = ("color-contrast", "link-in-text-block")
"""What can differ between light and dark."""
READERS = {
    "light": Reader(axe=ACCESSIBLE),
    "dark": Reader(axe=COLOURS, dark=True),
    "light-narrow": Reader(axe=COLOURS, width=390),
    "dark-narrow": Reader(axe=ACCESSIBLE, dark=True, width=390),
    "scripts-off": Reader(scripts=False),
}
Seen = Mapping[tuple[str, str], Visit]
"""By page and reader."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def seen(browser: Browser, built: Path, address: str) -> Seen:
    """Every page as every reader has it; pictures of them are in build/screenshots, but in the CI none are taken."""
    pictures = None if os.environ.get("CI") else ROOT / "build" / "screenshots"
    return {
        (page, who): visit(browser, f"{address}/{page}", reader, pictures and pictures / who / f"{name}.png")
        for page in pages(built)
        for name in (page.strip("/").replace("/", "-") or "home",)
        for who, reader in READERS.items()
    }


def pages(built: Path) -> list[str]:
    found = (path.relative_to(built).as_posix() for path in built.rglob("index.html"))
    return sorted(path.removesuffix("index.html") for path in found)


def wrong(seen: Seen, check: Callable[[Visit], object]) -> dict[tuple[str, str], object]:
    """By page and reader, whatever a check found there."""
    return {where: found for where, each in seen.items() if (found := check(each))}


def test_the_site_has_its_pages(built: Path) -> None:
    assert {"", "results/", "results/keskar2017/"} <= set(pages(built))


def test_nothing_is_wrong_in_the_console(seen: Seen) -> None:
    assert wrong(seen, lambda each: each.errors) == {}


def test_no_request_leaves_the_site(seen: Seen) -> None:
    assert wrong(seen, lambda each: each.outside) == {}


def test_every_picture_is_drawn(seen: Seen) -> None:
    assert wrong(seen, lambda each: each.undrawn) == {}


def test_no_page_is_wider_than_the_screen(seen: Seen) -> None:
    assert wrong(seen, lambda each: each.overflow > 0) == {}


def test_axe_finds_nothing_serious(seen: Seen) -> None:
    assert wrong(seen, lambda each: each.findings) == {}


def test_no_page_is_heavy(seen: Seen) -> None:
    assert max(each.weight for (page, _), each in seen.items() if not page) < 1.5 * MEGABYTE
    assert wrong(seen, lambda each: each.weight > 6 * MEGABYTE) == {}


def test_every_link_into_the_site_leads_somewhere(seen: Seen, built: Path, address: str) -> None:
    once = {f"{address}/{page}": each for (page, reader), each in seen.items() if reader == "light"}
    assert dead_links(once, built) == {}
