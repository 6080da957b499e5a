"""Carry out a study: run what its samples need, then write evidence and ledger from what the store holds."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tqdm import tqdm

from repro.claims import evidence, ledger
from repro.claims.claim import Claim
from repro.claims.evidence import Observation
from repro.claims.judge import judge
from repro.claims.ledger import LedgerRow
from repro.claims.loading import load_claims
from repro.data import CATALOGUE, get
from repro.data.disk import locked
from repro.errors import DataError, UsageError
from repro.machine import device
from repro.runs.engine import LocalEngine
from repro.runs.measurements import MeasurementRequest, measure_all
from repro.runs.store import RunStore
from repro.runs.worker import RunRequest
from repro.studies.observing import needs_of, observe
from repro.studies.papers import check_key, papers_folder, study
from repro.studies.profiles import load_settings
from repro.studies.records import trained_anew, write_records
from repro.studies.setting import NetworkSetting
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
        """The paper's folder; `UsageError` where no paper has the key."""
        return papers_folder() / check_key(self.paper)

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
    def claims(self) -> tuple[Claim, ...]:
        """The paper's claims, with the margins that were set before any run.

        Raises:
            DataError: `claims.toml` is not what it must be.
        """
        return tuple(load_claims(self.folder))

    @cached_property
    def samples(self) -> dict[NetworkSetting, list[Sample]]:
        """The samples to be observed for each chosen setting.

        Raises:
            UsageError: an unknown paper or profile, or claims or networks that the profile does not run.
            DataError: `profiles.toml` names a claim or a data set that there is not, or holds a value of which no
                regime can be made; or `claims.toml` is not what it must be.
        """
        self._check_names()
        known = {claim for setting in self.chosen for claim in setting.claims}
        if unknown := sorted(set(self.only) - known):
            where = f"the profile {self.profile!r}" + f" on {', '.join(self.networks)}" * bool(self.networks)
            raise UsageError(f"only={unknown}: {where} runs {', '.join(sorted(known))}.")
        return {setting: self._samples_of(setting) for setting in self.chosen}

    def _check_names(self) -> None:
        declared = [claim.id for claim in self.claims]
        for setting in self.chosen:
            where = self._table(setting)
            if unknown := sorted(set(setting.claims) - set(declared)):
                raise DataError(f"{where}: claims={unknown} must be among {', '.join(declared)}, those of claims.toml.")
            if setting.dataset not in CATALOGUE:
                raise DataError(f"{where}: dataset={setting.dataset!r} must be one of {', '.join(CATALOGUE)}.")

    def _table(self, setting: Any) -> str:
        """Where a setting is declared, as an error names it."""
        return f"{self.folder / 'profiles.toml'}, {self.profile}.{setting.network}"

    def _samples_of(self, setting: Any) -> list[Sample]:
        try:
            samples = study(self.paper).samples(setting)
        except (UsageError, ValueError) as error:
            raise DataError(f"{self._table(setting)}: {error} Correct it in the file.") from error
        return [each for each in samples if self.covers(each.claim, each.variant, setting.network)]

    def needs(self) -> tuple[list[RunRequest], list[MeasurementRequest]]:
        """All runs and measurements, once each."""
        return needs_of(sample for samples in self.samples.values() for sample in samples)


def carry_out(plan: Plan, store: RunStore, workers: int) -> None:
    """Run and measure what the store does not hold yet, with a bar on standard error unless it is piped.

    Raises:
        UsageError: `REPRO_DEVICE` names a device that is not here; no run is begun.
        DataError: a data set cannot be had; no run is begun.
        ReproError: a process died or the store cannot be written; what was finished is kept.
    """
    device()
    runs, measurements = plan.needs()
    for dataset in dict.fromkeys(setting.dataset for setting, samples in plan.samples.items() if samples):
        get(dataset)
    for _ in tqdm(LocalEngine(store, workers).execute(runs), "training", len(runs), disable=None):
        pass
    complete = [m for m in measurements if all(_is_complete(store, run) for run in m.runs)]
    for _ in tqdm(measure_all(store, complete, workers), "measuring", len(complete), disable=None):
        pass


def record(plan: Plan, store: RunStore) -> list[LedgerRow]:
    """Write the evidence that the store holds, judge it, and return the ledger.

    What the store holds of a sample replaces that sample's evidence; a seed or an arm of the row that it does not hold
    keeps what it has, if the study still asks for that of the same runs. The evidence of other rows stays as it is, but
    for rows that claims.toml or profiles.toml no longer declares, which are dropped, and for what rests on runs since
    trained anew, with another outcome: it is read again where the store holds what that takes, and named on standard
    error where it does not. A profile of which nothing was ever measured gets no files; a second process waits.
    """
    with locked(plan.folder / "paper.toml", "Allow yourself to write in the paper's folder."):
        return _record(plan, store)


def _record(plan: Plan, store: RunStore) -> list[LedgerRow]:
    datasets = {setting.network: setting.dataset for setting in plan.settings}
    declared = {
        (claim.id, comparison.variant, network, datasets[network])
        for claim in plan.claims
        for comparison in claim.comparisons
        for network in (*claim.networks, *claim.extensions)
        if network in datasets
    }
    new = [row for setting, samples in plan.samples.items() for row in observe(store, setting, samples)]
    path = plan.results / "measurements.parquet"
    touched, replaced = {_row_of(each) for each in new}, {_sample_of(each) for each in new}
    asked = {_declared(setting, sample) for setting, samples in plan.samples.items() for sample in samples}
    old = evidence.read(path) if path.exists() else []
    kept = [each for each in old if _row_of(each) in declared - touched or _sample_of(each) in asked - replaced]
    observations = _brought_up_to_date(kept, plan, store) + new
    rows = judge(plan.claims, observations, plan.profile, datasets)
    if observations or path.exists():
        evidence.write(path, observations)
        write_records(plan.results, store, {key for each in observations for key in each.spec.split()})
        ledger.write(plan.results / "ledger.json", rows)
    return rows


def _brought_up_to_date(kept: Sequence[Observation], plan: Plan, store: RunStore) -> list[Observation]:
    """`kept`, with what rests on runs trained anew read again from the store, or else named on standard error."""
    anew = trained_anew(plan.results, store)
    outlived = {_sample_of(each) for each in kept if anew.intersection(each.spec.split())}
    again = [each for each in _all_that_rests_on(anew, plan, store) if _sample_of(each) in outlived]
    if left := outlived - {_sample_of(each) for each in again}:
        names = sorted({f"{claim} on {network}" for claim, _, network, *_ in left})
        print(
            f"repro: {', '.join(names)}: the evidence is that of earlier runs, which ended otherwise than those "
            "now on record; record it anew too.",
            file=sys.stderr,
        )
    return [each for each in kept if _sample_of(each) not in outlived - left] + again


def _all_that_rests_on(keys: set[str], plan: Plan, store: RunStore) -> Iterator[Observation]:
    """What the store holds of the whole study, asked for or not, that was read off the runs `keys`."""
    if keys:
        for setting, samples in Plan(plan.paper, plan.profile).samples.items():
            yield from observe(store, setting, [sample for sample in samples if keys.intersection(sample.keys)])


def _row_of(observation: Observation) -> tuple[str, str, str, str]:
    return observation.claim, observation.variant, observation.network, observation.dataset


def _sample_of(observation: Observation) -> tuple[str | int, ...]:
    return *_row_of(observation), observation.arm, observation.seed, observation.quantity, observation.spec


def _declared(setting: NetworkSetting, sample: Sample) -> tuple[str | int, ...]:
    """As `_sample_of` has it, of what the study asks for."""
    row = (sample.claim, sample.variant, setting.network, setting.dataset)
    return *row, sample.arm, sample.seed, sample.quantity, " ".join(sample.keys)


def _is_complete(store: RunStore, run: RunRequest) -> bool:
    return str(store.folder(run.spec.key).status["status"]) == "complete"
