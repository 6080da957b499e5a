"""The guide: advice to a practitioner, each sentence chosen by the verdicts on the claims that carry it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from repro.claims.claim import Claim
from repro.claims.declared import Declared, load
from repro.claims.ledger import LedgerRow
from repro.errors import DataError
from repro.report import ledger
from repro.report.citation import short_name
from repro.report.markdown import blocks, code, listing, styled
from repro.report.overview import Link
from repro.report.results import Results
from repro.report.verdicts import strongest

SENTENCES = {
    "borne out": "holds",
    "borne out in part": "holds",
    "not borne out": "fails",
    "disputed": "open",
    "undecided": "open",
    "not tested": "open",
}
"""Which sentence of an advice is given under each outcome."""

Papers = Mapping[str, Sequence[Results]]
"""The profiles of every paper, by its key."""


class Cited(NamedTuple):
    """A claim that an answer rests on: its primary row, or the variant that is named."""

    paper: str
    claim: str
    variant: str

    @property
    def name(self) -> str:
        """`K1`, or `K1 best-epoch`."""
        return f"{self.claim} {self.variant}".rstrip()


@dataclass(frozen=True)
class Advice:
    """One question of a practitioner.

    Attributes:
        question: as it would be asked.
        claims: what the answer rests on.
        holds, fails, open: what is advised where the claims hold, where they do not, and where that is not known.
        more: where to read on, in Markdown; empty if nowhere.
    """

    question: str
    claims: tuple[Cited, ...]
    holds: str
    fails: str
    open: str
    more: str

    @property
    def anchor(self) -> str:
        """Of its section: `will-early-stopping-bring-the-accuracy-back`."""
        return re.sub(r"\W+", "-", self.question.lower()).strip("-")

    def rows(self, papers: Papers) -> list[list[LedgerRow]]:
        """For each claim its verdicts in the strongest profile that judged it."""
        return [[row for _, row in strongest(papers[paper], *row_of)] for paper, *row_of in self.claims]

    def outcome(self, papers: Papers) -> str:
        """A key of `SENTENCES`."""
        return outcome([[ledger.word(row) for row in rows] for rows in self.rows(papers)])

    def sentence(self, papers: Papers) -> str:
        """The advice that the verdicts allow."""
        given: str = getattr(self, SENTENCES[self.outcome(papers)])
        return given

    def settled(self, papers: Papers) -> bool:
        """Whether the verdicts say yes or no."""
        return SENTENCES[self.outcome(papers)] != "open"


def outcome(verdicts: Sequence[Sequence[str]]) -> str:
    """What the verdicts on an advice's claims make of it; a key of `SENTENCES`.

    Args:
        verdicts: of every claim, on each network and data set, see `ledger.word`; empty
            where it was not run.
    """
    found = {word for each in verdicts for word in each}
    if not found:
        return "not tested"
    holds = bool(found & {"reproduced", ledger.SMALL})
    if "contradicted" in found:
        return "disputed" if holds else "not borne out"
    if not holds:
        return "undecided"
    return "borne out" if found == {"reproduced"} and all(verdicts) else "borne out in part"


def load_guide(path: Path, papers: Papers) -> list[Advice]:
    """The advice declared in the file at `path`; none without a file.

    Raises:
        DataError: it breaks a rule, or cites a claim, or a row of one, that no paper has.
    """
    if not path.exists():
        return []
    declared = load(path)
    found = [
        _advice(Declared(content, f"{path.name}, advice {number}"), papers)
        for number, content in enumerate(declared.tables("advice"), 1)
    ]
    declared.finish()
    return found


def guide_page(advice: Sequence[Advice], papers: Papers, link: Link) -> str:
    """The answers in short, then each with its evidence, as Markdown."""
    short = "\n".join(
        f"- **[{each.question}](#{each.anchor})** {each.sentence(papers)} {_badge(each, papers)}" for each in advice
    )
    return blocks(["## In short { #in-short }", short, *(_section(each, papers, link) for each in advice)])


def _section(advice: Advice, papers: Papers, link: Link) -> str:
    evidence = "\n".join(_evidence(cited, papers, link) for cited in advice.claims)
    return blocks(
        [
            f"## {advice.question} {{ #{advice.anchor} }}",
            f"{advice.sentence(papers)} {_badge(advice, papers)}",
            advice.more,
            evidence,
        ]
    )


def _badge(advice: Advice, papers: Papers) -> str:
    word = advice.outcome(papers)
    return styled(f"*{word}*", "outcome", word)


def _evidence(cited: Cited, papers: Papers, link: Link) -> str:
    """The claim, what was found of it where, and what its other rows say."""
    profiles = papers[cited.paper]
    claim = _claims(profiles)[cited.claim]
    row = claim.comparison(cited.variant) or claim.primary
    found = strongest(profiles, cited.claim, cited.variant)
    name = f"[{short_name(profiles[0].paper)}, {cited.name}]({link(cited.paper, cited.claim)})"
    said = f"{row.title} ({row.measured})" if cited.variant else row.title
    lines = [_line(each) for _, each in found] or ["    - not run"]
    others = [] if cited.variant or not found else _others(found[0][0], claim)
    return "\n".join([f"- {name}: {said}. The effect is {row.effect}.", *lines, *others])


def _line(row: LedgerRow) -> str:
    return (
        f"    - {row.network} on {row.dataset}, `{row.profile}`: {ledger.verdict(row)} {row.finding}, "
        f"{ledger.effect(row)}, n {ledger.counts(row)}"
    )


def _others(results: Results, claim: Claim) -> list[str]:
    """The rows that vary a choice: what was decided under each, and which decided nothing."""
    lines, undecided = [], []
    for row in claim.comparisons[1:]:
        found = strongest([results], claim.id, row.variant)
        if any(each.verdict != "inconclusive" for _, each in found):
            said = row.measured if row.title == claim.primary.title else row.title
            lines.append(f"        - {code(row.variant)} ({said}): {_where([each for _, each in found])}")
        elif found:
            undecided.append(code(row.variant))
    lines += [f"        - undecided: {', '.join(undecided)}"] if undecided else []
    return ["    - Rows that vary a choice:", *lines] if lines else []


def _where(rows: Sequence[LedgerRow]) -> str:
    """`F1 and C1 ✓ reproduced, F2 ? inconclusive`."""
    networks: dict[str, list[str]] = {}
    for row in rows:
        networks.setdefault(ledger.verdict(row) + ledger.word(row).removeprefix(row.verdict), []).append(row.network)
    return ", ".join(f"{listing(found)} {verdict}" for verdict, found in networks.items())


def _advice(declared: Declared, papers: Papers) -> Advice:
    claims = tuple(_cited(name, declared.place, papers) for name in declared.texts("claims"))
    declared.require(bool(claims), "claims", claims, "name at least one claim")
    texts = {key: declared.text(key) for key in ("question", "holds", "fails", "open")}
    more = declared.text("more", "")
    declared.finish()
    return Advice(claims=claims, more=more, **texts)


def _cited(name: str, place: str, papers: Papers) -> Cited:
    paper, claim, variant = (*name.split("/", 2), "", "")[:3]
    if paper not in papers:
        raise DataError(f"{place}: {name!r} must name one of the papers {', '.join(papers)}, as in `keskar2017/K1`.")
    claims = _claims(papers[paper])
    if claim not in claims:
        known = ", ".join(claims)
        raise DataError(f"{place}: {name!r} must name a claim of {paper}, which has {known}. Correct it in the file.")
    if claims[claim].comparison(variant) is None:
        known = ", ".join(each.variant for each in claims[claim].comparisons[1:]) or "none"
        raise DataError(f"{place}: {name!r} must name a row of {claim}, which has {known}. Correct it in the file.")
    return Cited(paper, claim, variant)


def _claims(profiles: Sequence[Results]) -> dict[str, Claim]:
    return {claim.id: claim for claim in profiles[0].claims}
