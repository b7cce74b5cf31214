"""Every row lock there is.

Taken in this order, and within a kind by ascending id, so that two transactions can never wait for each other:

    0. linking           one joining of two people at a time; it takes nothing else but the audit's head
       the policy        one change of it at a time; it takes nothing else but the audit's head
       the batches       one batch of the ingest API at a time; it takes its own store's naming, if any
       the naming        one page of a reading of a store, or one word of a person on what its variants, places and kits
                         are, at a time; several stores' by name
    1. the scan          one batch of a watch scan at a time
       the routing       one routing of requests to people at a time
    2. requests
       members           whose budgets a decision spends
    3. cases
       a store's orders  whose states are taken, by store and id (`storage.storeorders`)
       a store's variants  of which it says whether it sells them
       products          that a store's facts change; one promotion of a product begins at a time
    4. the gate          before calls that cost money: calls begin and halts are thrown one transaction at a time
    5. the audit's head  always last: a transaction that appended takes no further lock

A call (a row of `effects`) is changed by who holds its request, or begun by who holds the gate, which passes over rows
that are held and waits for none of them.

On PostgreSQL they are `SELECT ... FOR UPDATE`. SQLite has no row locks: `Database.transaction` takes the one write lock
at BEGIN, the same statements then only read, and those over many rows are left out. A decision is guarded once more by
its conditional UPDATE (see `storage.requests.settle`).
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage.chunks import chunked
from bot.storage.dialect import insert_into
from bot.storage.tables import Case, Mark, Member, Product, Request, RequestLine, StoreCode

LINKING = "members:linking"
POLICY = "policy:change"
BATCHES = "api:batches"
NAMING = "store-naming:"
SCAN = "watch:scan"
ROUTING = "requests:routing"
GATE = "effects:gate"
AUDIT_HEAD = "audit:head"

_HELD_MARK = select(Mark.value).where(Mark.key == bindparam("held")).with_for_update()


def _one_writer(connection: AsyncConnection) -> bool:
    """Whether the transaction keeps everybody else from writing anyway."""
    return connection.dialect.name == "sqlite"


async def linking(connection: AsyncConnection) -> None:
    """Make this the only joining of identities until the transaction ends."""
    await _mark(connection, LINKING, "")


async def policy(connection: AsyncConnection) -> None:
    """Make this the only change of the policy until the transaction ends."""
    await _mark(connection, POLICY, "")


async def batches(connection: AsyncConnection) -> None:
    """Make this the only batch of the ingest API until the transaction ends: two would write the same rows in turns."""
    await _mark(connection, BATCHES, "")


async def naming(connection: AsyncConnection, store: str) -> int:
    """Hold what a store's variants, places and kits are; how often people have said so yet."""
    return int(await _mark(connection, f"{NAMING}{store}", "0"))


async def namings(connection: AsyncConnection) -> None:
    """Hold what the variants, places and kits of every store are that was ever read."""
    every = select(Mark.key).where(Mark.key.startswith(NAMING, autoescape=True)).order_by(Mark.key)
    await connection.execute(every.with_for_update())


async def members(connection: AsyncConnection, ids: Collection[int]) -> None:
    """Hold members, so that what they have approved so far stays so. Rows that refer to them may still be written."""
    held = select(Member.id).where(Member.id.in_(sorted(ids))).order_by(Member.id)
    await connection.execute(held.with_for_update(key_share=True))


async def product(connection: AsyncConnection, product_id: int) -> None:
    """Hold a product, so that no other promotion of it begins. Rows that refer to it may still be written."""
    held = select(Product.id).where(Product.id == product_id)
    await connection.execute(held.with_for_update(key_share=True))


async def products(connection: AsyncConnection, product_ids: Collection[int]) -> None:
    """Hold products while what is told of them is summed up. Rows that refer to them may still be written."""
    if _one_writer(connection):
        return
    for some in chunked(sorted(product_ids)):
        held = select(Product.id).where(Product.id.in_(some)).order_by(Product.id)
        await connection.execute(held.with_for_update(key_share=True))


async def variants(connection: AsyncConnection, store: str, codes: Collection[str]) -> None:
    """Hold what is known of a store's variants, by their codes; it comes before the products that they are."""
    if _one_writer(connection):
        return
    found: set[int] = set()
    for some in chunked(sorted(codes)):
        found.update(
            await connection.scalars(select(StoreCode.id).where(StoreCode.store == store, StoreCode.code.in_(some)))
        )
    for part in chunked(sorted(found)):
        held = select(StoreCode.id).where(StoreCode.id.in_(part)).order_by(StoreCode.id)
        await connection.execute(held.with_for_update(key_share=True))


async def scan(connection: AsyncConnection, expected: int) -> bool:
    """Make this the only scan until the transaction ends; false where another one wrote since we counted `expected`."""
    if int(await _mark(connection, SCAN, "0") or 0) != expected:
        return False
    await connection.execute(update(Mark).where(Mark.key == SCAN).values(value=str(expected + 1)))
    return True


async def scans(connection: AsyncConnection) -> int:
    """How often scans have written so far; nothing is held."""
    return int((await connection.execute(select(Mark.value).where(Mark.key == SCAN))).scalar() or 0)


async def routing(connection: AsyncConnection) -> None:
    """Make this the only routing of requests until the transaction ends."""
    await _mark(connection, ROUTING, "")


async def request(connection: AsyncConnection, request_id: int) -> bool:
    """Hold one request; false where there is none."""
    held = await connection.execute(select(Request.id).where(Request.id == request_id).with_for_update())
    return held.scalar() is not None


async def requests_in(connection: AsyncConnection, states: Collection[str]) -> None:
    """Hold every request in one of the states."""
    if _one_writer(connection):
        return
    await connection.execute(select(Request.id).where(Request.state.in_(states)).order_by(Request.id).with_for_update())


async def requests_of(connection: AsyncConnection, case_ids: Collection[int], states: Collection[str]) -> None:
    """Hold the requests in one of the states that have a line for one of the cases."""
    if _one_writer(connection):
        return
    found: set[int] = set()
    for some in chunked(case_ids):
        answers = select(RequestLine.request_id).where(RequestLine.case_id.in_(some))
        found.update(
            await connection.scalars(select(Request.id).where(Request.id.in_(answers), Request.state.in_(states)))
        )
    await requests(connection, found)


async def requests(connection: AsyncConnection, ids: Collection[int]) -> None:
    """Hold the requests."""
    if _one_writer(connection):
        return
    for some in chunked(sorted(ids)):
        await connection.execute(select(Request.id).where(Request.id.in_(some)).order_by(Request.id).with_for_update())


async def case(connection: AsyncConnection, case_id: int) -> bool:
    """Hold one case; false where there is none."""
    held = await connection.execute(select(Case.id).where(Case.id == case_id).with_for_update())
    return held.scalar() is not None


async def cases(connection: AsyncConnection, case_ids: Collection[int]) -> None:
    """Hold the cases."""
    if _one_writer(connection):
        return
    for some in chunked(sorted(case_ids)):
        await connection.execute(select(Case.id).where(Case.id.in_(some)).order_by(Case.id).with_for_update())


async def gate(connection: AsyncConnection) -> None:
    """Keep calls from beginning, and halts from being thrown or taken back, until the transaction ends."""
    await _mark(connection, GATE, "")


async def audit_head(connection: AsyncConnection, empty: str) -> str:
    """Hold the end of the audit chain and give its value; `empty` begins a new chain."""
    return await _mark(connection, AUDIT_HEAD, empty)


async def _mark(connection: AsyncConnection, key: str, empty: str) -> str:
    """Hold a mark, made first where it is missing."""
    await connection.execute(insert_into(connection, Mark).on_conflict_do_nothing(), {"key": key, "value": empty})
    found = await connection.execute(_HELD_MARK, {"held": key})
    return str(found.scalar_one())
