"""The README's first screen: what the ledgers say, between its two markers."""

from __future__ import annotations

from collections.abc import Sequence

from repro.errors import DataError
from repro.report.citation import short_name
from repro.report.guide import Advice, Papers
from repro.report.ledger import NOT_RUN, VERDICTS
from repro.report.markdown import blocks, table
from repro.report.results import Results
from repro.report.tally import count, overall
from repro.report.verdicts import all_judged, sentences

BEGIN, END = "<!-- verdicts:begin -->", "<!-- verdicts:end -->"


def rewritten(text: str, block: str) -> str:
    """The text with `block` between its markers; the text as it is, if it has none.

    Raises:
        DataError: there is one marker without the other, or one stands twice.
    """
    if BEGIN not in text and END not in text:
        return text
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise DataError(f"README.md must have {BEGIN} once and {END} once after it. Put both back around the block.")
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{block}{END}{rest.partition(END)[2]}"


def first_screen(papers: Papers, advice: Sequence[Advice], picture: str) -> str:
    """The ledgers in a sentence, a picture and a table of counts, and the advice that they bear out.

    Args:
        papers: all of them, in the order in which they appeared.
        advice: what the guide says.
        picture: the path of the picture of all verdicts.
    """
    settled = [each for each in advice if each.settled(papers)]
    said = [f"- **{each.question}** {each.sentence(papers)} ({_carried_by(each, papers)})" for each in settled]
    rest = f"Open so far: {len(advice) - len(settled)} of the guide's {len(advice)} questions." if advice else ""
    drawn = f"![Every verdict, by claim and by network and data set]({picture})"
    return blocks([overall(list(papers.values())), drawn, _counts(list(papers.values())), "\n".join(said), rest])


def _counts(papers: Sequence[Sequence[Results]]) -> str:
    head = ("paper", "claims", "judged", *(f"verdicts {word}" for word in VERDICTS))
    return table(head, map(_row, papers))


def _row(profiles: Sequence[Results]) -> Sequence[object]:
    rows = all_judged(profiles)
    counts = count(rows)
    claims = (len(sentences(profiles)), len({row.claim for row in rows}))
    return short_name(profiles[0].paper), *claims, *(counts[word] for word in VERDICTS)


def _carried_by(advice: Advice, papers: Papers) -> str:
    """The outcome, and the profile in which each claim was judged: `borne out: K3 laptop, H13 quick`."""
    profiles = (rows[0].profile if rows else NOT_RUN for rows in advice.rows(papers))
    carried = (f"{claim} {profile}" for (_, claim), profile in zip(advice.claims, profiles, strict=True))
    return f"{advice.outcome(papers)}: {', '.join(carried)}"
