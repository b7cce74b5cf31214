"""Stores are read kind by kind, from where the last reading stopped."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from bot.chat.nodes import Text
from bot.errors import Declined, OutsideError, UnknownReference, Unreached
from bot.ports import Check, FactKind, Page, StorePlace
from bot.services.audit import Audit
from bot.services.feeds.syncing import Syncing, SyncReport
from tests.services.feeds.kit import EAST, NOW, SHOP, Shop, count, order, sold


@dataclass
class Script:
    """A store that tells what is written here: pages by kind; where an error stands among them it breaks off."""

    told: dict[FactKind, list[Page | OutsideError]] = field(default_factory=dict)
    name: str = SHOP
    kinds: tuple[FactKind, ...] = ("products", "stock", "orders")
    known: tuple[StorePlace, ...] = ()
    asked: list[tuple[FactKind, str]] = field(default_factory=list)
    away: OutsideError | None = None

    async def places(self) -> tuple[StorePlace, ...]:
        if self.away is not None:
            raise self.away
        return self.known

    async def read(self, kind: FactKind, cursor: str = "") -> AsyncIterator[Page]:
        self.asked.append((kind, cursor))
        for page in self.told.get(kind, []):
            if isinstance(page, OutsideError):
                raise page
            yield page

    async def check(self) -> tuple[Check, ...]:
        return (Check("store shop", "ok", "answers"),)

    async def close(self) -> None:
        self.asked.clear()


@pytest.fixture
def script() -> Script:
    """A store that tells nothing yet."""
    return Script()


@pytest.fixture
def syncing(shop: Shop, script: Script) -> Syncing:
    """What reads it."""
    audit = Audit(database=shop.database, clock=shop.clock)
    return Syncing(database=shop.database, clock=shop.clock, audit=audit, taking=shop.taking, feeds={SHOP: script})


async def test_a_reading_that_broke_off_goes_on_behind_the_last_page_that_was_kept(
    shop: Shop, script: Script, syncing: Syncing
) -> None:
    first, second = order("1", sold("a", "MUG", 1)), order("2", sold("a", "MUG", 2))
    script.told["orders"] = [Page("orders", (first,), "after 1"), Unreached("the line broke")]
    reports = await syncing.sync(SHOP)
    assert reports[-1] == SyncReport(SHOP, "orders", 1, 1, 0, "the line broke")
    script.told["orders"] = [Page("orders", (first, second), "after 2", until=NOW)]
    assert (await syncing.sync(SHOP))[-1] == SyncReport(SHOP, "orders", 2, 1, 0)
    assert [cursor for kind, cursor in script.asked if kind == "orders"] == ["", "after 1"]
    assert (await shop.demand())[0][3] == 3


async def test_one_kind_that_cannot_be_read_keeps_no_other_from_it(script: Script, syncing: Syncing) -> None:
    script.told["products"] = [Declined("the token may not")]
    script.told["stock"] = [Page("stock", (count("MUG", 5),), "c", until=NOW)]
    assert [(r.kind, r.changed, r.error) for r in await syncing.sync(SHOP)] == [
        ("products", 0, "the token may not"), ("stock", 1, ""), ("orders", 0, ""),
    ]  # fmt: skip


async def test_a_store_that_cannot_be_read_is_stale_at_once_and_fresh_once_it_can(
    shop: Shop, script: Script, syncing: Syncing
) -> None:
    limits = "SELECT limit_hours FROM feeds"
    script.told["stock"] = [Page("stock", (count("MUG", 5, minutes=-1),), "c", until=NOW)]
    await syncing.sync(SHOP)
    assert await shop.rows(limits) == [(3,)]
    script.away = Declined("401 the key was withdrawn")
    assert {report.error for report in await syncing.sync(SHOP)} == {"401 the key was withdrawn"}
    assert await shop.rows(limits) == [(0,)]
    script.away = None
    script.told["stock"] = [Page("stock", (), "c", until=shop.clock.now())]
    await syncing.sync(SHOP)
    assert await shop.rows(limits) == [(3,)]


async def test_a_place_that_is_called_as_a_location_is_that_location_and_others_wait_for_a_person(
    shop: Shop, script: Script, syncing: Syncing
) -> None:
    script.known = (StorePlace(EAST, "anything"), StorePlace("w7", "sha"), StorePlace("w9", "Hamburg"))
    await syncing.sync(SHOP)
    rows = await shop.rows(
        "SELECT s.place, l.code, s.counts FROM store_places s LEFT JOIN locations l ON l.id = s.location_id ORDER BY 1"
    )
    assert [(place, code, bool(counts)) for place, code, counts in rows] == [
        ("p1", "BER", True), ("p2", "SHA", True), ("w7", "SHA", False), ("w9", None, False),
    ]  # fmt: skip
    assert (await syncing.unsure(SHOP)).places == (("w9", "Hamburg"),)


async def test_what_a_person_says_of_a_variant_and_a_place_lets_their_facts_in(
    shop: Shop, script: Script, syncing: Syncing
) -> None:
    await shop.product("LANTERN-85123A")
    script.known = (StorePlace("w9", "Hamburg"),)
    lines = (sold("a", "LANTERN 85123A", 2), sold("b", "LANTERN 85123A", 1, place="w9"))
    script.told["orders"] = [Page("orders", (order("1", *lines),), "after 1")]
    await syncing.sync(SHOP)
    (state,) = await syncing.states()
    assert (state.unsure, state.homeless, state.faults) == (1, 1, 1)
    assert (await syncing.unsure(SHOP)).codes == (
        ("v-LANTERN 85123A", "LANTERN 85123A", "Lantern 85123A", "LANTERN-85123A", 100),
    )
    await syncing.product(SHOP, "v-LANTERN 85123A", "LANTERN-85123A")
    await syncing.place(SHOP, "w9", "SHA")
    await syncing.sync(SHOP)
    assert [row[:4] for row in await shop.demand()] == [
        ("LANTERN-85123A", "BER", "2026-11-18", 2), ("LANTERN-85123A", "SHA", "2026-11-18", 1),
    ]  # fmt: skip
    (state,) = await syncing.states()
    assert (state.unsure, state.homeless, state.faults) == (0, 0, 0)
    assert await shop.rows("SELECT action FROM audit ORDER BY id") == [("store.product",), ("store.place",)]


async def test_what_is_not_there_cannot_be_mapped(syncing: Syncing) -> None:
    for asked in (
        syncing.sync("elsewhere"), syncing.place(SHOP, "w9", "SHA"), syncing.place(SHOP, EAST, "NOWHERE"),
        syncing.product(SHOP, "v-1", "MUG"), syncing.check("elsewhere"), syncing.unsure("elsewhere"),
    ):  # fmt: skip
        with pytest.raises(UnknownReference) as refused:
            await asked
        assert all(isinstance(value, Text) for value in refused.value.words.values.values())


async def test_a_place_that_joins_a_stock_which_another_counts_does_not_count_it_too(
    shop: Shop, script: Script, syncing: Syncing
) -> None:
    script.known = (StorePlace("w9", "Hamburg"),)
    await syncing.sync(SHOP)
    counts = "SELECT place FROM store_places WHERE counts = true ORDER BY place"
    await syncing.place(SHOP, "w9", "BER")
    assert await shop.rows(counts) == [("p1",), ("p2",)]
    await syncing.place(SHOP, EAST, "")
    await syncing.place(SHOP, "w9", "BER")
    assert await shop.rows(counts) == [("p2",), ("w9",)]
