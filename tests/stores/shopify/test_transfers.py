"""Transfers between two locations of a Shopify shop: written once per key, read back, found, and not counted twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from bot.domain.money import Money
from bot.errors import Declined, SettingsError, Unanswered, Unreached
from bot.ports import InboundFact, Order, OrderLine
from bot.settings import StorePart
from bot.stores.shopify.transfers import ShopifyTransfers
from tests.stores.shopify.conftest import Running

KEY = "order:R-12:v1:folder"


def order(*lines: tuple[str, int], **given: Any) -> Order:
    """A transfer from the east to the west."""
    pound = Money.of_minor(100, "GBP")
    told: dict[str, Any] = {
        "kind": "transfer", "number": "R-12", "version": 1, "ordered_at": datetime(2026, 11, 20, tzinfo=UTC),
        "buyer": "Acme", "supplier": "East", "supplier_code": "E1", "email": "", "language": "en",
        "deliver_to": "The west\nWEST", "mode": "road", "expected_on": date(2026, 12, 1), "total": pound,
        "lines": tuple(OrderLine(sku, sku.title(), units, pound) for sku, units in lines),
    }  # fmt: skip
    return Order(**told | given)


def channel(running: Running, **options: str) -> ShopifyTransfers:
    """The way in, with other settings."""
    part = StorePart(kind="shopify", url=running.url, options={"transfers": "ready", **options})
    return ShopifyTransfers("shop", running.shop(turns=1, headers={"Connection": "close"}), part)


@pytest.fixture
async def transfers(running: Running) -> AsyncIterator[ShopifyTransfers]:
    """The way in; the shop sells mugs and cups."""
    running.store.scopes.add("write_inventory_transfers")
    running.store.sell("MUG", "Mug", "4.25")
    running.store.sell("MUG-XL", "Large mug", "6.25")
    running.store.sell("cup", "Cup", "2.00")
    found = channel(running)
    yield found
    await found.close()


async def test_a_transfer_is_written_once_and_found_again(running: Running, transfers: ShopifyTransfers) -> None:
    told = order(("MUG", 30), ("CUP", 6), ("MUG", 2), note="Handle with care")
    assert await transfers.find(told, KEY) is None
    receipt = await transfers.send(told, KEY)
    assert await transfers.send(told, KEY) == await transfers.find(told, KEY) == receipt
    (written,) = running.store.transfers
    assert receipt == {"channel": "shop", "transfer": written["id"].rsplit("/", 1)[1], "name": "#T1",
                       "status": "READY_TO_SHIP", "holds": True}  # fmt: skip
    ends = written["origin"]["location"]["name"], written["destination"]["location"]["name"]
    lines = {line["inventoryItem"]["sku"]: line["totalQuantity"] for line in written["lineItems"]}
    assert (ends, lines) == (("East", "West"), {"MUG": 32, "cup": 6})
    assert (written["referenceName"], written["note"]) == ("R-12", "R-12 v1 (road)\nHandle with care")


async def test_what_is_moved_is_the_variant_that_the_product_was_said_to_be(
    running: Running, transfers: ShopifyTransfers
) -> None:
    numbers = {sku: running.store.variant(sku)["id"].rsplit("/", 1)[1] for sku in ("MUG", "cup")}

    def moved(sku: str, *variants: str) -> Order:
        line = replace(order((sku, 3)).lines[0], codes={"shop": tuple(numbers.get(each, each) for each in variants)})
        return order(lines=(line,))

    await transfers.send(moved("BIG-MUG", "cup"), KEY)
    await transfers.send(moved("MUG", "cup", "MUG"), "k2")  # of several it is the one that bears the SKU
    items = [[line["inventoryItem"]["sku"] for line in each["lineItems"]] for each in running.store.transfers]
    assert items == [["cup"], ["MUG"]]
    for variants in (("cup", "MUG"), ("99999",)):
        with pytest.raises(Declined, match="of which not just one can be moved"):
            await transfers.send(moved("BIG-MUG", *variants), "k3")


async def test_a_lost_answer_makes_no_second_transfer(running: Running, transfers: ShopifyTransfers) -> None:
    """Also while the search does not find the first one yet: Shopify itself carries out a key once."""
    running.store.faults.add("transfer_ready", "drop_after_reading")
    with pytest.raises(Unanswered):
        await transfers.send(order(("MUG", 30)), KEY)
    (written,) = running.store.transfers
    tags, written["tags"] = written["tags"], []
    await transfers.send(order(("MUG", 30)), KEY)
    written["tags"] = tags
    assert len(running.store.transfers) == 1
    assert await transfers.find(order(("MUG", 30)), KEY)


async def test_what_we_wrote_is_no_news_of_goods_on_their_way(running: Running, transfers: ShopifyTransfers) -> None:
    mug = running.store.variant("MUG")
    theirs = running.store.transfer(mug, 5)
    running.store.consign(theirs, mug, "2026-12-01T10:00:00Z")
    await transfers.send(order(("MUG", 30)), KEY)
    assert [fact.quantity for fact in await running.facts("inbounds", InboundFact)] == [5]


@pytest.mark.usefixtures("transfers")
async def test_a_draft_is_written_where_the_settings_ask_for_that(running: Running) -> None:
    drafts = channel(running, transfers="draft")
    receipt = await drafts.send(order(("MUG", 1)), KEY)
    assert (receipt["status"], receipt["holds"]) == ("DRAFT", False)
    await drafts.close()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"supplier": "Elsewhere", "supplier_code": "X"}, "X / Elsewhere"),
        ({"deliver_to": "Elsewhere\nX"}, "X / Elsewhere"),
    ],
)
async def test_a_transfer_from_or_to_elsewhere_is_left_out_and_the_receipt_says_so(
    running: Running, transfers: ShopifyTransfers, given: dict[str, str], why: str
) -> None:
    left = {"channel": "shop", "left_out": f"{why} is no one location of the shop"}
    assert await transfers.send(order(("MUG", 1), **given), KEY) == left
    assert await transfers.find(order(("MUG", 1), **given), KEY) == left
    assert running.store.transfers == []


@pytest.mark.usefixtures("transfers")
async def test_places_that_are_called_otherwise_are_named_by_the_settings(running: Running) -> None:
    named = channel(running, transfer_places="X=1001 west=1001 Y=1002")
    await named.send(order(("MUG", 1), supplier="Elsewhere", supplier_code="X", deliver_to="Anywhere\nY"), KEY)
    assert running.store.transfers[0]["destination"]["name"] == "West"
    await named.close()
    for options in ({"transfers": "soon"}, {"transfer_places": "X=here"}):
        with pytest.raises(SettingsError):
            channel(running, **options)


@pytest.mark.parametrize(
    ("sku", "problem", "error", "why"),
    [
        ("TEAPOT", "", Declined, "no item of the shop bears the SKU TEAPOT"),
        ("MUG", "UNTRACKED_ITEM", Declined, "UNTRACKED_ITEM of the tests"),
        ("MUG", "IDEMPOTENCY_CONCURRENT_REQUEST", Unanswered, "IDEMPOTENCY_CONCURRENT_REQUEST"),
    ],
)
async def test_what_the_shop_refuses_is_told_in_its_words(
    running: Running, transfers: ShopifyTransfers, sku: str, problem: str, error: type[Exception], why: str
) -> None:
    running.store.transfer_problem = problem
    with pytest.raises(error, match=why):
        await transfers.send(order((sku, 1)), KEY)
    assert running.store.transfers == []


async def test_two_items_of_one_sku_are_refused(running: Running, transfers: ShopifyTransfers) -> None:
    running.store.sell("MUG", "Another mug", "4.25")
    with pytest.raises(Declined, match="2 items"):
        await transfers.send(order(("MUG", 1)), KEY)


async def test_a_transfer_that_the_shop_kept_otherwise_is_for_a_person(
    running: Running, transfers: ShopifyTransfers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running.store, "transfers", _Fewer())
    told = order(("MUG", 30))
    for again in (transfers.send, transfers.find, transfers.send):  # looked for and tried again, it is no other's
        with pytest.raises(Unanswered, match="other lines in #T1"):
            await again(told, KEY)
    assert len(running.store.transfers) == 1


async def test_a_transfer_whose_goods_are_gone_since_is_for_a_person_and_not_refused(
    transfers: ShopifyTransfers,
) -> None:
    await transfers.send(order(("MUG", 30)), KEY)
    for again in (transfers.find, transfers.send):
        with pytest.raises(Unanswered, match="#T1 was written, but no item"):
            await again(order(("GONE", 30)), KEY)


async def test_a_transfer_that_cannot_be_read_just_now_is_looked_for_again_later(
    running: Running, transfers: ShopifyTransfers
) -> None:
    await transfers.send(order(("MUG", 30)), KEY)
    running.store.faults.add("*", "500", 9)
    for again in (transfers.find, transfers.send):
        with pytest.raises(Unreached):
            await again(order(("MUG", 30)), KEY)


class _Elsewhere(list[dict[str, Any]]):
    """A shop that sends it elsewhere."""

    def append(self, transfer: dict[str, Any]) -> None:
        transfer["destination"] = transfer["origin"]
        super().append(transfer)


async def test_a_transfer_that_the_shop_sends_elsewhere_is_for_a_person(
    running: Running, transfers: ShopifyTransfers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running.store, "transfers", _Elsewhere())
    for again in (transfers.send, transfers.find):
        with pytest.raises(Unanswered, match="other places in #T1"):
            await again(order(("MUG", 30)), KEY)


async def test_a_transfer_of_more_lines_than_a_page_is_compared_whole(
    running: Running, transfers: ShopifyTransfers, monkeypatch: pytest.MonkeyPatch
) -> None:
    skus = [f"CUP-{number}" for number in range(251)]
    for sku in skus:
        running.store.sell(sku, "A cup", "4.25")
    monkeypatch.setattr(running.store, "transfers", _LastFewer())
    with pytest.raises(Unanswered, match="other lines in #T1"):
        await transfers.send(order(*((sku, 2) for sku in skus)), KEY)


class _LastFewer(list[dict[str, Any]]):
    """A shop that keeps one unit less of the last line."""

    def append(self, transfer: dict[str, Any]) -> None:
        transfer["lineItems"][-1]["totalQuantity"] -= 1
        super().append(transfer)


class _Fewer(list[dict[str, Any]]):
    """A shop that keeps one unit less of each line."""

    def append(self, transfer: dict[str, Any]) -> None:
        for line in transfer["lineItems"]:
            line["totalQuantity"] -= 1
        super().append(transfer)


async def test_the_right_to_write_transfers_is_checked(running: Running, transfers: ShopifyTransfers) -> None:
    assert (await transfers.check())[0].verdict == "ok"
    running.store.scopes.discard("write_inventory_transfers")
    (found,) = await transfers.check()
    assert (found.verdict, "write_inventory_transfers" in found.detail) == ("fail", True)
