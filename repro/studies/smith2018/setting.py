"""What a study of Smith et al. 2018 runs: a decaying learning rate, and the schedules it is traded for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from repro.studies.sgd import SgdSetting
from repro.train.adapt import increased, scaled, with_ghosts, with_learning_rate, with_momentum
from repro.train.regime import Regime
from repro.train.spec import OptimizerName

_ADAM_RATE = 1e-3


@dataclass(frozen=True, kw_only=True)
class Setting(SgdSetting):
    """One network of the study in one profile; the base regime is that of the decaying learning rate.

    Attributes:
        batch: of the decaying schedule.
        ghost_size: examples normalised together; `None` is as many as that batch has.
        largest: B_max, where the batch stops growing.
        past: a B_max far beyond a tenth of the training set (claim S7).
        faster: factor of the increased initial learning rate.
        high_momentum: the increased one.
        optimizers: further ones, under which decay and increase are compared.
    """

    batch: int = 128
    ghost_size: int | None = None
    largest: int
    past: int
    drop: float = 0.2
    faster: float = 5.0
    high_momentum: float = 0.98
    optimizers: tuple[OptimizerName, ...] = ("sgd", "nesterov", "adam")
    weight_decay: float = 5e-4

    @property
    def ghosts(self) -> int:
        """Examples normalised together in every schedule."""
        return self.ghost_size or self.batch

    @property
    def decay(self) -> Regime:
        """The learning rate falls at the drops."""
        return self._with_ghosts(self.base(self.batch))

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
            "constant": self._with_ghosts(self.steady(self.batch, self.epochs)),
            "past": increased(self.decay, self.past),
        }

    def under(self, optimizer: OptimizerName, schedule: str) -> Regime:
        """A schedule for another optimiser: SGD without momentum has the rate that keeps the noise scale."""
        regime = self.regimes[schedule]
        if optimizer == "sgd":
            return regime.each(lambda p: replace(p, momentum=0.0, learning_rate=p.learning_rate / (1 - p.momentum)))
        return with_learning_rate(regime, _ADAM_RATE / self.rate) if optimizer == "adam" else regime

    @property
    def _hybrid(self) -> Regime:
        """The batch grows at the first drop alone; after it the learning rate falls."""
        first, *rest = self.decay.phases
        batch = round(first.batch / self.drop)
        return Regime((first, *(replace(p, batch=batch, learning_rate=p.learning_rate / self.drop) for p in rest)))

    def _with_ghosts(self, regime: Regime) -> Regime:
        """BatchNorm over as many examples in every phase, so that its noise does not change with the batch."""
        return with_ghosts(regime, self.ghosts)
