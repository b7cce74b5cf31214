"""Several variants of a store that are one product: what lies there is their sum, told one at a time or together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ports import StockFact
from bot.services.feeds.desks import Desk
from bot.storage import locks, shelves
from bot.storage.shelves import Shelf
from bot.storage.storebooks import Counted

Series = tuple[int, int]  # a product and a location


async def with_the_rest(
    connection: AsyncConnection,
    desk: Desk,
    counts: Mapping[Series, Mapping[Shelf, StockFact]],
    last: Mapping[Series, Counted],
) -> Mapping[Series, Sequence[Counted]]:
    """Of each series all that its store says lies there: what is told now, and what it told last of the other variants.

    `last` are the store's counts so far. A variant that joined another one since, of which nothing is kept yet, told
    all of that. What is told now is kept.
    """
    store = desk.source.removeprefix("store:")
    shared = await shelves.sharing(connection, store, {product for product, _ in counts})
    if shared:
        await locks.products(connection, shared)  # two calls at once would each miss what the other tells
    known = await shelves.remembered(connection, store, {code for codes in shared.values() for code in codes})
    found: dict[Series, Sequence[Counted]] = {}
    fresh: dict[Shelf, Counted] = {}
    for series, told in counts.items():
        now = {shelf: Counted(fact.as_of, fact.on_hand, fact.committed, fact.incoming) for shelf, fact in told.items()}
        if (codes := shared.get(series[0])) is not None:
            here = {spot.place for spot in desk.spots.values() if spot.counts and spot.location_id == series[1]}
            kept = {shelf: known[shelf] for shelf in known if shelf[0] in codes and shelf[1] in here}
            if not kept and series in last:
                kept = _before(codes, now, last[series])
            now = {shelf: count for shelf, count in now.items() if not _older(count, kept.get(shelf))}
            now = {**kept, **now}
            fresh |= now
        found[series] = list(now.values())
    if fresh:
        await shelves.remember(connection, store, fresh)
    return found


def _before(codes: Sequence[str], now: Mapping[Shelf, Counted], last: Counted) -> dict[Shelf, Counted]:
    """What was counted so far as the word of the one variant that is not told now; nothing where there are more."""
    places = {place for _, place in now}
    others = [(code, place) for code in codes for place in places if (code, place) not in now]
    return {others[0]: last} if len(others) == 1 else {}


def _older(count: Counted, kept: Counted | None) -> bool:
    return kept is not None and count.as_of < kept.as_of
