"""Profiles: for each network of a study a table of overrides, in the paper's folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

from repro.claims.declared import load_toml
from repro.errors import DataError, UsageError
from repro.train.canonical import from_json


def load_settings(folder: Path, profile: str, kind: Any) -> list[Any]:
    """The settings of `profile`, one for each network that `folder/profiles.toml` names under it.

    Args:
        folder: the paper's folder.
        profile: `quick`, `laptop` or `paper`.
        kind: the study's frozen dataclass, whose defaults are the paper's own protocol; or a union of several, of which
            each table names its own under `kind`.

    Raises:
        UsageError: there is no such profile.
        DataError: a key is unknown or its value has the wrong type.
    """
    tables = tables_of(folder, profile)
    named = {} if get_args(kind) else {"kind": kind.__name__}
    try:
        return [
            from_json(kind, {**named, "profile": profile, "network": network, **overrides})
            for network, overrides in tables.items()
        ]
    except ValueError as error:
        raise DataError(f"{folder / 'profiles.toml'}, {profile}: {error} Correct it in the file.") from error


def with_profile(folders: Iterable[Path], profile: str) -> list[Path]:
    """Those of the papers' `folders` whose `profiles.toml` has a profile of that name.

    Raises:
        UsageError: none has.
    """
    known = {folder: load_toml(folder / "profiles.toml") for folder in folders}
    found = [folder for folder, profiles in known.items() if profile in profiles]
    if not found:
        names = dict.fromkeys(name for profiles in known.values() for name in profiles)
        raise UsageError(f"profile={profile!r} must be one of {', '.join(names)}.")
    return found


def tables_of(folder: Path, profile: str) -> dict[str, dict[str, Any]]:
    """What `folder/profiles.toml` says of a profile, by network.

    Raises:
        UsageError: there is no such profile.
        DataError: it holds something that is no network's table.
    """
    path = folder / "profiles.toml"
    profiles: dict[str, dict[str, dict[str, Any]]] = load_toml(path)
    if profile not in profiles:
        raise UsageError(f"profile={profile!r} must be one of {', '.join(profiles)} ({path}).")
    tables = profiles[profile]
    if loose := [name for name, table in tables.items() if not isinstance(table, dict)]:
        raise DataError(f"{path}, {profile}: {loose} must stand in a network's table, as in [{profile}.F1].")
    return tables
