"""Asking for a promotion: the preview, who may, what is refused and with which way out, and drafts of cases."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.chat.nodes import Action, Actions, Message
from bot.chat.router import Answer
from bot.domain.approval import ScopeKind
from bot.domain.policy import RoleLimit, default_policy
from bot.ports import MovableClock
from bot.storage import tables
from bot.storage.database import Database
from bot.storage.requests import Draft, DraftLine
from tests.services.promotions.kit import COST, LAMP, PRICE, Yard, open_yard, planted, pounds
from tests.services.work.kit import add
from tests.services.work.shop import Shop

FRIDAY = "2011-11-25T15:59:00+00:00"  # the last minute of it in Shanghai, where the team sits


def buttons(message: Message) -> list[Action]:
    """Every button of a message."""
    return [each for block in message.blocks if isinstance(block, Actions) for each in block.buttons]


def said(answer: Answer) -> str:
    """An answer's sentences and values, as text."""
    return str(answer.message)


async def requests_of(yard: Yard) -> list[Any]:
    return await yard.all(tables.Request)


async def test_a_line_that_a_crash_makes_come_again_shows_the_promotion_it_asked_for(yard: Yard) -> None:
    first = await yard.says("Nok", "promo LAMP 20% until Friday", "Ev1")
    again = await yard.says("Nok", "promo LAMP 20% until Friday", "Ev1")
    assert (first.refused, again.refused) == (False, False)
    assert again.message == first.message
    assert len(await requests_of(yard)) == 1
    other = await yard.says("Nok", "promo LAMP 20% until Friday", "Ev2")
    assert other.refused, "another line is another promotion, and one of a product runs at a time"


async def test_the_preview_states_prices_floor_dates_money_and_what_is_assumed(small: Yard) -> None:
    request_id = await small.asked()
    request = await small.request(request_id)
    detail = request.detail
    assert detail["store"] == "shop"
    assert (detail["price_minor"], detail["promo_price_minor"], detail["depth"]) == (PRICE, 200, "0.2")
    assert detail["floor_price_minor"] == 105
    assert detail["below_cost"] is False
    assert detail["ends_at"] == FRIDAY
    assert detail["catalogue_share"] == "0.0244"
    assert detail["price_from"] == "store"
    assert detail["elasticity"] == "2.60"
    assert Decimal(detail["per_day"]) == Decimal(1)
    assert Decimal(detail["uplift"]) == Decimal("1.52")
    days = (datetime.fromisoformat(FRIDAY) - small.clock.now()) / timedelta(days=1)
    assert detail["expected_units"] == round(1.52 * days)
    assert detail["given_away_minor"] == 50 * detail["expected_units"]
    assert detail["sell_out_without_on"] is None  # hundreds of days at one a day
    (line,) = request.lines
    assert request.total == pounds(50 * line.quantity)
    assert line.unit_cost == pounds(COST)


async def test_a_price_in_place_of_a_discount(small: Yard) -> None:
    request = await small.request(await small.asked("promo LAMP £1.99 until 2011-12-01"))
    assert request.detail["promo_price_minor"] == 199
    assert request.detail["depth"] == "0.204"


async def test_chinese_words_ask_the_same(small: Yard) -> None:
    request = await small.request(await small.asked("促销 LAMP 8折 直到周五"))
    assert (request.detail["promo_price_minor"], request.detail["ends_at"]) == (200, FRIDAY)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("promo LAMP", "How much lower"),
        ("promo LAMP 20%", "Until when"),
        ("promo LAMP 20 until Friday", "no discount and no price"),
        ("promo LAMP 20% until 2011-11-20", "has passed"),
        ("promo LAMP 20% until 2012-05-01", "days ahead"),
        ("promo LAMP €1.99 until Friday", "not in"),
        ("promo LAMP 1.999 until Friday", "too many decimals"),
        ("promo LAMP £2.50 until Friday", "not below the price now"),
        ("promo LAMP £9 until Friday", "not below the price now"),
        ("promo LAMP 20% until Friday NOWHERE", "No location matches"),
        ("promo LAMP 20% until Friday UK store=other", "does not sell from there"),
        ("promo OTHER-1 20% until Friday", "No connected store"),
        ("promo R-999 until Friday", "no promotion"),
    ],
)
async def test_what_cannot_be_is_refused_with_the_reason(small: Yard, line: str, words: str) -> None:
    answer = await small.says("Nok", line)
    assert words in said(answer)
    assert not await requests_of(small)


async def test_a_price_below_the_floor_is_refused_with_the_lowest_one_as_a_button(small: Yard) -> None:
    answer = await small.says("Nok", "promo LAMP £1.04 until Friday UK")
    assert "below the floor" in said(answer)
    (button,) = buttons(answer.message)
    assert button.arguments[:2] == (LAMP, "1.25 GBP")  # half the price, the policy's deepest, is above the floor
    assert not await requests_of(small)
    assert "promotion.refused" in await small.deeds()
    pressed = await small.presses("Nok", button.command, *button.arguments)
    assert not pressed.refused, said(pressed)
    (request,) = await requests_of(small)
    assert request.detail["promo_price_minor"] == 125
    assert request.detail["ends_at"] == FRIDAY


async def test_a_discount_deeper_than_the_policy_allows_is_refused(small: Yard) -> None:
    answer = await small.says("Nok", "promo LAMP 55% until Friday")
    assert "deeper than the policy" in said(answer)
    assert buttons(answer.message)[0].arguments[1] == "1.25 GBP"


async def test_below_cost_takes_two_approvers(small: Yard) -> None:
    limits = [RoleLimit("approver", "GBP", 500_000), RoleLimit("promo_manager", "GBP", 500_000)]
    base = default_policy("GBP", limits)
    loose = dataclasses.replace(base, least_margin=Decimal("-0.2"), deepest_discount=Decimal("0.7"))
    await small.app.services.policies.seed(loose)
    request_id = await small.asked("promo LAMP £0.90 until Friday")
    request = await small.request(request_id)
    assert request.detail["below_cost"] is True
    assert request.needs == 2
    assert "below the floor" in said(await small.says("Nok", "promo LAMP £0.79 until Friday"))
    await small.approves(request_id)
    assert (await small.request(request_id)).state == "pending"
    await small.approves(request_id, "Greta")
    assert (await small.request(request_id)).state == "approved"


@pytest.mark.parametrize("name", ["Maria", "Ada", "Nobody"])
async def test_who_may_not_ask_is_told_and_recorded(small: Yard, name: str) -> None:
    answer = await small.says(name, "promo LAMP 20% until Friday")
    assert answer.refused
    assert not await requests_of(small)
    if name != "Nobody":
        assert "promotion.refused" in await small.deeds()


@pytest.mark.parametrize(("kind", "code"), [("location", "DE"), ("store", "elsewhere")])
async def test_a_role_that_does_not_reach_the_place_or_the_store_asks_for_nothing_there(
    small: Yard, kind: ScopeKind, code: str
) -> None:
    await small.shop.add_place("DE", "Europe/Berlin", "DE")
    await small.app.services.members.add_scope("Nok", kind, code)
    assert (await small.says("Nok", "promo LAMP 20% until Friday")).refused
    assert not await small.all(tables.Request)
    (entry,) = [row for row in await small.all(tables.Audit) if row.action == "promotion.refused"]
    assert entry.data["objection"] == "scope"
    await small.app.services.members.add_scope("Nok", kind, "UK" if kind == "location" else "shop")
    assert not (await small.says("Nok", "promo LAMP 20% until Friday")).refused


async def test_who_asked_may_not_approve_alone_beyond_the_small_band(small: Yard) -> None:
    request_id = await small.asked(name="Nok")
    answer = await small.says("Nok", f"approve R-{request_id}")
    assert answer.refused
    assert (await small.request(request_id)).state == "pending"


async def test_an_operator_may_not_stop(small: Yard) -> None:
    request_id = await small.runs()
    assert (await small.says("Maria", f"stop R-{request_id}")).refused
    assert (await small.says("Jonas", "stop all")).refused  # a buyer may stop one, not all
    assert (await small.request(request_id)).stage == "running"


async def test_the_list_shows_what_runs_with_a_button_that_stops_it(small: Yard) -> None:
    assert "No promotion runs" in said(await small.says("Maria", "promo"))
    request_id = await small.runs()
    await small.sells(7)
    answer = await small.says("Maria", "promo")
    assert [(button.command, button.arguments) for button in buttons(answer.message)] == [
        ("stop", (f"R-{request_id}",))
    ]
    page = await small.app.services.promotions.running()
    (view,) = page.items
    assert (view.sold, view.before, view.price, view.stage) == (7, pounds(250), pounds(200), "running")


async def test_a_store_that_does_not_answer_is_no_hindrance_and_is_said(small: Yard) -> None:
    small.store.faults.add("price", "500")
    request = await small.request(await small.asked())
    assert request.detail["price_from"] == "catalogue"
    assert "did not answer" in said(await small.says("Nok", f"requests R-{request.id}"))


async def test_the_place_with_most_on_the_shelf_is_meant_where_none_is_named(
    sqlite_database: Database, clock: MovableClock
) -> None:
    async with open_yard(sqlite_database, clock, two_places) as yard:
        assert (await yard.request(await yard.asked())).location == "UK"
        assert (await yard.says("Nok", "promo LAMP 20% until Friday DE")).refused  # one price per store


async def two_places(shop: Shop) -> None:
    """The UK has most, DE some."""
    await planted(shop)
    await shop.add_place("DE", "Europe/Berlin", "DE")
    await shop.sells(LAMP, "DE", [1] * 120)
    await shop.holds(LAMP, "DE", 400)


async def test_what_another_place_needs_within_its_lead_time_is_not_cleared(
    sqlite_database: Database, clock: MovableClock
) -> None:
    async with open_yard(sqlite_database, clock, needy) as yard:
        answer = await yard.says("Nok", "promo LAMP 20% until Friday UK")
        assert answer.refused
        assert "within its lead time" in said(answer)


async def needy(shop: Shop) -> None:
    """DE sells thirty a day, has nothing and waits long for more; the UK could send all it has."""
    await planted(shop)
    await shop.add_place("DE", "Europe/Berlin", "DE")
    await shop.sells(LAMP, "DE", [30] * 120)
    await shop.holds(LAMP, "DE", 0)
    await shop.buys("DE", 60, COST, sku=LAMP)


async def clearance(yard: Yard, **detail: Any) -> tuple[int, int]:
    """A case with a drafted clearance; (case id, request id)."""
    services = yard.app.services
    async with yard.database.transaction() as connection:
        case_id = await add(
            connection, tables.Case, key=f"slow_mover:{yard.shop.skus[LAMP]}:{yard.shop.places['UK']}",
            kind="slow_mover", product_id=yard.shop.skus[LAMP], location_id=yard.shop.places["UK"], state="open",
            severity=2, money_minor=1, currency="GBP", evidence={}, opened_at=yard.clock.now(),
            updated_at=yard.clock.now(),
        )  # fmt: skip
        terms = {"price_minor": 250, "promo_price_minor": 220, "ends_on": "2011-12-05", "depth": "0.12", **detail}
        line = DraftLine(yard.shop.skus[LAMP], 60, COST, case_id)
        draft = Draft("promotion", yard.shop.places["UK"], "GBP", 1800, (line,), detail=terms)
        (request_id,) = await services.requests.draft(connection, [draft])
    return case_id, request_id


async def test_a_clearance_drafted_for_a_case_is_started_by_one_tap(yard: Yard) -> None:
    case_id, request_id = await clearance(yard)
    shown = await yard.says("Nok", f"requests R-{request_id}")
    (start,) = [button for button in buttons(shown.message) if button.command == "promo"]
    answer = await yard.presses("Nok", start.command, *start.arguments)
    assert not answer.refused, said(answer)
    request = await yard.request(request_id)
    assert (request.state, request.case_id, request.requested_by) == ("pending", case_id, "Nok")
    assert (request.detail["store"], request.detail["promo_price_minor"]) == ("shop", 220)
    assert datetime.fromisoformat(request.detail["ends_at"]) == datetime(2011, 12, 5, 23, 59, tzinfo=UTC)
    assert request.lines[0].quantity == 60
    again = await yard.presses("Jonas", start.command, *start.arguments)
    assert again.refused  # the button belongs to a version that is no more
    await yard.approves(request_id)
    await yard.works()
    (case,) = await yard.all(tables.Case)
    assert case.state == "acting"
    await yard.presses("Nok", "stop", f"R-{request_id}")
    await yard.works()
    (case,) = await yard.all(tables.Case)
    assert case.state == "open"


async def test_a_proposal_of_our_own_that_became_too_low_is_raised_to_the_lowest_price(small: Yard) -> None:
    _case, request_id = await clearance(small, promo_price_minor=90)
    answer = await small.presses("Nok", "promo", f"R-{request_id}")
    assert not answer.refused, said(answer)
    assert (await small.request(request_id)).detail["promo_price_minor"] == 125


async def test_a_proposal_has_its_price_and_takes_an_end(small: Yard) -> None:
    _case, request_id = await clearance(small)
    assert (await small.says("Nok", f"promo R-{request_id} 30% until Friday")).refused
    assert not (await small.says("Nok", f"promo R-{request_id} until Friday")).refused
    assert (await small.request(request_id)).detail["ends_at"] == FRIDAY


async def test_an_end_that_has_passed_in_a_draft_becomes_two_weeks(small: Yard) -> None:
    _case, request_id = await clearance(small, ends_on="2011-11-01")
    await small.presses("Nok", "promo", f"R-{request_id}")
    ends_at = datetime.fromisoformat((await small.request(request_id)).detail["ends_at"])
    assert ends_at.date().isoformat() == "2011-12-05"


async def test_several_stores_of_one_place_must_be_told_apart(sqlite_database: Database, clock: MovableClock) -> None:
    async with open_yard(sqlite_database, clock) as yard:
        outlets = yard.app.services.promotions._outlets
        first = outlets._outlets["shop"]
        outlets._outlets = {"shop": first, "web": first}
        refused = await yard.says("Nok", "promo LAMP 20% until Friday")
        assert "Several stores" in said(refused)
        request = await yard.request(await yard.asked("promo LAMP 20% until Friday UK store=web"))
        assert request.detail["store"] == "web"
