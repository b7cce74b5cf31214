"""Orders as files, and beside them in whatever keeps the books of purchases: an ERP that the settings connect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.ports import Check, Order, SupplierChannel


class FiledChannel:
    """One way of several that each write an order once per key: the books first, so that a refusal leaves no file.

    Trying again after one of them failed repeats nothing in the others. Purchases go into `books`, transfers into
    `transfers`.
    """

    def __init__(
        self, folder: SupplierChannel, books: Sequence[SupplierChannel], transfers: Sequence[SupplierChannel] = ()
    ) -> None:
        self.name = folder.name
        self._folder = folder
        self._books = tuple(books)
        self._transfers = tuple(transfers)

    async def send(self, order: Order, key: str) -> Mapping[str, Any]:
        """Write it everywhere; the folder's receipt, with those of the books by name."""
        receipts = {book.name: dict(await book.send(order, key)) for book in self._of(order)}
        return _receipt(await self._folder.send(order, key), receipts)

    async def find(self, order: Order, key: str) -> Mapping[str, Any] | None:
        """The receipt, where it stands everywhere; Unanswered of a book is a person's, wherever else it is missing."""
        found = {book.name: await book.find(order, key) for book in self._of(order)}
        receipts = {name: dict(receipt) for name, receipt in found.items() if receipt is not None}
        if len(receipts) < len(found):
            return None
        filed = await self._folder.find(order, key)
        return None if filed is None else _receipt(filed, receipts)

    async def check(self) -> tuple[Check, ...]:
        """Try each."""
        found = await self._folder.check()
        for book in (*self._books, *self._transfers):
            found += await book.check()
        return found

    def _of(self, order: Order) -> tuple[SupplierChannel, ...]:
        return self._books if order.kind == "purchase_order" else self._transfers


def _receipt(filed: Mapping[str, Any], books: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**filed, "books": books} if books else filed
