"""What takes the rows of one kind of file: its form, and what several kinds have in common."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.services.ingest.contracts import Desk
from bot.services.ingest.places import Places
from bot.services.ingest.rows import FileRow, RowRejected, Rules
from bot.services.ingest.values import Bad
from bot.storage import facts


class Taker(Protocol):
    """Takes the rows of one kind within a transaction."""

    async def begin(self, connection: AsyncConnection, rules: Rules) -> None:
        """Look up what rows refer to."""
        ...

    def read(self, row: FileRow) -> Any:  # noqa: ANN401  # each kind has its own form between read and store
        """A row's values; RowRejected where it cannot be."""
        ...

    async def store(self, connection: AsyncConnection, rows: list[Any]) -> tuple[int, int]:
        """Store what `read` gave; (added, updated)."""
        ...


class Clerk:
    """A taker with what it may use besides the database."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk


class Referring(Clerk):
    """What rows of several kinds refer to: locations and products."""

    rules: Rules
    places: Places
    products: dict[str, int]

    async def begin(self, connection: AsyncConnection, rules: Rules) -> None:
        """Read the locations and products."""
        self.rules = rules
        self.places = Places(await facts.places(connection), rules.options.location)
        self.products = await facts.product_ids(connection)

    def place(self, row: FileRow) -> int:
        """The number of the row's location in `places.all`."""
        found = self.places.find_named(row.raw("location"))
        if isinstance(found, Bad):
            raise RowRejected("location", found.reason)
        return found

    async def add_products(self, connection: AsyncConnection, skus: list[str]) -> None:
        """A fact about an unknown product makes the product known."""
        currency = self.rules.options.currency or self.rules.settings.currency
        await facts.add_products(connection, dict.fromkeys(skus, currency), self.rules.now, self.products)


class FactClerk(Referring):
    """Rows that products are judged by; each begins with its SKU."""

    def meant(self, rows: list[tuple[Any, ...]]) -> AbstractSet[int]:
        """The products of stored rows."""
        return {self.products[row[0]] for row in rows}
