"""What is wrong with a page is seen: each page here is bad in one way, and one in none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, TimeoutError

from tests.site import visit as visiting
from tests.site.links import dead_links
from tests.site.server import serving
from tests.site.visit import Reader, Visit, visit

PAGE = '<!doctype html><html lang="en"><title>t</title><link rel="icon" href="data:,"><body>{}</body></html>'
RULES = ("color-contrast", "image-alt")
DOT = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="

LINE = '<svg><g class="trace"><path d="M0 0L1 1"/></g></svg>'

Look = Callable[[str], Visit]


@pytest.fixture
def look(browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Look:
    """What is seen of a page that has this body."""
    monkeypatch.setattr(visiting, "PATIENCE", 2_000)

    def looked(body: str) -> Visit:
        (tmp_path / "index.html").write_text(PAGE.format(body))
        with serving(tmp_path) as address:
            return visit(browser, f"{address}/", Reader(axe=RULES))

    return looked


def test_a_good_page_is_let_pass(look: Look) -> None:
    seen = look(f'<p id="here"><a href="#here">to itself</a></p><img src="{DOT}" alt="a dot">')
    assert (seen.errors, seen.outside, seen.undrawn, seen.findings) == ([], [], [], [])
    assert seen.overflow == 0
    assert seen.anchors == ["here"]
    assert [link.partition("#")[2] for link in seen.links] == ["here"]


@pytest.mark.parametrize(("link", "dead"), [("#here", 0), ("#there", 1), ("gone/", 1), ("index.html", 0)])
def test_a_link_that_leads_nowhere_is_seen(look: Look, tmp_path: Path, link: str, dead: int) -> None:
    seen = look(f'<p id="here"><a href="{link}">a link</a></p>')
    home = seen.links[0].removesuffix(link)
    assert dead_links({home: seen}, tmp_path) == ({home: seen.links} if dead else {})


@pytest.mark.parametrize("script", ["console.error('it broke')", "throw new Error('it broke')"])
def test_an_error_is_seen(look: Look, script: str) -> None:
    (error,) = look(f"<script>{script}</script>").errors
    assert "it broke" in error


def test_a_request_that_leaves_is_seen_and_does_not_get_out(look: Look) -> None:
    seen = look('<img src="http://elsewhere.example/a.png" alt="a">')
    assert seen.outside == ["http://elsewhere.example/a.png"]
    assert "ERR_NAME_NOT_RESOLVED" in seen.errors[0]


def test_a_picture_that_is_missing_is_seen(look: Look) -> None:
    (missing,) = look('<img src="missing.svg" alt="a">').undrawn
    assert missing.endswith("/missing.svg")


def test_an_interactive_figure_that_stays_a_drawing_is_seen(look: Look) -> None:
    assert look(f'<img class="interactive" src="{DOT}" alt="a dot">').undrawn == [DOT]


def test_a_page_that_draws_slowly_is_waited_for_as_long_as_it_draws(look: Look) -> None:
    """Four pictures, 1.2 seconds each, are more than the 2 seconds of patience; none is more than one of them."""
    slow = "setInterval(() => document.querySelector('.interactive')?.classList.remove('interactive'), 1200)"
    assert look(f'<img class="interactive" src="{DOT}" alt="a dot">' * 4 + f"<script>{slow}</script>").undrawn == []


def test_pictures_are_not_blamed_for_a_browser_that_draws_no_frame(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visiting, "LOST", 500)
    frozen = "<script>window.requestAnimationFrame = () => 0</script>"
    with pytest.raises(TimeoutError):
        look(f'<img class="interactive" src="{DOT}" alt="a dot">{frozen}')


@pytest.mark.parametrize(
    ("panels", "undrawn"),
    [
        ([], True),
        ([("undefined", "")], True),
        ([("[]", "")], True),
        ([("[1]", "")], True),
        ([("[1]", LINE)], False),
        ([("[1]", LINE), ("[]", "")], False),
        ([("[1]", LINE), ("[1]", "")], True),
    ],
)
def test_a_plot_without_its_lines_is_seen(look: Look, panels: list[tuple[str, str]], undrawn: bool) -> None:
    drawn = "".join(f"<div>{lines}</div>" for _, lines in panels)
    given = "".join(f"panels[{place}].data = {data};" for place, (data, _) in enumerate(panels))
    script = f"<script>const panels = document.querySelector('.panels').children; {given}</script>"
    body = f'<div class="panels" role="img" aria-label="a plot">{drawn}</div>{script}'
    assert look(body).undrawn == (["a plot"] if undrawn else [])


def test_a_page_that_is_wider_than_the_screen_is_seen(look: Look) -> None:
    assert look('<p style="width: 2000px">wide</p>').overflow > 700


@pytest.mark.parametrize(
    ("rule", "body"),
    [("image-alt", f'<img src="{DOT}">'), ("color-contrast", '<p style="color: #ccc; background: #fff">pale</p>')],
)
def test_what_bars_some_readers_is_seen(look: Look, rule: str, body: str) -> None:
    (finding,) = look(body).findings
    assert finding.startswith(rule)


def test_weight_counts_what_comes_after_the_page(look: Look) -> None:
    light, heavy = look("<p>a</p>"), look(f"<p>{'a' * 50_000}</p>")
    assert 49_000 < heavy.weight - light.weight < 51_000
