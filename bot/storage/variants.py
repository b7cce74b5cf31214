"""What a product is in the stores: their own ids of it, and whether any of them sells it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Date, bindparam, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import locks
from bot.storage.chunks import chunked
from bot.storage.stores import COUNTED
from bot.storage.tables import Kit, Product, Sale, StoreCode

_LISTED = StoreCode.match.in_(COUNTED)
_LATELY = timedelta(weeks=4)
_Said = tuple[str, bool | None]  # a code, and whether it is sold as far as the list of goods says


async def variants_of(connection: AsyncConnection, store: str, product_id: int) -> tuple[str, ...]:
    """A store's ids of the variants that a product is there, in order; of those it sells, where it sells any.

    What its list of goods does not name (an item that several variants share, say) is no variant, where that list names
    any. None where no reading of the store ever named the product.
    """
    found = await connection.execute(
        select(StoreCode.code, StoreCode.sold)
        .where(StoreCode.store == store, StoreCode.product_id == product_id, _LISTED)
        .order_by(StoreCode.code)
    )
    return _chosen([(row.code, row.sold) for row in found])


async def variants_by_store(
    connection: AsyncConnection, products: Collection[int]
) -> dict[int, dict[str, tuple[str, ...]]]:
    """The variants that products are, by product and store, as `variants_of`."""
    told: dict[int, dict[str, list[_Said]]] = {}
    for part in chunked(sorted(products)):
        query = select(StoreCode.product_id, StoreCode.store, StoreCode.code, StoreCode.sold)
        for row in await connection.execute(
            query.where(StoreCode.product_id.in_(part), _LISTED).order_by(StoreCode.store, StoreCode.code)
        ):
            told.setdefault(row.product_id, {}).setdefault(row.store, []).append((row.code, row.sold))
    return {product: {store: _chosen(codes) for store, codes in stores.items()} for product, stores in told.items()}


def _chosen(codes: Sequence[_Said]) -> tuple[str, ...]:
    for wanted in (True, False, None):
        if found := tuple(code for code, sold in codes if sold is wanted):
            return found
    return ()


_ANY = select(StoreCode.id).where(StoreCode.product_id == Product.id, _LISTED, StoreCode.sold.is_not(None))
_IN_A_KIT = (
    select(Kit.id)
    .join(StoreCode, StoreCode.product_id == Kit.product_id)
    .where(Kit.component_id == Product.id, _LISTED, StoreCode.sold.is_(True))
)
_SAYING = select("store:" + StoreCode.store).where(
    StoreCode.product_id == Product.id, _LISTED, StoreCode.sold.is_not(None)
)
_ELSEWHERE = select(Sale.id).where(  # where no list of goods is kept: at a till, say
    Sale.product_id == Product.id,
    Sale.day >= bindparam("lately", type_=Date()),
    Sale.kind == "sale",
    Sale.source.not_in(_SAYING),
)
_SOLD = _ANY.where(StoreCode.sold.is_(True)).exists()
_ACTIVE = or_(~_ANY.exists(), _SOLD, _IN_A_KIT.exists(), _ELSEWHERE.exists())


async def selling(connection: AsyncConnection, products: Collection[int]) -> set[int]:
    """Those of the products that the list of goods of any store says it sells."""
    found: set[int] = set()
    for part in chunked(sorted(products)):
        found.update(await connection.scalars(select(Product.id).where(Product.id.in_(part), _SOLD)))
    return found


async def unsold(connection: AsyncConnection, products: Collection[int]) -> set[int]:
    """Those of the products that lists of goods name, and none says that it sells."""
    found: set[int] = set()
    for part in chunked(sorted(products)):
        query = select(Product.id).where(Product.id.in_(part), _ANY.exists(), ~_SOLD)
        found.update(await connection.scalars(query))
    return found


async def doubtful(connection: AsyncConnection) -> set[int]:
    """The active products that stores list and none sells: what else keeps them so may have ended."""
    found = await connection.scalars(select(Product.id).where(Product.active, _ANY.exists(), ~_SOLD))
    return set(found)


async def hold(connection: AsyncConnection, store: str, codes: Collection[str], also: Collection[int]) -> None:
    """Hold a store's variants, and then what products they are, with the parts of sets, and others.

    For whoever changes some of these and others later: two of them that went by order each time could wait crosswise.
    """
    await locks.variants(connection, store, codes)
    meant = set(also)
    for part in chunked(sorted(codes)):
        meant |= await _meant(connection, StoreCode.store == store, StoreCode.code.in_(part))
    await locks.products(connection, await _with_parts(connection, meant))


async def sell(connection: AsyncConnection, store: str, told: Mapping[str, bool], now: datetime) -> set[int]:
    """Keep which variants (code -> whether) a store still sells; the products that are active or inactive since."""
    await locks.variants(connection, store, told)
    meant: set[int] = set()
    for part in chunked(sorted(told)):
        named = StoreCode.store == store, StoreCode.code.in_(part)
        await connection.execute(update(StoreCode).where(*named).values(seen_at=now))
        for sold in (True, False):
            codes = [code for code in part if told[code] is sold]
            changed = StoreCode.store == store, StoreCode.code.in_(codes), StoreCode.sold.is_distinct_from(sold)
            await connection.execute(update(StoreCode).where(*changed).values(sold=sold))
        meant |= await _meant(connection, *named)
    return await weigh(connection, meant, now)


async def _meant(connection: AsyncConnection, *named: ColumnElement[bool]) -> set[int]:
    """The products that variants are."""
    found = await connection.scalars(select(StoreCode.product_id).where(*named, _LISTED))
    return {product for product in found if product is not None}


async def _with_parts(connection: AsyncConnection, products: Collection[int]) -> set[int]:
    """The products, and what those that are sets consist of."""
    whole = set(products)
    for part in chunked(sorted(products)):
        whole.update(await connection.scalars(select(Kit.component_id).where(Kit.product_id.in_(part))))
    return whole


async def silent(connection: AsyncConnection, store: str, since: datetime, spared: Collection[str]) -> set[str]:
    """The variants that a store was known to sell and has not told since, but the `spared` ones.

    None where it told not one of those that it sold: that is rather a store that was changed for another.
    """
    known = select(StoreCode.code, StoreCode.seen_at).where(StoreCode.store == store, StoreCode.sold.is_(True))
    seen = {row.code: row.seen_at for row in await connection.execute(known)}
    gone = {code for code, at in seen.items() if at < since and code not in spared}
    return set() if len(gone) == len(seen) else gone


async def weigh(connection: AsyncConnection, products: Collection[int], now: datetime) -> set[int]:
    """Make products inactive that stores list and none sells any more, alone or in a set; and active again otherwise.

    What others sold of it in the last weeks, of whose lists of goods it is none, keeps it active. So are the parts of
    those that are sets. Which of all these changed.
    """
    changed: set[int] = set()
    whole = await _with_parts(connection, products)
    await locks.products(connection, whole)
    for part in chunked(sorted(whole)):
        for active in (True, False):
            is_so = _ACTIVE if active else ~_ACTIVE
            wrong = update(Product).where(Product.id.in_(part), Product.active.is_(not active), is_so)
            given = {"lately": (now - _LATELY).date()}
            found = await connection.execute(wrong.values(active=active).returning(Product.id), given)
            changed.update(found.scalars())
    return changed


async def inactive(connection: AsyncConnection, products: Collection[int]) -> set[int]:
    """Those of the products that are sold no more."""
    found: set[int] = set()
    for part in chunked(sorted(products)):
        found.update(
            await connection.scalars(select(Product.id).where(Product.id.in_(part), Product.active.is_(False)))
        )
    return found
