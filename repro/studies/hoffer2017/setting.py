"""What a study of Hoffer et al. 2017 runs: the released regime, and the paper's five columns as regimes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from repro.data import CATALOGUE
from repro.runs.worker import RunRequest
from repro.train.adapt import as_long_as, lengthened, scaled, with_batch, with_ghosts, with_noise
from repro.train.regime import Regime, constant, stepped
from repro.train.spec import AugmentationName, RunSpec


@dataclass(frozen=True)
class Setting:
    """One network of the study in one profile.

    Attributes:
        profile, network, dataset: what the rows of evidence are filed under.
        epochs: of the base regime, at the small batch.
        drops: epochs at which the learning rate changes: it is multiplied by `drop`, or becomes the next of `rates`.
        claims: the claims that this profile runs for this network.
        model: name in `repro.nets`; empty where it is that of the network.
        augmentation: of the training inputs.
        small_batch, large_batch: examples per update; ghosts have the size of the small batch.
        seeds: one set of columns each.
        rate, drop, momentum, clip, weight_decay: of SGD; clip is the largest norm of the gradient.
        rates: learning rates after each of the drops, where they are not multiples of one another; they may rise.
        matched_seeds: on how many of the seeds +RA is run a second time, matched by updates.
        power: of the batches' ratio, by which +LR multiplies the learning rate.
        sweep_batches: further batch sizes of Fig. 1, nothing else adjusted.
        grid: factors on the learning rate, of which each side takes its best (the counter-claim).
        long_epochs: of a run far past the plateau, at the first learning rate.
        measured: examples of the training set, evenly spaced, for sharpness, eigenvalues and potential; 0 is all.
    """

    profile: str
    network: str
    dataset: str
    epochs: int
    drops: tuple[int, ...]
    claims: tuple[str, ...]
    model: str = ""
    augmentation: AugmentationName = "none"
    small_batch: int = 128
    large_batch: int = 4096
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    rate: float = 0.1
    drop: float = 0.1
    rates: tuple[float, ...] = ()
    momentum: float = 0.9
    clip: float = 5.0
    weight_decay: float = 1e-4
    matched_seeds: int = 5
    power: float = 0.5
    sweep_batches: tuple[int, ...] = ()
    grid: tuple[float, ...] = (0.5, 1.0, 2.0)
    long_epochs: int = 0
    measured: int = 0

    def __post_init__(self) -> None:
        if self.large_batch % self.small_batch:
            raise ValueError(f"large_batch={self.large_batch} must be a multiple of small_batch={self.small_batch}.")
        if list(self.drops) != sorted(set(self.drops)) or not all(0 < drop < self.epochs for drop in self.drops):
            raise ValueError(f"drops={list(self.drops)} must rise and lie between 0 and epochs={self.epochs}.")
        if len(self.rates) not in (0, len(self.drops)):
            raise ValueError(f"rates={list(self.rates)} must be as many as drops={list(self.drops)}, or none.")

    @property
    def ratio(self) -> int:
        """How many times as large the large batch is."""
        return self.large_batch // self.small_batch

    @property
    def small(self) -> Regime:
        """Column SB."""
        later = self.rates or [self.rate * self.drop**k for k in range(1, len(self.drops) + 1)]
        rates = {0: self.rate} | dict(zip(self.drops, later, strict=True))
        return stepped(self.epochs, self.small_batch, rates, self.momentum, self.clip)

    @property
    def columns(self) -> dict[str, Regime]:
        """Table 1 from left to right: each regime is the one before with one thing changed."""
        large = with_batch(self.small, self.large_batch)
        faster = scaled(self.small, self.large_batch, self.power)
        ghosts = with_ghosts(faster, self.small_batch)
        return {"SB": self.small, "LB": large, "+LR": faster, "+GBN": ghosts, "+RA": lengthened(ghosts, self.ratio)}

    @property
    def regimes(self) -> dict[str, Regime]:
        """The columns, and what is tried beside them; a sweep, a grid or a long run has further ones."""
        others = {"equal updates": self.matched, "noise": self.noisy, "reset": self.forgetful}
        return self.columns | others

    @property
    def matched(self) -> Regime:
        """+RA by updates instead of epochs."""
        return as_long_as(self.columns["+GBN"], self.small, CATALOGUE[self.dataset].train)

    @property
    def noisy(self) -> Regime:
        """LB with multiplicative noise in the place of a larger learning rate."""
        return with_noise(self.columns["LB"], self.small_batch)

    @property
    def forgetful(self) -> Regime:
        """LB with momentum that begins anew with every epoch."""
        return self.columns["LB"].each(lambda phase: replace(phase, forgetful=True))

    @property
    def beyond_the_plateau(self) -> Regime:
        """SB at its first learning rate for `long_epochs`."""
        return constant(self.long_epochs, self.small_batch, self.rate, self.momentum, self.clip)

    def run(self, regime: Regime, seed: int) -> RunRequest:
        """A run; all runs of a seed start from the same weights."""
        spec = RunSpec(
            self.model or self.network,
            self.dataset,
            regime,
            optimizer="sgd",
            augmentation=self.augmentation,
            seed=seed,
            weight_decay=self.weight_decay,
        )
        return RunRequest(spec)
