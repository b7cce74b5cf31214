"""Following deliveries one by one, for stores that read no records together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from bot.ports import Delivery, Page

AT_ONCE = 8  # readings under way


async def each(deliveries: Sequence[Delivery], follow: Callable[[Delivery], AsyncIterator[Page]]) -> list[Page]:
    """The pages of every delivery, in their order; the first error where there is one, once all have ended."""
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(delivery: Delivery) -> list[Page]:
        async with turns:
            return [page async for page in follow(delivery)]

    found = await asyncio.gather(*[one(delivery) for delivery in deliveries], return_exceptions=True)
    for told in found:
        if isinstance(told, BaseException):
            raise told
    return [page for pages in found if not isinstance(pages, BaseException) for page in pages]
