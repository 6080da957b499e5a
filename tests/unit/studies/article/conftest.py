"""An event loop whose clock stands still while it works and jumps while it waits, so that no test waits."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Iterator

import pytest


class _Selector(selectors.SelectSelector):
    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "nothing is ready and nothing is due: the loop would wait for ever"
        self.now += max(timeout, 0.0)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.selector = _Selector()
        super().__init__(self.selector)

    def time(self) -> float:
        return self.selector.now

    def work(self, seconds: float) -> None:
        """What a call does that keeps the loop busy for so long."""
        self.selector.now += seconds


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    made = VirtualLoop()
    yield made
    made.close()
