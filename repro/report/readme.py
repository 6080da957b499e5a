"""The README's generated parts: what the ledgers say on its first screen, and what it means for practice below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from repro.errors import DataError
from repro.report.citation import short_name
from repro.report.guide import Advice, Papers
from repro.report.ledger import NOT_RUN, VERDICTS
from repro.report.markdown import blocks, table
from repro.report.results import Results
from repro.report.tally import count, overall
from repro.report.verdicts import all_judged, sentences


def rewritten(text: str, parts: Mapping[str, str]) -> str:
    """The text with each part between its markers, `<!-- name:begin -->` and `<!-- name:end -->`, where it has them.

    Raises:
        DataError: there is one marker without the other, or one stands twice.
    """
    for name, part in parts.items():
        text = _with_part(text, name, part)
    return text


def readme_parts(papers: Papers, advice: Sequence[Advice], picture: str) -> Mapping[str, str]:
    """The parts by name: the ledgers in a sentence and a table, their picture, and the advice that they bear out.

    Args:
        papers: all of them, in the order in which they appeared.
        advice: what the guide says.
        picture: the path of the picture of all verdicts.
    """
    profiles = list(papers.values())
    return {
        "verdicts": blocks([overall(profiles), _counts(profiles)]),
        "picture": f"![Every verdict, by claim and by network and data set]({picture})\n",
        "guide": _guide(papers, advice),
    }


def _with_part(text: str, name: str, part: str) -> str:
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    if begin not in text and end not in text:
        return text
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise DataError(f"README.md must have {begin} once and {end} once after it. Put both back around the part.")
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n{part}{end}{rest.partition(end)[2]}"


def _guide(papers: Papers, advice: Sequence[Advice]) -> str:
    settled = [each for each in advice if each.settled(papers)]
    said = [f"- **{each.question}** {each.sentence(papers)} ({_carried_by(each, papers)})" for each in settled]
    rest = f"Open so far: {len(advice) - len(settled)} of the guide's {len(advice)} questions." if advice else ""
    return blocks(["\n".join(said), rest])


def _counts(papers: Sequence[Sequence[Results]]) -> str:
    head = ("paper", "claims", "judged", *(f"verdicts {word}" for word in VERDICTS))
    return table(head, map(_row, papers))


def _row(profiles: Sequence[Results]) -> Sequence[object]:
    rows = all_judged(profiles)
    counts = count(rows)
    claims = (len(sentences(profiles)), len({row.claim for row in rows}))
    return short_name(profiles[0].paper), *claims, *(counts[word] for word in VERDICTS)


def _carried_by(advice: Advice, papers: Papers) -> str:
    """The outcome, and the profile in which each claim was judged: `borne out: K1 best-epoch laptop, H13 quick`."""
    profiles = (rows[0].profile if rows else NOT_RUN for rows in advice.rows(papers))
    carried = (f"{cited.name} {profile}" for cited, profile in zip(advice.claims, profiles, strict=True))
    return f"{advice.outcome(papers)}: {', '.join(carried)}"
