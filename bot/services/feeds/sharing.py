"""Several variants of a store that are one product: what lies there is their sum, told one at a time or together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ports import StockFact
from bot.services.feeds.desks import Desk
from bot.storage import locks, shelves, storebooks, variants
from bot.storage import stores as rows
from bot.storage.shelves import Shelf
from bot.storage.storebooks import Counted

Series = tuple[int, int]  # a product and a location


async def with_the_rest(
    connection: AsyncConnection,
    desk: Desk,
    counts: Mapping[Series, Mapping[Shelf, StockFact]],
    now: datetime,
) -> Mapping[Series, Sequence[Counted]]:
    """Of each series all that its store says lies there: what is told now, and what it told last of the other variants.

    Each variant's own word is kept, so that one that tells no counts, or joins others later, is taken for nothing else.
    """
    store = desk.source.removeprefix("store:")
    shared = await shelves.of_products(connection, store, {product for product, _ in counts}, 2)
    if shared:
        await locks.products(connection, shared)  # two calls at once would each miss what the other tells
    known = await shelves.remembered(connection, store, {code for codes in shared.values() for code in codes})
    found: dict[Series, Sequence[Counted]] = {}
    fresh: dict[Shelf, Counted] = {}
    for series, told in counts.items():
        new = {shelf: Counted(fact.as_of, fact.on_hand, fact.committed, fact.incoming) for shelf, fact in told.items()}
        fresh |= new
        if (codes := shared.get(series[0])) is not None:
            kept = _kept(desk, known, codes, series[1])
            new = {**kept, **{shelf: count for shelf, count in new.items() if not _older(count, kept.get(shelf))}}
        found[series] = list(new.values())
    await shelves.remember(connection, store, fresh, now)
    return found


async def without_the_gone(connection: AsyncConnection, desk: Desk, since: datetime) -> Mapping[Series, Counted]:
    """What lies there without the variants of which a reading of all there is, begun then, told nothing.

    Of series of which another variant is counted; and of products that stores list and none sells any more, of which
    nothing is left. Of others nobody says so. Variants that were set aside meanwhile are not taken for gone, nor is any
    where what was set aside named none.
    """
    store = desk.source.removeprefix("store:")
    aside = await rows.set_aside(connection, store, "stock", since)
    if aside is None:
        return {}
    gone = await shelves.forget(connection, store, since, aside)
    codes = await rows.codes(connection, store, gone)
    products = {each.product_id for each in codes.values() if each.product_id and each.match in rows.COUNTED}
    left = await shelves.of_products(connection, store, products)
    await locks.products(connection, left)
    known = await shelves.remembered(connection, store, {code for several in left.values() for code in several})
    last = await storebooks.last_counts(connection, desk.source, left)
    found: dict[Series, Counted] = {}
    unsold = await variants.unsold(connection, left)
    for series, before in last.items():
        if kept := _kept(desk, known, left[series[0]], series[1]):
            at = max(before.as_of, *(count.as_of for count in kept.values()))  # it rights the count that stands
            units = [count[1:] for count in kept.values()]
            found[series] = Counted(at, *(sum(each) for each in zip(*units, strict=True)))
        elif series[0] in unsold:
            found[series] = Counted(before.as_of, 0, 0, 0)
    return found


def _kept(desk: Desk, known: Mapping[Shelf, Counted], codes: Sequence[str], location: int) -> dict[Shelf, Counted]:
    """What is remembered of some variants where a location is counted."""
    here = {spot.place for spot in desk.spots.values() if spot.counts and spot.location_id == location}
    return {shelf: count for shelf, count in known.items() if shelf[0] in codes and shelf[1] in here}


def _older(count: Counted, kept: Counted | None) -> bool:
    return kept is not None and count.as_of < kept.as_of
