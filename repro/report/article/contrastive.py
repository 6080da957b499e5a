"""Contrastive learning: accuracies against the batch, and the gaps beside those that SimCLR's authors published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from repro.claims.evidence import Observation
from repro.report import markdown
from repro.report.exhibit import Exhibit
from repro.report.figure import Figure, Line, Panel
from repro.report.results import Place, Results
from repro.report.seeds import curves, sentence
from repro.report.summary import NOTHING, number, summary
from repro.studies.article.contrastive import LENGTHS, row
from repro.studies.article.setting import WAYS

_AXES = {
    "probe-accuracy": "linear probe, percent",
    "knn-accuracy": "20 nearest neighbours, percent",
    "contrastive-accuracy": "other view found, percent",
}
_PUBLISHED = ("SimCLR Table B.1, 100 epochs", "SimCLR Table B.1, 800 epochs")
_EPOCHS = {"short": "few epochs", "long": "many epochs"}


def figure(results: Results) -> Exhibit:
    """Three accuracies of the encoder against the batch, at few and at many epochs."""
    used: list[Observation] = []
    figures = []
    for place in results.places:
        found = {(length, q): _curves(results, place, length, q) for q in _AXES for length in LENGTHS}
        every = [each for arms in found.values() for each in chain(*arms.values())]
        used += every
        if every:
            panels = [[_panel(length, q, found[length, q]) for length in LENGTHS] for q in _AXES]
            words = f"{place.network} on {place.dataset}: {sentence(found['short', 'probe-accuracy'])}."
            figures.append((Figure(f"{results.profile}-{place.network}-contrastive", panels), words))
    return Exhibit("Contrastive: accuracy against the batch", used, figures=figures)


def table(results: Results) -> Exhibit:
    """What the large batch gains, by epochs, rule and loss; below it SimCLR's own table."""
    used: list[Observation] = []
    rows: list[Sequence[str]] = []
    for place in results.places:
        for length in LENGTHS:
            for way in WAYS:
                small, large = (
                    results.select(place, "A5", "probe-accuracy", arm, row(length, way)) for arm in ("small", "large")
                )
                used += [*small, *large]
                if small or large:
                    rows.append((*place, _EPOCHS[length], way, *_gain(small, large), summary([*small, *large]).counts))
    head = (
        "network",
        "data set",
        "epochs",
        "rule or loss",
        "small batch",
        "large batch",
        "gain",
        "n, failed, diverged",
    )
    text = f"Linear probe, percent, mean ± SD over seeds.\n\n{markdown.table(head, [*rows, *_published(results)])}"
    return Exhibit("Gains: what the large batch adds", used, text)


def _curves(results: Results, place: Place, length: str, quantity: str) -> dict[str, list[Observation]]:
    rows = {way: results.select(place, "A5", quantity, variant=row(length, way)) for way in WAYS}
    return {way: [each for each in found if each.x is not None or each.status != "ok"] for way, found in rows.items()}


def _panel(length: str, quantity: str, found: dict[str, list[Observation]]) -> Panel:
    lines = [Line(way, way, curves(points)) for way, points in found.items()]
    batches = sorted({x for line in lines for points in line.seeds.values() for x, _ in points})
    return Panel(_EPOCHS[length], "batch size, examples", _AXES[quantity], lines, log_x=True, ticks=batches, share=True)


def _gain(small: Sequence[Observation], large: Sequence[Observation]) -> tuple[str, str, str]:
    """Both accuracies, and the mean difference of the seeds that have both."""
    values = [{each.seed: each.value for each in arm if each.status == "ok"} for arm in (small, large)]
    gains = [values[1][seed] - values[0][seed] for seed in values[0] if seed in values[1]]
    mean = number(sum(gains) / len(gains)) if gains else NOTHING
    return summary(small).mean, summary(large).mean, mean


def _published(results: Results) -> Iterator[Sequence[str]]:
    """Batches 256 and 8192 of the published table."""
    for source in _PUBLISHED:
        for way in ("linear", "sqrt"):
            cells = [results.paper.cite(f"{source}/{batch} {way}", "ResNet50") for batch in (256, 8192)]
            small, large = (cell.numbers[0] for cell in cells)
            yield "ResNet50", "ImageNet", source, way, number(small), number(large), number(large - small), "1"
