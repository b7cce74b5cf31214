"""Array types of the vectorised arithmetic: `n` series (SKU x location) down, `T` days across, oldest day first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Counts = NDArray[np.integer[Any]] | NDArray[np.floating[Any]]  # whole numbers in any NumPy type

_HALVINGS = 50  # of an interval: beyond them doubles tell no ends apart
_NEAR = 1e-13  # of the interval's end, or of one: a step so short is the last
MAX_MINOR = 2**62  # money beyond it is a fault of the inputs; the bound keeps int64 from wrapping round


def shaped(name: str, array: NDArray[Any], shape: tuple[int, ...]) -> None:
    """ValueError, naming the array, where it has another shape than expected."""
    if array.shape != shape:
        raise ValueError(f"{name} has the shape {array.shape}, not {shape}")


def ratio(top: Floats | Ints, bottom: Floats | Ints, empty: float) -> Floats:
    """`top / bottom` as float64, and `empty` where `bottom` is zero or less."""
    out = np.full(np.broadcast_shapes(top.shape, bottom.shape), empty, dtype=np.float64)
    np.divide(top, bottom, out=out, where=np.broadcast_to(bottom > 0, out.shape))
    return out


def falling_root(line: Callable[[Floats], tuple[Floats, Floats]], start: Floats, high: Floats) -> Floats:
    """Where falling functions of straight pieces cross zero between 0 and `high`; at an end where they do not.

    `line` takes an array of the shape of `high` and gives, element by element, the functions' values there and how
    steeply they fall. Newton's steps from `start`, of which straight pieces need few; a step that would leave what lies
    between a value above zero and one that is not is one to its middle.
    """
    low, found = np.zeros_like(high), np.clip(start, 0.0, high)
    for _turn in range(_HALVINGS):
        value, fall = line(found)
        above = value > 0
        low, high = np.where(above, found, low), np.where(above, high, found)
        step = found + ratio(value, fall, np.inf)
        within = ((low < step) & (step < high)) | (step == found)
        step = np.where(within, step, (low + high) / 2)
        near: Bools = np.abs(step - found) <= _NEAR * np.maximum(high, 1.0)
        found = step
        if near.all():
            break
    return found


def to_minor(amount: Floats) -> Ints:
    """A float amount of minor units rounded half to even to int64; not a number becomes zero."""
    finite = np.nan_to_num(amount, nan=0.0, posinf=MAX_MINOR, neginf=-MAX_MINOR)
    return np.rint(np.clip(finite, -MAX_MINOR, MAX_MINOR)).astype(np.int64)
