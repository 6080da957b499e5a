"""Studies of schedules under SGD: what their settings share, and how they are compared at their ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from repro.runs.worker import RunRequest
from repro.studies import reading
from repro.studies.setting import NetworkSetting
from repro.studies.study import Sample
from repro.train.regime import Regime, constant, stepped
from repro.train.spec import AugmentationName, OptimizerName, RunSpec


@dataclass(frozen=True, kw_only=True)
class SgdSetting(NetworkSetting):
    """One network of such a study in one profile.

    Attributes:
        model: name in `repro.nets`; empty where it is that of the network.
        augmentation: of the training inputs.
        epochs: of the base regime.
        drops: epochs at which the learning rate changes: it is multiplied by `drop`, or becomes the next of `rates`.
        rate, drop, momentum, clip, weight_decay: of SGD; clip is the largest norm of the gradient.
        rates: learning rates after each of the drops, where they are not multiples of one another; they may rise.
    """

    model: str = ""
    augmentation: AugmentationName = "none"
    epochs: int
    drops: tuple[int, ...]
    rate: float = 0.1
    drop: float = 0.1
    rates: tuple[float, ...] = ()
    momentum: float = 0.9
    clip: float | None = None
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        if list(self.drops) != sorted(set(self.drops)) or not all(0 < drop < self.epochs for drop in self.drops):
            raise ValueError(f"drops={list(self.drops)} must rise and lie between 0 and epochs={self.epochs}.")
        if len(self.rates) not in (0, len(self.drops)):
            raise ValueError(f"rates={list(self.rates)} must be as many as drops={list(self.drops)}, or none.")

    def base(self, batch: int) -> Regime:
        """The base regime at a batch size."""
        later = self.rates or [self.rate * self.drop**k for k in range(1, len(self.drops) + 1)]
        rates = {0: self.rate} | dict(zip(self.drops, later, strict=True))
        return stepped(self.epochs, batch, rates, self.momentum, self.clip)

    def steady(self, batch: int, epochs: int) -> Regime:
        """The base regime's first rate at a batch size, to the end."""
        return constant(epochs, batch, self.rate, self.momentum, self.clip)

    def run(self, regime: Regime, seed: int, optimizer: OptimizerName = "sgd") -> RunRequest:
        """A run; all runs of a seed start from the same weights."""
        spec = RunSpec(
            self.model or self.network,
            self.dataset,
            regime,
            optimizer=optimizer,
            augmentation=self.augmentation,
            seed=seed,
            weight_decay=self.weight_decay,
        )
        return RunRequest(spec)

    def run_of(self, name: str, seed: int) -> RunRequest:
        """The run of a named regime."""
        return self.run(self.regimes[name], seed)


def finals(
    setting: SgdSetting,
    claim: str,
    metric: str,
    arms: Sequence[str],
    row: str = "",
    renamed: Mapping[str, str] = {},
) -> Iterator[Sample]:
    """A metric after the last epoch, of every arm, seed by seed; accuracies in percent, losses in nats.

    Args:
        setting: whose seeds and regimes.
        claim, row: that the samples belong to.
        metric: `test_accuracy`, `test_loss` or the like of the training set.
        arms: each has the name of its regime, where `renamed` does not name another.
        renamed: by arm, the regimes of another name.
    """
    quantity, read = metric.replace("_", "-"), reading.final_metric(metric)
    for seed in setting.seeds:
        for arm in arms:
            run = setting.run_of(renamed.get(arm, arm), seed)
            yield Sample(claim, arm, seed, quantity, (run,), read, row)
