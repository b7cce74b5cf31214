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


def compiled(loop: Callable[P, R]) -> Callable[P, R]:
    """The loop as machine code that lets other threads run meanwhile; importing Numba takes a second, so it waits."""
    one = Lock()  # two threads must not compile the same

    @cache
    def made() -> Callable[P, R]:
        import numba  # noqa: PLC0415  # see above

        kernel: Callable[P, R] = numba.njit(cache=True, nogil=True)(loop)
        return kernel

    @wraps(loop)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with one:
            kernel = made()
        return kernel(*args, **kwargs)

    return call


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
