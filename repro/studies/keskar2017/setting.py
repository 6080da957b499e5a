"""What a study of Keskar et al. 2017 runs: the paper's protocol, and what a profile changes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from repro.runs.worker import RunRequest
from repro.studies.setting import NetworkSetting
from repro.train.adapt import with_batch, with_learning_rate
from repro.train.regime import Regime, constant
from repro.train.spec import AugmentationName, OptimizerName, Plateau, RunSpec

LEARNING_RATES: Mapping[OptimizerName, float] = {"adam": 1e-3, "sgd": 1e-2, "adagrad": 1e-2}
"""Library defaults of the authors' code (Keras 1), which names no rate."""
MOMENTA: Mapping[OptimizerName, float] = {"adam": 0.9, "sgd": 0.0, "adagrad": 0.0}
"""β₁ for Adam; Keras 1 SGD has no momentum by default."""


@dataclass(frozen=True, kw_only=True)
class Setting(NetworkSetting):
    """One network of the study in one profile; a seed is a pair of minima.

    Attributes:
        small_batch, large_batch: SB and LB, examples; the paper has 256 and 10 % of the training set.
        epochs: cap on the passes over the training set; training stops earlier at a plateau.
        patience, min_gain: the plateau rule, see `repro.train.spec.Plateau`.
        measured: examples of the training set, evenly spaced, on which sharpness is measured; 0 is all.
        path_statistics: training examples on which BatchNorm's statistics are recomputed at each point of a path; 0 is
            all.
        varied_seeds: on how many of the seeds the rows that vary a choice are run.
        rates: learning rates tried beside the primary one.
        checked_seeds: minima of how many of the seeds are searched ten times as long.
        sweep_batches, sweep_epochs: batch sizes of Fig. 4 and passes for each.
        warm_epochs, warm_base, warm_rest: Fig. 5: from which of the SB run's `warm_base` epochs the large batch takes
            over, and for how many epochs.
        track_epochs: epochs after which sharpness is set against the loss (Fig. 6), and eigenvalues are measured.
        tracked: examples of the training set, evenly spaced, for the eigenvalues after these epochs; 0 is all.
        eigenvalues: how many of the largest are measured at every minimum.
        density_probes, density_steps: of the spectral density there.
        boxes: values of ε in which φ is held against what slope and curvature predict.
    """

    large_batch: int
    small_batch: int = 256
    epochs: int = 100
    patience: int = 5
    min_gain: float = 0.01
    measured: int = 0
    path_statistics: int = 0
    varied_seeds: int = 5
    rates: tuple[float, ...] = (0.3, 3.0)
    checked_seeds: int = 1
    sweep_batches: tuple[int, ...] = ()
    sweep_epochs: int = 100
    warm_epochs: tuple[int, ...] = ()
    warm_base: int = 100
    warm_rest: int = 100
    track_epochs: tuple[int, ...] = ()
    tracked: int = 10_000
    eigenvalues: int = 20
    density_probes: int = 2
    density_steps: int = 40
    boxes: tuple[float, ...] = (1e-6, 1e-5, 1e-4, 5e-4, 1e-3)

    def __post_init__(self) -> None:
        for claim, name in {"K7": "sweep_batches", "K8": "warm_epochs", "K9": "track_epochs"}.items():
            places = getattr(self, name)
            if claim in self.claims and len(places) < 2:
                raise ValueError(f"{name}={list(places)} must be two or more for {claim}, which compares them.")

    @property
    def augmentation(self) -> AugmentationName:
        """That of appendix E.1; digits are never flipped."""
        return "keskar2017-no-flip" if self.dataset.startswith("mnist") else "keskar2017"

    @property
    def batches(self) -> dict[str, int]:
        """Batch size under each arm's name."""
        return {"SB": self.small_batch, "LB": self.large_batch}

    @property
    def regimes(self) -> dict[str, Regime]:
        """The regimes of the two arms, as far as no plateau ends them."""
        return {arm: self.minimum(arm, self.seeds[0]).regime for arm in self.batches}

    def varies(self, seed: int) -> bool:
        """Whether the rows that vary a choice are run on this seed."""
        return seed in self.seeds[: self.varied_seeds]

    def checks(self, seed: int) -> bool:
        """Whether this seed's minima are searched ten times as long."""
        return seed in self.seeds[: self.checked_seeds]

    def minimum(self, arm: str, seed: int, *, rate: float = 1.0, optimizer: OptimizerName = "adam") -> RunSpec:
        """The run that leads to the arm's minimum: both arms start from the same weights.

        Args:
            arm: `SB` or `LB`.
            seed: of the weights and the order of the examples.
            rate: factor on the optimiser's default learning rate.
            optimizer: ADAM in the paper, the others in its remark.
        """
        regime = with_batch(self._regime(self.epochs, optimizer), self.batches[arm])
        stop = Plateau(self.patience, self.min_gain)
        return RunSpec(self.network, self.dataset, with_learning_rate(regime, rate), optimizer, stop=stop, seed=seed)

    def fixed(self, batch: int, epochs: int, seed: int) -> RunSpec:
        """A run of exactly `epochs` epochs, as in Figs. 4, 5 and 6."""
        spec = self.minimum("SB", seed)
        return replace(spec, regime=with_batch(self._regime(epochs, "adam"), batch), stop=None)

    def along(self, arm: str, seed: int) -> tuple[RunSpec, list[int]]:
        """A run that is looked at on its way, as in Fig. 6, and after which of its updates."""
        spec = self.fixed(self.batches[arm], self.track_epochs[-1], seed)
        return spec, [spec.regime.updates_until(epochs, self.examples) for epochs in self.track_epochs]

    def _regime(self, epochs: int, optimizer: OptimizerName) -> Regime:
        return constant(epochs, self.small_batch, LEARNING_RATES[optimizer], MOMENTA[optimizer])

    def minima(self) -> list[tuple[str, int, RunRequest]]:
        """Arm, seed and run of every minimum that the tables compare."""
        return [(arm, seed, RunRequest(self.minimum(arm, seed))) for seed in self.seeds for arm in self.batches]
