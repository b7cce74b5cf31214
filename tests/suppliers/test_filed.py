"""Orders that are filed and written into books: each once, whatever fails on the way."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.bootstrap import channels_of
from bot.errors import Declined, Unanswered, Unreached
from bot.ports import Check, Order
from bot.settings import Settings
from bot.suppliers.filed import FiledChannel
from bot.suppliers.folder import FolderChannel
from bot.words import verbatim
from tests.suppliers.kit import an_order

KEY = "order:R-12:v3:folder"


class Books:
    """An ERP that writes a purchase once per key, or fails as it is told."""

    def __init__(self) -> None:
        self.name = "erp"
        self.written: dict[str, str] = {}
        self.error: Exception | None = None
        self.doubt: Exception | None = None

    async def send(self, order: Order, key: str) -> Mapping[str, Any]:
        if self.error is not None:
            raise self.error
        self.written.setdefault(key, order.number)
        return {"channel": self.name, "purchase": 7}

    async def find(self, order: Order, key: str) -> Mapping[str, Any] | None:
        if self.doubt is not None:
            raise self.doubt
        return {"channel": self.name, "purchase": 7} if self.written.get(key) == order.number else None

    async def check(self) -> tuple[Check, ...]:
        return (Check(verbatim("store erp"), "ok", verbatim("writes purchases")),)


async def test_an_order_is_written_into_the_books_and_filed_under_one_receipt(tmp_path: Path) -> None:
    books, folder = Books(), FolderChannel(tmp_path / "orders")
    channel = FiledChannel(folder, [books])
    assert await channel.find(an_order(), KEY) is None
    receipt = await channel.send(an_order(), KEY)
    assert receipt == {
        **(await folder.send(an_order(), KEY)), "books": {"erp": {"channel": "erp", "purchase": 7}}
    }  # fmt: skip
    assert (channel.name, receipt["channel"]) == ("folder", "folder")
    assert await channel.find(an_order(), KEY) == receipt
    assert [check.verdict for check in await channel.check()] == ["ok", "ok"]


async def test_what_the_books_refuse_leaves_no_file(tmp_path: Path) -> None:
    books, folder = Books(), FolderChannel(tmp_path / "orders")
    books.error = Declined(verbatim("no such product"))
    with pytest.raises(Declined):
        await FiledChannel(folder, [books]).send(an_order(), KEY)
    assert not (tmp_path / "orders").exists()


async def test_what_was_written_before_a_file_failed_is_no_finding_and_is_not_written_again(tmp_path: Path) -> None:
    books = Books()
    (tmp_path / "orders").write_text("in the way")
    channel = FiledChannel(FolderChannel(tmp_path / "orders"), [books])
    with pytest.raises(Unreached):
        await channel.send(an_order(), KEY)
    (tmp_path / "orders").unlink()
    assert await channel.find(an_order(), KEY) is None
    await channel.send(an_order(), KEY)
    assert books.written == {KEY: "R-12"}


async def test_what_a_book_has_otherwise_is_a_persons_though_neither_a_file_nor_another_book_has_it(
    tmp_path: Path,
) -> None:
    empty, books = Books(), Books()
    empty.name, books.doubt = "empty", Unanswered(verbatim("other lines"))
    with pytest.raises(Unanswered, match="other lines"):
        await FiledChannel(FolderChannel(tmp_path / "orders"), [empty, books]).find(an_order(), KEY)


async def test_transfers_are_written_where_transfers_are_kept_and_purchases_are_not(tmp_path: Path) -> None:
    books, shop = Books(), Books()
    shop.name = "shop"
    channel = FiledChannel(FolderChannel(tmp_path / "orders"), [books], [shop])
    receipt = await channel.send(an_order(kind="transfer"), KEY)
    assert receipt["books"] == {"shop": {"channel": "shop", "purchase": 7}}
    assert (books.written, shop.written) == ({}, {KEY: "R-12"})
    assert await channel.find(an_order(kind="transfer"), KEY) == receipt
    assert [check.verdict for check in await channel.check()] == ["ok", "ok", "ok"]
    await channel.send(an_order(), "order:R-13:v1:folder")
    assert (books.written, shop.written) == ({"order:R-13:v1:folder": "R-12"}, {KEY: "R-12"})


async def test_where_nothing_keeps_transfers_they_are_filed_alone(tmp_path: Path) -> None:
    books = Books()
    receipt = await FiledChannel(FolderChannel(tmp_path / "orders"), [books]).send(an_order(kind="transfer"), KEY)
    assert ("books" in receipt, books.written) == (False, {})


def test_books_are_told_where_the_settings_say_so_alone() -> None:
    def made(**options: str) -> object:
        erp = {"kind": "tryton", "url": "https://erp.example.com/erp", "user": "u", "secret": "s", "options": options}
        return channels_of(Settings(stores={"connected": {"erp": erp}}))["folder"]

    assert isinstance(made(), FolderChannel)
    assert isinstance(made(orders="draft"), FiledChannel)
    shop = {"kind": "shopify", "url": "https://a.myshopify.com", "token": "t", "options": {"transfers": "ready"}}
    assert isinstance(channels_of(Settings(stores={"connected": {"shop": shop}}))["folder"], FiledChannel)
