"""Benchmarks: `python -m tests.bench [NAME ...]`; each is one module, registered in BENCHMARKS."""

from __future__ import annotations

from tests.bench import board, charts, memory, room, sample, watch
from tests.bench.report import Benchmark

BENCHMARKS: tuple[Benchmark, ...] = (
    sample.BENCHMARK,
    memory.BENCHMARK,
    watch.BENCHMARK,
    board.BENCHMARK,
    charts.BENCHMARK,
    room.BENCHMARK,
)
