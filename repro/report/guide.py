"""The guide: advice to a practitioner, each sentence chosen by the verdicts on the claims that carry it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from repro.claims.declared import Declared, load
from repro.claims.ledger import LedgerRow
from repro.errors import DataError
from repro.report import ledger
from repro.report.citation import short_name
from repro.report.markdown import blocks, styled
from repro.report.overview import Link
from repro.report.results import Results
from repro.report.verdicts import sentences, strongest

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


@dataclass(frozen=True)
class Advice:
    """One question of a practitioner.

    Attributes:
        question: as it would be asked.
        claims: what the answer rests on, as `paper/claim`.
        holds, fails, open: what is advised where the claims hold, where they do not, and where that is not known.
    """

    question: str
    claims: tuple[tuple[str, str], ...]
    holds: str
    fails: str
    open: str

    @property
    def anchor(self) -> str:
        """Of its section: `will-early-stopping-bring-the-accuracy-back`."""
        return re.sub(r"\W+", "-", self.question.lower()).strip("-")

    def rows(self, papers: Papers) -> list[list[LedgerRow]]:
        """For each claim its verdicts in the strongest profile that judged it."""
        return [[row for _, row in strongest(papers[paper], claim)] for paper, claim in self.claims]

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
        DataError: it breaks a rule, or cites a claim that no paper has.
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
    evidence = "\n".join(_line(paper, claim, papers, link) for paper, claim in advice.claims)
    return blocks(
        [
            f"## {advice.question} {{ #{advice.anchor} }}",
            f"{advice.sentence(papers)} {_badge(advice, papers)}",
            evidence,
        ]
    )


def _badge(advice: Advice, papers: Papers) -> str:
    word = advice.outcome(papers)
    return styled(f"*{word}*", "outcome", word)


def _line(paper: str, claim: str, papers: Papers, link: Link) -> str:
    """The claim, and what was found of it where."""
    said = sentences(papers[paper])[claim]
    found = [
        f"    - {row.network} on {row.dataset}, `{row.profile}`: {ledger.verdict(row)} {row.finding}, "
        f"{ledger.effect(row)}, n {ledger.counts(row)}"
        for _, row in strongest(papers[paper], claim)
    ]
    name = f"[{short_name(papers[paper][0].paper)}, {claim}]({link(paper, claim)})"
    return "\n".join([f"- {name}: {said}", *(found or ["    - not run"])])


def _advice(declared: Declared, papers: Papers) -> Advice:
    claims = tuple(_cited(name, declared.place, papers) for name in declared.texts("claims"))
    declared.require(bool(claims), "claims", claims, "name at least one claim")
    texts = {key: declared.text(key) for key in ("question", "holds", "fails", "open")}
    declared.finish()
    return Advice(claims=claims, **texts)


def _cited(name: str, place: str, papers: Papers) -> tuple[str, str]:
    paper, _, claim = name.partition("/")
    if paper not in papers:
        raise DataError(f"{place}: {name!r} must name one of the papers {', '.join(papers)}, as in `keskar2017/K1`.")
    if claim not in sentences(papers[paper]):
        known = ", ".join(sentences(papers[paper]))
        raise DataError(f"{place}: {name!r} must name a claim of {paper}, which has {known}. Correct it in the file.")
    return paper, claim
