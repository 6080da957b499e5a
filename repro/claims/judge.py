"""Judging: claims and observations in, ledger rows out; a pure function of both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from repro.claims import verdict
from repro.claims.cell import Cell, cell
from repro.claims.claim import Claim, Comparison
from repro.claims.evidence import Observation, distinct
from repro.claims.holm import adjusted, shares
from repro.claims.ledger import EXTENSION, LedgerRow
from repro.claims.verdict import Conclusion, Interval, Verdict, decide
from repro.errors import DataError

ALPHA = 0.05
"""Probability of a false statement anywhere in a family: the primary rows of a paper, profile and network."""

_EMPTY = Cell(0, 0, 0, 0, None)


@dataclass(frozen=True)
class _Case:
    """One row before it is judged."""

    claim: Claim
    comparison: Comparison
    network: str
    dataset: str
    profile: str
    cell: Cell

    @property
    def primary(self) -> bool:
        return not self.comparison.variant

    @property
    def region(self) -> Interval:
        return self.comparison.region(self.network)

    @property
    def p(self) -> float | None:
        estimate, directional = self.cell.estimate, self.comparison.kind == "directional"
        if estimate is None:
            return None
        return estimate.p_zero() if directional else estimate.p_outside(*self.region)

    def error(self, share: float) -> float:
        """Two one-sided tests at level α are read off the interval at level 1 - 2α (Schuirmann 1987)."""
        return share if self.comparison.kind == "directional" else 2 * share

    def interval(self, share: float) -> Interval | None:
        return None if self.cell.estimate is None else self.cell.estimate.interval(self.error(share))


@dataclass(frozen=True)
class _Correction:
    """What its family does to a row: the part of alpha it may spend, and its corrected p."""

    share: float = ALPHA
    p_holm: float | None = None
    family: int = 0


def judge(
    claims: Sequence[Claim],
    observations: Iterable[Observation],
    profile: str,
    datasets: Mapping[str, str] | None = None,
) -> list[LedgerRow]:
    """Hold each claim against the evidence.

    The primary row of every claim and network appears, `not run` where there is no evidence; a variant
    appears where it was attempted. Only scalars (`x` is `None`) of the profile enter; the order of the
    observations has no effect.

    Args:
        claims: of one paper, in the order of the ledger.
        observations: as measured, of any profile.
        profile: the one to judge; results of different profiles never mix.
        datasets: for each network the data set named in rows that were not run.

    Raises:
        DataError: an observation names a claim, network, variant or arm that is not declared, or appears
            twice.
    """
    grouped = _grouped(claims, observations, profile)
    cases = list(_cases(claims, grouped, profile, datasets or {}))
    corrections = _corrections(cases)
    conclusions = [_conclude(case, correction.share) for case, correction in zip(cases, corrections, strict=True)]
    gaps = {_place(case): end for case, end in zip(cases, conclusions, strict=True)}
    return [
        _row(case, correction, _unless_no_gap(case, conclusion, gaps))
        for case, correction, conclusion in zip(cases, corrections, conclusions, strict=True)
    ]


_Key = tuple[str, str, str]
_Place = tuple[str, str, str, str]


def _place(case: _Case) -> _Place:
    return case.claim.id, case.comparison.variant, case.network, case.dataset


def _grouped(
    claims: Sequence[Claim], observations: Iterable[Observation], profile: str
) -> dict[_Key, dict[str, list[Observation]]]:
    """Values that count, by (claim, network, variant) and by data set."""
    declared = {claim.id: claim for claim in claims}
    grouped: dict[_Key, dict[str, list[Observation]]] = defaultdict(lambda: defaultdict(list))
    for each in distinct(each for each in observations if each.profile == profile and each.x is None):
        if each.quantity == _declared(declared, each).quantity:
            grouped[each.claim, each.network, each.variant][each.dataset].append(each)
    return grouped


def _declared(claims: Mapping[str, Claim], observation: Observation) -> Comparison:
    claim = claims.get(observation.claim)
    if claim is None:
        raise DataError(f"{observation.place}: claims.toml has no claim {observation.claim!r}. Declare it first.")
    if observation.network not in (*claim.networks, *claim.extensions):
        raise DataError(f"{observation.place}: {claim.id} is not declared for this network. Add it to its extensions.")
    comparison = claim.comparison(observation.variant)
    if comparison is None:
        raise DataError(f"{observation.place}: {claim.id} has no such variant. Declare it in claims.toml first.")
    return comparison


def _cases(
    claims: Sequence[Claim],
    grouped: Mapping[_Key, Mapping[str, list[Observation]]],
    profile: str,
    planned: Mapping[str, str],
) -> Iterator[_Case]:
    for claim in claims:
        for network in (*claim.networks, *claim.extensions):
            for comparison in claim.comparisons:
                found = grouped.get((claim.id, network, comparison.variant), {})
                for dataset, values in sorted(found.items()):
                    yield _Case(claim, comparison, network, dataset, profile, cell(comparison, values))
                if not found and not comparison.variant:
                    yield _Case(claim, comparison, network, planned.get(network, ""), profile, _EMPTY)


def _corrections(cases: Sequence[_Case]) -> list[_Correction]:
    """Holm within the primary rows of each network; variants are corrected for nothing.

    A claim that has no p yet counts as the last to be rejected: the family is what was declared, so that a verdict does
    not change because another claim was run. A further data set of the network adds its rows.
    """
    found = [_Correction()] * len(cases)
    for network in {case.network for case in cases}:
        family = [i for i, case in enumerate(cases) if case.network == network and case.primary]
        p = [1.0 if (own := cases[i].p) is None else own for i in family]
        for i, share, corrected in zip(family, shares(p, ALPHA), adjusted(p), strict=True):
            found[i] = _Correction(share, None if cases[i].p is None else corrected, len(family))
    return found


def _conclude(case: _Case, share: float) -> Conclusion:
    if case.cell.n == 0:
        return verdict.NOT_RUN
    if case.cell.without_logarithm:
        return verdict.NO_RATIO
    interval = case.interval(share)
    if interval is None:
        return verdict.TOO_FEW
    return decide(case.comparison.kind, interval, case.region, case.comparison.direction)


def _unless_no_gap(case: _Case, conclusion: Conclusion, gaps: Mapping[_Place, Conclusion]) -> Conclusion:
    """What says that a gap closes needs a gap on the same network and data set, not shown to be below its margin."""
    if not case.comparison.needs_gap or conclusion.verdict is Verdict.NOT_RUN:
        return conclusion
    claim, _, variant = case.comparison.needs_gap.partition("/")
    gap = gaps.get((claim, variant, case.network, case.dataset), verdict.NOT_RUN)
    return conclusion if gap == verdict.AS_CLAIMED else verdict.NO_GAP


def _row(case: _Case, correction: _Correction, conclusion: Conclusion) -> LedgerRow:
    claim, comparison, estimate = case.claim, case.comparison, case.cell.estimate
    interval = case.interval(correction.share)
    return LedgerRow(
        paper=claim.paper,
        claim=claim.id,
        title=comparison.title + (EXTENSION if case.network in claim.extensions else ""),
        network=case.network,
        dataset=case.dataset,
        profile=case.profile,
        variant=comparison.variant,
        verdict=conclusion.verdict.value,
        finding=conclusion.finding.value,
        effect=None if estimate is None else _stable(estimate.mean),
        interval=None if interval is None else (_stable(interval[0]), _stable(interval[1])),
        unit=comparison.unit,
        margin=_stable(comparison.margin(case.network)),
        test=_test(case, correction),
        p=None if case.p is None else _stable(case.p),
        p_holm=None if correction.p_holm is None else _stable(correction.p_holm),
        n=case.cell.n,
        failed=case.cell.failed,
        diverged=case.cell.diverged,
        reported=comparison.reported.get(case.network),
        command=f"repro reproduce {claim.paper} --profile {case.profile} --only {claim.id}",
    )


def _test(case: _Case, correction: _Correction) -> str:
    comparison, estimate = case.comparison, case.cell.estimate
    name = f"{comparison.pairing.replace('welch', 'Welch')} t"
    parts = [name] if comparison.kind == "directional" else [name, "two one-sided tests"]
    if comparison.span is not None:
        parts[1] += f" against {comparison.span[0]:g} and {comparison.span[1]:g}"
    if estimate is not None and estimate.standard_error is not None:
        parts += [f"df {estimate.df:.4g}", f"{100 * (1 - case.error(correction.share)):.4g} % interval"]
    if correction.p_holm is not None:
        parts.append(f"Holm over {correction.family}")
    return ", ".join(parts)


def _stable(value: float) -> float:
    """Twelve digits: what two machines agree on, so that the file does not change for nothing."""
    return float(f"{value:.12g}")
