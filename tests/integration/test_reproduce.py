"""The whole way of the data on a small profile: runs, evidence, ledger; again, in part, and after a loss."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from repro.claims import evidence, ledger
from repro.cli import main
from repro.studies.papers import papers_folder
from repro.studies.records import read_records

PROFILE = """
[quick.F1]
dataset = "mnist-embedded"
small_batch = 500
large_batch = 3000
epochs = 2
seeds = [0, 1]
claims = ["K1", "K2", "K10"]
varied_seeds = 0
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which the quick profile takes seconds, after one `repro reproduce`."""
    root = tmp_path_factory.mktemp("checkout")
    shutil.copytree(
        papers_folder() / "keskar2017", root / "papers" / "keskar2017", ignore=shutil.ignore_patterns("results")
    )
    (root / "papers" / "keskar2017" / "profiles.toml").write_text(PROFILE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        assert main(["reproduce", "keskar2017"]) == 0
    return root


@pytest.fixture
def results(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(checkout)
    return checkout / "papers" / "keskar2017" / "results" / "quick"


def verdicts(results: Path) -> dict[tuple[str, str], ledger.LedgerRow]:
    return {(row.claim, row.variant): row for row in ledger.read(results / "ledger.json") if row.network == "F1"}


def test_every_claim_of_the_profile_is_judged_and_the_others_are_not_run(results: Path) -> None:
    rows = verdicts(results)
    assert rows["K1", ""].n == rows["K2", ""].n == rows["K10", ""].n == 2
    assert rows["K1", ""].verdict in ("reproduced", "contradicted", "inconclusive")
    assert rows["K3", ""].verdict == "not run"
    assert rows["K3", ""].effect is None


def test_the_effect_in_the_ledger_is_the_difference_of_the_runs_final_accuracies(results: Path) -> None:
    runs, curves = read_records(results)
    batch = {run["spec"]: run["batch"] for run in runs}
    final = {c["spec"]: c["test_accuracy"] for c in curves if c["kind"] == "epoch" and c["epoch"] == 2}
    mean = {size: sum(a for spec, a in final.items() if batch[spec] == size) / 2 for size in (500, 3000)}
    assert verdicts(results)["K1", ""].effect == pytest.approx(100 * (mean[3000] - mean[500]))


def test_every_row_of_evidence_says_where_it_comes_from(results: Path) -> None:
    runs, _ = read_records(results)
    keys = {run["spec"] for run in runs}
    for row in evidence.read(results / "measurements.parquet"):
        assert set(row.spec.split()) <= keys
        assert row.provenance.torch_version.startswith("2.")
        assert (row.seconds > 0) == row.quantity.startswith("train-")  # measured; the others are read off the runs
    assert all(run["seconds"] > 0 for run in runs)


def test_evidence_of_runs_that_have_since_ended_otherwise_is_named(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(results.parents[3], tmp_path / "other")
    monkeypatch.chdir(tmp_path / "other")
    arguments = ["reproduce", "keskar2017", "--only", "K1", "--record"]
    assert main(arguments) == 0
    assert capsys.readouterr().err == ""
    metrics = next(Path("runs").glob("*/metrics.jsonl"))
    metrics.write_text(metrics.read_text().replace('"train_loss": ', '"train_loss": 1'))
    assert main(arguments) == 0
    assert "K10 on F1" in capsys.readouterr().err
    assert main(["reproduce", "keskar2017", "--record"]) == 0
    assert capsys.readouterr().err == ""


def test_a_second_time_nothing_is_run_and_nothing_changes(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path.name: path.read_bytes() for path in results.iterdir()}
    monkeypatch.setattr("repro.runs.worker._train", lambda *_: pytest.fail("trained again"))
    assert main(["reproduce", "keskar2017"]) == 0
    assert {path.name: path.read_bytes() for path in results.iterdir()} == before


def test_one_claim_alone_leaves_the_evidence_of_the_others(results: Path) -> None:
    before = verdicts(results)
    assert main(["reproduce", "keskar2017", "--only", "K10"]) == 0
    assert verdicts(results) == before


def test_primary_rows_alone_leave_the_variants(results: Path) -> None:
    before = verdicts(results)
    assert main(["reproduce", "keskar2017", "--primary"]) == 0
    assert verdicts(results) == before
    assert ("K10", "farther") in before


def test_one_network_of_two_is_run_and_the_other_stays_not_run(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(checkout, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    profiles = tmp_path / "copy" / "papers" / "keskar2017" / "profiles.toml"
    profiles.write_text(PROFILE + PROFILE.replace("F1", "F2"))
    assert main(["reproduce", "keskar2017", "--networks", "F1"]) == 0
    results = tmp_path / "copy" / "papers" / "keskar2017" / "results" / "quick"
    assert {row.network for row in evidence.read(results / "measurements.parquet")} == {"F1"}
    assert " F2 " not in capsys.readouterr().out
    rows = {(row.claim, row.network): row for row in ledger.read(results / "ledger.json") if not row.variant}
    assert (rows["K1", "F2"].verdict, rows["K1", "F2"].dataset) == ("not run", "mnist-embedded")
    assert main(["reproduce", "keskar2017", "--networks", "F3"]) == 2
    assert "F3" in (said := capsys.readouterr().err)
    assert "F1, F2" in said


def test_evidence_of_a_variant_that_is_no_longer_declared_is_dropped(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(checkout, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    results = tmp_path / "copy" / "papers" / "keskar2017" / "results" / "quick"
    before = evidence.read(results / "measurements.parquet")
    evidence.write(results / "measurements.parquet", [*before, replace(before[0], variant="once")])
    assert main(["reproduce", "keskar2017", "--only", "K10", "--record"]) == 0
    assert {row.variant for row in evidence.read(results / "measurements.parquet")} == {row.variant for row in before}


def test_a_profile_of_which_nothing_was_measured_gets_no_files(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(checkout, tmp_path / "copy", ignore=shutil.ignore_patterns("results", "runs"))
    monkeypatch.chdir(tmp_path / "copy")
    assert main(["reproduce", "keskar2017", "--only", "K1", "--record"]) == 0
    assert "Not run: K1" in capsys.readouterr().out
    assert not Path("papers", "keskar2017", "results").exists()


def test_recorded_evidence_survives_the_loss_of_the_store(results: Path, checkout: Path) -> None:
    before = {path.name: path.read_bytes() for path in results.iterdir()}
    shutil.move(checkout / "runs", checkout / "gone")
    try:
        assert main(["reproduce", "keskar2017", "--only", "K2", "--record"]) == 0
        assert main(["reproduce", "keskar2017", "--record"]) == 0
        assert {path.name: path.read_bytes() for path in results.iterdir()} == before
    finally:
        shutil.rmtree(checkout / "runs", ignore_errors=True)
        shutil.move(checkout / "gone", checkout / "runs")


def test_the_ledger_is_printed_for_people_and_for_machines(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["claims", "keskar2017"]) == 0
    assert "K10" in capsys.readouterr().out
    assert main(["claims", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((results / "ledger.json").read_text())
