"""Declarations: a TOML table read key by key, each with its type, none left over."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from repro.errors import DataError, StorageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Word = TypeVar("Word", bound=str)


class Declared:
    """One table of a TOML file while it is read.

    Args:
        content: the table.
        place: where it stands, for messages: `claims.toml, K3, variant published`.
    """

    def __init__(self, content: Mapping[str, Any], place: str) -> None:
        self._content = dict(content)
        self.place = place

    def __contains__(self, key: str) -> bool:
        return key in self._content

    def text(self, key: str, default: str | None = None) -> str:
        """A string that is not blank; `default` where the key is absent."""
        value = self._take(key, default)
        self.require(isinstance(value, str) and (value == default or bool(value.strip())), key, value, "be a text")
        return str(value).strip()

    def choice(self, key: str, allowed: Sequence[Word]) -> Word:
        """One of the allowed words."""
        value: Word = self._take(key, None)
        self.require(value in allowed, key, value, f"be one of {', '.join(allowed)}")
        return value

    def texts(self, key: str, default: Sequence[str] | None = None) -> tuple[str, ...]:
        """A list of different strings."""
        value = self._take(key, default)
        listed = isinstance(value, list | tuple) and all(isinstance(each, str) and each for each in value)
        self.require(listed and len(set(value)) == len(value), key, value, "be a list of different texts")
        return tuple(value)

    def number(self, key: str) -> float:
        """A finite number."""
        value = self._take(key, None)
        self.require(_is_number(value), key, value, "be a finite number")
        return float(value)

    def numbers(self, key: str) -> tuple[float, ...]:
        """A list of finite numbers."""
        value = self._take(key, None)
        self.require(_are_numbers(value), key, value, "be a list of finite numbers")
        return tuple(map(float, value))

    def rows_of_numbers(self, key: str) -> tuple[tuple[float, ...], ...]:
        """A list of lists of finite numbers; a list may be empty."""
        value = self._take(key, None)
        listed = isinstance(value, list) and all(map(_are_numbers, value))
        self.require(listed, key, value, "be a list of lists of finite numbers")
        return tuple(tuple(map(float, each)) for each in value)

    def table(self, key: str, default: Mapping[str, Any] | None = None) -> Declared:
        """A table inside this one."""
        value = self._take(key, default)
        self.require(isinstance(value, Mapping), key, value, "be a table")
        return Declared(value, f"{self.place}, {key}")

    def tables(self, key: str) -> list[dict[str, Any]]:
        """A list of tables, `[[key]]`; empty where the key is absent."""
        value = self._take(key, [])
        listed = isinstance(value, list) and all(isinstance(each, dict) for each in value)
        self.require(listed, key, value, "be a list of tables")
        return list(value)

    def unread(self) -> tuple[str, ...]:
        """The keys not read yet, in the order of the file."""
        return tuple(self._content)

    def finish(self) -> None:
        """Check that every key was read.

        Raises:
            DataError: one was not; a misspelt key must not pass in silence.
        """
        if self._content:
            raise DataError(
                f"{self.place}: unknown key {', '.join(self._content)}. Remove it, or correct its spelling."
            )

    def require(self, holds: bool, key: str, value: object, rule: str) -> None:
        """Raise a DataError that names the key, its value and the rule, unless the rule holds."""
        if not holds:
            raise DataError(f"{self.place}: {key} = {value!r} must {rule}. Correct it in the file.")

    def _take(self, key: str, default: Any) -> Any:
        if key not in self._content and default is None:
            raise DataError(f"{self.place}: {key} is missing. Write it down before the runs.")
        return self._content.pop(key, default)


def load_toml(path: Path) -> dict[str, Any]:
    """The content of the TOML file at `path`.

    Raises:
        StorageError: it cannot be read.
        DataError: it is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}. Does the paper have a folder?") from error
    except ValueError as error:
        raise DataError(f"{path} is not valid TOML: {error}. Correct it in the file.") from error


def load(path: Path) -> Declared:
    """The TOML file at `path`, to be read key by key; raises as `load_toml` does."""
    return Declared(load_toml(path), path.name)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _are_numbers(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_number, value))
