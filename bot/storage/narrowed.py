"""A statement over all products, or over those that are named: both built once, which takes longer than running one."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, CursorResult, Select, bindparam
from sqlalchemy.ext.asyncio import AsyncConnection

NAMED: BindParameter[int] = bindparam("products", expanding=True)


class Narrowed:
    """The statement, and what narrows it to the products that `NAMED` stands for."""

    def __init__(self, everything: Select[*tuple[Any, ...]], narrowing: ColumnElement[bool]) -> None:
        self._everything = everything
        self._narrow = everything.where(narrowing)

    async def run(
        self, connection: AsyncConnection, product_ids: Collection[int] | None, **values: object
    ) -> CursorResult[*tuple[Any, ...]]:
        """Its rows over the products, over all where none are named, with the values bound."""
        if product_ids is None:
            return await connection.execute(self._everything, values)
        return await connection.execute(self._narrow, {"products": list(product_ids), **values})
