"""What a task has cost this machine, over all its interruptions."""

from __future__ import annotations

import time
from typing import Any


class Clock:
    """Processor and wall seconds, beginning at the totals of an earlier status of the same task."""

    def __init__(self, earlier: dict[str, Any]) -> None:
        self._cpu = float(earlier.get("cpu_seconds", 0.0)) - time.process_time()
        self._wall = float(earlier.get("seconds", 0.0)) - time.monotonic()

    def totals(self) -> dict[str, float]:
        """Seconds so far, `seconds` by the clock on the wall and `cpu_seconds` of this process.

        In microseconds, so that two tasks are told apart by them.
        """
        return {
            "seconds": round(self._wall + time.monotonic(), 6),
            "cpu_seconds": round(self._cpu + time.process_time(), 6),
        }
