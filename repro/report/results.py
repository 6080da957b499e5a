"""What one profile of a paper has on record: evidence, ledger and runs, read from files and from nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from repro.claims import evidence, ledger
from repro.claims.claim import Claim
from repro.claims.declared import load_toml
from repro.claims.evidence import Observation
from repro.claims.judge import judge
from repro.claims.ledger import LedgerRow
from repro.claims.loading import load_claims
from repro.claims.paper import Paper, load_paper
from repro.studies.records import Row, read_records


class Place(NamedTuple):
    """A network on a data set."""

    network: str
    dataset: str


@dataclass(frozen=True)
class Results:
    """One profile of one paper.

    Attributes:
        folder: the paper's.
        paper: the paper.
        profile: `quick`, `laptop` or `paper`.
        settings: for each network that the profile names its table in `profiles.toml`.
        observations: the measured values; none where nothing was recorded.
        claims: what the paper claims.
        ledger: a row for every claim and network; `not run` where there is no evidence.
        runs: rows of `runs.parquet` by the run's key.
        epochs: by the run's key its rows of `curves.parquet` that belong to an epoch, in order.
        distances: by the run's key those that hold a distance from the start, in order of the updates.
        figures: the content of the paper's `figures.toml`: curves that its authors released.
    """

    folder: Path
    paper: Paper
    profile: str
    settings: Mapping[str, Mapping[str, Any]]
    observations: tuple[Observation, ...]
    claims: tuple[Claim, ...]
    ledger: tuple[LedgerRow, ...]
    runs: Mapping[str, Row]
    epochs: Mapping[str, Sequence[Row]]
    distances: Mapping[str, Sequence[Row]]
    figures: Mapping[str, Any]

    @property
    def places(self) -> list[Place]:
        """Where anything was measured, in the paper's order of networks."""
        found = {Place(each.network, each.dataset) for each in self.observations}
        order = list(self.paper.networks)
        return sorted(found, key=lambda place: (order.index(place.network), place.dataset))

    def select(self, place: Place, claim: str, quantity: str, arm: str = "", variant: str = "") -> list[Observation]:
        """The observations of one arm of one row, single numbers and points of curves alike."""
        wanted = (claim, quantity, arm, variant, *place)
        return [
            each
            for each in self.observations
            if (each.claim, each.quantity, each.arm, each.variant, each.network, each.dataset) == wanted
        ]

    def plans(self, row: LedgerRow) -> bool:
        """Whether the profile runs the claim of a row of the ledger on its network."""
        return row.claim in self.settings.get(row.network, {}).get("claims", ())

    def behind(self, row: LedgerRow) -> list[Observation]:
        """The observations that a row of the ledger rests on, and the curves beside them."""
        where = (row.claim, row.variant, row.network, row.dataset)
        return [each for each in self.observations if (each.claim, each.variant, each.network, each.dataset) == where]

    def measured(self, network: str) -> int:
        """Examples of the training set that sharpness and paths are measured on; 0 is all."""
        return int(self.settings.get(network, {}).get("measured", 0))


def load_results(folder: Path) -> list[Results]:
    """The results of every profile that `folder/profiles.toml` names, in its order; a missing file holds nothing.

    Raises:
        StorageError, DataError: a file that is there cannot be read or breaks a rule.
    """
    profiles = load_toml(folder / "profiles.toml")
    return [_load(folder, profile, settings) for profile, settings in profiles.items()]


def _load(folder: Path, profile: str, settings: Mapping[str, Mapping[str, Any]]) -> Results:
    results, figures = folder / "results" / profile, folder / "figures.toml"
    observations, claims = _observations(results / "measurements.parquet"), load_claims(folder)
    runs, curves = read_records(results)
    return Results(
        folder=folder,
        paper=load_paper(folder),
        profile=profile,
        settings=settings,
        observations=tuple(observations),
        claims=claims,
        ledger=tuple(_ledger(results / "ledger.json", claims, profile, settings, observations)),
        runs={row["spec"]: row for row in runs},
        epochs=_by_run(curves, "epoch"),
        distances=_by_run(curves, "distance"),
        figures=load_toml(figures) if figures.exists() else {},
    )


def _by_run(curves: Sequence[Row], kind: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in sorted((row for row in curves if row["kind"] == kind), key=lambda row: row["update"]):
        found.setdefault(row["spec"], []).append(row)
    return found


def _observations(path: Path) -> list[Observation]:
    return evidence.read(path) if path.exists() else []


def _ledger(
    path: Path,
    claims: Sequence[Claim],
    profile: str,
    settings: Mapping[str, Mapping[str, Any]],
    observations: Sequence[Observation],
) -> list[LedgerRow]:
    """The recorded ledger; where there is none, what the evidence says now."""
    if path.exists():
        return ledger.read(path)
    datasets = {network: str(table["dataset"]) for network, table in settings.items()}
    return judge(claims, observations, profile, datasets)
