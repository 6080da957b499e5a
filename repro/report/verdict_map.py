"""One picture of all verdicts, for the README and the home page: a square for every claim and place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from repro.report import ledger
from repro.report.citation import short_name
from repro.report.ledger import NOT_RUN, SIGNS, SMALL
from repro.report.results import Results
from repro.report.style import EDGE, GRID, INK, PAPER, dark_css
from repro.report.verdicts import columns, sentences

CELL, GAP, MARGIN = 30, 4, 16
"""Side of a square, space between two, and around all of them, in pixels."""
LABEL = 190
"""Width of the names of the places, in pixels."""
_BLUE = "#0072B2"
FILLS = {"reproduced": _BLUE, SMALL: PAPER, "contradicted": "#D55E00", "inconclusive": GRID, NOT_RUN: PAPER}
"""Told apart by the colour-blind (Okabe and Ito 2008); the shape inside says the same."""
_SIGN = "#FFF"
"""Of a sign on a colour; written shorter than the paper's, so that it stays white on dark pages."""
_SHAPES = {
    "reproduced": f'<path d="M8 16l5 5 9-11" stroke="{_SIGN}" stroke-width="3" fill="none"/>',
    SMALL: f'<path d="M8 16l5 5 9-11" stroke="{_BLUE}" stroke-width="3" fill="none"/>',
    "contradicted": f'<path d="M9 9l12 12M21 9l-12 12" stroke="{_SIGN}" stroke-width="3"/>',
    "inconclusive": f'<path d="M11 12a4 4 0 1 1 4 4v2M15 21v2" stroke="{INK}" stroke-width="2.4" fill="none"/>',
    NOT_RUN: f'<path d="M12 15h6" stroke="{EDGE}" stroke-width="2"/>',
}
_STEP = CELL + GAP


def verdict_map(papers: Sequence[Sequence[Results]]) -> bytes:
    """The picture as SVG, in light and dark; same ledgers, same bytes."""
    parts, top = list(_legend(MARGIN)), MARGIN + 1.5 * _STEP
    for profiles in papers:
        drawn = list(_paper(profiles, top))
        parts += drawn
        top += _STEP * (1.5 + max(len(columns(profiles)), 1))
    width = 2 * MARGIN + LABEL + _STEP * max(len(sentences(profiles)) for profiles in papers)
    size = f'width="{width}" height="{top:g}" viewBox="0 0 {width} {top:g}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="sans-serif" font-size="13">'
    card = f'<title>Verdicts by claim and place</title><rect width="100%" height="100%" rx="6" fill="{PAPER}"/>'
    dark = dark_css('[{part}="{colour}" i]')
    return "\n".join([head, f"<style>{dark}</style>", card, *parts, "</svg>", ""]).encode()


def _paper(profiles: Sequence[Results], top: float) -> Iterator[str]:
    """Its name over the claims, then one row of squares for each place."""
    claims = sentences(profiles)
    yield _text(MARGIN, top + 20, short_name(profiles[0].paper), INK, 'font-weight="bold"')
    for index, claim in enumerate(claims):
        yield _text(_left(index) + CELL / 2, top + 20, claim, INK, 'text-anchor="middle" font-size="11"')
    for line, column in enumerate(columns(profiles), 1):
        y = top + line * _STEP - 4
        yield _text(MARGIN, y + 20, column.title, INK, 'font-size="12"')
        for index, (claim, said) in enumerate(claims.items()):
            row = column.row(claim)
            told = NOT_RUN if row is None else ledger.word(row)
            yield _square(_left(index), y, told, f"{claim}, {column.title}: {said}")
    if not columns(profiles):
        yield _text(MARGIN, top + _STEP + 16, "not run", INK, "")


def _legend(top: float) -> Iterator[str]:
    left = MARGIN
    for word in FILLS:
        yield _square(left, top, word, word)
        yield _text(left + _STEP + 4, top + 20, word, INK, "")
        left += _STEP + 30 + 7 * len(word)


def _square(left: float, top: float, word: str, title: str) -> str:
    box = f'<rect width="{CELL}" height="{CELL}" rx="4" fill="{FILLS[word]}" stroke="{EDGE}"/>'
    said = f"<title>{escape(title)}: {SIGNS[word]} {word}</title>"
    return f'<g transform="translate({left:g} {top:g})">{said}{box}{_SHAPES[word]}</g>'


def _text(left: float, baseline: float, words: str, colour: str, style: str) -> str:
    return f'<text x="{left:g}" y="{baseline:g}" fill="{colour}" {style}>{escape(words)}</text>'


def _left(index: int) -> float:
    return MARGIN + LABEL + index * _STEP
