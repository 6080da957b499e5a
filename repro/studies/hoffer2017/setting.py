"""What a study of Hoffer et al. 2017 runs: the released regime, and the paper's five columns as regimes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from repro.studies.sgd import SgdSetting
from repro.train.adapt import as_long_as, lengthened, scaled, with_batch, with_ghosts, with_noise
from repro.train.regime import Regime


@dataclass(frozen=True, kw_only=True)
class Setting(SgdSetting):
    """One network of the study in one profile; the base regime is that of the small batch.

    Attributes:
        small_batch, large_batch: examples per update; ghosts have the size of the small batch.
        matched_seeds: on how many of the seeds +RA is run a second time, matched by updates.
        power: of the batches' ratio, by which +LR multiplies the learning rate.
        sweep_batches: further batch sizes of Fig. 1, nothing else adjusted.
        grid: factors on the learning rate, of which each side takes its best (the counter-claim).
        long_epochs: of a run far past the plateau, at the first learning rate.
        measured: examples of the training set, evenly spaced, for sharpness, eigenvalues and potential; 0 is all.
    """

    small_batch: int = 128
    large_batch: int = 4096
    clip: float | None = 5.0
    weight_decay: float = 1e-4
    matched_seeds: int = 5
    power: float = 0.5
    sweep_batches: tuple[int, ...] = ()
    grid: tuple[float, ...] = (0.5, 1.0, 2.0)
    long_epochs: int = 0
    measured: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.large_batch % self.small_batch:
            raise ValueError(f"large_batch={self.large_batch} must be a multiple of small_batch={self.small_batch}.")

    @property
    def ratio(self) -> int:
        """How many times as large the large batch is."""
        return self.large_batch // self.small_batch

    @property
    def small(self) -> Regime:
        """Column SB."""
        return self.base(self.small_batch)

    @property
    def columns(self) -> dict[str, Regime]:
        """Table 1 from left to right: each regime is the one before with one thing changed."""
        large = with_batch(self.small, self.large_batch)
        faster = scaled(self.small, self.large_batch, self.power)
        ghosts = with_ghosts(faster, self.small_batch)
        return {"SB": self.small, "LB": large, "+LR": faster, "+GBN": ghosts, "+RA": lengthened(ghosts, self.ratio)}

    @property
    def regimes(self) -> Mapping[str, Regime]:
        """The columns, and what is tried beside them; a sweep, a grid or a long run has further ones."""
        columns = self.columns
        return {
            **columns,
            "equal updates": as_long_as(columns["+GBN"], self.small, self.examples),
            "noise": with_noise(columns["LB"], self.small_batch),
            "reset": columns["LB"].each(lambda phase: replace(phase, forgetful=True)),
        }

    @property
    def beyond_the_plateau(self) -> Regime:
        """SB at its first learning rate for `long_epochs`."""
        return self.steady(self.small_batch, self.long_epochs)
