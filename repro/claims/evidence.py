"""Evidence: one tidy table of measured values, a row for each number, failed and diverged ones included."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from repro.atomic import replacing
from repro.claims.parquet import read_table
from repro.errors import DataError

STATUSES = ("ok", "failed", "diverged")

SCHEMA = pa.schema(
    [
        pa.field("claim", pa.string(), nullable=False),
        pa.field("network", pa.string(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("profile", pa.string(), nullable=False),
        pa.field("variant", pa.string(), nullable=False),
        pa.field("arm", pa.string(), nullable=False),
        pa.field("seed", pa.int64(), nullable=False),
        pa.field("quantity", pa.string(), nullable=False),
        pa.field("x", pa.float64()),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("residual", pa.float64()),
        pa.field("cost", pa.float64()),
        pa.field("seconds", pa.float64(), nullable=False),
        pa.field("spec", pa.string(), nullable=False),
        pa.field("package_version", pa.string(), nullable=False),
        pa.field("commit", pa.string(), nullable=False),
        pa.field("torch_version", pa.string(), nullable=False),
        pa.field("threads", pa.int64(), nullable=False),
        pa.field("machine", pa.string(), nullable=False),
    ]
)

Identity = tuple[str, str, str, str, str, str, str, float, int]


@dataclass(frozen=True)
class Provenance:
    """Which code, on which machine, produced a number.

    Attributes:
        package_version: version of this package.
        commit: git commit of the package; empty outside a checkout.
        torch_version: as PyTorch reports it, with its build suffix.
        threads: threads one tensor operation may use.
        machine: name of the CPU.
    """

    package_version: str
    commit: str
    torch_version: str
    threads: int
    machine: str


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One measured number, or one attempt that gave none.

    Attributes:
        claim: the claim it bears on, for example `K3`.
        network: as in `repro.nets`.
        dataset: as in `repro.data`.
        profile: `quick`, `laptop` or `paper`.
        variant: the row of the claim; empty for the primary row.
        arm: what is compared, for example `SB` or `LB`; empty for a statistic that compares by itself.
        seed: the run's seed; arms of one seed share their initial weights.
        quantity: what was measured, for example `sharpness`.
        x: position on a curve (path coordinate, epoch, batch size), or `None` for a number a verdict may use.
        value: in the quantity's unit; NaN where there is none.
        status: `ok`, `failed` (the measurement gave no answer) or `diverged` (the training run did not
            survive).
        reason: why not `ok`, in words; empty when `ok`.
        residual: its error bar, in the quantity's unit, or `None`. It is how far two searches disagree
            (sharpness), a bound (eigenvalues), a standard error (traces, densities, counts), or half a 95 % interval
            (times).
        cost: full-data gradients spent, or `None`.
        seconds: of its measurements, by the clock; those of its runs stand in `runs.parquet`.
        spec: keys of the runs it was measured on, separated by spaces.
        provenance: which code and machine.

    Raises:
        ValueError: the status contradicts the value or the reason.
    """

    claim: str
    network: str
    dataset: str
    profile: str
    variant: str = ""
    arm: str = ""
    seed: int
    quantity: str
    x: float | None = None
    value: float
    status: str = "ok"
    reason: str = ""
    residual: float | None = None
    cost: float | None = None
    seconds: float = 0.0
    spec: str = ""
    provenance: Provenance

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise ValueError(f"status={self.status!r} must be one of {', '.join(STATUSES)}.")
        if self.status == "ok" and not math.isfinite(self.value):
            raise ValueError(f"value={self.value} must be finite when the status is ok; else say failed, and why.")
        if (self.status == "ok") == bool(self.reason):
            raise ValueError(
                f"reason={self.reason!r}, status={self.status!r}: give a reason exactly when it is not ok."
            )

    @property
    def identity(self) -> Identity:
        """What makes this row the only one of its kind, and the order rows are kept in."""
        where = (self.claim, self.network, self.dataset, self.profile, self.variant, self.quantity, self.arm)
        return (*where, -math.inf if self.x is None else self.x, self.seed)

    @property
    def place(self) -> str:
        """Where the row stands, in words for an error message."""
        names = (self.claim, self.network, self.dataset, self.profile, self.variant or "primary")
        return f"{' '.join(names)}, {self.quantity} of {self.arm or 'the pair'}, seed {self.seed}, x {self.x}"


def distinct(observations: Iterable[Observation]) -> list[Observation]:
    """The observations sorted by their identity.

    Raises:
        DataError: two of them have the same identity.
    """
    ordered = sorted(observations, key=lambda observation: observation.identity)
    for before, after in pairwise(ordered):
        if before.identity == after.identity:
            raise DataError(f"Two values for {after.place}: a measurement is recorded once. Remove one of them.")
    return ordered


def write(path: Path, observations: Iterable[Observation]) -> None:
    """Put the observations at `path` as Parquet, sorted, whole or not at all; their order leaves no trace.

    Raises:
        DataError: two observations have the same identity.
        StorageError: the file cannot be written.
    """
    table = pa.Table.from_pylist([_as_row(each) for each in distinct(observations)], schema=SCHEMA)
    with replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def read(path: Path) -> list[Observation]:
    """The observations at `path`, sorted.

    Raises:
        StorageError: there is no such file, or it cannot be opened.
        DataError: it is not Parquet, its columns are not those of `SCHEMA`, or a row contradicts itself.
    """
    table = read_table(path)
    _check_columns(path, table.schema)
    try:
        return distinct(_from_row(row) for row in table.to_pylist())
    except ValueError as error:
        raise DataError(f"{path}: {error} Measure again: `repro reproduce` writes the file anew.") from error


def _check_columns(path: Path, found: Any) -> None:
    for field in SCHEMA:
        if field.name not in found.names:
            raise DataError(f"{path} has no column {field.name!r}; it was not written by this version. Measure again.")
        if found.field(field.name).type != field.type:
            raise DataError(
                f"{path}: column {field.name!r} holds {found.field(field.name).type}; "
                f"it must hold {field.type}. Measure again."
            )
    unknown = [name for name in found.names if name not in SCHEMA.names]
    if unknown:
        raise DataError(f"{path} has unknown columns {', '.join(unknown)}. Use the version that wrote it.")


def _as_row(observation: Observation) -> dict[str, Any]:
    row = asdict(observation)
    origin: dict[str, Any] = row.pop("provenance")
    return row | origin


def _from_row(row: dict[str, Any]) -> Observation:
    missing = [field.name for field in SCHEMA if not field.nullable and row[field.name] is None]
    if missing:
        raise ValueError(f"a row has no {', '.join(missing)}.")
    provenance = Provenance(**{name: row.pop(name) for name in Provenance.__dataclass_fields__})
    return Observation(**row, provenance=provenance)
