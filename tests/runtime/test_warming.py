"""The process of `run` has loaded its arithmetic before anybody waits for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.cli.terminal import clean

ROOT = Path(__file__).parents[2]
PROOF = """
import sys
from bot.bootstrap.warming import load_arithmetic
assert "numba" not in sys.modules, "nothing but a forecast needs it"
load_arithmetic()
from bot.domain.forecasting import kernels
before = set(sys.modules)
import numpy as np
from bot.domain.forecasting import targets
kernels.fill_levels(
    np.ones((1, 3), np.float32), np.ones((1, 3), np.float32), np.array([0.5]), np.array([3]), np.zeros((1, 1, 1))
)
late = {name.partition(".")[0] for name in set(sys.modules) - before}
assert not late & {"numba", "llvmlite", "scipy"}, late
from bot.bootstrap.warming import rehearse_trials
rehearse_trials()
from datetime import date
from numba.core import event
from bot.domain.backtesting.smoothing import KINDS, rate
from bot.domain.forecasting import Engine, Panel
one, unknown = np.zeros(3_000, np.int64), np.zeros(3_000)
whole = Panel(date(2024, 1, 1), "day", np.ones((3_000, 60), np.float32), None, one, one, one, unknown, unknown)
with event.install_recorder("numba:compile") as compiled:
    for past in (whole, whole.before(40)):
        Engine().forecast(past, 3, (0.5, 0.9))
        Engine().over(past, np.array([5]), np.ones(1), (0.5, 0.9))
        for kind in KINDS:
            rate(past, kind)
assert not compiled.buffer, "setting up has compiled all of it"
print("ready")
"""


def test_what_a_scan_reckons_with_is_loaded_by_the_rehearsal_and_not_before() -> None:
    ran = subprocess.run(  # noqa: S603  # our own lines
        [sys.executable, "-c", PROOF],
        env=clean(os.environ) | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert ran.stdout == "ready\n", ran.stderr
