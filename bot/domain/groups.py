"""What series have in common: the category of the product, and the region."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bot.domain.arrays import Bools, Ints

WIDE = np.int64(32)  # bits of a category's number


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """The category (n,) of each series, 0 where it has none, and its region (n,), which is its place."""

    category: Ints
    region: Ints

    @classmethod
    def by_place(cls, region: Ints) -> Groups:
        """Series whose products have no categories."""
        return cls(np.zeros(len(region), dtype=np.int64), region)

    def rows(self, chosen: slice | Ints | Bools) -> Groups:
        """Those of some series."""
        return Groups(self.category[chosen], self.region[chosen])

    @property
    def keys(self) -> Ints:
        """(n,): one number for both, which rises with the region and, within it, with the category."""
        return keyed(self.category, self.region)


def keyed(category: Ints, region: Ints) -> Ints:
    """One number (n,) for a category under 2^32 and a region."""
    keys: Ints = (region << WIDE) | category
    return keys


def placed(keys: Ints, wanted: Ints) -> Ints:
    """Where each of `wanted` (n,) stands among `keys` (m,), ascending; -1 where it does not."""
    if not len(keys):
        return np.full(len(wanted), -1, dtype=np.int64)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, at, -1)
