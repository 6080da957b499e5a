"""The whole way of the data on a small profile: runs, evidence, ledger; again, in part, and after a loss."""

from __future__ import annotations

import json
import re
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from repro.claims import evidence, ledger
from repro.cli import main
from repro.data.disk import locked
from repro.errors import DataError
from repro.runs.store import RunStore
from repro.studies.papers import papers_folder
from repro.studies.records import read_records
from repro.studies.reproduce import Plan, record

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


@pytest.fixture
def copied(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The results in a copy of the checkout, for a test that spoils them."""
    shutil.copytree(checkout, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    return tmp_path / "copy" / "papers" / "keskar2017" / "results" / "quick"


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


def test_evidence_of_runs_that_have_since_ended_otherwise_is_read_again_or_named(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(results.parents[3], tmp_path / "other")
    monkeypatch.chdir(tmp_path / "other")
    path = tmp_path / "other" / results.relative_to(results.parents[3]) / "measurements.parquet"
    before = {row.identity: row for row in evidence.read(path)}
    arguments = ["reproduce", "keskar2017", "--only", "K10", "--record"]
    assert main(arguments) == 0
    assert capsys.readouterr().err == ""

    run = next(metrics.parent for metrics in Path("runs").glob("*/metrics.jsonl"))
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        for name in {"train_loss", "test_accuracy"} & line.keys():
            line[name] *= 0.5
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert main(arguments) == 0
    assert (said := capsys.readouterr().err).startswith("repro: K1 on F1: the evidence is that of earlier runs")
    assert "K2" not in said
    after = {row.identity: row for row in evidence.read(path)}
    assert after.keys() == before.keys()
    moved = {row.quantity for name, row in before.items() if after[name].value != row.value}
    assert "test-accuracy" in moved
    assert {row.spec for name, row in before.items() if after[name] != row} == {run.name}

    assert main(["reproduce", "keskar2017"]) == 0
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


def test_a_seed_that_the_store_has_lost_keeps_its_evidence_as_long_as_it_is_asked_for(copied: Path) -> None:
    before = evidence.read(copied / "measurements.parquet")
    lost = {run for row in before if row.seed == 1 for run in row.spec.split()}
    for run in lost:
        shutil.rmtree(Path("runs") / run)
    arguments = ["reproduce", "keskar2017", "--record"]
    assert main(arguments) == 0
    assert evidence.read(copied / "measurements.parquet") == before

    of_other_runs = [replace(row, spec="0" * 16) for row in before if row.seed == 1]
    of_others = [replace(row, quantity=f"no {row.quantity}") for row in before if row.seed == 0]
    evidence.write(copied / "measurements.parquet", of_other_runs + of_others)
    assert main(arguments) == 0
    assert evidence.read(copied / "measurements.parquet") == [row for row in before if row.seed == 0]


def test_evidence_of_a_variant_that_is_no_longer_declared_is_dropped(copied: Path) -> None:
    before = evidence.read(copied / "measurements.parquet")
    evidence.write(copied / "measurements.parquet", [*before, replace(before[0], variant="once")])
    assert main(["reproduce", "keskar2017", "--only", "K10", "--record"]) == 0
    assert {row.variant for row in evidence.read(copied / "measurements.parquet")} == {row.variant for row in before}


def test_evidence_on_a_network_or_data_set_that_the_profile_no_longer_names_is_dropped(copied: Path) -> None:
    before = evidence.read(copied / "measurements.parquet")
    others = [replace(before[0], network="F2"), replace(before[0], dataset="mnist")]
    evidence.write(copied / "measurements.parquet", [*before, *others])
    assert main(["reproduce", "keskar2017", "--only", "K10", "--record"]) == 0
    assert evidence.read(copied / "measurements.parquet") == before


def test_where_the_data_cannot_be_had_nothing_is_run_and_no_evidence_touched(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(checkout, tmp_path / "copy", ignore=shutil.ignore_patterns("runs"))
    monkeypatch.chdir(tmp_path / "copy")
    before = {path: path.read_bytes() for path in Path("papers").rglob("*.*") if path.is_file()}

    def refuse(*_: object) -> None:
        raise DataError("no source delivered it")

    monkeypatch.setattr("repro.studies.reproduce.get", refuse)
    assert main(["reproduce", "keskar2017"]) == 1
    assert "no source delivered it" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in before} == before
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("file", "right", "wrong", "said"),
    [
        ("profiles.toml", "3000", "0", r"profiles\.toml, quick\.F1: batch=0 .* Correct it in the file"),
        ("profiles.toml", '"K1"', '"K3"]\nmeasured = 7000 #', r"quick\.F1: measured=7000 .* Correct it in the file"),
        ("profiles.toml", '"K1"', '"K99"', r"profiles\.toml, quick\.F1: claims=\['K99'\] must be among K1, K2"),
        ("profiles.toml", "mnist-embedded", "minst", r"quick\.F1: dataset='minst' must be one of mnist"),
        ("claims.toml", 'kind = "directional"', 'kind = "directionl"', r"kind = 'directionl' must be one of"),
    ],
)
def test_a_typo_in_a_papers_files_is_named_before_any_run(
    checkout: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    file: str,
    right: str,
    wrong: str,
    said: str,
) -> None:
    shutil.copytree(checkout, tmp_path / "copy", ignore=shutil.ignore_patterns("runs"))
    monkeypatch.chdir(tmp_path / "copy")
    path = Path("papers/keskar2017") / file
    text = path.read_text()
    assert right in text
    path.write_text(text.replace(right, wrong, 1))
    for asked in (["--dry-run"], []):
        assert main(["reproduce", "keskar2017", *asked]) == 1
        assert re.search(said, capsys.readouterr().err)
    assert not Path("runs").exists()


def test_evidence_is_recorded_by_one_process_at_a_time(results: Path) -> None:
    with locked(results.parents[1] / "paper.toml"):
        recording = threading.Thread(target=record, args=(Plan("keskar2017", "quick"), RunStore(Path("runs"))))
        recording.start()
        recording.join(1.0)
        assert recording.is_alive()
    recording.join(60)
    assert not recording.is_alive()


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
