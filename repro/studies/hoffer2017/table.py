"""Claims about final accuracy: the five columns, and what is tried beside them (Table 1, Figs. 1 and 3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from repro.studies import reading
from repro.studies.curvature import SpectrumAt
from repro.studies.hoffer2017.setting import Setting
from repro.studies.minimum import SHORT, SharpnessAt
from repro.studies.sgd import finals
from repro.studies.study import Reading, RunRecord, Sample
from repro.train.adapt import with_batch, with_learning_rate


def gap_grows(setting: Setting) -> Iterator[Sample]:
    """H1: the large batch alone against the small one, and the trend over all batches of Fig. 1."""
    yield from finals(setting, "H1", "test_accuracy", ("LB", "SB"))
    batches = sorted({setting.small_batch, *setting.sweep_batches, setting.large_batch})
    for seed in setting.seeds:
        runs = tuple(setting.run(with_batch(setting.small, batch), seed) for batch in batches)
        yield Sample("H1", "", seed, "accuracy-trend", runs, reading.accuracy_trend(batches), "trend")
        yield Sample("H1", "", seed, "test-accuracy", runs, reading.each_at(batches, reading.test_accuracy), "trend")


def learning_rate(setting: Setting) -> Iterator[Sample]:
    """H3: a larger learning rate recovers part of the gap."""
    yield from finals(setting, "H3", "test_accuracy", ("+LR", "LB"))


def ghost_batchnorm(setting: Setting) -> Iterator[Sample]:
    """H4: ghosts recover more; the variant holds both together against the large batch alone."""
    yield from finals(setting, "H4", "test_accuracy", ("+GBN", "+LR"))
    yield from finals(setting, "H4", "test_accuracy", ("+GBN", "LB"), "together")


def regime_adaptation(setting: Setting) -> Iterator[Sample]:
    """H5: as many updates close the gap; as many to the update; and at least as good, seed by seed."""
    yield from finals(setting, "H5", "test_accuracy", ("+RA", "SB"))
    for seed in setting.seeds:
        needs = tuple(setting.run_of(column, seed) for column in ("+RA", "SB"))
        yield Sample("H5", "", seed, "accuracy-difference", needs, _difference, "at-least")
    matched = replace(setting, seeds=setting.seeds[: setting.matched_seeds])
    yield from finals(matched, "H5", "test_accuracy", ("+RA", "SB"), "equal-updates", {"+RA": "equal updates"})


def noise(setting: Setting) -> Iterator[Sample]:
    """H9: multiplicative noise in the place of the larger learning rate."""
    yield from finals(setting, "H9", "test_accuracy", ("noise", "+LR"))


def momentum_reset(setting: Setting) -> Iterator[Sample]:
    """H11: momentum that begins anew with every epoch, as in the released code."""
    for seed in setting.seeds:
        for arm in ("reset", "LB"):
            yield Sample("H11", arm, seed, "distance", (setting.run_of(arm, seed),), _distance)
    yield from finals(setting, "H11", "test_accuracy", ("reset", "LB"), "accuracy")


def counter_claim(setting: Setting) -> Iterator[Sample]:
    """H12: both sides at the best of a few learning rates, at as many updates (Smith, Elsen and De 2020)."""
    for seed in setting.seeds:
        for column in ("SB", "+RA"):
            regimes = [with_learning_rate(setting.columns[column], factor) for factor in setting.grid]
            runs = tuple(setting.run(regime, seed) for regime in regimes)
            best = reading.best_of_tries(reading.test_accuracy)
            yield Sample("H12", column, seed, "best-accuracy", runs, best, tries=True)


def flatness(setting: Setting) -> Iterator[Sample]:
    """H13: sharpness and the largest eigenvalue where each column ends; the last is judged against the large batch."""
    for seed in setting.seeds:
        for column in setting.columns:
            spec = setting.run_of(column, seed).spec
            sharp = SharpnessAt(spec, measured=setting.measured, **SHORT)
            top = SpectrumAt(spec, top=1, probes=0, measured=setting.measured)
            yield Sample("H13", column, seed, "column-sharpness", (sharp,), reading.sharpness)
            yield Sample("H13", column, seed, "column-hessian-top", (top,), reading.largest_eigenvalue)
            if column in ("+RA", "LB"):
                yield Sample("H13", column, seed, "sharpness", (sharp,), reading.sharpness)
                yield Sample("H13", column, seed, "hessian-top", (top,), reading.largest_eigenvalue, "hessian")


def _difference(adapted: RunRecord, small: RunRecord) -> Reading:
    accuracies = [reading.test_accuracy(record) for record in (adapted, small)]
    return reading.together(accuracies, lambda values: values[0] - values[1])


def _distance(record: RunRecord) -> Reading:
    return Reading(record.distances[-1]["distance"])
