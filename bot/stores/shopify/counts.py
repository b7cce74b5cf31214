"""Counts of a shop: all of them by item, or those that changed, place by place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bot.errors import Declined
from bot.ports import Fact, FactKind, Fault, Page, ProductFact, Shelf, StockFact
from bot.stores.shopify.goods import stock_facts
from bot.stores.shopify.pages import Pages, Read
from bot.stores.shopify.reading import Mark, Node, gid, nodes, stamp, tail
from bot.words import _

_AT_ONCE = 50  # items that are read by name
_ASKED_AFTER = 100  # variants that are looked for at once
_MANY = 10  # variants, not all of which are deleted between two looks


async def all_counts(pages: Pages, mark: Mark) -> AsyncIterator[Page]:
    """The counts of every item, by the items' numbers."""
    while True:
        as_of = pages.shop.clock.now()
        query = f"id:>{mark.number}" if mark.number else None
        leaf = await pages.turn("Items", ("inventoryItems",), after=mark.after or None, query=query)
        mark = mark.begun(leaf.answer.at)
        facts, faults = await pages.taken(leaf, _of_items(as_of))
        if not leaf.after:
            yield Page("stock", facts, mark.ended().text(), faults, mark.began)
            return
        mark = mark.turned(leaf.after, len(leaf.records))
        if mark.deep:
            last = max(int(tail(node["id"])) for node in leaf.nodes())
            mark = replace(mark, number=str(last), after="", seen=0)
        yield Page("stock", facts, mark.text(), faults)


async def changed_counts(pages: Pages, mark: Mark, places: Sequence[str]) -> AsyncIterator[Page]:
    """Counts that changed since the mark; all of them where so many did that reading all is the shorter way."""
    numbers = sorted(int(place) for place in places)
    query = f"updated_at:>='{stamp(mark.since)}'"
    while True:
        place = next((number for number in numbers if number >= int(mark.place or 0)), None)
        if place is None:  # there is none, or the last one closed while it was read
            mark = mark.begun(pages.shop.clock.now())
            yield Page("stock", (), mark.ended().text(), (), mark.began)
            return
        if mark.place != str(place):
            mark = replace(mark, place=str(place), after="", seen=0)
        as_of, location = pages.shop.clock.now(), gid("Location", place)
        path = ("location", "inventoryLevels")
        leaf = await pages.turn("Levels", path, location=location, after=mark.after or None, query=query)
        mark = mark.begun(leaf.answer.at)
        facts, faults = await pages.taken(leaf, _of_levels(as_of))
        mark = mark.turned(leaf.after, len(leaf.records))
        if not leaf.after:
            later = next((number for number in numbers if number > place), None)
            if later is None:
                yield Page("stock", facts, mark.ended().text(), faults, mark.began)
                return
            mark = replace(mark, place=str(later), seen=0)
        elif mark.deep:
            mark = Mark()
        yield Page("stock", facts, mark.text(), faults)
        if not mark.since:
            async for page in all_counts(pages, mark):
                yield page
            return


async def counts_of(pages: Pages, items: Sequence[str]) -> Page:
    """The counts of some items (global ids) as they are now; a page without a cursor."""
    facts: list[Fact] = []
    faults: list[Fault] = []
    for start in range(0, len(items), _AT_ONCE):
        as_of = pages.shop.clock.now()
        leaf = await pages.named("ItemsNamed", "nodes", ids=list(items[start : start + _AT_ONCE]))
        more_facts, more_faults = await pages.taken(leaf, _of_items(as_of))
        facts += more_facts
        faults += more_faults
    return Page("stock", tuple(facts), "", tuple(faults))


async def what_is_gone(pages: Pages, shelves: Sequence[Shelf]) -> Mapping[FactKind, Page]:
    """Of the variants known to be sold or to lie there, that those which the shop has no more are neither.

    A page of products and one of stock, without cursors. Shopify tells of nothing that was deleted, but answers null
    for an id that is no more, and an error for one that it may not show. Where it has not one of many that is a fault:
    it is rather another shop than an empty one.
    """
    codes = sorted({shelf.code for shelf in shelves if shelf.code.isdigit()}, key=int)  # others are of lines, by SKU
    as_of, gone = pages.shop.clock.now(), set()
    for start in range(0, len(codes), _ASKED_AFTER):
        part = codes[start : start + _ASKED_AFTER]
        answer = await pages.shop.ask("VariantsNamed", ids=[gid("ProductVariant", code) for code in part])
        found = answer.whole()["nodes"]
        if len(found) != len(part):
            raise Declined(_("the shop answered another number of variants than were asked for"))
        gone |= {code for code, node in zip(part, found, strict=True) if node is None}
    lost = [shelf for shelf in shelves if shelf.code in gone]
    if len(gone) == len(codes) >= _MANY:
        problem = _(
            "the shop has none of {count} variants that it counted: their counts stand; is it the same shop?",
            count=len(codes),
        )
        first = next((shelf for shelf in lost if shelf.place), lost[0])  # once it is told again this is listed no more
        return {"stock": Page("stock", (), "", (Fault(f"{first.code}@{first.place}", problem),))}
    unsold = {shelf.code: ProductFact(shelf.code, shelf.sku, "", None, active=False) for shelf in lost}
    counts = (StockFact(shelf.code, shelf.sku, shelf.place, 0, as_of) for shelf in lost if shelf.place)
    return {"products": Page("products", tuple(unsold.values()), ""), "stock": Page("stock", tuple(counts), "")}


def _of_items(as_of: datetime) -> Read:
    def read(item: Node) -> Iterable[Fact | Fault]:
        return stock_facts(item, nodes(item, "inventoryLevels"), as_of)

    return read


def _of_levels(as_of: datetime) -> Read:
    def read(level: Node) -> Iterable[Fact | Fault]:
        return stock_facts(level["item"], (level,), as_of)

    return read
