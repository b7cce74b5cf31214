"""Counts the events in hand, so that a stop can wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Open until closed; `drain` waits until everything that passed it is done."""

    def __init__(self) -> None:
        self.open = True
        self._inside = 0
        self._empty = asyncio.Event()
        self._empty.set()

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Hold the gate while one event is worked on."""
        self._inside += 1
        self._empty.clear()
        try:
            yield
        finally:
            self._inside -= 1
            if not self._inside:
                self._empty.set()

    async def drain(self, seconds: float) -> int:
        """Close, wait at most `seconds`, and say how many events were left unfinished."""
        self.open = False
        try:
            await asyncio.wait_for(self._empty.wait(), seconds)
        except TimeoutError:
            return self._inside
        return 0
