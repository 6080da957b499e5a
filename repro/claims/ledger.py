"""The ledger: every claim on every network, with its verdict or the plain statement that it was not run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from repro.atomic import write_json
from repro.claims.verdict import Interval
from repro.errors import DataError, StorageError

EXTENSION = " (extension: the paper does not show it for this network)"
"""Ends the title of a row whose network is not the paper's."""


@dataclass(frozen=True)
class LedgerRow:
    """One line of the ledger; the fields are the keys of `repro claims --json`.

    Attributes:
        paper, claim, title, network, dataset, profile: what was judged, on what. The title says so where the
            paper does not show the claim for this network.
        variant: empty for the primary row.
        verdict, finding: the two words.
        effect: mean over seeds, in `unit`, or `None`.
        interval: the interval the verdict used, Holm-corrected in a primary row, or `None`.
        unit: of effect, interval and margin.
        margin: half the width of the region around zero, or of the range claimed.
        test: how effect, interval and p were computed.
        p: of no difference (directional) or of a difference beyond the margin (equivalence, range), or
            `None`.
        p_holm: p corrected for its family, `None` in a variant.
        n: runs attempted in the smallest arm.
        failed, diverged: how many attempts, in all arms, gave no value.
        reported: the paper's numbers, or `None`; `network` names another that they are of.
        command: what to type to get this row.
    """

    paper: str
    claim: str
    title: str
    network: str
    dataset: str
    profile: str
    variant: str
    verdict: str
    finding: str
    effect: float | None
    interval: Interval | None
    unit: str
    margin: float
    test: str
    p: float | None
    p_holm: float | None
    n: int
    failed: int
    diverged: int
    reported: Mapping[str, Any] | None
    command: str

    def as_json(self) -> dict[str, Any]:
        """The row as plain JSON, keys in the order above."""
        return asdict(self) | {"interval": None if self.interval is None else list(self.interval)}


def write(path: Path, rows: Sequence[LedgerRow]) -> None:
    """Put the rows at `path` as JSON, whole or not at all; the same rows give the same bytes.

    Raises:
        StorageError: the file cannot be written.
    """
    write_json(path, [row.as_json() for row in rows])


def read(path: Path) -> list[LedgerRow]:
    """The rows at `path`, in their order.

    Raises:
        StorageError: there is no such file.
        DataError: it is not a ledger.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(rows, list):
            raise ValueError("it holds no list of rows")
        return [_from_json(row) for row in rows]
    except OSError as error:
        raise StorageError(f"cannot read the ledger {path}: {error.strerror}. Run `repro reproduce` first.") from error
    except (ValueError, TypeError) as error:
        raise DataError(f"{path} is not a ledger ({error}). Delete it and run `repro reproduce` again.") from error


def _from_json(row: dict[str, Any]) -> LedgerRow:
    expected = [field.name for field in fields(LedgerRow)]
    if list(row) != expected:
        raise ValueError(f"a row has the keys {', '.join(row)}; it must have {', '.join(expected)}")
    low_high = row["interval"]
    return LedgerRow(**row | {"interval": None if low_high is None else (low_high[0], low_high[1])})
