"""The command line as a user types it: what it prints, and with which exit code it ends."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from repro.cli import main
from repro.runs.store import RunStore
from repro.runs.worker import RunRequest, carry_out
from repro.train.regime import constant
from repro.train.spec import RunSpec

SPEC = RunSpec("F1", "mnist-embedded", constant(1, 3000, 1e-3, 0.9), seed=3)

LEDGER_KEYS = [
    *("paper", "claim", "title", "network", "dataset", "profile", "variant", "verdict", "finding", "effect"),
    *("interval", "unit", "margin", "test", "p", "p_holm", "n", "failed", "diverged", "reported", "command"),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    store = RunStore(tmp_path_factory.mktemp("runs"))
    carry_out(store, RunRequest(SPEC))
    return store


def test_no_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main([])
    assert raised.value.code == 2
    assert "COMMAND" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["reproduce", "keskar2016"], "paper='keskar2016' must be one of article, hoffer2017, keskar2017, smith2018"),
        (["reproduce", "keskar2017", "--profile", "fast"], "profile='fast' must be one of quick"),
        (["reproduce", "keskar2017", "--only", "K99"], "only=['K99']"),
        (["reproduce", "keskar2017", "--networks", "F9"], "networks=['F9']"),
        (["claims", "nobody2020"], "paper='nobody2020'"),
        (["claims", "--profile", "nowhere"], "profile='nowhere' must be one of quick"),
        (["data", "get", "imagenette"], "imagenette"),
    ],
)
def test_a_request_that_cannot_be_meant_ends_with_2_and_says_what_could_be(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert expected in captured.err


def test_a_device_that_is_not_here_ends_with_2_before_any_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REPRO_DEVICE", "gpu")
    assert main(["reproduce", "keskar2017", "--store", str(tmp_path / "runs")]) == 2
    assert "REPRO_DEVICE='gpu' must be cpu, cuda or cuda:N" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_a_missing_ledger_ends_with_1_and_the_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["claims", "keskar2017", "--profile", "paper"]) == 1
    assert "Run `repro reproduce` first" in capsys.readouterr().err


def test_a_profile_without_any_ledger_is_said_in_words_and_is_an_empty_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["claims", "--profile", "paper"]) == 0
    assert capsys.readouterr().out == "Nothing is recorded in the profile 'paper'.\n"
    assert main(["claims", "--profile", "paper", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_a_paper_without_the_profile_does_not_hide_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree("papers", tmp_path / "papers", ignore=shutil.ignore_patterns("*.parquet"))
    (tmp_path / "papers" / "smith2018" / "profiles.toml").write_text("[quick.F1]\n")
    monkeypatch.chdir(tmp_path)
    assert main(["claims", "--profile", "laptop"]) == 0
    assert "K1 " in capsys.readouterr().out
    assert main(["claims", "smith2018", "--profile", "laptop"]) == 2
    assert "profile='laptop' must be one of quick." in capsys.readouterr().err


@pytest.mark.parametrize("workers", ["0", "-1", "x"])
def test_workers_are_a_whole_number(workers: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["reproduce", "keskar2017", f"--workers={workers}"])
    assert f"'{workers}' must be a whole number, at least 1" in capsys.readouterr().err


def test_the_ledger_has_the_documented_keys_and_every_claim(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["claims", "keskar2017", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert all(list(row) == LEDGER_KEYS for row in rows)
    assert {row["claim"] for row in rows} == {f"K{number}" for number in range(1, 17)}


def test_a_dry_run_prints_every_phase_with_its_updates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "hoffer2017", "--only", "H5", "H9", "--dry-run", "--store", str(tmp_path)]) == 0
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["+RA", "48", "512", "0.4", "0.9", "32", "576", "288000"] in printed
    assert ["noise", "3", "512", "0.1", "0.9", "-", "36", "18000", "noise", "3.87"] in printed
    assert ["240", "2880", "1440000"] in printed


def test_a_dry_run_prints_every_regime_that_is_run_and_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reproduce", "hoffer2017", "--only", "H1", "--dry-run", "--store", str(tmp_path)]) == 0
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    first = {(line[0], line[2]) for line in printed if line[1:2] == ["3"] and line[0] != "3"}
    sweep = {("further", batch) for batch in ("64", "128", "256", "1024")}
    assert first == {("SB", "32"), ("LB", "512"), *sweep}


def test_a_dry_run_says_what_is_left_and_runs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "keskar2017", "--only", "K1", "--dry-run", "--store", str(tmp_path)]) == 0
    assert "core hours" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_that_records_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["reproduce", "keskar2017", "--dry-run", "--record"])
    assert "--record: not allowed with argument --dry-run" in capsys.readouterr().err


def test_recording_of_a_paper_that_is_not_there_leaves_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "papers" / "known").mkdir(parents=True)
    (tmp_path / "papers" / "known" / "paper.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    assert main(["reproduce", "typo", "--record"]) == 2
    assert "paper='typo' must be one of known" in capsys.readouterr().err
    assert not Path("papers", "typo").exists()


def test_data_sets_are_listed_with_their_licences(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "list"]) == 0
    printed = capsys.readouterr().out
    assert "mnist-embedded" in printed
    assert "CC BY-SA" in printed


def test_the_embedded_data_are_verified(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "verify", "mnist-embedded"]) == 0
    assert capsys.readouterr().out.count("verified") == 4


def test_runs_are_listed_and_shown(store: RunStore, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "list", "--store", str(store.root)]) == 0
    assert SPEC.key in capsys.readouterr().out
    assert main(["runs", "show", SPEC.key[:8], "--store", str(store.root)]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["spec"] == SPEC.as_json()
    assert shown["last_epoch"]["epoch"] == 1


def test_a_store_without_runs_says_where_it_looked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "list", "--store", str(tmp_path / "typo")]) == 0
    assert capsys.readouterr().out == f"There are no runs in {tmp_path / 'typo'}.\n"


def test_the_sharpness_of_a_stored_run_is_printed_and_kept(store: RunStore, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["sharpness", SPEC.key, "--store", str(store.root), "--budget", "8"]
    assert main(arguments) == 0
    first = json.loads(capsys.readouterr().out)
    assert first["content"]["value"] > 0
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out) == first  # seconds included: it was read, not measured again


def test_sharpness_can_be_asked_for_on_a_random_manifold(store: RunStore, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["sharpness", SPEC.key, "--store", str(store.root), "--budget", "8", "--manifold", "3"]
    assert main(arguments) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["request"]["columns"] == 3
    assert answer["content"]["value"] > 0


@pytest.mark.parametrize("engine", ["lanczos", "pyhessian"])
def test_the_spectrum_of_a_stored_run_is_printed(
    store: RunStore, capsys: pytest.CaptureFixture[str], engine: str
) -> None:
    few = ["--top", "2", "--probes", "1", "--steps", "2", "--measured", "60"]
    assert main(["spectrum", SPEC.key, "--store", str(store.root), "--engine", engine, *few]) == 0
    content = json.loads(capsys.readouterr().out)["content"]
    assert content["engine"] == engine
    assert content["eigenvalues"] == sorted(content["eigenvalues"], reverse=True)
    assert len(content["eigenvalues"]) == 2
    assert (content["errors"] is None) == (engine == "pyhessian")
    assert sum(content["density"]["weights"][0]) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["sharpness", "--eps=-1"], "eps=-1.0 must be positive and finite"),
        (["sharpness", "--eps=nan"], "eps=nan must be positive and finite"),
        (["sharpness", "--manifold=-3"], "columns=-3 of the manifold must be at least 1"),
        (["sharpness", "--manifold=3", "--eps=0"], "eps=0.0 must be positive and finite"),
        (["sharpness", "--budget=3"], "budget=3 must be at least 8 gradients"),
        (["spectrum", "--measured=-5"], "measured=-5 must be 1 to 6000 examples of mnist-embedded, or 0, which is all"),
        (["spectrum", "--measured=6001"], "measured=6001 must be 1 to 6000"),
        (["spectrum", "--tol=nan"], "tol=nan must lie between 0 and 1"),
    ],
)
def test_a_measurement_that_cannot_be_meant_ends_with_2_before_any_process_and_is_not_kept(
    store: RunStore,
    arguments: list[str],
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("repro.runs.measurements.pool", lambda _: pytest.fail("a process was begun"))
    before = set(store.root.rglob("*"))
    assert main([arguments[0], SPEC.key, "--store", str(store.root), *arguments[1:]]) == 2
    assert expected in capsys.readouterr().err
    assert set(store.root.rglob("*")) == before


def test_a_spectrum_takes_a_tolerance_and_a_seed(store: RunStore, capsys: pytest.CaptureFixture[str]) -> None:
    few = ["--top", "1", "--probes", "1", "--steps", "2", "--measured", "60", "--tol", "0.1"]
    answers = []
    for seed in ([], ["--seed", "8"]):
        assert main(["spectrum", SPEC.key, "--store", str(store.root), *few, *seed]) == 0
        answers.append(json.loads(capsys.readouterr().out))
    own, other = answers
    assert own["request"]["tol"] == 0.1
    assert "seed" not in own["request"]
    assert other["request"]["seed"] == 8
    assert own["content"]["density"] != other["content"]["density"]


def test_weights_that_were_not_kept_are_wrong_usage(store: RunStore, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sharpness", SPEC.key, "--store", str(store.root), "--update", "77", "--budget", "8"]) == 2
    assert "update=77" in capsys.readouterr().err


def test_interrupting_ends_with_1_and_says_that_nothing_is_lost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("repro.studies.reproduce.carry_out", interrupted)
    assert main(["reproduce", "keskar2017", "--only", "K1"]) == 1
    assert "stopped" in capsys.readouterr().err


def test_specs_that_differ_have_different_keys() -> None:
    assert replace(SPEC, seed=4).key != SPEC.key


@pytest.mark.parametrize(("stale", "code", "said"), [([], 0, ""), ([Path("docs/a.md")], 1, "docs/a.md: older than")])
def test_a_check_of_the_report_fails_where_a_page_is_older_than_its_evidence(
    stale: list[Path], code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("repro.report.site.stale_files", lambda parser: stale)  # noqa: ARG005
    assert main(["report", "--check"]) == code
    assert said in capsys.readouterr().err


def test_a_file_in_the_place_of_the_store_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("not a folder")
    assert main(["runs", "list", "--store", str(tmp_path / "file")]) == 2
    assert f"must be a folder, and {tmp_path / 'file'} is a file; name another by --store" in capsys.readouterr().err


@pytest.mark.parametrize("status", ["{", '{"a": 1}', "[1]", "null", '{"status": "complete"}'])
def test_a_damaged_run_does_not_hide_the_others(
    tmp_path: Path, status: str, capsys: pytest.CaptureFixture[str]
) -> None:
    store, other = RunStore(tmp_path), replace(SPEC, seed=4)
    for spec in (SPEC, other):
        store.folder(spec.key).declare(spec)
    (store.folder(other.key).path / "status.json").write_text(status)
    assert main(["runs", "list", "--store", str(tmp_path)]) == 0
    lines = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines())
    assert "status.json is damaged" in lines[other.key]
    assert "F1 mnist-embedded batch 3000" in lines[SPEC.key]
