"""What a product's page asks of the database: little, and in statements that are built once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from tests.board.conftest import House
from tests.handlers.conftest import CLOCK, LANTERN

# Statements of a product with cases and requests: those that admit the visitor and tell of its age are among them.
MOST = 32


@contextmanager
def asked(house: House) -> Iterator[list[Any]]:
    """The statements that the database is asked meanwhile, without what begins a transaction."""
    found: list[Any] = []

    def note(_connection: Any, _cursor: Any, _sql: str, _values: Any, context: Any, _many: bool) -> None:  # noqa: FBT001  # the hook's form
        if context.invoked_statement is not None:
            found.append(context.invoked_statement)

    engine = house.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def test_a_product_page_that_was_never_opened_asks_few_things_of_the_database(house: House) -> None:
    client = await house.enter()
    (await client.get(f"/board/sku?code={CLOCK}")).raise_for_status()
    with asked(house) as statements:
        (await client.get(f"/board/sku?code={LANTERN}")).raise_for_status()
    assert 10 < len(statements) <= MOST


async def test_the_page_of_another_product_builds_no_statement_anew(house: House) -> None:
    client = await house.enter()
    with asked(house) as built:
        (await client.get(f"/board/sku?code={LANTERN}")).raise_for_status()
    with asked(house) as statements:
        (await client.get(f"/board/sku?code={CLOCK}")).raise_for_status()
    known = {id(statement) for statement in built}
    assert statements
    assert [str(statement) for statement in statements if id(statement) not in known] == []


async def test_the_stock_command_builds_no_statement_anew_for_another_product(house: House) -> None:
    catalogue, lookup = house.app.services.catalogue, house.app.services.lookup
    first, second = await lookup.sku(LANTERN), await lookup.sku(CLOCK)
    with asked(house) as built:
        await catalogue.stock_report(first)
    with asked(house) as statements:
        await catalogue.stock_report(second)
    known = {id(statement) for statement in built}
    assert statements
    assert [str(statement) for statement in statements if id(statement) not in known] == []
