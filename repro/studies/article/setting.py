"""What the article's sections run: each a kind of setting of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from repro.runs.worker import RunRequest
from repro.studies.setting import NetworkSetting
from repro.studies.sgd import SgdSetting
from repro.train import objectives
from repro.train.adapt import scaled, with_learning_rate
from repro.train.regime import Regime, constant
from repro.train.spec import AugmentationName, RunSpec

SMALL, LARGE = 64, (256, 1024)
"""The article's batches."""
RULES: Mapping[str, float] = {"sqrt": 0.5, "linear": 1.0}
"""By which power of the batches' ratio each rule multiplies the learning rate."""
WAYS: Mapping[str, tuple[str, objectives.ContrastiveLoss]] = {
    "linear": ("linear", "nt-xent"),
    "sqrt": ("sqrt", "nt-xent"),
    "dcl": ("linear", "dcl"),
}
"""Rule and loss of each way to learn by contrast."""


@dataclass(frozen=True, kw_only=True)
class Tuned(SgdSetting):
    """Batches at one constant learning rate, and at the rates of a grid.

    Attributes:
        grid: factors of the learning rate among which every batch's is tuned.
    """

    drops: tuple[int, ...] = ()
    rate: float = 0.01
    grid: tuple[float, ...] = (1.0, 4.0, 16.0)

    def tried(self, batch: int) -> list[Regime]:
        """The regimes of the grid at one batch."""
        return [with_learning_rate(self.base(batch), factor) for factor in self.grid]


@dataclass(frozen=True, kw_only=True)
class Training(Tuned):
    """Training performance: one network at batch 64, 256 and 1024.

    Attributes:
        switch: epochs at the largest batch before the switch to the smallest.
    """

    epochs: int = 30
    momentum: float = 0.0
    grid: tuple[float, ...] = (1.0, 4.0, 16.0, 64.0)
    switch: int = 10

    @property
    def regimes(self) -> Mapping[str, Regime]:
        """Every batch at one rate, the larger ones at adjusted rates, and the run that switches."""
        base = self.base(SMALL)
        fixed = {str(batch): self.base(batch) for batch in (SMALL, *LARGE)}
        adjusted = {f"{batch} {rule}": scaled(base, batch, power) for batch in LARGE for rule, power in RULES.items()}
        return {**fixed, **adjusted, "switched": self._switched}

    @property
    def _switched(self) -> Regime:
        """The largest batch first, then the smallest, for as many epochs together as every other regime."""
        large = self.steady(LARGE[-1], self.switch)
        small = self.steady(SMALL, self.epochs - self.switch)
        return Regime((*large.phases, *small.phases))


@dataclass(frozen=True, kw_only=True)
class Cost(Tuned):
    """Cost: what a batch takes in training and in prediction, and what an accuracy takes.

    Attributes:
        sweep: batches that are trained until `useful`; the article's are among them.
        useful: percent of the test set classified correctly that is a first useful accuracy.
        updates: batches whose updates are timed.
        predictions: batches whose predictions are timed.
        requests, requests_a_second, deadline: of the queue, see `repro.studies.article.serving.QueueOver`.
    """

    epochs: int = 10
    sweep: tuple[int, ...] = (SMALL, 128, 256, 512, 1024)
    useful: float = 90.0
    updates: tuple[int, ...] = (4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)
    predictions: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
    requests: int = 2000
    requests_a_second: float = 400.0
    deadline: float = 0.010

    @property
    def regimes(self) -> Mapping[str, Regime]:
        """Every batch of the sweep at one rate; the grid multiplies it."""
        return {str(batch): self.base(batch) for batch in self.sweep}

    def first(self, seed: int) -> RunRequest:
        """The run of the article's small batch at the first rate, beside which what is timed of a seed is kept."""
        return self.run(self.tried(SMALL)[0], seed)


@dataclass(frozen=True, kw_only=True)
class Contrastive(NetworkSetting):
    """Contrastive learning: an encoder trained without labels, by batch, epochs, rule of the learning rate and loss.

    Attributes:
        small, large: the batches that are compared.
        between: further ones, for the curves.
        short, long: epochs.
        rate: learning rate of the large batch, from which the rules go down.
        momentum: of SGD.
        temperature: of the loss.
        augmentation: of which every image has two draws.
    """

    seeds: tuple[int, ...] = (0, 1, 2)
    small: int = 32
    large: int = 256
    between: tuple[int, ...] = ()
    short: int = 5
    long: int = 20
    rate: float = 0.1
    momentum: float = 0.9
    temperature: float = 0.5
    augmentation: AugmentationName = "move-erase"

    @property
    def batches(self) -> tuple[int, ...]:
        """Every batch, in order."""
        return (self.small, *self.between, self.large)

    @property
    def regimes(self) -> Mapping[str, Regime]:
        """Every batch under both rules for the longer training."""
        return {f"{batch} {rule}": self.regime(batch, self.long, rule) for batch in self.batches for rule in RULES}

    def regime(self, batch: int, epochs: int, rule: str) -> Regime:
        """A batch whose learning rate a rule derives from that of the large one."""
        return scaled(constant(epochs, self.large, self.rate, self.momentum), batch, RULES[rule])

    def run(self, batch: int, epochs: int, way: str, seed: int) -> RunRequest:
        """A run in one of the `WAYS`; all runs of a seed start from the same weights."""
        rule, loss = WAYS[way]
        spec = RunSpec(
            self.network,
            self.dataset,
            self.regime(batch, epochs, rule),
            optimizer="sgd",
            objective=objectives.Contrastive(loss, self.temperature),
            augmentation=self.augmentation,
            seed=seed,
        )
        return RunRequest(spec)
