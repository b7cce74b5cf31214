"""Every benchmark; each is one module."""

from __future__ import annotations

from tests.bench import board, calls, charts, engine, loading, memory, room, sample, scan, start, watch
from tests.bench.report import Benchmark

BENCHMARKS: tuple[Benchmark, ...] = (
    start.BENCHMARK,
    sample.BENCHMARK,
    memory.BENCHMARK,
    watch.BENCHMARK,
    scan.BENCHMARK,
    board.BENCHMARK,
    calls.BENCHMARK,
    loading.BENCHMARK,
    engine.BENCHMARK,
    charts.BENCHMARK,
    room.BENCHMARK,
)
