from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import update

from bot.domain.containers import STANDARD
from bot.errors import Declined, OutsideError, Unreached
from bot.ports import Check, MovableClock, Order
from bot.services.placing import order_json, order_of
from bot.storage import tables
from bot.storage.database import Database
from bot.words import verbatim
from tests.services.orders.kit import Yard, open_yard
from tests.services.work.kit import add_channel
from tests.suppliers.kit import an_order


class Post:
    """Implements the SupplierChannel port in memory: takes orders, or fails as told."""

    name = "mail"

    def __init__(self) -> None:
        self.orders: list[tuple[str, Order]] = []
        self.failures: list[OutsideError] = []

    async def send(self, order: Order, key: str) -> Mapping[str, Any]:
        """Take it, or fail."""
        if self.failures:
            raise self.failures.pop(0)
        self.orders.append((key, order))
        return {"channel": "mail", "message_id": f"<{key}>"}

    async def find(self, order: Order, key: str) -> Mapping[str, Any] | None:
        """What it took."""
        return {"message_id": f"<{key}>"} if (key, order) in self.orders else None

    async def check(self) -> tuple[Check, ...]:
        """Nothing to try."""
        return ()


async def test_an_approved_order_is_written_and_its_goods_are_on_their_way_once(yard: Yard) -> None:
    number = await yard.approved({"LAMP": 240, "MUG": 60})
    assert await yard.position("LAMP") == (0, 240, 340)
    await yard.worker.drain(30)
    view = await yard.view(number)
    assert (view.state, view.stage, view.ordered_at) == ("executing", "ordered", yard.clock.now())
    assert await yard.position("LAMP") == (240, 0, 340)  # counted once, before and after
    assert await yard.position("MUG") == (60, 0, 160)
    version = view.version - 1
    assert sorted(path.name for path in yard.folder.iterdir()) == [
        f"R-{number}-v{version}.csv",
        f"R-{number}-v{version}.pdf",
    ]
    inbounds = await yard.shop.all(tables.Inbound)
    assert [(row.source, row.external_id, row.expected_on) for row in inbounds] == [
        ("request", f"R-{number}:LAMP", view.expected_on),
        ("request", f"R-{number}:MUG", view.expected_on),
    ]
    assert await yard.deeds() == ["order.placed"]
    assert (await yard.shop.audit.verify()).broken_at is None


async def test_the_supplier_reads_how_many_containers_the_goods_take(lite: Yard) -> None:
    detail = {"container": STANDARD["40HQ"].facts()}
    plain = await lite.approved({"LAMP": 240})
    boxed = await lite.approved({"LAMP": 240}, detail=detail)
    async with lite.shop.database.transaction() as connection:
        line = update(tables.RequestLine).where(tables.RequestLine.request_id == boxed)
        await connection.execute(line.values(detail={"volume_cm3": 500_000, "weight_g": 9_000}))
        held = await lite.shop.requests.held(connection, boxed)
        await lite.placing.begin(connection, dataclasses.replace(held, version=held.version + 1))
    orders = {row.request_id: row.payload["order"] for row in await lite.shop.all(tables.Effect)}  # the latest of each
    assert {request: order["containers"] for request, order in orders.items()} == {plain: "", boxed: "2 × 40HQ"}
    old = {name: value for name, value in orders[boxed].items() if name != "containers"}
    assert order_of(old).containers == ""  # planned before there were any


async def test_placing_twice_places_once(yard: Yard) -> None:
    number = await yard.approved({"LAMP": 240})
    async with yard.shop.database.transaction() as connection:
        held = await yard.shop.requests.held(connection, number)
        await yard.placing.begin(connection, held)
    await yard.worker.drain(30)
    await yard.worker.drain(30)
    assert len(await yard.shop.all(tables.Effect)) == 1
    assert len(await yard.shop.all(tables.Inbound)) == 1


async def test_a_supplier_with_an_address_is_mailed_and_the_folder_keeps_a_copy(
    database: Database, clock: MovableClock, tmp_path: Path
) -> None:
    post = Post()
    yard = await open_yard(database, clock, tmp_path / "orders", {"mail": post})
    await yard.address("orders@yiwu.example", "zh_CN")
    number = await yard.ordered({"LAMP": 240})
    [(key, order)] = post.orders
    assert key == f"order:R-{number}:v3:mail"
    assert (order.number, order.email, order.language) == (f"R-{number}", "orders@yiwu.example", "zh_CN")
    assert order.buyer == "Acme\nLondon"
    assert [(line.sku, line.quantity) for line in order.lines] == [("LAMP", 240)]
    assert len(list(yard.folder.iterdir())) == 2
    view = await yard.view(number)
    assert set(view.detail["sent"]) == {"mail", "folder"}


async def test_a_supplier_without_an_address_gets_no_mail(
    sqlite_database: Database, clock: MovableClock, tmp_path: Path
) -> None:
    post = Post()
    yard = await open_yard(sqlite_database, clock, tmp_path / "orders", {"mail": post})
    number = await yard.ordered({"LAMP": 240})
    assert post.orders == []
    assert (await yard.view(number)).stage == "ordered"


async def test_a_mail_that_cannot_be_sent_yet_orders_nothing_until_it_can(
    sqlite_database: Database, clock: MovableClock, tmp_path: Path
) -> None:
    post = Post()
    post.failures = [Unreached(verbatim("busy"))]
    yard = await open_yard(sqlite_database, clock, tmp_path / "orders", {"mail": post})
    await yard.address("orders@yiwu.example")
    number = await yard.ordered({"LAMP": 240})
    assert (await yard.view(number)).state == "approved"
    assert await yard.position("LAMP") == (0, 240, 340)
    clock.push(timedelta(hours=1))
    await yard.worker.drain(30)
    assert (await yard.view(number)).state == "executing"
    assert len(post.orders) == 1


async def test_a_refused_order_fails_opens_its_cases_and_is_told(
    database: Database, clock: MovableClock, tmp_path: Path
) -> None:
    post = Post()
    post.failures = [Declined(verbatim("550 no such user"))]
    yard = await open_yard(database, clock, tmp_path / "orders", {"mail": post})
    await yard.address("orders@yiwu.example")
    await yard.shop.sells("LAMP", "UK", [10] * 120)
    await yard.shop.scan()
    case = next(row for row in await yard.shop.all_cases() if row.kind == "stockout_risk")
    async with database.transaction() as connection:
        await add_channel(connection, "C-buyers", "requests", now=clock.now())
    before = await yard.position("LAMP")
    number = await yard.ordered({"LAMP": 240}, cases={"LAMP": case.id})
    view = await yard.view(number)
    assert view.state == "failed"
    assert "550" in view.detail["unsent"]["mail"]
    assert await yard.shop.all(tables.Inbound) == []
    [case] = [row for row in await yard.shop.all_cases() if row.id == case.id]
    assert case.state == "open"
    assert any("550 no such user" in said for said in await yard.shop.said())
    assert await yard.deeds() == ["order.failed"]
    assert await yard.position("LAMP") == before
    assert list(yard.folder.glob("*")) == [], "no document is left that somebody might still pass on"


async def test_a_folder_that_fails_beside_a_mail_that_left_is_noted_and_no_more(
    sqlite_database: Database, clock: MovableClock, tmp_path: Path
) -> None:
    post, file = Post(), Post()
    file.name = "folder"
    file.failures = [Declined(verbatim("read-only"))]
    yard = await open_yard(sqlite_database, clock, tmp_path / "orders", {"mail": post, "folder": file})
    await yard.address("orders@yiwu.example")
    number = await yard.ordered({"LAMP": 240})
    view = await yard.view(number)
    assert (view.state, view.detail["unsent"]) == ("executing", {"folder": "read-only"})


async def test_a_transfer_goes_to_the_folder(yard: Yard) -> None:
    number = await yard.ordered({"LAMP": 50}, kind="transfer", from_location_id=yard.shop.places["DE"])
    view = await yard.view(number)
    assert (view.state, view.stage) == ("executing", "ordered")
    assert await yard.position("LAMP") == (50, 0, 150)
    assert await yard.on_hand("LAMP", "DE") == 500


def test_an_order_survives_the_way_through_a_row() -> None:
    assert order_of(order_json(an_order(4))) == an_order(4)
