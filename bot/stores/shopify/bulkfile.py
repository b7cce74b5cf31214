"""The file of a bulk operation: a record a line, what is inside of a record on later lines that name their parent.

The lines of a record lie anywhere after it, so they are put in order by a database of their own, on disk.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, Final

from bot.errors import Declined
from bot.words import _

_HELD: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("Product", "ProductVariant"): "variants",
        ("InventoryItem", "ProductVariant"): "variants",
        ("InventoryItem", "InventoryLevel"): "inventoryLevels",
        ("Order", "LineItem"): "lineItems",
        ("Order", "FulfillmentOrder"): "fulfillmentOrders",
        ("FulfillmentOrder", "FulfillmentOrderLineItem"): "lineItems",
    }
)


class Records:
    """The records of a file in their order there, numbered from nothing; the database is a new file at `path`."""

    def __init__(self, path: Path) -> None:
        # One thread at a time: whoever loads it waits for the loading.
        self._books = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for setting in ("journal_mode = OFF", "synchronous = OFF"):  # a crash begins anew with the file
            self._books.execute(f"PRAGMA {setting}")
        self._books.execute("CREATE TABLE entry (id TEXT, record INTEGER, body BLOB)")
        self._books.execute("CREATE INDEX by_id ON entry (id)")
        self.count = 0

    def close(self) -> None:
        """Let go of the database."""
        self._books.close()

    def load(self, lines: BinaryIO) -> int:
        """Take the lines of a file in; how many there are. Declined for one that cannot be read, or has no parent."""
        taken = 0
        self._books.execute("BEGIN")
        for line in lines:
            if not line.strip():
                continue
            try:
                told = json.loads(line)
                name, parent = told["id"], told.get("__parentId")
            except (ValueError, LookupError, TypeError, AttributeError):
                raise Declined(_("line {number} of the bulk operation's file is no record", number=taken + 1)) from None
            self._books.execute("INSERT INTO entry VALUES (?, ?, ?)", (name, self._record(parent), line))
            taken += 1
        self._books.execute("COMMIT")
        self._books.execute("CREATE INDEX by_record ON entry (record)")
        return taken

    def _record(self, parent: str | None) -> int:
        """The number of the record that a line with this parent belongs to; a new one's where it names none."""
        if parent is None:
            self.count += 1
            return self.count - 1
        found = self._books.execute("SELECT record FROM entry WHERE id = ? LIMIT 1", (parent,)).fetchone()
        if found is None:
            raise Declined(_("the bulk operation's file names {parent}, which is not in it", parent=parent))
        return int(found[0])

    def between(self, first: int, end: int) -> list[dict[str, Any]]:
        """The records from one number up to another, put together."""
        rows = self._books.execute(
            "SELECT record, body FROM entry WHERE record >= ? AND record < ? ORDER BY record, rowid", (first, end)
        )
        return [_together(json.loads(body) for _, body in lines) for _, lines in groupby(rows, key=lambda row: row[0])]


def _together(lines: Iterator[dict[str, Any]]) -> dict[str, Any]:
    """A record with what it holds, as a query without pages would tell it."""
    record = _empty(next(lines))
    known = {record["id"]: record}
    for line in lines:
        owner = known[line["__parentId"]]
        field = _HELD.get((_kind(owner["id"]), _kind(line["id"])))
        if field is None:
            raise Declined(
                _("the bulk operation's file holds {inner} inside of {outer}", inner=line["id"], outer=owner["id"])
            )
        owner[field]["nodes"].append(_empty(line))
        known[line["id"]] = line
    return record


def _empty(line: dict[str, Any]) -> dict[str, Any]:
    """The line with a list, still empty, for all that it may hold."""
    kind = _kind(line["id"])
    line.update({field: {"nodes": []} for (owner, _), field in _HELD.items() if owner == kind})
    return line


def _kind(gid: str) -> str:
    try:
        return gid.split("/")[3]
    except IndexError:
        raise Declined(_("the bulk operation's file names {gid}, which is no id", gid=repr(gid))) from None
