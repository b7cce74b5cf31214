"""What holds for any batch: money is kept to the last digit, and sending once or often comes to the same."""

from __future__ import annotations

import asyncio
import json
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from bot.domain.money import exponent
from bot.ports import MovableClock, OrderFact, ProductFact
from bot.storage.database import Database
from bot.web.api.kinds import KINDS
from bot.web.api.reading import MAX_ROWS, read
from tests.web_api.conftest import AT, NOW, locations, order
from tests.web_api.dying import batches_of

SALES, _, _, PRODUCTS = KINDS
CURRENCIES = st.sampled_from(["GBP", "JPY", "KWD", "CNY", "EUR"])
AMOUNTS = st.decimals(0, 999_999_999, places=4, allow_nan=False).map(lambda amount: f"{amount:f}")
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from([AT, "UK", "MUG", "1.50"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "sku", "lines", "amount", "placed_at", "location", "x"]), inner, max_size=5
        )
    ),
    max_leaves=12,
)


def body(*rows: Any) -> bytes:
    return json.dumps({"rows": rows}).encode()


@given(amount=AMOUNTS, currency=CURRENCIES)
def test_an_amount_is_kept_to_the_last_digit_or_refused(amount: str, currency: str) -> None:
    row = {"sku": "MUG", "name": "Mug", "price": {"amount": amount, "currency": currency}}
    batch = read(PRODUCTS, body(row), "GBP", NOW)
    exact = Decimal(amount) == round(Decimal(amount), exponent(currency))
    assert len(batch.facts) == exact
    assert [fault.field for fault in batch.faults] == ([] if exact else ["price"])
    for _, fact in batch.facts:
        assert isinstance(fact, ProductFact)
        assert fact.price is not None
        assert (fact.price.amount, fact.price.currency) == (Decimal(amount), currency)


@given(amount=st.integers(0, 10**11))
def test_an_amount_without_a_currency_is_in_the_organisations_own(amount: int) -> None:
    text = f"{amount // 100}.{amount % 100:02}"
    line = {"id": "a", "sku": "MUG", "quantity": 1, "amount": text}
    ((_, fact),) = read(SALES, body(order("1", line)), "GBP", NOW).facts or ((0, None),)
    if amount >= 10**11:
        assert fact is None
    else:
        assert isinstance(fact, OrderFact)
        assert (fact.lines[0].amount.minor, fact.lines[0].amount.currency) == (amount, "GBP")


@given(rows=st.lists(ANY, max_size=4))
def test_every_row_of_anything_is_a_fact_or_has_a_fault_and_never_both(rows: list[Any]) -> None:
    for kind in KINDS:
        batch = read(kind, body(*rows), "GBP", NOW)
        good, bad = {row for row, _ in batch.facts}, {fault.row for fault in batch.faults}
        assert good | bad == set(range(len(rows)))
        assert not good & bad
        assert batch.received == len(rows) <= MAX_ROWS


LINES = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from(["MUG", "CUP"]), st.integers(0, 3)),
    max_size=2,
    unique_by=lambda x: x[0],
)
TOLD = st.lists(st.lists(st.tuples(st.sampled_from("12"), LINES), max_size=3), min_size=1, max_size=4)


async def kept(content: bytes, told: list[list[tuple[str, list[tuple[str, str, int]]]]], times: int) -> list[Any]:
    """The sales and the demand of a fresh database after batches of orders, each sent so many times."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shop.db"
        path.write_bytes(content)
        database = Database(f"sqlite+aiosqlite:///{path}")
        await locations(database, "UK")
        batches = batches_of(database, MovableClock(NOW, frozen=True))
        for orders in told:
            rows = [
                order(number, returns=[], lines=[
                    {"id": line, "sku": sku, "quantity": quantity, "amount": f"{quantity}.50"}
                    for line, sku, quantity in lines
                ])
                for number, lines in orders
            ]  # fmt: skip
            changed = [
                (await batches.take("erp", read(SALES, body(*rows), "GBP", NOW))).changed for _time in range(times)
            ]
            assert not any(changed[1:])
        found: list[Any] = []
        async with database.reading() as connection:
            for table in ("sales", "daily_demand", "store_faults"):
                columns = "code, external_id, quantity, amount_minor, kind, cancelled_by" if table == "sales" else "*"
                rows_of = await connection.execute(text(f"SELECT {columns} FROM {table}"))  # noqa: S608  # our own
                found.append(sorted(map(str, rows_of)))
        await database.close()
        return found


@settings(max_examples=5)
@given(told=TOLD)
def test_orders_sent_once_or_three_times_come_to_the_same(sqlite_template: bytes, told: list[Any]) -> None:
    assert asyncio.run(kept(sqlite_template, told, 1)) == asyncio.run(kept(sqlite_template, told, 3))
