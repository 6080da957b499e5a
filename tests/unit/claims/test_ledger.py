from __future__ import annotations

import json

import pytest

from repro.claims.judge import judge
from repro.claims.ledger import read, write
from repro.errors import DataError, StorageError

KEYS = [
    *("paper", "claim", "title", "network", "dataset", "profile", "variant"),
    *("verdict", "finding", "effect", "interval", "unit", "margin", "test"),
    *("p", "p_holm", "n", "failed", "diverged", "reported", "command"),
]


@pytest.fixture
def rows(declare, pairs):
    return judge(declare(), pairs([98.0, 98.1, 98.3], [97.0, 97.3, 97.2]), "quick")


def test_a_row_has_exactly_the_promised_keys(rows):
    assert list(rows[0].as_json()) == KEYS


def test_the_ledger_is_read_back_as_it_was_written(tmp_path, rows):
    write(tmp_path / "ledger.json", rows)
    assert read(tmp_path / "ledger.json") == rows


def test_the_same_rows_give_the_same_bytes(tmp_path, rows):
    write(tmp_path / "one.json", rows)
    write(tmp_path / "other.json", read(tmp_path / "one.json"))
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "other.json").read_bytes()


def test_json_has_an_interval_of_two_numbers_or_null(tmp_path, rows):
    write(tmp_path / "ledger.json", rows)
    intervals = [row["interval"] for row in json.loads((tmp_path / "ledger.json").read_text())]
    assert intervals[0] == [pytest.approx(low_or_high) for low_or_high in rows[0].interval]
    assert intervals[1] is None


def test_a_missing_ledger_says_what_to_run(tmp_path):
    with pytest.raises(StorageError, match=r"ledger.json: No such file or directory. Run `repro reproduce` first"):
        read(tmp_path / "ledger.json")


@pytest.mark.parametrize("content", ["[{", '[{"paper": "x"}]', "3", "[3]", "{}"])
def test_what_is_not_a_ledger_is_refused(tmp_path, content):
    (tmp_path / "ledger.json").write_text(content)
    with pytest.raises(DataError, match=r"ledger.json is not a ledger"):
        read(tmp_path / "ledger.json")
