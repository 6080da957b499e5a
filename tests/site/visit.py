"""What a browser sees of one page, collected once for all checks."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Request, TimeoutError

PATIENCE = 60_000
"""Milliseconds in which a page must have come, and one more picture on it have been drawn, on a busy machine."""
LOST = 4 * PATIENCE
"""Milliseconds after which a page that is still being drawn, or of which the browser draws no frame, is given up."""

_UNDRAWN = """scripts => [
  ...[...document.images].filter(image => !image.naturalWidth || (scripts && image.matches(".interactive"))),
  ...[...document.querySelectorAll(".panels")].filter(
    panels => !panels.querySelector(".trace path") || [...panels.children].some(
      plot => !plot.data || (plot.data.length && !plot.querySelector(".trace path")))),
]"""
_DRAW = f"""async patience => {{
  const undrawn = {_UNDRAWN}
  const frames = () => new Promise(seen => requestAnimationFrame(() => requestAnimationFrame(seen)))
  for (const side of document.querySelectorAll(".md-sidebar__scrollwrap")) side.scrollTo = () => {{}}
  let left = undrawn(true), fewest = left.length, end = performance.now() + patience
  do {{
    for (const picture of left) {{
      picture.scrollIntoView({{ block: "center" }})
      await frames()
    }}
    await new Promise(later => setTimeout(later, 50))
    left = undrawn(true)
    if (left.length < fewest) [fewest, end] = [left.length, performance.now() + patience]
  }} while (left.length && performance.now() < end)
  scrollTo(0, 0)
}}"""
"""Scrolls until every picture is drawn, or none more is for as long as patience lasts: what is drawn late moves what
stands below it. What is in view is told at the end of a frame, so each picture is given a whole one; a browser that
draws none loses the page, which says nothing of its pictures. The table of contents does not follow: axe-core takes a
link that is scrolled under the page's header for one that is covered."""
_FOUND = f"""scripts => ({{
  undrawn: ({_UNDRAWN})(scripts).map(each => each.src ?? each.getAttribute("aria-label")),
  links: [...document.querySelectorAll("a[href]")].map(each => each.href),
  anchors: [...document.querySelectorAll("[id]")].map(each => each.id),
  overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
}})"""


@dataclass(frozen=True)
class Reader:
    """How somebody looks at a page.

    Attributes:
        dark: whether their system asks for dark pages.
        width: of their screen, pixels.
        scripts: whether they run.
        axe: rules of axe-core, or tags of rules, that the page is held against for them.
    """

    dark: bool = False
    width: int = 1280
    scripts: bool = True
    axe: Sequence[str] = ()


@dataclass(frozen=True)
class Visit:
    """One page as one reader has it.

    Attributes:
        errors: what the console was told is wrong, and exceptions that nothing caught.
        outside: addresses on other hosts that were asked for.
        weight: bytes that came over the network, headers and bodies.
        undrawn: pictures that did not appear, and interactive figures that were not drawn although scripts ran.
        links: where the page points.
        anchors: what can be pointed at.
        overflow: pixels by which the page is wider than the screen.
        findings: what axe-core finds serious or critical.
    """

    errors: Sequence[str]
    outside: Sequence[str]
    weight: int
    undrawn: Sequence[str]
    links: Sequence[str]
    anchors: Sequence[str]
    overflow: int
    findings: Sequence[str]


def visit(browser: Browser, address: str, reader: Reader, screenshot: Path | None = None) -> Visit:
    """Open a page with an empty cache and scroll through it.

    A busy browser may lose a page, or a picture on it, so such a page is opened once more: what fails, fails twice.

    Args:
        browser: that looks.
        address: of the page.
        reader: who looks.
        screenshot: where a picture of the whole page is written.
    """
    with suppress(TimeoutError):
        seen = _visit(browser, address, reader, screenshot)
        if not seen.undrawn:
            return seen
    return _visit(browser, address, reader, screenshot)


def _visit(browser: Browser, address: str, reader: Reader, screenshot: Path | None) -> Visit:
    context = browser.new_context(
        viewport={"width": reader.width, "height": 900},
        color_scheme="dark" if reader.dark else "light",
        reduced_motion="reduce",
        java_script_enabled=reader.scripts,
    )
    context.set_default_timeout(PATIENCE)
    with context:
        page = context.new_page()
        errors: list[str] = []
        asked: list[str] = []
        answered: list[Request] = []
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.on("requestfinished", lambda request: answered.append(request))
        page.goto(address)
        if reader.scripts:  # without them nothing is drawn late
            page.evaluate(f"patience => {{ ({_DRAW})(patience).then(() => {{ window.drawn = true }}) }}", PATIENCE)
            page.wait_for_function("window.drawn", timeout=LOST, polling=100)
        if screenshot:
            page.screenshot(path=screenshot, full_page=True)
        return Visit(
            errors=errors,
            outside=[url for url in asked if _host(url) not in ("", _host(address))],
            weight=sum(_bytes(request) for request in answered),
            **page.evaluate(_FOUND, reader.scripts),
            findings=_findings(page, reader.axe) if reader.axe else [],
        )


def _host(url: str) -> str:
    """Empty for what is inlined."""
    return urlsplit(url).netloc


def _bytes(request: Request) -> int:
    sizes = request.sizes()
    return sizes["responseHeadersSize"] + sizes["responseBodySize"]


def _findings(page: Page, rules: Sequence[str]) -> list[str]:
    options = {"resultTypes": ["violations"], "runOnly": rules}
    violations: list[dict[str, Any]] = Axe().run(page, options=options).response["violations"]
    return [
        f"{each['id']}: {node['html']}"
        for each in violations
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]
