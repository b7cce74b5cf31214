"""An import's scratch paper on disk, so that memory does not grow with the file.

Two tallies: how often a line has been seen (its ordinal makes genuine repeats different lines), and how often a
product was called by a name.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain

_CHUNK = 8_000


class Scratch:
    """A temporary database without a name; it is gone when closed. Its work happens in one worker at a time."""

    def __init__(self) -> None:
        # Statements of thousands of parameters take a megabyte each, so few are kept.
        self._base = sqlite3.connect("", isolation_level=None, check_same_thread=False, cached_statements=4)
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-16384", "temp_store=FILE"):
            self._base.execute(f"PRAGMA {pragma}")
        self._base.execute("CREATE TABLE seen (line INTEGER PRIMARY KEY, times INTEGER, turn INTEGER)")
        self._base.execute(
            "CREATE TABLE names (sku TEXT, name TEXT, times INTEGER, last INTEGER, PRIMARY KEY (sku, name))"
        )
        self._base.execute("BEGIN")
        self._turn = 0

    def ordinals(self, lines: Sequence[str]) -> list[int]:
        """For each line its place among the equal ones so far, from 1."""
        keys = list(map(hash, lines))  # 64 bits, salted anew in each process
        fresh = Counter(keys)
        times = self._before(fresh)
        if not times and len(fresh) == len(keys):
            return [1] * len(keys)
        found = []
        for key in keys:
            times[key] = times.get(key, 0) + 1
            found.append(times[key])
        return found

    def called(self, names: Counter[tuple[str, str]]) -> None:
        """Add up how often each (sku, name) occurred in the next part of the file."""
        self._turn += 1
        rows = [(sku, name, times, self._turn) for (sku, name), times in names.items()]
        update = "(sku, name) DO UPDATE SET times = times + excluded.times, last = excluded.last"
        self._add("INSERT INTO names VALUES", update, rows)

    def names(self) -> Iterator[tuple[str, str]]:
        """(sku, its most frequent name); of equally frequent ones the one used last."""
        query = "SELECT sku, name FROM names ORDER BY sku, times, last, name"  # a later row replaces an earlier one
        best = ("", "")
        for sku, name in self._base.execute(query):
            if best[0] and best[0] != sku:
                yield best
            best = (sku, name)
        if best[0]:
            yield best

    def close(self) -> None:
        """Throw everything away."""
        self._base.close()

    def _before(self, fresh: Counter[int]) -> dict[int, int]:
        """How often the lines that are not new were seen before; all are counted from now on."""
        self._turn += 1
        before: dict[int, int] = {}
        keys = sorted(fresh)
        size = _CHUNK // 2
        for start in range(0, len(keys), size):
            part = keys[start : start + size]
            rows = ", ".join([f"(?, ?, {self._turn})"] * len(part))
            cells = list(chain.from_iterable((key, fresh[key]) for key in part))
            added = self._base.execute(f"INSERT INTO seen VALUES {rows} ON CONFLICT DO NOTHING", cells)  # noqa: S608  # question marks
            if added.rowcount < len(part):  # rare: a line seen in an earlier part of the file
                places = ", ".join("?" * len(part))
                known = f"SELECT line, times FROM seen WHERE turn < {self._turn} AND line IN ({places})"  # noqa: S608  # question marks
                repeated = dict(self._base.execute(known, part).fetchall())
                before.update(repeated)
                more = [(fresh[key], key) for key in repeated]
                self._base.executemany("UPDATE seen SET times = times + ? WHERE line = ?", more)
        return before

    def _add(self, insert: str, update: str, rows: Sequence[tuple[object, ...]]) -> None:
        if not rows:
            return
        width = len(rows[0])
        one = f"({', '.join('?' * width)})"
        for start in range(0, len(rows), _CHUNK // width):
            part = rows[start : start + _CHUNK // width]
            statement = f"{insert} {', '.join([one] * len(part))} ON CONFLICT {update}"
            self._base.execute(statement, list(chain.from_iterable(part)))
