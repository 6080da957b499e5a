"""Contrastive learning: whether larger batches help, at how many epochs, and what else does what they do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from repro.studies import reading
from repro.studies.article.representation import RepresentationAt
from repro.studies.article.setting import WAYS, Contrastive
from repro.studies.study import Reading, Sample

PROBE, KNN = "probe_accuracy", "knn_accuracy"
METRICS = (PROBE, KNN, "contrastive_accuracy")
"""What is measured of every encoder, in percent of the test set."""
LENGTHS = ("short", "long")


def row(length: str, way: str) -> str:
    """The row of A5 for a way to learn at few or many epochs; the primary one for `short` and `linear`."""
    return " ".join(word for word in (length, way) if word not in ("short", "linear"))


def few_epochs(setting: Contrastive) -> Iterator[Sample]:
    """A5: accuracy of the large batch against the small one at few epochs, and against every batch for the figure."""
    for length in LENGTHS:
        for way in WAYS:
            yield from _arms(setting, length, way, PROBE, row(length, way))
            for metric in METRICS:
                yield from _curve(setting, length, way, metric)
    yield from _arms(setting, "short", "linear", KNN, "knn")


def more_epochs(setting: Contrastive) -> Iterator[Sample]:
    """A6: what the large batch gains at many epochs against what it gains at few."""
    for metric, variant in ((PROBE, ""), (KNN, "knn")):
        for seed in setting.seeds:
            for length in LENGTHS:
                yield _gap(setting, "A6", length, "linear", metric, seed, variant, arm=length)


def what_closes_it(setting: Contrastive) -> Iterator[Sample]:
    """A7: what the large batch still gains at few epochs under the root rule, and under the decoupled loss."""
    for seed in setting.seeds:
        for way, variant in (("sqrt", ""), ("dcl", "dcl")):
            yield _gap(setting, "A7", "short", way, PROBE, seed, variant)
            yield _gap(setting, "A7", "short", way, KNN, seed, f"{variant} knn".strip())


def _arms(setting: Contrastive, length: str, way: str, metric: str, variant: str) -> Iterator[Sample]:
    for seed in setting.seeds:
        for arm in ("large", "small"):
            needs = (_encoder(setting, getattr(setting, arm), length, way, seed),)
            yield Sample("A5", arm, seed, metric.replace("_", "-"), needs, _accuracy(metric), variant)


def _curve(setting: Contrastive, length: str, way: str, metric: str) -> Iterator[Sample]:
    for seed in setting.seeds:
        for batch in setting.batches:
            needs = (_encoder(setting, batch, length, way, seed),)
            quantity, variant = metric.replace("_", "-"), row(length, way)
            yield Sample("A5", "", seed, quantity, needs, _accuracy(metric), variant, x=float(batch))


def _gap(
    setting: Contrastive, claim: str, length: str, way: str, metric: str, seed: int, variant: str, arm: str = ""
) -> Sample:
    """The large batch's accuracy minus the small one's, points."""
    needs = tuple(_encoder(setting, batch, length, way, seed) for batch in (setting.large, setting.small))
    return Sample(claim, arm, seed, "batch-gap", needs, partial(_difference, _accuracy(metric)), variant)


def _encoder(setting: Contrastive, batch: int, length: str, way: str, seed: int) -> RepresentationAt:
    return RepresentationAt(setting.run(batch, getattr(setting, length), way, seed).spec)


def _accuracy(metric: str) -> Callable[[dict[str, Any]], Reading]:
    return lambda content: Reading(reading.percent(content, metric))


def _difference(read: Callable[[dict[str, Any]], Reading], large: dict[str, Any], small: dict[str, Any]) -> Reading:
    return reading.together([read(large), read(small)], lambda values: values[0] - values[1])
