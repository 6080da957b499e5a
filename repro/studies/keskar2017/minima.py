"""Claims about pairs of minima: accuracy, sharpness, distance (Tables 2, 3 and 4, Fig. 2, section 2.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from repro.runs.worker import RunRequest
from repro.studies import reading
from repro.studies.keskar2017.setting import Setting
from repro.studies.minimum import SHORT, EvaluationAt, ManifoldSharpnessAt, SharesAt, SharpnessAt
from repro.studies.study import Reading, Sample


def generalisation_gap(setting: Setting) -> Iterator[Sample]:
    """K1: final test accuracy, and with it what Table 2 and a check of the minima need."""
    for arm, seed, run in setting.minima():
        yield Sample("K1", arm, seed, "test-accuracy", (run,), reading.test_accuracy)
        yield Sample("K1", arm, seed, "best-test-accuracy", (run,), reading.best_test_accuracy, "best-epoch")
        for metric in ("loss", "accuracy"):
            yield Sample("K1", arm, seed, f"train-{metric}", (EvaluationAt(run.spec),), _train(metric))
    for variant, arm, seed, run in _varied(setting):
        yield Sample("K1", arm, seed, "test-accuracy", (run,), reading.test_accuracy, variant)


def no_overfitting(setting: Setting) -> Iterator[Sample]:
    """K2: how far test accuracy has fallen from its peak at the end of large-batch training."""
    for arm, seed, run in setting.minima():
        if arm == "LB":
            yield Sample("K2", "", seed, "peak-drop", (run,), reading.peak_drop)


def sharpness_in_full_space(setting: Setting) -> Iterator[Sample]:
    """K3: Metric 2.1 with A = I, searched and as published, and the choices it may hang on."""
    for arm, seed, run in setting.minima():
        at = SharpnessAt(run.spec, measured=setting.measured)
        for variant, changes in _full_space(setting, seed).items():
            quantity = "adaptive-sharpness" if variant == "adaptive" else "sharpness"
            yield Sample("K3", arm, seed, quantity, (replace(at, **changes),), reading.sharpness, variant)
    for variant, arm, seed, run in _varied(setting):
        at = SharpnessAt(run.spec, measured=setting.measured, **SHORT)
        yield Sample("K3", arm, seed, "sharpness", (at,), reading.sharpness, variant)


def sharpness_in_a_random_subspace(setting: Setting) -> Iterator[Sample]:
    """K4: Metric 2.1 on the columns of a random matrix, the same for both arms of a seed."""
    for arm, seed, run in setting.minima():
        at = ManifoldSharpnessAt(run.spec, measured=setting.measured)
        for variant, changes in (_RULES | (_MANIFOLDS if setting.varies(seed) else {})).items():
            needs = (replace(at, **changes),)
            yield Sample("K4", arm, seed, "sharpness", needs, reading.sharpness, variant)


def distance_ratio(setting: Setting) -> Iterator[Sample]:
    """K10: how far the two regimes travel, at equal epochs and at equal updates."""
    for seed in setting.seeds:
        pair = tuple(RunRequest(setting.minimum(arm, seed)) for arm in ("SB", "LB"))
        for variant, read in _RATIOS.items():
            yield Sample("K10", "", seed, "distance-ratio", pair, read, variant)


def few_sharp_directions(setting: Setting) -> Iterator[Sample]:
    """K16: what share of the large batch's sharpness 5 % of the coordinates carry."""
    for seed in setting.seeds:
        shares = SharesAt(setting.minimum("LB", seed), measured=setting.measured)
        for which in ("top", "random"):
            yield Sample("K16", which, seed, "sharpness-share", (shares,), reading.share_of(which))


Changes = Mapping[str, Any]

_RULES: dict[str, Changes] = {
    "": {},
    "published": {"rule": "published"},
    "eps=5e-4": {"eps": 5e-4},
    "eps=5e-4 published": {"eps": 5e-4, "rule": "published"},
}
_CHOICES: dict[str, Changes] = {
    "batchnorm=batch": {"batchnorm": "batch", **SHORT},
    "adaptive": {"box": "adaptive", "eps": 0.02, "budget": SHORT["budget"]},
    "start=random": {"rule": "published", "start": "random"},
}
_MANIFOLDS: dict[str, Changes] = {
    "A=unit-columns": {"entries": "unit-columns", **SHORT},
    "A=uniform": {"entries": "uniform", **SHORT},
}
_RATIOS = {
    "": reading.ratio_at_equal_epochs,
    "farther": reading.ratio_at_equal_epochs,
    "equal-updates": reading.ratio_at_equal_updates,
}


def _full_space(setting: Setting, seed: int) -> dict[str, Changes]:
    check: dict[str, Changes] = {"budget=10x": {"budget": 600}} if setting.checks(seed) else {}
    return _RULES | (_CHOICES if setting.varies(seed) else {}) | check


def _varied(setting: Setting) -> Iterator[tuple[str, str, int, RunRequest]]:
    """Both arms at other learning rates, and in bfloat16: variant, arm, seed and run."""
    for arm, seed, run in setting.minima():
        if setting.varies(seed):
            for rate in setting.rates:
                yield f"rate={rate:g}", arm, seed, RunRequest(setting.minimum(arm, seed, rate=rate))
            yield "precision=bf16", arm, seed, RunRequest(replace(run.spec, precision="bf16"))


def _train(metric: str) -> Callable[[reading.Content], Reading]:
    return lambda content: Reading(reading.percent(content, metric))
