"""Claims about training: the batch sweep, the warm start, sharpness along the way (Figs. 4, 5 and 6)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from repro.runs.worker import RunRequest
from repro.studies import reading
from repro.studies.keskar2017.setting import Setting
from repro.studies.minimum import SHORT, SharpnessAt
from repro.studies.study import Reading, RunRecord, Sample
from repro.train.spec import RunSpec, Start

THRESHOLDS = {"F": 15_000 / 721_329, "C": 500 / 50_000}
"""Fig. 4: the batch beyond which accuracy drops, as a fraction of the training set, for F2 and C1."""


def batch_sweep(setting: Setting) -> Iterator[Sample]:
    """K7: accuracy and sharpness against the batch size (Fig. 4)."""
    batches = setting.sweep_batches
    threshold = THRESHOLDS[setting.network[0]] * setting.examples
    for seed in setting.seeds:
        runs = [RunRequest(setting.fixed(batch, setting.sweep_epochs, seed)) for batch in batches]
        sharp = [_short(setting, run.spec) for run in runs]
        accuracies = reading.each_at(batches, reading.test_accuracy)
        sharpnesses = reading.each_at(batches, reading.sharpness)
        yield Sample("K7", "", seed, "test-accuracy", tuple(runs), accuracies)
        yield Sample("K7", "", seed, "sharpness", tuple(sharp), sharpnesses, "sharpness")
        yield Sample("K7", "", seed, "accuracy-trend", tuple(runs), reading.accuracy_trend(batches))
        yield Sample("K7", "", seed, "sharpness-trend", tuple(sharp), _sharpness_trend(batches), "sharpness")
        for arm in ("above", "below"):
            chosen = [run for run, batch in zip(runs, batches, strict=True) if (batch > threshold) == (arm == "above")]
            if chosen:
                yield Sample("K7", arm, seed, "test-accuracy", tuple(chosen), _mean_accuracy, "threshold")


def warm_start(setting: Setting) -> Iterator[Sample]:
    """K8: the large batch takes over after some epochs of the small one (Fig. 5)."""
    examples = setting.examples
    first, last = setting.warm_epochs[0], setting.warm_epochs[-1]
    for seed in setting.seeds:
        parent = setting.fixed(setting.small_batch, setting.warm_base, seed)
        for epochs in setting.warm_epochs:
            update = parent.regime.updates_until(epochs, examples)
            kept = RunRequest(parent, frozenset({update}))
            child = replace(
                setting.fixed(setting.large_batch, setting.warm_rest, seed), start=Start(parent.key, update)
            )
            run, sharp = RunRequest(child), _short(setting, child)
            at = float(epochs)
            yield Sample("K8", "", seed, "sharpness", (kept, run, sharp), _third, x=at)
            yield Sample("K8", "", seed, "test-accuracy", (kept, run), _second, "accuracy", x=at)
            if epochs in (first, last):
                arm = "early" if epochs == first else "late"
                yield Sample("K8", arm, seed, "sharpness", (kept, run, sharp), _third)
                yield Sample("K8", arm, seed, "test-accuracy", (kept, run), _second, "accuracy")


def sharpness_against_loss(setting: Setting) -> Iterator[Sample]:
    """K9: sharpness and loss at snapshots along both runs (Fig. 6)."""
    for seed in setting.seeds:
        for arm in setting.batches:
            spec, updates = setting.along(arm, seed)
            needs = tuple(_short(setting, spec, update) for update in updates)
            yield Sample("K9", arm, seed, "sharpness", needs, _against_loss)
            yield Sample("K9", arm, seed, "sharpness-slope", needs, _slope)


def _short(setting: Setting, spec: RunSpec, update: int | None = None) -> SharpnessAt:
    return SharpnessAt(spec, update, measured=setting.measured, **SHORT)


def _mean_accuracy(*records: RunRecord) -> Reading:
    accuracies = [reading.test_accuracy(record) for record in records]
    return reading.together(accuracies, lambda values: sum(values) / len(values))


def _sharpness_trend(batches: tuple[int, ...]) -> Callable[..., Reading]:
    return lambda *contents: _sharpness_slope([math.log10(batch) for batch in batches], contents)


def _second(_: RunRecord, child: RunRecord) -> Reading:
    return reading.test_accuracy(child)


def _third(_: RunRecord, __: RunRecord, content: dict[str, Any]) -> Reading:
    return reading.sharpness(content)


def _against_loss(*contents: dict[str, Any]) -> list[Reading]:
    """A point whose loss is not finite has no place on the curve; it makes the slope a failure."""
    placed = [content for content in contents if content["loss"] is not None]
    return [reading.sharpness(content)._replace(x=content["loss"]) for content in placed]


def _slope(*contents: dict[str, Any]) -> Reading:
    losses = [math.nan if content["loss"] is None else content["loss"] for content in contents]
    return _sharpness_slope([-math.log10(loss) for loss in losses], contents)


def _sharpness_slope(xs: list[float], contents: Sequence[dict[str, Any]]) -> Reading:
    """Slope of log10 of φ against `xs`."""
    return reading.together(
        [*map(reading.sharpness, contents)],
        lambda values: reading.slope(xs, [math.log10(value) for value in values]),
    )
