"""Claims about the way between the two minima (Figs. 3 and 7), and the control in random directions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

from repro.measure.landscape import BatchNormRule
from repro.measure.paths import PathProfile, grid, rise
from repro.studies.between import DirectionFrom, PathBetween
from repro.studies.keskar2017.setting import Setting
from repro.studies.study import Reading, Sample

STEP = 0.25
"""How far from an end the loss is looked at, in α."""
_ENDS = {"SB": 0.0, "LB": 1.0}


def linear(setting: Setting) -> Iterator[Sample]:
    """K5: on the line through both minima, the loss around each."""
    yield from _path(setting, "K5", "linear")
    for arm, seed, run in setting.minima():
        if setting.varies(seed):
            line = DirectionFrom(run.spec, seed=seed, measured=setting.measured)
            needs, read = (line,), _rise("train", 0.0)
            yield Sample("K5", arm, seed, "direction-rise", needs, read, "filter-normalised")


def curvilinear(setting: Setting) -> Iterator[Sample]:
    """K6: on the curved path through both minima, continued beyond them, the loss around each."""
    yield from _path(setting, "K6", "curvilinear", grid(-STEP, 1 + STEP, 37))


def _path(
    setting: Setting, claim: str, kind: Literal["linear", "curvilinear"], alphas: tuple[float, ...] = ()
) -> Iterator[Sample]:
    for seed in setting.seeds:
        small, large = (setting.minimum(arm, seed) for arm in ("SB", "LB"))

        def between(rule: BatchNormRule, small: Any = small, large: Any = large) -> PathBetween:
            statistics = setting.path_statistics if rule == "recomputed" else 0
            return PathBetween(small, large, kind, alphas, rule, setting.measured, statistics)

        needs = (between("recomputed"),)
        for split in ("train", "test"):
            for metric in ("loss", "accuracy"):
                yield Sample(claim, "", seed, f"{split}-{metric}", needs, _curve(split, metric))
        for arm, end in _ENDS.items():
            yield Sample(claim, arm, seed, "path-rise", needs, _rise("train", end))
            if claim == "K5":
                yield Sample(claim, arm, seed, "test-path-rise", needs, _rise("test", end), "test-loss")
            if setting.varies(seed):
                batch = (between("batch"),)
                yield Sample(claim, arm, seed, "path-rise", batch, _rise("train", end), "batchnorm=batch")


def _curve(split: str, metric: str) -> Callable[[dict[str, Any]], Sequence[Reading]]:
    scale = 100 if metric == "accuracy" else 1

    def read(content: dict[str, Any]) -> Sequence[Reading]:
        found = content[split]
        return [Reading(scale * value, x) for x, value in zip(found["alpha"], found[metric], strict=True)]

    return read


def _rise(split: str, end: float) -> Callable[[dict[str, Any]], Reading]:
    def read(content: dict[str, Any]) -> Reading:
        found = content[split]
        alpha, loss, accuracy = (tuple(found[name]) for name in ("alpha", "loss", "accuracy"))
        return Reading(rise(PathProfile(alpha, loss, accuracy, found["cost"]), end, STEP), cost=found["cost"])

    return read
