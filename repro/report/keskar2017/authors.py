"""What the authors' own released figures show, whatever has been run here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from repro.claims.paper import Paper
from repro.report.figure import Figure
from repro.report.keskar2017.paths import theirs
from repro.report.markdown import table
from repro.report.summary import number


def figure(released: Mapping[str, Any], paper: Paper) -> Figure:
    """Loss and accuracy on the linear path, a row for every network of the release."""
    networks = [network for network in paper.networks if network in released]
    rows = [[theirs(released, network, metric) for metric in _METRICS] for network in networks]
    return Figure("authors-fig3", rows, interactive=True)


def gaps(released: Mapping[str, Any], paper: Paper) -> str:
    """The generalisation gap of each released pair beside that of Table 2."""
    small, large = (released["alpha"].index(end) for end in (0, 1))
    rows = []
    for network in (network for network in paper.networks if network in released):
        accuracy = released[network]["test_acc"]
        means = [paper.cite(f"Table 2/test {arm}", network).numbers[0] for arm in ("SB", "LB")]
        gap, reported = accuracy[small] - accuracy[large], means[0] - means[1]
        rows.append((network, number(accuracy[small]), number(accuracy[large]), f"{gap:+.2f}", f"{reported:+.2f}"))
    return table(("network", "SB test accuracy, %", "LB", "gap in the figure, points", "gap in Table 2, points"), rows)


_METRICS = ("loss", "accuracy")
