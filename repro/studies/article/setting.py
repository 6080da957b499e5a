"""What the article's sections run: each a kind of setting of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from repro.runs.worker import RunRequest
from repro.studies.sgd import SgdSetting
from repro.train.adapt import scaled, with_batch, with_learning_rate
from repro.train.regime import Regime, constant

SMALL, LARGE = 64, (256, 1024)
"""The article's batches."""
RULES: Mapping[str, float] = {"sqrt": 0.5, "linear": 1.0}
"""By which power of the batches' ratio each rule multiplies the learning rate."""


@dataclass(frozen=True, kw_only=True)
class Training(SgdSetting):
    """Training performance: one network at batch 64, 256 and 1024.

    Attributes:
        grid: factors of the learning rate among which every batch's is tuned.
        switch: epochs at the largest batch before the switch to the smallest.
    """

    epochs: int = 30
    drops: tuple[int, ...] = ()
    rate: float = 0.01
    momentum: float = 0.0
    grid: tuple[float, ...] = (1.0, 4.0, 16.0, 64.0)
    switch: int = 10

    @property
    def regimes(self) -> Mapping[str, Regime]:
        """Every batch at one rate, the larger ones at adjusted rates, and the run that switches."""
        base = self.base(SMALL)
        fixed = {str(batch): with_batch(base, batch) for batch in (SMALL, *LARGE)}
        adjusted = {f"{batch} {rule}": scaled(base, batch, power) for batch in LARGE for rule, power in RULES.items()}
        return {**fixed, **adjusted, "switched": self._switched}

    def tried(self, batch: int) -> list[Regime]:
        """The regimes of the grid at one batch."""
        regime = with_batch(self.base(SMALL), batch)
        return [with_learning_rate(regime, factor) for factor in self.grid]

    @property
    def _switched(self) -> Regime:
        """The largest batch first, then the smallest, for as many epochs together as every other regime."""
        large = constant(self.switch, LARGE[-1], self.rate, self.momentum)
        small = constant(self.epochs - self.switch, SMALL, self.rate, self.momentum)
        return Regime((*large.phases, *small.phases))


@dataclass(frozen=True, kw_only=True)
class Cost(SgdSetting):
    """Cost: what a batch takes in training and in prediction, and what an accuracy takes.

    Attributes:
        sweep: batches that are trained until `useful`; the article's are among them.
        grid: factors of the learning rate among which every batch's is tuned.
        useful: percent of the test set classified correctly that is a first useful accuracy.
        updates: batches whose updates are timed.
        predictions: batches whose predictions are timed.
        requests, requests_a_second, deadline: of the queue, see `repro.studies.article.serving.QueueOver`.
    """

    epochs: int = 10
    drops: tuple[int, ...] = ()
    rate: float = 0.01
    sweep: tuple[int, ...] = (SMALL, 128, 256, 512, 1024)
    grid: tuple[float, ...] = (1.0, 4.0, 16.0)
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

    def tried(self, batch: int) -> list[Regime]:
        """The regimes of the grid at one batch."""
        return [with_learning_rate(self.base(batch), factor) for factor in self.grid]
