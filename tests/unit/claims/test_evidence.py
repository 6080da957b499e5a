from __future__ import annotations

import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from repro.claims.evidence import SCHEMA, Provenance, read, write
from repro.errors import DataError, StorageError
from repro.provenance import provenance


def test_what_is_written_is_read_back(tmp_path, observation):
    rows = [
        observation(0.1 + 0.2, seed=1, residual=0.5, cost=60.0, seconds=2.5, spec="a b", variant="eps=5e-4"),
        observation(1e300, seed=2, x=-0.125),
    ]
    write(tmp_path / "measurements.parquet", rows)
    assert set(read(tmp_path / "measurements.parquet")) == set(rows)


def test_a_diverged_run_is_a_row_with_its_reason(tmp_path, observation):
    write(tmp_path / "m.parquet", [observation(status="diverged", reason="loss is nan at update 7")])
    (row,) = read(tmp_path / "m.parquet")
    assert (row.status, row.reason, math.isnan(row.value)) == ("diverged", "loss is nan at update 7", True)


def test_the_order_of_arrival_leaves_no_trace_in_the_bytes(tmp_path, observation):
    rows = [observation(float(seed), seed=seed, x=x) for seed in range(5) for x in (None, 0.5, -1.0)]
    write(tmp_path / "one.parquet", rows)
    write(tmp_path / "other.parquet", reversed(rows))
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "other.parquet").read_bytes()


def test_no_rows_are_a_file_too(tmp_path):
    write(tmp_path / "m.parquet", [])
    assert read(tmp_path / "m.parquet") == []


def test_two_values_for_one_measurement_are_refused_and_nothing_is_written(tmp_path, observation):
    with pytest.raises(DataError, match="Two values for K1 F1 mnist quick primary, accuracy of SB, seed 0"):
        write(tmp_path / "m.parquet", [observation(1.0), observation(2.0)])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"status": "lost"}, "status='lost' must be one of ok, failed, diverged"),
        ({"value": math.nan}, "value=nan must be finite"),
        ({"value": math.inf}, "value=inf must be finite"),
        ({"reason": "tired"}, "reason='tired'"),
        ({"status": "failed", "reason": ""}, "reason=''"),
    ],
)
def test_an_observation_that_contradicts_itself_is_refused(observation, facts, message):
    with pytest.raises(ValueError, match=message):
        observation(**facts)


def test_a_missing_file_says_what_to_run(tmp_path):
    with pytest.raises(StorageError, match=r"m.parquet: No such file or directory. Run `repro reproduce` first"):
        read(tmp_path / "m.parquet")


def test_a_truncated_file_is_named(tmp_path, observation):
    path = tmp_path / "m.parquet"
    write(path, [observation()])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"m.parquet is not a whole Parquet file"):
        read(path)


def _rewrite(path, change):
    write(path, [])
    pq.write_table(change(pq.read_table(path)), path)


def test_a_missing_column_is_named(tmp_path):
    _rewrite(tmp_path / "m.parquet", lambda table: table.drop_columns(["seed"]))
    with pytest.raises(DataError, match="no column 'seed'"):
        read(tmp_path / "m.parquet")


def test_an_unknown_column_is_named(tmp_path):
    _rewrite(tmp_path / "m.parquet", lambda table: table.append_column("mood", pa.array([], pa.string())))
    with pytest.raises(DataError, match="unknown columns mood"):
        read(tmp_path / "m.parquet")


def test_a_column_of_another_type_is_named(tmp_path):
    index = SCHEMA.get_field_index("value")
    _rewrite(tmp_path / "m.parquet", lambda table: table.set_column(index, "value", pa.array([], pa.float32())))
    with pytest.raises(DataError, match="column 'value' holds float; it must hold double"):
        read(tmp_path / "m.parquet")


def _with_row(path, observation, **changes):
    write(path, [observation()])
    content = pq.read_table(path).to_pylist()[0] | changes
    loose = pa.schema([field.with_nullable(True) for field in SCHEMA])
    pq.write_table(pa.Table.from_pylist([content], schema=loose), path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"status": "lost"}, "status='lost'"),
        ({"value": None}, "has no value"),
        ({"reason": "x"}, "reason='x'"),
    ],
)
def test_a_row_that_contradicts_itself_is_not_read(tmp_path, observation, changes, message):
    path = tmp_path / "m.parquet"
    _with_row(path, observation, **changes)
    with pytest.raises(DataError, match=message):
        read(path)


def test_provenance_knows_this_machine():
    here = Provenance(**provenance())
    assert here.machine
    assert here.threads >= 1
    assert here.torch_version.startswith("2.")
