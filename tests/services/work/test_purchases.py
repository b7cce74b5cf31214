"""Orders that people ask for: bought, joined, submitted and called off, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from bot.errors import AlreadyDecided, BadArgument, NotAllowed, StaleButton
from bot.ports import MovableClock
from bot.services.choosing import WrongLot
from bot.services.purchases import Bought
from bot.storage import tables
from bot.storage.database import Database
from tests.services.work.kit import DAY, add
from tests.services.work.shop import Shop, open_shop, steady
from tests.services.work.test_watch import plant_shortage

pytestmark = pytest.mark.databases("sqlite")  # their statements run on PostgreSQL where that is named, and elsewhere


@pytest.fixture
async def shop(database: Database, clock: MovableClock) -> Shop:
    shop = await open_shop(database, clock)
    await shop.add_place("UK")
    await plant_shortage(shop)
    return shop


async def buy(shop: Shop, units: int = 120, who: str = "Jonas", sku: str = "A1", supplier: str = "") -> Bought:
    found = await shop.purchases.buy(shop.sku(sku), units, supplier, None, shop.asker(who), "slack")
    assert isinstance(found, Bought)
    return found


async def test_a_buyers_order_waits_for_approval_and_counts_as_asked_for(shop: Shop) -> None:
    before = (await shop.catalogue.stock_report(shop.sku("A1"))).lines[0]
    found = await buy(shop, 120)
    view = found.request
    assert (view.state, view.requested_by, view.supplier, view.mode, view.total.minor) == (
        "pending", "Jonas", "Yiwu", "sea", 120 * 90,
    )  # fmt: skip
    assert view.expires_at == shop.clock.now() + DAY
    assert (found.position, found.order_up_to) == (before.position + 120, before.order_up_to)
    after = (await shop.catalogue.stock_report(shop.sku("A1"))).lines[0]
    assert (after.pending, after.position) == (120, before.position + 120)
    assert [row.action for row in await shop.all(tables.Audit)] == ["request.submitted"]
    assert len(await shop.said()) == 1  # whoever hears of requests


@pytest.mark.databases("sqlite", "postgres")
async def test_an_operators_order_stays_a_draft_that_a_buyer_submits_and_takes_lines_for_an_hour(
    shop: Shop, clock: MovableClock
) -> None:
    await plant_shortage(shop, "B2")
    first = (await buy(shop, 120, "Maria")).request
    assert (first.state, first.version) == ("draft", 1)
    clock.push(timedelta(minutes=50))
    second = (await buy(shop, 144, "Maria", "B2")).request
    assert (second.id, len(second.lines), second.total.minor) == (first.id, 2, (120 + 144) * 90)
    third = (await buy(shop, 120, "Maria")).request  # the same product once more
    assert [(line.sku, line.quantity) for line in third.lines] == [("A1", 240), ("B2", 144)]
    with pytest.raises(NotAllowed):
        await shop.purchases.submit(first.id, None, shop.asker("Maria"), "slack")
    with pytest.raises(StaleButton):
        await shop.purchases.submit(first.id, 1, shop.asker("Jonas"), "slack")
    sent = await shop.purchases.submit(first.id, third.version, shop.asker("Jonas"), "telegram")
    assert (sent.state, sent.requested_by, sent.edited_by) == ("pending", "Maria", "Jonas")
    with pytest.raises(StaleButton):
        await shop.purchases.submit(first.id, None, shop.asker("Jonas"), "slack")
    clock.push(timedelta(hours=2))
    assert (await buy(shop, 120, "Maria")).request.id != first.id
    actions = [row.action for row in await shop.all(tables.Audit)]
    assert actions == [
        "request.drafted", "request.edited", "request.edited", "request.refused", "request.submitted",
        "request.drafted",
    ]  # fmt: skip
    assert (await shop.audit.verify()).broken_at is None


@pytest.mark.parametrize("who", ["Nok", "Stranger"])
async def test_whoever_only_reads_orders_nothing_and_the_refusal_is_kept(shop: Shop, who: str) -> None:
    with pytest.raises(NotAllowed):
        await buy(shop, 120, who)
    assert await shop.requested() == []
    (entry,) = await shop.all(tables.Audit)
    assert (entry.action, entry.data["doing"]) == ("request.refused", "draft")


async def test_a_buyer_of_one_place_orders_for_no_other(shop: Shop) -> None:
    async with shop.database.transaction() as connection:
        await connection.execute(
            tables.MemberScope.__table__.insert().values(  # type: ignore[attr-defined]
                member_id=shop.members["Jonas"], kind="location", code="DE"
            )
        )
    with pytest.raises(NotAllowed):
        await buy(shop)


async def test_a_quantity_that_cannot_be_bought_changes_nothing_and_names_those_that_can(shop: Shop) -> None:
    for units, fits in ((50, (120,)), (130, (120, 144)), (1, (120,))):
        found = await shop.purchases.buy(shop.sku("A1"), units, "", None, shop.asker("Jonas"), "slack")
        assert isinstance(found, WrongLot)
        assert (found.minimum, found.pack, found.fits) == (100, 24, fits)
    assert await shop.requested() == []


@pytest.mark.databases("sqlite", "postgres")
async def test_a_named_supplier_is_found_by_code_or_name_and_must_deliver_there(shop: Shop) -> None:
    await shop.buys("UK", 5, 150, sku="A1", supplier="NINGBO", mode="air")
    assert (await buy(shop, 7, supplier="ningbo")).request.supplier == "Ningbo"
    async with shop.database.transaction() as connection:
        await add(connection, tables.Supplier, code="OTHER", name="Other Ltd", country="CN", currency="CNY")
    for name in ("nobody", "OTHER"):
        with pytest.raises(BadArgument) as refused:
            await buy(shop, 120, supplier=name)
        assert "Suppliers" in refused.value.words.msgid or "These do" in refused.value.words.msgid


async def test_what_somebody_bought_for_a_case_is_not_drafted_again(shop: Shop) -> None:
    await shop.scan()
    case = (await shop.unresolved())["stockout_risk", "A1"]
    await shop.purchases.cancel(case.request_id, None, shop.asker("Jonas"), "slack")
    mine = (await buy(shop, 120)).request
    assert mine.case_ids == (case.id,)
    assert (await shop.unresolved())["stockout_risk", "A1"].request_id == mine.id
    assert (await shop.scan()).requests_drafted == 0


@pytest.mark.databases("sqlite", "postgres")
async def test_a_person_who_cancels_is_not_asked_again_at_once(shop: Shop, clock: MovableClock) -> None:
    await shop.scan()
    view = await shop.purchases.cancel(1, None, shop.asker("Jonas"), "slack")
    assert (view.state, view.decided_by, view.decided_platform) == ("cancelled", "Jonas", "slack")
    assert (await shop.purchases.cancel(1, None, shop.asker("Jonas"), "slack")).state == "cancelled"
    with pytest.raises(AlreadyDecided):
        await shop.purchases.cancel(1, None, shop.asker("Lin Wei"), "slack")
    assert (await shop.scan()).requests_drafted == 0
    clock.push(7 * DAY)
    assert (await shop.scan()).requests_drafted == 1


async def test_an_operator_cancels_their_own_alone(shop: Shop) -> None:
    await shop.scan()
    own = (await buy(shop, 120, "Maria")).request
    with pytest.raises(NotAllowed):
        await shop.purchases.cancel(1, None, shop.asker("Maria"), "slack")
    assert (await shop.purchases.cancel(own.id, own.version, shop.asker("Maria"), "slack")).state == "cancelled"


@pytest.mark.databases("sqlite", "postgres")
async def test_an_approved_order_is_called_off_only_while_nothing_has_gone_out(shop: Shop) -> None:
    await shop.scan()
    await shop.decisions.decide(1, None, "approve", shop.asker("Lin Wei"), "slack")
    assert (await shop.unresolved())["stockout_risk", "A1"].state == "acting"
    async with shop.database.transaction() as connection:
        call = await shop.effects.plan(
            connection, key="order:R-1", kind="order.send", topic="purchases", request_id=1, payload={}
        )
        begun = update(tables.Effect).where(tables.Effect.id == call)
        await connection.execute(begun.values(state="sending", begun_at=shop.clock.now()))
    with pytest.raises(StaleButton):
        await shop.purchases.cancel(1, None, shop.asker("Jonas"), "slack")
    async with shop.database.transaction() as connection:
        await connection.execute(begun.values(state="pending", begun_at=None))
    assert (await shop.purchases.cancel(1, None, shop.asker("Jonas"), "slack")).state == "cancelled"
    (effect,) = await shop.all(tables.Effect)
    assert effect.state == "cancelled"
    assert (await shop.unresolved())["stockout_risk", "A1"].state == "open"


@pytest.mark.databases("sqlite", "postgres")
async def test_lists_show_drafts_orders_and_all(shop: Shop) -> None:
    await shop.scan()
    draft = (await buy(shop, 120, "Maria")).request
    lists = {which: await shop.requests.listed(which) for which in ("drafts", "orders", "all")}
    assert {which: [view.id for view in page.items] for which, page in lists.items()} == {
        "drafts": [draft.id], "orders": [], "all": [draft.id, 1],
    }  # fmt: skip


async def test_a_line_whose_need_is_over_leaves_its_order_and_the_last_cancels_it(
    shop: Shop, clock: MovableClock
) -> None:
    await plant_shortage(shop, "B2", units=20)
    await shop.scan()
    (request,) = await shop.requested()
    clock.push(timedelta(hours=1))
    await shop.holds("A1", "UK", 420)
    assert (await shop.scan()).resolved == 1
    view = await shop.requests.get(request.id)
    assert [line.sku for line in view.lines] == ["B2"]
    assert view.total.minor == view.lines[0].quantity * 90
    assert (view.version, view.state) == (request.version + 1, "pending")
    assert [item["what"] for item in view.detail["difference"]] == ["A1"]
    with pytest.raises(StaleButton):
        await shop.decisions.decide(request.id, request.version, "approve", shop.asker("Greta"), "slack")
    clock.push(timedelta(hours=1))
    await shop.holds("B2", "UK", 900)
    await shop.scan()
    assert (await shop.requests.get(request.id)).state == "cancelled"


@pytest.mark.databases("sqlite", "postgres")
async def test_an_order_below_the_suppliers_minimum_says_so(shop: Shop) -> None:
    async with shop.database.transaction() as connection:
        await connection.execute(update(tables.Supplier).values(minimum_total_minor=50_000_000, currency="GBP"))
    await shop.scan()
    assert (await shop.requests.get(1)).detail["least_total_minor"] == 50_000_000
    assert "takes no order under" in str((await shop.said())[-1])


async def test_pennies_are_not_ordered_for_their_own_sake(database: Database, clock: MovableClock) -> None:
    shop = await open_shop(database, clock, least_minor=10_000_000)
    await shop.add_place("UK")
    await plant_shortage(shop)
    report = await shop.scan()
    assert (report.opened, report.requests_drafted) == (1, 0)


async def test_forty_lines_fill_an_order_and_the_costliest_come_first(database: Database, clock: MovableClock) -> None:
    shop = await open_shop(database, clock)
    await shop.add_place("UK")
    for number in range(43):
        sku = f"A{number:02}"
        await shop.add_product(sku, price=200 + 10 * number)
        await shop.sells(sku, "UK", steady(30))
        await shop.holds(sku, "UK", 20)
        await shop.buys("UK", 21, 90, sku=sku)
    report = await shop.scan()
    assert (report.opened, report.requests_drafted) == (43, 2)
    first, second = [len(await shop.lines_of(row.id)) for row in await shop.requested()]
    assert (first, second) == (40, 3)
    view = await shop.requests.get(1)
    assert (view.lines[0].sku, view.lines[-1].sku) == ("A42", "A03")
    assert (await shop.scan()).requests_drafted == 0
