"""What the setting of every study says: which claims are run on which network and data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from repro.data import CATALOGUE
from repro.train.regime import Regime


@dataclass(frozen=True, kw_only=True)
class NetworkSetting:
    """One network of a study in one profile.

    Attributes:
        profile, network, dataset: what the rows of evidence are filed under.
        claims: the claims that this profile runs for this network.
        seeds: one set of runs each, all from the same weights.
    """

    profile: str
    network: str
    dataset: str
    claims: tuple[str, ...]
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)

    @property
    def regimes(self) -> Mapping[str, Regime]:
        """Every regime that the study names."""
        raise NotImplementedError

    @property
    def examples(self) -> int:
        """Of the training set."""
        return CATALOGUE[self.dataset].train
