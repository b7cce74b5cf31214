"""Requests changed by people, and stock-outs answered by another option; on both databases."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from bot.chat.arguments import Rest
from bot.chat.filling import filled, pairs
from bot.domain.views import CaseView, RequestView
from bot.errors import BadArgument, NotAllowed, Refusal, StaleButton, UnknownReference
from bot.language import language
from bot.ports import MovableClock
from bot.services.answers import shortly
from bot.storage import tables
from bot.storage.database import Database
from tests.services.work.kit import DAY, add
from tests.services.work.shop import Shop, open_shop, steady
from tests.services.work.test_watch import plant_shortage

pytestmark = pytest.mark.databases("sqlite")  # their statements run on PostgreSQL where that is named, and elsewhere


@pytest.fixture
async def shop(database: Database, clock: MovableClock) -> Shop:
    """Two shortages of one supplier in one order."""
    shop = await open_shop(database, clock)
    await shop.add_place("UK")
    await plant_shortage(shop)
    await plant_shortage(shop, "B2", units=20)
    await shop.scan()
    return shop


async def edit(shop: Shop, version: int | None = None, who: str = "Jonas", **values: str) -> RequestView:
    named = {name.casefold(): value for name, value in values.items()}
    return await shop.editing.edit(1, version, named, shop.asker(who), "slack")


def words(refusal: Refusal) -> str:
    return language("en").say(refusal.words, shortly)


async def test_a_changed_quantity_goes_back_to_be_approved_with_the_difference_shown(shop: Shop) -> None:
    before = await shop.requests.get(1)
    shop.clock.push(timedelta(hours=1))  # type: ignore[attr-defined]
    view = await edit(shop, before.version, A1="240")
    a1 = next(line for line in view.lines if line.sku == "A1")
    old = next(line for line in before.lines if line.sku == "A1")
    assert (view.state, view.version, view.edited_by, a1.quantity) == ("pending", before.version + 1, "Jonas", 240)
    assert view.total.minor == sum(line.quantity * 90 for line in view.lines)
    assert view.detail["difference"] == [{"what": "A1", "before": str(old.quantity), "after": "240"}]
    assert view.expires_at == shop.clock.now() + DAY
    assert "reasons" in view.detail
    with pytest.raises(StaleButton):
        await shop.decisions.decide(1, before.version, "approve", shop.asker("Lin Wei"), "slack")
    entry = (await shop.all(tables.Audit))[-2]
    assert (entry.action, entry.data["difference"]) == ("request.edited", view.detail["difference"])


@pytest.mark.databases("sqlite", "postgres")
async def test_a_stale_edit_is_told_what_changed(shop: Shop) -> None:
    version = (await shop.requests.get(1)).version
    await edit(shop, version, A1="240")
    with pytest.raises(StaleButton) as stale:
        await edit(shop, version, A1="480")
    assert "A1" in words(stale.value)
    assert "240" in words(stale.value)
    assert (await shop.requests.get(1)).version == version + 1


async def test_every_bad_word_is_named_and_nothing_is_changed(shop: Shop) -> None:
    before = await shop.requests.get(1)
    with pytest.raises(BadArgument) as bad:
        await edit(shop, A1="some", B2="100", C3="5", date="1999-01-01", supplier="nobody")
    said = words(bad.value)
    for part in ("some", "packs", "c3", "1999-01-01", "nobody"):
        assert part in said
    assert await shop.requests.get(1) == before
    with pytest.raises(BadArgument):
        await edit(shop, A1="0", B2="0")
    with pytest.raises(BadArgument):  # as it stands already
        await edit(shop, A1=str(next(line.quantity for line in before.lines if line.sku == "A1")))


@pytest.mark.databases("sqlite", "postgres")
async def test_a_line_that_is_taken_out_leaves_its_case_asleep_for_a_while(shop: Shop, clock: MovableClock) -> None:
    view = await edit(shop, A1="0")
    assert [line.sku for line in view.lines] == ["B2"]
    case = (await shop.unresolved())["stockout_risk", "A1"]
    assert (case.request_id, case.snoozed_until) == (None, clock.now() + 7 * DAY)
    assert (await shop.scan()).requests_drafted == 0
    clock.push(7 * DAY)
    await shop.scan()
    assert (await shop.unresolved())["stockout_risk", "A1"].request_id not in {None, 1}


@pytest.mark.databases("sqlite", "postgres")
async def test_another_supplier_prices_every_line_by_its_own_routes(shop: Shop) -> None:
    await shop.buys("UK", 9, 140, sku="A1", supplier="NINGBO", mode="air", minimum=10, pack=10)
    with pytest.raises(BadArgument) as bad:
        await edit(shop, supplier="NINGBO")
    assert "B2" in words(bad.value)
    await shop.buys("UK", 12, 130, sku="B2", supplier="NINGBO", mode="air", minimum=10, pack=10)
    view = await edit(shop, supplier="ningbo", A1="250", B2="300")
    assert (view.supplier, view.mode, view.total.minor) == ("Ningbo", "air", 250 * 140 + 300 * 130)
    assert view.expected_on == shop.today("UK") + timedelta(days=12)
    assert {line.sku: line.detail["quote_minor"] for line in view.lines} == {"A1": 140, "B2": 130}
    assert {item["what"] for item in view.detail["difference"]} >= {"supplier", "mode", "date", "A1", "B2"}


@pytest.mark.databases("sqlite", "postgres")
async def test_the_form_asks_for_what_can_be_changed_and_comes_back_as_words(shop: Shop) -> None:
    await shop.buys("UK", 9, 140, sku="A1", supplier="NINGBO", mode="air")
    await shop.buys("UK", 12, 130, sku="B2", supplier="NINGBO", mode="air")
    form = await shop.editing.form(1, None, shop.asker("Jonas"), "slack")
    fields = {field.name: field for field in form.fields}
    assert set(fields) == {"B2", "A1", "supplier", "mode", "date"}
    assert [choice.value for choice in fields["supplier"].choices] == ["NINGBO", "YIWU"]
    sent = filled(form, {"A1": "240", "B2": fields["B2"].value, "date": (shop.today("UK") + 40 * DAY).isoformat()})
    values = pairs(Rest(" ".join(sent), sent))
    view = await shop.editing.edit(1, int(form.arguments[0].partition("@")[2]), values, shop.asker("Jonas"), "slack")
    assert {item["what"] for item in view.detail["difference"]} == {"A1", "date"}
    assert view.expected_on == shop.today("UK") + 40 * DAY


async def test_operators_change_drafts_and_nothing_that_waits(shop: Shop) -> None:
    with pytest.raises(NotAllowed):
        await edit(shop, who="Maria", A1="240")
    await shop.decisions.decide(1, None, "reject", shop.asker("Lin Wei"), "slack")
    with pytest.raises(StaleButton):
        await edit(shop, A1="240")


async def test_options_stand_side_by_side_and_the_best_is_named(shop: Shop) -> None:
    await shop.buys("UK", 5, 130, sku="A1", supplier="NINGBO", mode="air")
    await shop.add_place("DE", "Europe/Berlin", "DE")
    await shop.sells("A1", "DE", steady(units=2))
    await shop.holds("A1", "DE", 1500)
    case = (await shop.unresolved())["stockout_risk", "A1"]
    view = await shop.options.weigh(case.id)
    by_kind = {option.kind: option for option in view.options}
    assert list(by_kind) == ["transfer", "expedite", "buy", "wait"]
    assert sum(option.best for option in view.options) == 1
    assert (by_kind["buy"].current, by_kind["expedite"].current) == (True, False)
    assert by_kind["expedite"].arrives_on == shop.today("UK") + timedelta(days=5)
    assert by_kind["expedite"].landed.minor == by_kind["expedite"].units * 130
    assert by_kind["transfer"].from_location == "DE"
    assert by_kind["expedite"].avoided_days > by_kind["buy"].avoided_days
    assert (by_kind["wait"].landed.minor, by_kind["wait"].avoided_days) == (0, Decimal(0))


async def test_expediting_takes_the_line_out_of_the_sea_order_into_an_air_order(shop: Shop) -> None:
    await shop.buys("UK", 5, 130, sku="A1", supplier="NINGBO", mode="air")
    case = (await shop.unresolved())["stockout_risk", "A1"]
    view = await shop.options.choose(case.id, "expedite", shop.asker("Jonas"), "slack")
    assert isinstance(view, RequestView)
    assert (view.id, view.state, view.mode, [line.sku for line in view.lines]) == (2, "pending", "air", ["A1"])
    sea = await shop.requests.get(1)
    assert [line.sku for line in sea.lines] == ["B2"]
    assert [item["what"] for item in sea.detail["difference"]] == ["A1"]
    assert (await shop.unresolved())["stockout_risk", "A1"].request_id == 2
    assert (await shop.scan()).requests_drafted == 0
    actions = [row.action for row in await shop.all(tables.Audit)]
    assert actions[1:3] == ["request.edited", "request.submitted"]
    assert (await shop.audit.verify()).broken_at is None


@pytest.mark.databases("sqlite", "postgres")
async def test_waiting_takes_the_line_out_and_lets_the_case_sleep(shop: Shop, clock: MovableClock) -> None:
    case = (await shop.unresolved())["stockout_risk", "B2"]
    found = await shop.options.choose(case.id, "wait", shop.asker("Jonas"), "slack")
    assert isinstance(found, CaseView)
    assert (found.request_id, found.snoozed_until) == (None, clock.now() + 7 * DAY)
    assert (await shop.scan()).requests_drafted == 0


async def test_options_are_refused_where_there_are_none(shop: Shop) -> None:
    case = (await shop.unresolved())["stockout_risk", "A1"]
    with pytest.raises(BadArgument):
        await shop.options.choose(case.id, "transfer", shop.asker("Jonas"), "slack")
    with pytest.raises(NotAllowed):
        await shop.options.choose(case.id, "wait", shop.asker("Maria"), "slack")  # it waits for approval
    with pytest.raises(UnknownReference):
        await shop.options.weigh(999)
    await shop.decisions.decide(1, None, "approve", shop.asker("Lin Wei"), "slack")
    if (await shop.requests.get(1)).state == "pending":
        await shop.decisions.decide(1, None, "approve", shop.asker("Greta"), "slack")
    with pytest.raises(StaleButton):
        await shop.options.weigh(case.id)


@pytest.mark.databases("sqlite", "postgres")
async def test_every_copy_of_the_cards_follows_an_edit(shop: Shop) -> None:
    cases = await shop.unresolved()
    async with shop.database.transaction() as connection:
        subjects = ["request:1", *(f"case:{case.id}" for case in cases.values())]
        for number, subject in enumerate(subjects):
            await add(
                connection, tables.Post, conversation_id=1, message_id=f"1.{number}", subject=subject,
                posted_at=shop.clock.now(),
            )  # fmt: skip
    await edit(shop, A1="240")
    edits = sorted(row.subject for row in await shop.all(tables.Outbox) if row.kind == "edit")
    assert edits == sorted(subjects)
    async with shop.database.reading() as connection:
        waiting = await connection.scalars(select(tables.Outbox.message).where(tables.Outbox.subject == "request:1"))
        assert any("Changed since" in str(message) for message in waiting)
