"""The errors a user can act on: each names the value, the rule and the way out."""

from __future__ import annotations


class ReproError(Exception):
    """Something outside the code stands in the way; the command line prints it and exits 1."""


def told(error: Exception) -> str:
    """An error as a line of a record: our own say all in their message, others need their kind."""
    return str(error) if isinstance(error, ReproError) else f"{type(error).__name__}: {error}"


class UsageError(ReproError):
    """The request itself cannot be meant; the command line prints it and exits 2."""


class DataError(ReproError, ValueError):
    """Bytes that are not what their name or checksum says."""


class DatasetError(DataError):
    """A data set of the catalogue is damaged or cannot be had: that says nothing of what was to be made of it."""


class StorageError(ReproError, OSError):
    """A file could not be written or read: no space, no permission, a damaged checkpoint."""
