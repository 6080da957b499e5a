"""Training performance: three batches at one learning rate, then at adjusted ones, and the switch between them."""

from __future__ import annotations

from collections.abc import Iterator

from repro.studies import reading
from repro.studies.article.setting import LARGE, RULES, SMALL, Training
from repro.studies.sgd import finals
from repro.studies.study import Reading, Sample


def large_batch_is_worse(setting: Training) -> Iterator[Sample]:
    """A1: validation loss at one learning rate after as many epochs, and the accuracy beside it."""
    yield from finals(setting, "A1", "test_loss", ("1024", "64"))
    yield from finals(setting, "A1", "test_loss", ("256", "64"), "batch=256")
    yield from finals(setting, "A1", "test_accuracy", ("1024", "64"), "accuracy")


def adjusted_rate(setting: Training) -> Iterator[Sample]:
    """A2: the same with the rate adjusted by a rule, and with the rate tuned for every batch."""
    for batch in LARGE:
        for rule in RULES:
            yield from finals(setting, "A2", "test_loss", (f"{batch} {rule}", "64"), _row(batch, rule))
        for arm in (batch, SMALL):
            yield from _tuned(setting, arm, _row(batch, "tuned"))
    yield from finals(setting, "A2", "test_accuracy", ("1024 linear", "64"), "accuracy")


def switched(setting: Training) -> Iterator[Sample]:
    """A8: the large batch first, against the small one throughout, and against the small one's share alone."""
    yield from finals(setting, "A8", "test_loss", ("switched", "64"))
    left = setting.epochs - setting.switch
    yield from finals(setting, "A8", "test_loss", ("switched",), "alone")
    for seed in setting.seeds:
        needs = (setting.run_of("64", seed),)
        yield Sample(
            "A8", "64", seed, "test-loss", needs, lambda run: Reading(run.epochs[left - 1]["test_loss"]), "alone"
        )


def _row(batch: int, rule: str) -> str:
    """The largest batch under the linear rule is the primary row."""
    names = [f"batch={batch}"] * (batch != LARGE[-1]) + [rule] * (rule != "linear")
    return " ".join(names)


def _tuned(setting: Training, batch: int, row: str) -> Iterator[Sample]:
    """The loss at the rate that was best for the other seeds."""
    tried = setting.tried(batch)
    needs = tuple(setting.run(regime, seed) for regime in tried for seed in setting.seeds)
    for own, seed in enumerate(setting.seeds):
        read = reading.best_for_others(own, len(tried), reading.final_metric("test_loss"))
        yield Sample("A2", f"{batch} tuned", seed, "test-loss", needs, read, row, tries=True)
