"""Carry out a study: run what its samples need, then write evidence and ledger from what the store holds."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tqdm import tqdm

from repro.claims import evidence, ledger
from repro.claims.evidence import Observation
from repro.claims.judge import judge
from repro.claims.ledger import LedgerRow
from repro.claims.loading import load_claims
from repro.errors import UsageError
from repro.machine import device
from repro.runs.engine import LocalEngine
from repro.runs.measurements import MeasurementRequest, measure_all
from repro.runs.store import RunStore
from repro.runs.worker import RunRequest
from repro.studies.observing import Cell, needs_of, observe
from repro.studies.papers import papers_folder, study
from repro.studies.profiles import load_settings
from repro.studies.records import write_records
from repro.studies.study import Sample


@dataclass(frozen=True)
class Plan:
    """A paper's study in one profile, or some claims of it.

    Attributes:
        paper: the paper's key.
        profile: `quick`, `laptop` or `paper`.
        only: the claims asked for; empty for all that the profile names.
        primary: whether the primary rows alone are asked for.
        networks: the networks asked for; empty for all that the profile names.
    """

    paper: str
    profile: str
    only: tuple[str, ...] = ()
    primary: bool = False
    networks: tuple[str, ...] = ()

    def covers(self, claim: str, variant: str, network: str) -> bool:
        """Whether a row of the ledger is asked for."""
        asked = (not self.only or claim in self.only) and (not self.networks or network in self.networks)
        return asked and not (self.primary and variant)

    @property
    def folder(self) -> Path:
        """The paper's folder."""
        return papers_folder() / self.paper

    @property
    def results(self) -> Path:
        """Where the profile's evidence is kept."""
        return self.folder / "results" / self.profile

    @cached_property
    def settings(self) -> list[Any]:
        """The study's setting for each network of the profile.

        Raises:
            UsageError: an unknown paper or profile.
        """
        return load_settings(self.folder, self.profile, study(self.paper).Setting)

    @property
    def chosen(self) -> list[Any]:
        """The settings of the networks asked for.

        Raises:
            UsageError: an unknown paper or profile, or networks that the profile does not name.
        """
        named = [setting.network for setting in self.settings]
        if unknown := sorted(set(self.networks) - set(named)):
            raise UsageError(f"networks={unknown}: the profile {self.profile!r} names {', '.join(named)}.")
        return [setting for setting in self.settings if not self.networks or setting.network in self.networks]

    @cached_property
    def cells(self) -> dict[Cell, list[Sample]]:
        """The samples to be observed for each network.

        Raises:
            UsageError: an unknown paper or profile, or claims or networks that the profile does not run.
        """
        known = {claim for setting in self.chosen for claim in setting.claims}
        if unknown := sorted(set(self.only) - known):
            where = f"the profile {self.profile!r}" + f" on {', '.join(self.networks)}" * bool(self.networks)
            raise UsageError(f"only={unknown}: {where} runs {', '.join(sorted(known))}.")
        return {
            Cell(setting.network, setting.dataset, self.profile): [
                sample
                for sample in study(self.paper).samples(setting)
                if self.covers(sample.claim, sample.variant, setting.network)
            ]
            for setting in self.chosen
        }

    def needs(self) -> tuple[list[RunRequest], list[MeasurementRequest]]:
        """All runs and measurements, once each."""
        return needs_of(sample for samples in self.cells.values() for sample in samples)


def carry_out(plan: Plan, store: RunStore, workers: int) -> None:
    """Run and measure what the store does not hold yet, with a bar on standard error unless it is piped.

    Raises:
        UsageError: `REPRO_DEVICE` names a device that is not here; no run is begun.
        ReproError: a process died or the store cannot be written; what was finished is kept.
    """
    device()
    runs, measurements = plan.needs()
    for _ in tqdm(LocalEngine(store, workers).execute(runs), "training", len(runs), disable=None):
        pass
    complete = [m for m in measurements if all(_is_complete(store, run) for run in m.runs)]
    for _ in tqdm(measure_all(store, complete, workers), "measuring", len(complete), disable=None):
        pass


def record(plan: Plan, store: RunStore) -> list[LedgerRow]:
    """Write the evidence that the store holds, judge it, and return the ledger.

    What the store holds of a row replaces that row's evidence. The evidence of other rows stays as it is, but for rows
    that claims.toml no longer declares, which are dropped; those that rest on runs since trained anew, with another
    outcome, are named on standard error. A profile of which nothing was ever measured gets no files.
    """
    claims = load_claims(plan.folder)
    declared = {(claim.id, comparison.variant) for claim in claims for comparison in claim.comparisons}
    new = [row for cell, samples in plan.cells.items() for row in observe(store, cell, samples)]
    path = plan.results / "measurements.parquet"
    replaced = {_row_of(observation) for observation in new}
    old = evidence.read(path) if path.exists() else []
    kept = [each for each in old if _row_of(each) not in replaced and (each.claim, each.variant) in declared]
    observations = kept + new
    datasets = {setting.network: setting.dataset for setting in plan.settings}
    rows = judge(claims, observations, plan.profile, datasets)
    if observations or path.exists():
        evidence.write(path, observations)
        anew = write_records(plan.results, store, {key for each in observations for key in each.spec.split()})
        _name_outlived(kept, anew)
        ledger.write(plan.results / "ledger.json", rows)
    return rows


def _name_outlived(kept: Sequence[Observation], anew: set[str]) -> None:
    """Say on standard error what of the evidence kept rests on runs trained `anew`."""
    rest = {f"{each.claim} on {each.network}" for each in kept if anew.intersection(each.spec.split())}
    if rest:
        print(
            f"repro: {', '.join(sorted(rest))}: the evidence is that of earlier runs, which ended otherwise than those "
            "now on record; record it anew too.",
            file=sys.stderr,
        )


def _row_of(observation: Observation) -> tuple[str, str, str, str]:
    return observation.claim, observation.variant, observation.network, observation.dataset


def _is_complete(store: RunStore, run: RunRequest) -> bool:
    return str(store.folder(run.spec.key).status["status"]) == "complete"
