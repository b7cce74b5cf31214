"""Following what deliveries are about one by one, for stores that read no such records together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TypeVar

from bot.ports import Page

AT_ONCE = 8  # readings under way
_Subject = TypeVar("_Subject")


async def each(subjects: Sequence[_Subject], follow: Callable[[_Subject], AsyncIterator[Page]]) -> list[Page]:
    """The pages of every delivery, or of what it is about, in their order.

    The first error where there is one, once all have ended.
    """
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(subject: _Subject) -> list[Page]:
        async with turns:
            return [page async for page in follow(subject)]

    found = await asyncio.gather(*[one(subject) for subject in subjects], return_exceptions=True)
    for told in found:
        if isinstance(told, BaseException):
            raise told
    return [page for pages in found if not isinstance(pages, BaseException) for page in pages]
