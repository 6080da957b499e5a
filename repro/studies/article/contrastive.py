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
                needs, read = _pair(setting, length, "linear", seed), partial(_difference, _accuracy(metric))
                yield Sample("A6", length, seed, "batch-gap", needs, read, variant)


def what_closes_it(setting: Contrastive) -> Iterator[Sample]:
    """A7: what is left of the gap at few epochs under the root rule, and under the decoupled loss."""
    for seed in setting.seeds:
        for way, variant in (("sqrt", ""), ("dcl", "dcl")):
            yield _gap_left(setting, way, PROBE, seed, variant)
            yield _gap_left(setting, way, KNN, seed, f"{variant} knn".strip())


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


def _gap_left(setting: Contrastive, way: str, metric: str, seed: int, variant: str) -> Sample:
    """The size of the gap under `way` less half the gap under the linear rule, points."""
    needs = _pair(setting, "short", way, seed) + _pair(setting, "short", "linear", seed)
    return Sample("A7", "", seed, "gap-left", needs, partial(_left, _accuracy(metric)), variant)


def _left(read: Callable[[dict[str, Any]], Reading], *encoders: dict[str, Any]) -> Reading:
    left, gap = _difference(read, *encoders[:2]), _difference(read, *encoders[2:])
    return reading.together([left, gap], lambda values: abs(values[0]) - values[1] / 2)


def _pair(setting: Contrastive, length: str, way: str, seed: int) -> tuple[RepresentationAt, ...]:
    """Encoders of the large batch and of the small one."""
    return tuple(_encoder(setting, batch, length, way, seed) for batch in (setting.large, setting.small))


def _encoder(setting: Contrastive, batch: int, length: str, way: str, seed: int) -> RepresentationAt:
    return RepresentationAt(setting.run(batch, getattr(setting, length), way, seed).spec)


def _accuracy(metric: str) -> Callable[[dict[str, Any]], Reading]:
    return lambda content: Reading(reading.percent(content, metric))


def _difference(read: Callable[[dict[str, Any]], Reading], large: dict[str, Any], small: dict[str, Any]) -> Reading:
    """The large batch's accuracy minus the small one's, points."""
    return reading.together([read(large), read(small)], lambda values: values[0] - values[1])
