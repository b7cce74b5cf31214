"""What a store's list of goods says of products: which of them it sells, their names, prices and categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ports import Fact, ProductFact
from bot.storage import categories, facts, storebooks, variants
from bot.storage import stores as rows
from bot.storage.storebooks import Priced
from bot.storage.stores import Code

_Known = Sequence[tuple[ProductFact, Code]]


async def take_goods(
    connection: AsyncConnection, store: str, codes: Mapping[str, Code], given: Sequence[Fact], now: datetime
) -> tuple[set[int], Priced]:
    """Names, prices and categories of what the store is the first to name, price or class; a person's own stand.

    The products that are sold, sold no more, named or classed since; and what became of prices.
    """
    products = [fact for fact in given if isinstance(fact, ProductFact)]
    sold = await variants.sell(connection, store, {fact.code: fact.active for fact in products}, now)
    # Of several that are one product what is sold has the last word.
    known = [(fact, codes[fact.code]) for fact in sorted(products, key=_is_sold) if fact.code in codes]
    classed = await categories.keep(connection, f"store:{store}", await _classes(connection, known))
    return {*sold, *classed, *await _name(connection, known)}, await _price(connection, known)


def _is_sold(fact: ProductFact) -> bool:
    return fact.active


async def _classes(connection: AsyncConnection, known: _Known) -> dict[int, str]:
    """Categories; those of what is sold no more as with prices."""
    told = [
        (code.product_id, fact)
        for fact, code in known
        if fact.category and code.product_id is not None and code.match in rows.COUNTED
    ]
    selling = await variants.selling(connection, {product for product, fact in told if not fact.active})
    return {product: fact.category for product, fact in told if fact.active or product not in selling}


async def _price(connection: AsyncConnection, known: _Known) -> Priced:
    """Prices; what is in the bin, archived or a draft has a word only where no variant of its product is sold."""
    told = [
        (code.product_id, fact)
        for fact, code in known
        if fact.price is not None and code.product_id is not None and code.match in rows.COUNTED
    ]
    selling = await variants.selling(connection, {product for product, fact in told if not fact.active})
    prices = {
        product: fact.price
        for product, fact in told
        if fact.price is not None and (fact.active or product not in selling)
    }
    return await storebooks.price_products(connection, prices)


async def _name(connection: AsyncConnection, known: _Known) -> set[int]:
    """Name the products that another kind of fact told of first, and that have no name yet; their ids."""
    names = {
        code.product_id: (code.sku, fact.name)
        for fact, code in known
        if code.match == "same" and code.product_id is not None and fact.name not in {"", code.sku}
    }
    nameless = await storebooks.nameless(connection, names)
    await facts.name_products(connection, [names[product] for product in nameless])
    return nameless
