"""Tables 3 and 4: sharpness of both minima by the searched maximum and by the published rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import geometric_mean

from repro.claims.evidence import Observation
from repro.report.exhibit import Exhibit
from repro.report.keskar2017.checks import against_ten_times, against_the_published_rule
from repro.report.markdown import blocks, table
from repro.report.origin import IN_BRACKETS, where
from repro.report.results import Place, Results
from repro.report.summary import NOTHING, cited, number, summary

ARMS = ("SB", "LB")
_VARIANTS = {"1e-3": ("", "published"), "5e-4": ("eps=5e-4", "eps=5e-4 published")}
_HEAD = (
    *("network, data set", "ε", "arm", "paper", "searched", "n, failed, diverged", "searches disagree by at most"),
    *("published rule", "n, failed, diverged"),
)


@dataclass(frozen=True)
class _Pair:
    """Both numbers of one arm at one ε."""

    arm: str
    searched: Sequence[Observation]
    published: Sequence[Observation]


def table_3(results: Results) -> Exhibit:
    """Sharpness in the full space."""
    exhibit = _table(results, "Table 3", "K3", "sharpness in the full space, percent of 1 + f(x)")
    check = blocks([exhibit.text, against_ten_times(results)])
    return Exhibit(exhibit.title, exhibit.used, check)


def table_4(results: Results) -> Exhibit:
    """Sharpness in a random subspace of 100 dimensions."""
    return _table(results, "Table 4", "K4", "sharpness in a random subspace of 100 dimensions, percent of 1 + f(x)")


def _table(results: Results, name: str, claim: str, title: str) -> Exhibit:
    used: list[Observation] = []
    rows: list[Sequence[str]] = []
    for place in results.places:
        for eps in _VARIANTS:
            pairs = [_pair(results, place, claim, eps, arm) for arm in ARMS]
            found = [each for pair in pairs for each in (*pair.searched, *pair.published)]
            used += found
            if found:
                rows += [_row(results, place, name, eps, pair) for pair in pairs]
                rows.append(_ratio(results, place, name, eps, pairs))
    note = (
        "Mean ± SD over seeds; LB / SB is the geometric mean over the seeds that have both. Searched: the best of two "
        "kinds of search; they disagree by what the other falls short. Published rule: ten iterations of L-BFGS-B from "
        f"x. A dash: not run, or nothing to compare. The paper has n = 5. {IN_BRACKETS}"
    )
    text = blocks([note, table(_HEAD, rows), against_the_published_rule(used)]) if used else ""
    return Exhibit(f"{name}: {title}", used, text)


def _pair(results: Results, place: Place, claim: str, eps: str, arm: str) -> _Pair:
    searched, published = (results.select(place, claim, "sharpness", arm, variant) for variant in _VARIANTS[eps])
    return _Pair(arm, searched, published)


def _row(results: Results, place: Place, name: str, eps: str, pair: _Pair) -> Sequence[str]:
    ours, rule = summary(pair.searched), summary(pair.published)
    paper = results.paper.cite(f"{name}/{pair.arm} {eps}", place.network)
    gap, theirs = _disagreement(pair.searched), cited(paper.numbers, paper.mark)
    return where(results, place), eps, pair.arm, theirs, ours.mean, ours.counts, gap, rule.mean, rule.counts


def _ratio(results: Results, place: Place, name: str, eps: str, pairs: Sequence[_Pair]) -> Sequence[str]:
    small, large = pairs
    paper = [results.paper.cite(f"{name}/{arm} {eps}", place.network).numbers for arm in ("LB", "SB")]
    theirs = number(paper[0][0] / paper[1][0]) if all(paper) else NOTHING
    ratios = _factor(large.searched, small.searched), _factor(large.published, small.published)
    return where(results, place), eps, "LB / SB", theirs, ratios[0], "", "", ratios[1], ""


def _factor(large: Sequence[Observation], small: Sequence[Observation]) -> str:
    below = {each.seed: each.value for each in small if each.status == "ok" and each.value > 0}
    both = [each.value / below[each.seed] for each in large if each.status == "ok" and each.seed in below]
    positive = [ratio for ratio in both if ratio > 0]
    return number(geometric_mean(positive)) if positive else NOTHING


def _disagreement(searched: Sequence[Observation]) -> str:
    """The searches' largest difference, in percent of the maximum found."""
    shares = [100 * each.residual / each.value for each in searched if each.residual is not None and each.value > 0]
    return f"{number(max(shares))} %" if shares else NOTHING
