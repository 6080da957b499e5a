"""The home page's part that the ledgers give: what holds in a few lines, then the ledger across papers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from repro.claims.ledger import LedgerRow
from repro.report import ledger
from repro.report.citation import citation, short_name
from repro.report.claims import cost_of
from repro.report.ledger import NOT_RUN, VERDICTS, judged
from repro.report.markdown import blocks, boxed, code, listing, table
from repro.report.results import Results
from repro.report.summary import NOTHING
from repro.report.tally import overall, summary
from repro.report.verdicts import idle, sentences, strongest, strongest_first

Link = Callable[[str, str], str]
"""From a paper's key and a claim, or an empty text, to the address of what is said of it."""

_HEAD = ("Paper", "Claim", "Network", "Data", "Profile", "Verdict", "The paper", "Here", "n", "Cost", "Command")


def overview(papers: Sequence[Sequence[Results]], link: Link) -> str:
    """A line for each paper."""
    return "\n".join(f"- {_line(profiles, link)}" for profiles in papers) + "\n"


def papers_page(papers: Sequence[Sequence[Results]]) -> str:
    """The list of the papers, which leads to the page of each."""
    entries = (
        blocks([f"## [{profiles[0].paper.title}]({profiles[0].paper.key}.md)", citation(profiles[0].paper), *said])
        for profiles in papers
        for said in (summary(profiles),)
    )
    return blocks(["# Results", overall(papers), *entries])


def across(papers: Sequence[Sequence[Results]], link: Link) -> str:
    """The ledger: one row for every claim, network, data set and profile with a verdict, or where one is still due."""
    found = [pair for profiles in papers for pair in _in_order_of_claims(profiles)]
    rows = [_cells(results, row, link) for results, row in found]
    return blocks([boxed("ledger", table(_HEAD, rows)), ledger.notes([row for _, row in found])])


def _line(profiles: Sequence[Results], link: Link) -> str:
    """As in `Keskar et al. 2017: ✓ reproduced K1 (F1) and K3; ? inconclusive K1 (F2) (quick only).`."""
    paper = profiles[0].paper
    groups: dict[str, list[str]] = {word: [] for word in (*VERDICTS, NOT_RUN)}
    for claim, title in sentences(profiles).items():
        found = _best_verdicts(profiles, claim)
        for word, networks in found.items():
            where = f" ({', '.join(networks)})" if len(found) > 1 else ""
            groups[word].append(f'[{claim}]({link(paper.key, claim)} "{title}"){where}')
    said = "; ".join(f"{ledger.SIGNS[word]} {word} {listing(names)}" for word, names in groups.items() if names)
    return f"[{short_name(paper)}]({link(paper.key, '')}): {said}{_alone(profiles)}."


def _alone(profiles: Sequence[Results]) -> str:
    """The profile, where it is the only one with evidence."""
    ran = strongest_first(profiles)
    return f" ({code(ran[0].profile)} only)" if len(ran) == 1 else ""


def _best_verdicts(profiles: Sequence[Results], claim: str) -> dict[str, list[str]]:
    """The networks that have each verdict, in the strongest profile that judged the claim."""
    found: dict[str, list[str]] = {}
    for _, row in strongest(profiles, claim):
        found.setdefault(row.verdict, []).append(row.network)
    return found or {NOT_RUN: []}


def _in_order_of_claims(profiles: Sequence[Results]) -> Iterable[tuple[Results, LedgerRow]]:
    order = list(sentences(profiles))
    pairs = [(results, row) for results in strongest_first(profiles) for row in judged(results.ledger)]
    due = [pair for claim in order for pair in idle(profiles, claim)]
    return sorted(pairs + due, key=lambda pair: order.index(pair[1].claim))


def _cells(results: Results, row: LedgerRow, link: Link) -> Sequence[object]:
    return (
        short_name(results.paper),
        f"[{row.claim}]({link(row.paper, row.claim)}) {ledger.sentence(row)}",
        row.network + ledger.asterisk(row),
        row.dataset,
        row.profile,
        f"{ledger.verdict(row)} {row.finding}".rstrip(),
        ledger.reported(row),
        *_found(results, row),
        code(row.command),
    )


def _found(results: Results, row: LedgerRow) -> Sequence[str]:
    """Effect, n and cost."""
    if row.verdict == NOT_RUN:
        return NOTHING, NOTHING, NOTHING
    return ledger.effect(row), ledger.counts(row), cost_of(results, row)
