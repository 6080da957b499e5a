"""Claims about cures for the large batch, and about other optimisers (appendix E, section 2.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from repro.runs.worker import RunRequest
from repro.studies import reading
from repro.studies.keskar2017.setting import Setting
from repro.studies.minimum import SHORT, SharpnessAt
from repro.studies.study import Sample
from repro.train.objectives import Adversarial, Proximal
from repro.train.spec import OptimizerName, RunSpec


def augmentation(setting: Setting) -> Iterator[Sample]:
    """K11: both arms on augmented inputs (E.1)."""
    for seed in setting.seeds:
        small, large = (replace(setting.minimum(arm, seed), augmentation=setting.augmentation) for arm in ("SB", "LB"))
        yield _accuracy("K11", "SB-aug", seed, small)
        yield _accuracy("K11", "LB-aug", seed, large)
        yield _sharpness(setting, "K11", "LB-aug", seed, large)
        yield _sharpness(setting, "K11", "SB", seed, setting.minimum("SB", seed))


def conservative_training(setting: Setting) -> Iterator[Sample]:
    """K12: the large batch with the proximal sub-problem (E.2)."""
    yield from _remedied(setting, "K12", "LB-cons", Proximal(), against="SB")


def adversarial_training(setting: Setting) -> Iterator[Sample]:
    """K13: the large batch with fast-gradient-sign training (E.3)."""
    yield from _remedied(setting, "K13", "LB-adv", Adversarial(), against="LB")


def other_optimisers(setting: Setting) -> Iterator[Sample]:
    """K15: the large batch with SGD and with AdaGrad, against the small one with ADAM."""
    optimisers: tuple[tuple[OptimizerName, str], ...] = (("sgd", ""), ("adagrad", "adagrad"))
    for seed in setting.seeds:
        small = setting.minimum("SB", seed)
        for name, variant in optimisers:
            large = setting.minimum("LB", seed, optimizer=name)
            sharp = f"{variant} sharpness".strip()
            for arm, spec in ((f"LB-{name}", large), ("SB", small)):
                yield _accuracy("K15", arm, seed, spec, variant)
                yield _sharpness(setting, "K15", arm, seed, spec, sharp)


def _remedied(setting: Setting, claim: str, arm: str, objective: Any, against: str) -> Iterator[Sample]:
    for seed in setting.seeds:
        large = setting.minimum("LB", seed)
        remedied = replace(large, objective=objective)
        yield _accuracy(claim, arm, seed, remedied)
        yield _accuracy(claim, "LB", seed, large)
        yield _sharpness(setting, claim, arm, seed, remedied)
        yield _sharpness(setting, claim, against, seed, setting.minimum(against, seed))


def _accuracy(claim: str, arm: str, seed: int, spec: RunSpec, variant: str = "") -> Sample:
    return Sample(claim, arm, seed, "test-accuracy", (RunRequest(spec),), reading.test_accuracy, variant)


def _sharpness(setting: Setting, claim: str, arm: str, seed: int, spec: RunSpec, variant: str = "sharpness") -> Sample:
    needs = (SharpnessAt(spec, measured=setting.measured, **SHORT),)
    return Sample(claim, arm, seed, "sharpness", needs, reading.sharpness, variant)
