"""What a study of Smith et al. 2018 runs: a decaying learning rate, and the schedules it is traded for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from repro.runs.worker import RunRequest
from repro.train.adapt import increased, scaled, with_ghosts, with_momentum
from repro.train.regime import Regime, constant, stepped
from repro.train.spec import AugmentationName, OptimizerName, RunSpec

_ADAM_RATE = 1e-3


@dataclass(frozen=True)
class Setting:
    """One network of the study in one profile.

    Attributes:
        profile, network, dataset: what the rows of evidence are filed under.
        epochs: of every schedule.
        drops: epochs at which the learning rate is multiplied by `drop`, or the batch divided by it.
        largest: B_max, where the batch stops growing.
        past: a B_max far beyond a tenth of the training set (claim S7).
        claims: the claims that this profile runs for this network.
        batch, rate, momentum: of the decaying schedule's first phase.
        faster: factor of the increased initial learning rate.
        high_momentum: the increased one.
        optimizers: further ones, under which decay and increase are compared.
        seeds: one set of schedules each.
        augmentation, weight_decay: of every run.
    """

    profile: str
    network: str
    dataset: str
    epochs: int
    drops: tuple[int, ...]
    largest: int
    past: int
    claims: tuple[str, ...]
    batch: int = 128
    rate: float = 0.1
    drop: float = 0.2
    momentum: float = 0.9
    faster: float = 5.0
    high_momentum: float = 0.98
    optimizers: tuple[OptimizerName, ...] = ("sgd", "nesterov", "adam")
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    augmentation: AugmentationName = "none"
    weight_decay: float = 5e-4

    @property
    def decay(self) -> Regime:
        """The learning rate falls at the drops."""
        rates = {0: self.rate} | {epoch: self.rate * self.drop**k for k, epoch in enumerate(self.drops, start=1)}
        return self._with_ghosts(stepped(self.epochs, self.batch, rates, self.momentum))

    @property
    def regimes(self) -> Mapping[str, Regime]:
        """Every schedule by name; all but `constant` and `past` have one noise scale in every epoch."""
        larger = scaled(self.decay, round(self.batch * self.faster), 1.0)
        return {
            "decay": self.decay,
            "hybrid": self._hybrid,
            "increase": increased(self.decay, self.largest),
            "rate": increased(larger, self.largest),
            "momentum": increased(with_momentum(larger, self.high_momentum), self.largest),
            "constant": self._with_ghosts(constant(self.epochs, self.batch, self.rate, self.momentum)),
            "past": increased(self.decay, self.past),
        }

    def under(self, optimizer: OptimizerName, schedule: str) -> Regime:
        """A schedule for another optimiser: SGD without momentum has the rate that keeps the noise scale."""
        regime = self.regimes[schedule]
        if optimizer == "sgd":
            return regime.each(lambda p: replace(p, momentum=0.0, learning_rate=p.learning_rate / (1 - p.momentum)))
        factor = _ADAM_RATE / self.rate if optimizer == "adam" else 1.0
        return regime.each(lambda p: replace(p, learning_rate=p.learning_rate * factor))

    def run(self, regime: Regime, seed: int, optimizer: OptimizerName = "sgd") -> RunRequest:
        """A run; all runs of a seed start from the same weights."""
        spec = RunSpec(
            self.network,
            self.dataset,
            regime,
            optimizer=optimizer,
            augmentation=self.augmentation,
            seed=seed,
            weight_decay=self.weight_decay,
        )
        return RunRequest(spec)

    @property
    def _hybrid(self) -> Regime:
        """The batch grows at the first drop alone; after it the learning rate falls."""
        first, *rest = self.decay.phases
        batch = round(first.batch / self.drop)
        return Regime((first, *(replace(p, batch=batch, learning_rate=p.learning_rate / self.drop) for p in rest)))

    def _with_ghosts(self, regime: Regime) -> Regime:
        """BatchNorm over as many examples in every phase, so that its noise does not change with the batch."""
        return with_ghosts(regime, self.batch)
