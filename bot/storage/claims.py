"""Taking work that several workers look for: a row another transaction is taking is passed over, never waited for.

A claim cannot take part in a deadlock, so it has no place in the order of `bot.storage.locks`.
"""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import Select

from bot.storage.tables import Base

S = TypeVar("S", bound=Select[Any])


def skipping(statement: S, table: type[Base]) -> S:
    """The statement with its rows of `table` held until the end of the transaction, and held rows left out.

    SQLite has no row locks and needs none here: its writing transaction is alone from BEGIN.
    """
    return statement.with_for_update(skip_locked=True, of=table)
