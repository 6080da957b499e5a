"""Every ledger in the repository is what its claims and its evidence give today."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.claims import evidence, ledger
from repro.claims.judge import judge
from repro.claims.loading import load_claims
from repro.studies.papers import papers_folder, study
from repro.studies.profiles import load_settings
from repro.studies.records import read_records

RECORDED = sorted(path.parent for path in papers_folder().glob("*/results/*/ledger.json"))


@pytest.mark.parametrize("folder", RECORDED, ids=lambda path: f"{path.parent.parent.name}-{path.name}")
def test_a_committed_ledger_is_that_of_the_claims_and_the_evidence(folder: Path) -> None:
    paper, profile = folder.parent.parent, folder.name
    settings = load_settings(paper, profile, study(paper.name).Setting)
    datasets = {setting.network: setting.dataset for setting in settings}
    rows = judge(load_claims(paper), evidence.read(folder / "measurements.parquet"), profile, datasets)
    assert ledger.read(folder / "ledger.json") == rows


@pytest.mark.parametrize("folder", RECORDED, ids=lambda path: f"{path.parent.parent.name}-{path.name}")
def test_a_committed_accuracy_is_that_of_the_run_on_record(folder: Path) -> None:
    _, curves = read_records(folder)
    final = {row["spec"]: 100 * row["test_accuracy"] for row in curves if row["test_accuracy"] is not None}
    read = [
        each
        for each in evidence.read(folder / "measurements.parquet")
        if each.quantity == "test-accuracy" and each.x is None and each.status == "ok" and " " not in each.spec
    ]
    assert read
    assert [each.place for each in read if each.value != pytest.approx(final[each.spec], abs=1e-9)] == []


def test_there_are_ledgers_to_check() -> None:
    assert RECORDED
