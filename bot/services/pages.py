"""Cutting a long list into pages by number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.domain.views import Page


def offset(page: int, size: int) -> int:
    """Where a page begins; a number below 1 is the first page."""
    return (max(page, 1) - 1) * size


def paged(items: Sequence[Any], page: int, size: int, total: int) -> Page:
    """The page as shown; an empty list has one page."""
    return Page(tuple(items), max(page, 1), max(1, -(-total // size)), total)
