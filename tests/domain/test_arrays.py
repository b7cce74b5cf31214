"""Where falling functions of straight pieces cross zero."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.arrays import Floats, falling_root

SIZES = st.lists(
    st.tuples(st.floats(0, 1e4, width=32), st.floats(0, 100, width=32)), min_size=1, max_size=30
)  # fmt: skip


def cut_sums(came: Floats, told: Floats, limit: float, by: Floats) -> tuple[Floats, Floats]:
    """What `common_ratio` and the weekdays' pools look for the root of."""
    beyond = came - by[:, None] * told
    cut = np.clip(beyond, -limit, limit)
    return cut.sum(axis=1), (told * (cut == beyond)).sum(axis=1)


@given(SIZES, st.floats(0.01, 1.0), st.floats(0, 20))
def test_the_root_lies_where_the_sum_changes_its_sign(
    sizes: list[tuple[float, float]], share: float, start: float
) -> None:
    came, told = (np.array([column], dtype=np.float64) for column in zip(*sizes, strict=True))
    limit, high = share * told.sum(), np.array([16.0])
    asked = []

    def line(by: Floats) -> tuple[Floats, Floats]:
        asked.append(float(by[0]))
        return cut_sums(came, told, limit, by)

    [root] = falling_root(line, np.array([start]), high)
    assert 0 <= root <= 16
    near = 1e-9 * max(1.0, float(came.sum()))
    before, after = (cut_sums(came, told, limit, np.array([root + by]))[0][0] for by in (-1e-9, 1e-9))
    assert before >= -near or root == 0
    assert after <= near or root > 16 - 1e-6
    assert len(asked) <= 50


def test_several_functions_find_their_own_roots_and_few_steps_do() -> None:
    rng = np.random.default_rng(7)
    told = rng.gamma(0.5, 10.0, (40, 500))
    came = rng.poisson(told * rng.uniform(0.2, 3.0, 40)[:, None]).astype(np.float64)
    came[:, 0] += 5_000.0  # a bulk order
    limit = told.sum(axis=1, keepdims=True) * 0.01
    turns = 0

    def line(by: Floats) -> tuple[Floats, Floats]:
        nonlocal turns
        turns += 1
        beyond = came - by[:, None] * told
        cut = np.clip(beyond, -limit, limit)
        return cut.sum(axis=1), (told * (cut == beyond)).sum(axis=1)

    roots = falling_root(line, came.sum(axis=1) / told.sum(axis=1), np.full(40, 48.0))
    assert np.abs(line(roots)[0]).max() < 1e-6
    assert turns < 16
