"""Numeric loops compiled by Numba: when first called, and from its cache on disk from then on."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, wraps
from threading import Lock
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
BLOCK = 1_024  # series worked on together, so that their arrays stay in the processor's cache
_ANY_ORDER = frozenset({"reassoc", "contract", "nsz"})  # what lets a sum be taken in lanes; NaN keeps its meaning


def compiled(loop: Callable[P, R]) -> Callable[P, R]:
    """The loop as machine code that lets other threads run meanwhile; importing Numba takes a second, so it waits."""
    return _waiting(loop, frozenset())


def compiled_sums(loop: Callable[P, R]) -> Callable[P, R]:
    """As `compiled`, for loops whose sums may be taken in any order: much faster, and the last digit may differ."""
    return _waiting(loop, _ANY_ORDER)


def _waiting(loop: Callable[P, R], loosened: frozenset[str]) -> Callable[P, R]:
    one = Lock()  # two threads must not compile the same

    @cache
    def made() -> Callable[P, R]:
        import numba  # noqa: PLC0415  # see above

        kernel: Callable[P, R] = numba.njit(cache=True, nogil=True, fastmath=set(loosened))(loop)
        return kernel

    @wraps(loop)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with one:
            kernel = made()
        return kernel(*args, **kwargs)

    return call


def meanwhile(one: Callable[[], R], other: Callable[[], None]) -> R:
    """What `one` returns; `other` is done beside it."""
    with ThreadPoolExecutor(1) as thread:
        found = thread.submit(one)
        other()
        return found.result()


def in_blocks(series: int, work: Callable[[slice], None]) -> None:
    """Call `work` on slices that cover the series, on as many threads as there are processors."""
    blocks = [slice(first, min(first + BLOCK, series)) for first in range(0, series, BLOCK)]
    if len(blocks) < 2:
        for block in blocks:
            work(block)
        return
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for done in [pool.submit(work, block) for block in blocks]:
            done.result()
