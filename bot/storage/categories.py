"""Categories: their ids by name, and what stores say of products whose category no person stated."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.categories import alike, cut, tidy
from bot.storage.bulk import insert_rows
from bot.storage.chunks import chunked
from bot.storage.tables import Category, Product


async def intern(connection: AsyncConnection, names: Iterable[str]) -> dict[str, int]:
    """The id of each name's category, by the name as given; those that lack are made, and empty names have none.

    The first spelling that is seen is kept. Two transactions at once make one: the later waits for the earlier, so this
    comes before whatever else a transaction holds, and makes new ones in the order of their keys.
    """
    keys = {name: alike(name) for name in names}
    spelt: dict[str, str] = {}
    for name, key in keys.items():
        if key:
            spelt.setdefault(key, tidy(name))
    known = await _ids(connection, spelt)
    lacking = sorted((key, name) for key, name in spelt.items() if key not in known)
    if lacking:
        await insert_rows(connection, Category, ("key", "name"), lacking)
        known |= await _ids(connection, [key for key, _ in lacking])
    return {name: known[key] for name, key in keys.items() if key}


async def _ids(connection: AsyncConnection, keys: Collection[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in chunked(keys):
        rows = await connection.execute(select(Category.key, Category.id).where(Category.key.in_(part)))
        found.update(rows.all())
    return found


async def keep(connection: AsyncConnection, source: str, told: Mapping[int, str]) -> set[int]:
    """Keep what a store says of the categories of products (ids); those that have another one now.

    What a person stated stands, and so does what another store said first. A name that is too long is cut.
    """
    ids = await intern(connection, [cut(name) for name in told.values()])
    wished = {product: ids[name] for product, given in told.items() if (name := cut(given)) in ids}
    changed: dict[int, int] = {}
    for part in chunked(sorted(wished)):
        rows = await connection.execute(
            select(Product.id, Product.category_id).where(
                Product.id.in_(part), or_(Product.category_id.is_(None), Product.category_source == source)
            )
        )
        changed |= {row.id: wished[row.id] for row in rows if row.category_id != wished[row.id]}
    if changed:
        mine = or_(Product.category_id.is_(None), Product.category_source == source)  # nobody stated one meanwhile
        statement = update(Product).where(Product.id == bindparam("of"), mine)
        await connection.execute(
            statement.values(category_id=bindparam("category"), category_source=source),
            [{"of": product, "category": category} for product, category in changed.items()],
        )
    return set(changed)


_NAME = select(Category.name).where(Category.id == bindparam("category"))


async def name_of(connection: AsyncConnection, category_id: int) -> str:
    """What a category is called; empty where there is none of the id."""
    return await connection.scalar(_NAME, {"category": category_id}) or ""
