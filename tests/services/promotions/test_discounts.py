"""Promotions by a discount code or in the basket: asked for, approved, made, stopped and reported as prices are."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.chat.nodes import Action, Actions, Message
from bot.domain.policy import digest
from bot.errors import Refusal
from bot.sandbox.store import Deal
from bot.services.outlets import Outlet
from bot.services.rulings import _shown
from bot.storage import promotions as promotion_rows
from bot.storage import requests as request_rows
from bot.storage import tables
from bot.storage.requests import Draft, DraftLine
from bot.words import Words, kept
from tests.services.promotions.kit import LAMP, PRICE, Yard, pounds

FRIDAY = datetime(2011, 11, 25, 15, 59, tzinfo=UTC)  # the last minute of it in Shanghai, where the team sits
BY_CODE = "promo LAMP 20% until Friday code summer20"
IN_BASKET = "promo LAMP 20% until Friday basket"


def deals(yard: Yard) -> list[tuple[str, Decimal, tuple[str, ...], datetime]]:
    """What buyers get."""
    return [(each.code, each.share, each.skus, each.ends_at) for each in yard.store.deals.standing]


def buttons(message: Message) -> list[Action]:
    """Every button of a message."""
    return [each for block in message.blocks if isinstance(block, Actions) for each in block.buttons]


@pytest.fixture
async def halved(small: Yard) -> Yard:
    """A store that takes nothing off in the basket, as some."""
    outlets = small.app.services.promotions._outlets
    outlet = outlets._outlets["shop"]
    assert outlet.discounts is not None
    outlet.discounts.ways = frozenset({"code"})
    return small


async def test_a_code_lives_from_the_question_to_the_report_and_the_price_stays(yard: Yard) -> None:
    request_id = await yard.asked(BY_CODE)
    detail = (await yard.request(request_id)).detail
    assert (detail["means"], detail["code"], detail["share"]) == ("code", "SUMMER20", "0.2")
    assert (detail["price_minor"], detail["promo_price_minor"], detail["floor_price_minor"]) == (PRICE, 200, 105)
    assert deals(yard) == []

    await yard.approves(request_id)
    assert deals(yard) == []  # nothing is called in the deciding transaction
    await yard.works()
    assert (await yard.request(request_id)).stage == "running"
    assert deals(yard) == [("SUMMER20", Decimal("0.2"), (LAMP,), FRIDAY)]
    assert yard.price() == (pounds(PRICE), None)
    stored = await yard.promotion(request_id)
    assert (stored.means, stored.code, stored.share) == ("code", "SUMMER20", Decimal("0.2"))
    assert (stored.prior_minor, stored.price_minor, stored.ends_at) == (PRICE, 200, FRIDAY)
    assert "SUMMER20" in str((await yard.says("Nok", "promo")).message)

    yard.store.deals.standing[0].used = 7
    yard.clock.push(FRIDAY - yard.clock.now())
    assert (await yard.ticks()).stopped == 1
    await yard.works()
    done = await yard.request(request_id)
    assert (done.state, done.stage, done.detail["life"]["used"]) == ("done", "stopped", 7)
    assert deals(yard) == []
    assert yard.store.changes == []
    assert (await yard.promotion(request_id)).restored is True

    yard.clock.push(timedelta(hours=17, minutes=2))  # past nine in London
    assert (await yard.ticks()).reported == 1
    (report,) = await yard.posts("What {request} brought")
    assert "The store counts {count} uses of it" in str(report.message)
    promoted = [deed for deed in await yard.deeds() if deed.startswith("promotion.")]
    assert promoted == [
        "promotion.submitted", "promotion.price_read", "promotion.started", "promotion.stopping", "promotion.stopped",
        "promotion.reported",
    ]  # fmt: skip


async def test_a_discount_in_the_basket_stops_by_one_tap(yard: Yard) -> None:
    request_id = await yard.runs(IN_BASKET)
    assert deals(yard) == [("", Decimal("0.2"), (LAMP,), FRIDAY)]
    answer = await yard.presses("Lin Wei", "stop", f"R-{request_id}")
    assert "withdrawn" in str(answer.message)
    await yard.works()
    assert deals(yard) == []
    assert (await yard.request(request_id)).state == "done"


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "of an older version"])
async def test_a_discount_is_withdrawn_by_the_number_that_the_store_gave_it(
    small: Yard, monkeypatch: pytest.MonkeyPatch, *, kept: bool
) -> None:
    request_id = await small.runs(BY_CODE)
    result = (await small.promotion(request_id)).result
    assert result is not None
    if not kept:
        del result["ours"]["number"]
        async with small.database.transaction() as connection:
            await promotion_rows.change(connection, request_id, {"result": result})
    given: list[Any] = []
    outlet = small.app.services.promotions._outlets._outlets["shop"]
    assert outlet.discounts is not None
    withdraw = outlet.discounts.withdraw

    async def heard(*told: Any) -> Any:
        given.extend(told)
        return await withdraw(*told)

    monkeypatch.setattr(outlet.discounts, "withdraw", heard)
    await small.presses("Nok", "stop", f"R-{request_id}")
    await small.works()
    assert deals(small) == []
    assert given[1:] == [f"promotion:R-{request_id}:start", f"deal:promotion:R-{request_id}:start" if kept else ""]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("promo LAMP 20% until Friday UK code=Summer-20 store=shop", "SUMMER-20"),
        ("promo LAMP 20% until Friday store=shop code SUMMER_20 UK", "SUMMER_20"),
        ("促销 LAMP 8折 直到周五 优惠码SUMMER20", "SUMMER20"),
        ("促销 LAMP 8折 直到周五 折扣码：ＳＵＭＭＥＲ２０。", "SUMMER20"),
        ("促销 LAMP 8折 直到周五 购物车", ""),
        ("promo LAMP 20% until Friday cart", ""),
    ],
)
async def test_codes_and_baskets_are_named_in_either_language(small: Yard, line: str, code: str) -> None:
    detail = (await small.request(await small.asked(line))).detail
    assert (detail["means"], detail["code"]) == ("code" if code else "basket", code)
    assert detail["promo_price_minor"] == 200


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("promo LAMP 20% until Friday code", "is no code"),
        ("promo LAMP 20% until Friday code AB", "is no code"),
        ("promo LAMP 20% until Friday code SOMMER-ÄÖ", "is no code"),
        (f"promo LAMP 20% until Friday code {'A' * 33}", "is no code"),
        ("promo LAMP 20% until Friday code ONE1 code TWO2", "Name one code alone"),
        ("promo LAMP 20% until Friday code ONE1 basket", "Name one code alone"),
        ("promo LAMP 1.99 until Friday code ONE1", "is a share"),
        ("promo LAMP 20% until Friday code ONE1 NOWHERE", "No location matches"),
        ("promo LAMP 55% until Friday code ONE1", "deeper than the policy"),
    ],
)
async def test_what_cannot_be_a_code_is_refused_with_the_reason(small: Yard, line: str, words: str) -> None:
    answer = await small.says("Nok", line)
    assert words in str(answer.message)
    assert not await small.all(tables.Request)


async def test_a_code_that_is_too_deep_is_offered_as_deep_as_the_policy_allows(small: Yard) -> None:
    answer = await small.says("Nok", "promo LAMP 60% until Friday basket UK")
    (button,) = buttons(answer.message)
    assert button.arguments == (LAMP, "50%", f"until {FRIDAY.isoformat()}", "basket UK")
    pressed = await small.presses("Nok", button.command, *button.arguments)
    assert not pressed.refused, pressed.message
    (request,) = await small.all(tables.Request)
    assert (request.detail["promo_price_minor"], request.detail["means"]) == (125, "basket")


async def test_a_code_of_just_the_policys_depth_is_asked_for_though_its_price_is_rounded_down(small: Yard) -> None:
    small.store.edit(LAMP, pounds(249))
    request = await small.request(await small.asked("promo LAMP 50% until Friday code HALF50"))
    assert (request.detail["promo_price_minor"], request.detail["depth"]) == (124, "0.5")
    await small.approves(request.id)
    assert (await small.request(request.id)).state in {"approved", "executing"}


async def test_one_that_is_too_deep_is_offered_the_policys_depth_though_its_price_is_rounded(small: Yard) -> None:
    small.store.edit(LAMP, pounds(249))
    (button,) = buttons((await small.says("Nok", "promo LAMP 60% until Friday basket UK")).message)
    assert button.arguments[1] == "50%"


async def test_the_preview_says_that_its_figures_hold_if_every_buyer_uses_the_code(small: Yard) -> None:
    assert "these figures hold if all of them use it" in str((await small.says("Nok", BY_CODE)).message)


async def test_what_a_buyer_pays_is_rounded_down_so_that_the_floor_holds_however_a_store_rounds(small: Yard) -> None:
    detail = (await small.request(await small.asked("promo LAMP 33.33% until Friday basket"))).detail
    assert detail["promo_price_minor"] == 166  # 166.675 pence
    assert detail["share"] == "0.3333"


async def test_a_code_that_the_store_has_already_is_refused_and_left_alone(small: Yard) -> None:
    theirs = Deal("", ("MUG",), Decimal("0.05"), "Summer20", small.clock.now(), FRIDAY, "theirs")
    small.store.deals.make(theirs)
    answer = await small.says("Nok", BY_CODE)
    assert answer.refused
    assert "not mine" in str(answer.message)
    assert small.store.deals.standing == [theirs]


async def test_a_code_that_somebody_made_meanwhile_ends_the_promotion_unmade(small: Yard) -> None:
    request_id = await small.approved(BY_CODE)
    theirs = Deal("", ("MUG",), Decimal("0.05"), "SUMMER20", small.clock.now(), FRIDAY, "theirs")
    small.store.deals.make(theirs)
    await small.works()
    failed = await small.request(request_id)
    assert (failed.state, failed.stage) == ("failed", "stopped")
    assert "code_taken" in failed.detail["life"]["trouble"]["error"]
    assert small.store.deals.standing == [theirs]
    assert len(await small.posts("No discount was made")) == 1


async def test_one_code_is_asked_for_once_in_a_store(small: Yard) -> None:
    await small.shop.add_product("VASE", 100, 250)
    await small.shop.holds("VASE", "UK", 500)
    small.store.items["VASE"] = dataclasses.replace(small.store.item(LAMP), sku="VASE")
    first = await small.asked(BY_CODE)
    other = "promo VASE 20% until Friday code SUMMER20"
    refused = await small.says("Nok", other)
    assert refused.refused
    assert f"R-{first}" in str(refused.message)
    await small.approves(first)
    await small.works()
    second = await _beside(small, first, "VASE")
    with pytest.raises(Refusal, match="has the code"):
        await small.approves(second)
    await small.presses("Nok", "stop", f"R-{first}")
    await small.works()
    await small.approves(second)
    await small.works()
    assert deals(small) == [("SUMMER20", Decimal("0.2"), ("VASE",), FRIDAY)]


async def _beside(yard: Yard, first: int, sku: str) -> int:
    """A second pending request with the same code, as two people at once might make it."""
    async with yard.database.transaction() as connection:
        held = await request_rows.row(connection, first)
        assert held is not None
        detail = {key: value for key, value in held.detail.items() if key != "life"}
        line = DraftLine(yard.shop.skus[sku], 10, 100)
        draft = Draft("promotion", held.location_id, "GBP", 500, (line,), detail=detail)
        (second,) = await yard.app.services.requests.draft(connection, [draft])
        await yard.app.services.requests.submit(connection, [second])
    return second


async def test_a_price_and_a_code_of_one_product_never_run_at_once(small: Yard) -> None:
    first = await small.runs()
    answer = await small.says("Nok", BY_CODE)
    assert answer.refused
    assert f"R-{first}" in str(answer.message)


async def test_a_store_without_a_means_says_what_it_has(halved: Yard) -> None:
    answer = await halved.says("Nok", IN_BASKET)
    assert answer.refused
    assert "takes nothing off in the basket" in str(answer.message)
    outlets = halved.app.services.promotions._outlets
    halves = outlets._outlets["shop"].discounts
    assert halves is not None
    halves.ways = frozenset({"basket"})
    assert "has no discount codes" in str((await halved.says("Nok", BY_CODE)).message)
    outlets._outlets = {"shop": Outlet(outlets._outlets["shop"].connector)}
    for line in (IN_BASKET, BY_CODE):
        answer = await halved.says("Nok", line)
        assert answer.refused
        assert "I can only lower the price" in str(answer.message)
    assert not (await halved.says("Nok", "promo LAMP 20% until Friday")).refused


async def test_a_price_that_is_not_the_approved_one_gets_no_discount(small: Yard) -> None:
    request_id = await small.approved(BY_CODE)
    small.store.edit(LAMP, pounds(220))  # 20% off that would be another price than was approved
    await small.works()
    failed = await small.request(request_id)
    assert (failed.state, failed.detail["life"]["trouble"]["kind"]) == ("failed", "differs")
    assert deals(small) == []


async def test_a_grant_whose_answer_was_lost_is_found_and_made_once(yard: Yard) -> None:
    yard.store.faults.add("grant", "drop_after_reading")
    request_id = await yard.approved(BY_CODE)
    await yard.works()
    assert (await yard.request(request_id)).stage == "starting"  # nobody knows yet
    await yard.passes(seconds=10)
    assert (await yard.request(request_id)).stage == "running"
    assert len([call for call in yard.store.calls if call[0] == "grant"]) == 1
    assert len(deals(yard)) == 1


async def test_a_discount_that_stands_otherwise_than_approved_is_told_and_taken_back_at_once(small: Yard) -> None:
    small.store.faults.add("grant", "drop_after_reading")
    request_id = await small.approved(BY_CODE)
    await small.works()
    small.store.deals.standing[0].share = Decimal("0.9")
    small.store.faults.add("withdraw", "500")
    await small.passes(seconds=10)
    stopping = await small.request(request_id)
    assert (stopping.state, stopping.stage) == ("executing", "stopping")
    differs = kept(Words("it takes off {share}%", {"share": "90.0"}))
    assert stopping.detail["life"]["trouble"] == {"kind": "differs_there", "found": differs}
    await small.passes(minutes=5)
    assert deals(small) == []
    failed = await small.request(request_id)
    assert (failed.state, failed.stage, failed.detail["life"]["trouble"]["kind"]) == (
        "failed", "stopped", "differs_there",
    )  # fmt: skip
    assert (await small.promotion(request_id)).stop_reason == "differs"
    called = [deed["result"] for deed in await small.data("effect.done") if deed["kind"] == "discount.grant"]
    assert [result["differs"] for result in called] == ["it takes off 90.0%"]
    assert "not as it was approved" in str((await small.says("Nok", f"requests R-{request_id}")).message)
    assert len(await small.posts("not as it was approved")) == 1
    small.clock.push(timedelta(days=2))
    assert (await small.ticks()).reported == 0


async def test_a_discount_that_is_not_the_approved_one_when_it_is_made_again_is_taken_back(small: Yard) -> None:
    """Its first try was not found when we looked, and stands since."""
    request_id = await small.approved(BY_CODE)
    small.store.faults.add("grant", "drop_before_applying")
    await small.works()
    later = Deal(
        f"promotion:R-{request_id}:start",
        (LAMP,),
        Decimal("0.9"),
        "SUMMER20",
        small.clock.now(),
        FRIDAY,
        "not as asked",
    )
    granted = small.store.deals.granted

    def late(key: str) -> Deal:
        if not small.store.deals.standing:
            small.store.deals.granted = granted  # type: ignore[method-assign]  # the moment between is tested
            try:
                return granted(key)
            finally:
                small.store.deals.make(later)
        return granted(key)

    small.store.deals.granted = late  # type: ignore[method-assign]
    await small.passes(minutes=5)
    await small.passes(minutes=5)
    assert (await small.request(request_id)).state == "failed"
    assert deals(small) == []


async def test_a_halt_keeps_discounts_from_being_made_and_never_from_being_withdrawn(small: Yard) -> None:
    running = await small.runs(BY_CODE)
    await small.app.services.halts.halt(("promotions",), small.asker("Lin Wei"), "slack")
    await small.presses("Nok", "stop", f"R-{running}")
    await small.works()
    assert deals(small) == []
    waiting = await small.asked(IN_BASKET)
    await small.approves(waiting)
    await small.works()
    assert (await small.request(waiting)).stage == "starting"
    assert deals(small) == []


async def test_a_withdrawal_that_fails_is_told_with_the_end_that_the_store_keeps_and_tried_again(small: Yard) -> None:
    request_id = await small.runs(BY_CODE)
    small.store.faults.add("*", "500", 4000)
    await small.presses("Nok", "stop", f"R-{request_id}")
    for _ in range(30):
        await small.passes(hours=1)
        await small.ticks()
    assert (await small.request(request_id)).detail["life"]["trouble"]["kind"] == "not_restored"
    assert await small.posts("was not withdrawn")
    small.store.faults._waiting.clear()
    for _ in range(14):
        await small.passes(hours=1)
        await small.ticks()
    await small.works()
    assert deals(small) == []
    assert (await small.request(request_id)).stage == "stopped"


async def test_an_approval_binds_the_means_the_code_and_the_share(small: Yard) -> None:
    request_id = await small.asked(BY_CODE)
    async with small.database.reading() as connection:
        held = await request_rows.row(connection, request_id)
        assert held is not None
        lines = (await request_rows.lines(connection, [request_id]))[request_id]
    shown = digest(_shown(held, lines, "", 1))
    for change in ({"means": "basket"}, {"code": "OTHER99"}, {"share": "0.21"}):
        other = dataclasses.replace(held, detail={**held.detail, **change})
        assert digest(_shown(other, lines, "", 1)) != shown
