"""The cards of promotions: every state, hostile names, on both platforms and in both languages."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.chat.cards import request_card
from bot.chat.cards.lifts import lift_card
from bot.chat.cards.promotions import late_card, running_card, stopped_all_card, stopped_card, trouble_card
from bot.chat.codec import decode_message, encode
from bot.chat.nodes import MAX_BLOCKS, Action, Actions, Message
from bot.domain.money import Money
from bot.domain.promotion import REASONS_OF_STOP, Spell, lift
from bot.domain.views import Page, PromotionView, RequestLineView, RequestView
from bot.platforms.slack import blocks as slack
from bot.platforms.telegram import entities as telegram
from bot.ports import Reader
from bot.words import _, kept
from tests.chat import views

NOON = datetime(2011, 11, 21, 12, tzinfo=UTC)
HOSTILE = views.HOSTILE
TERMS: dict[str, Any] = {
    "store": HOSTILE, "price_minor": 295, "promo_price_minor": 236, "floor_price_minor": 126, "break_even_minor": 40,
    "depth": "0.2", "below_cost": False, "ends_at": "2011-11-25T23:59:00+00:00", "catalogue_share": "0.0002",
    "sell_out_on": "2011-12-20", "sell_out_without_on": None, "expected_units": 42, "given_away_minor": 2478,
    "held_minor": 310, "uplift": "1.52", "elasticity": "2.6", "per_day": "6.1", "price_from": "catalogue",
}  # fmt: skip
TROUBLES: list[dict[str, Any]] = [
    {"kind": "differs", "found_minor": 310},
    {"kind": "currency", "currency": "EUR"},
    {"kind": "ended"},
    {"kind": "not_started", "error": HOSTILE * 9},
    {"kind": "not_standing", "found_minor": 310},
    {"kind": "changed", "found_minor": 180},
    {"kind": "not_restored", "error": HOSTILE * 9},
]


def pounds(minor: int) -> Money:
    return Money.of_minor(minor, "GBP")


def request(state: str = "pending", stage: str = "", life: dict[str, Any] | None = None, **more: Any) -> RequestView:
    """A promotion as shown."""
    detail = more.pop("detail", None) or TERMS | ({"life": life} if life else {})
    values: dict[str, Any] = {
        "id": 12, "kind": "promotion", "state": state, "version": 3, "stage": stage,
        "lines": (RequestLineView("85123A", HOSTILE, 420, pounds(120), case_id=7),), "supplier": "", "location": "UK",
        "from_location": "", "total": pounds(24_780), "expected_on": None, "requested_by": "Nok", "created_at": NOON,
        "expires_at": NOON, "decided_by": "", "decided_by_id": None, "decided_at": None, "decided_platform": "",
        "comment": "", "detail": detail, **more,
    }  # fmt: skip
    return RequestView(**values)


def view(**more: Any) -> PromotionView:
    """A running promotion."""
    values: dict[str, Any] = {
        "request_id": 12, "stage": "running", "sku": "85123A", "name": HOSTILE, "location": "UK", "store": HOSTILE,
        "before": pounds(295), "price": pounds(236), "ends_at": NOON, "started_at": NOON, "sold": 7, "stop_after": 420,
        "sold_out_on": date(2011, 12, 20), **more,
    }  # fmt: skip
    return PromotionView(**values)


LIFT = lift(Spell(60, 10, 2), Spell(140, 10, 1), 295, 236, 120)
WAYS: dict[str, dict[str, Any]] = {
    "code": TERMS | {"means": "code", "code": "SUMMER20", "share": "0.2"},
    "basket": TERMS | {"means": "basket", "code": "", "share": "0.2"},
}
AMISS: list[dict[str, Any]] = [
    {"kind": "not_started", "error": HOSTILE * 9}, {"kind": "differs_there", "found": HOSTILE * 9},
    {"kind": "not_restored", "error": HOSTILE * 9}, {"kind": "differs", "found_minor": 310}, {"kind": "ended"},
]  # fmt: skip


def discount(way: str, state: str = "pending", stage: str = "", life: dict[str, Any] | None = None) -> RequestView:
    """The same by a discount."""
    return request(state, stage, detail=WAYS[way] | ({"life": life} if life else {}))


CARDS: dict[str, Message] = {
    "draft": request_card(request("draft")),
    "pending": request_card(request()),
    "starting": request_card(request("approved", "starting")),
    "running": request_card(request("executing", "running", {"started_at": NOON.isoformat()})),
    "list": running_card(Page(tuple(view(request_id=number) for number in range(1, 11)), 1, 3, 25), ("promo",)),
    "list of one that starts": running_card(Page((view(stage="starting", before=None, stop_after=None),), 1, 1, 1), ()),
    "nothing": running_card(Page((), 1, 1, 0), ("promo",), halted=True),
    "late": late_card(view(), NOON),
    "stopped all": stopped_all_card(3),
    "stopped none": stopped_all_card(0),
    "stops": stopped_card(request("executing", "stopping"), already=False),
    "stopping": stopped_card(request("executing", "stopping"), already=True),
    "over": stopped_card(request("done", "stopped", {"restored": True}), already=True),
    **{f"over: {reason}": request_card(request("done", "stopped", {
        "started_at": NOON.isoformat(), "stopped_at": NOON.isoformat(), "restored": True, "stop_reason": reason,
        "stopped_by": HOSTILE,
    })) for reason in REASONS_OF_STOP},
    **{f"lift: {reason}": lift_card(request("done", "stopped"), LIFT, reason) for reason in REASONS_OF_STOP},
    **{f"card with {trouble['kind']}": request_card(request("executing", "stopping", {"trouble": trouble}))
       for trouble in TROUBLES},
    **{f"trouble: {trouble['kind']}": trouble_card(request("executing", "stopping", {"trouble": trouble}))
       for trouble in TROUBLES},
    **{name: card for way in WAYS for name, card in {
        f"{way}: pending": request_card(discount(way)),
        f"{way}: running": request_card(discount(way, "executing", "running", {"started_at": NOON.isoformat()})),
        f"{way}: over": request_card(discount(way, "done", "stopped", {
            "started_at": NOON.isoformat(), "stopped_at": NOON.isoformat(), "restored": True, "stop_reason": "end",
        })),
        f"{way}: list": running_card(Page((view(means=way, code="SUMMER20" * (way == "code")),), 1, 1, 1), ("promo",)),
        f"{way}: late": late_card(view(means=way), NOON),
        f"{way}: stops": stopped_card(discount(way, "executing", "stopping"), already=False),
        f"{way}: stopping": stopped_card(discount(way, "executing", "stopping"), already=True),
        f"{way}: stopped": stopped_card(discount(way, "done", "stopped", {"restored": True}), already=True),
        f"{way}: lift": lift_card(discount(way, "done", "stopped", {"used": 1} if way == "code" else {}), LIFT, "end"),
        **{f"{way} with {each['kind']}": trouble_card(discount(way, "executing", "stopping", {"trouble": each}))
           for each in AMISS},
    }.items()},
}  # fmt: skip


def reader(code: str) -> Reader:
    return Reader(code, ZoneInfo("Asia/Shanghai"), {})


def said(message: Message, code: str = "en") -> str:
    return telegram.render(views.sealed(message), reader(code)).text.replace("\u2060", "")


def commands(message: Message) -> list[tuple[str, ...]]:
    found: list[Action] = []
    for block in message.blocks:
        found += block.buttons if isinstance(block, Actions) else ()
    return [(button.command, *button.arguments) for button in found]


@pytest.mark.parametrize("code", ["en", "zh_CN"])
@pytest.mark.parametrize("name", sorted(CARDS))
def test_every_card_renders_on_both_platforms(name: str, code: str) -> None:
    message = views.sealed(CARDS[name])
    assert telegram.render(message, reader(code)).text
    assert slack.render(message, reader(code)).blocks
    assert decode_message(json.loads(json.dumps(encode(CARDS[name])))) == CARDS[name]
    assert len(CARDS[name].blocks) < MAX_BLOCKS - 5


def test_the_preview_says_every_price_every_date_and_what_is_assumed() -> None:
    text = said(CARDS["pending"])
    for part in ("£2.95", "£2.36", "20%", "£1.26", "£1.16", "£0.40", "Dec 20, 2011", "not within a year", "42 units",
                 "£24.78", "£3.10", "1.52", "2.6%", "did not answer"):  # fmt: skip
        assert part in text, part


def test_what_runs_has_one_button_that_stops_it_on_every_copy() -> None:
    for name in ("starting", "running"):
        assert ("stop", "R-12") in commands(CARDS[name])
    for name in ("pending", "over: end", "card with changed"):
        assert ("stop", "R-12") not in commands(CARDS[name])
    assert ("stop", "R-12") in commands(CARDS["card with not_restored"])
    assert ("stop", "all") in commands(CARDS["list"])
    assert ("promo", "R-12@3") in commands(CARDS["draft"])


def test_each_reason_and_each_trouble_reads_differently() -> None:
    assert len({said(CARDS[f"lift: {reason}"]) for reason in REASONS_OF_STOP}) == len(REASONS_OF_STOP)
    assert len({said(CARDS[f"trouble: {trouble['kind']}"]) for trouble in TROUBLES}) == len(TROUBLES)


def test_a_discount_says_its_code_or_the_basket_and_never_that_a_price_changed() -> None:
    for name in ("pending", "running", "over", "list"):
        assert "SUMMER20" in said(CARDS[f"code: {name}"])
        assert "SUMMER20" not in said(CARDS[f"basket: {name}"])
    assert "in the basket" in said(CARDS["basket: pending"])
    assert "if all of them use it" in said(CARDS["code: pending"])
    assert "counts 1 use of it" in said(CARDS["code: lift"])
    assert "does not tell how many" in said(CARDS["basket: lift"])
    for way in WAYS:
        for name in ("over", "stops", "stopping", "stopped", "late"):
            assert "price before" not in said(CARDS[f"{way}: {name}"])
        assert "by itself at" in said(CARDS[f"{way} with not_restored"])
        assert ("stop", "R-12") in commands(CARDS[f"{way}: running"])
        assert ("stop", "R-12") in commands(CARDS[f"{way} with not_restored"])


def test_a_discount_is_said_by_its_own_share_whatever_the_price_is_rounded_to() -> None:
    rounded = WAYS["code"] | {"price_minor": 251, "promo_price_minor": 200, "depth": "0.2032"}
    assert "20% off with the code" in said(request_card(request(detail=rounded)))


def test_a_report_without_sales_before_makes_no_ratio() -> None:
    none = dataclasses.replace(LIFT, factor=None, before=Spell(0, 0))
    assert "times" not in said(lift_card(request("done", "stopped"), none, "end"))
    assert "2.3 times" in said(CARDS["lift: end"])
    assert Decimal(140) / 60 == LIFT.factor


def test_why_a_store_refused_is_said_in_the_reader_s_language_with_its_own_words_as_they_came() -> None:
    differs = _("it can be used beside other discounts")
    why = _(
        "the shop kept another {what} than it was told: {differs}; it is deleted again",
        what=_("discount"),
        differs=differs,
    )
    trouble = {"kind": "not_started", "error": kept(why)}
    card = trouble_card(discount("code", "executing", "stopping", {"trouble": trouble}))
    assert "the shop kept another discount than it was told: it can be used beside other discounts" in said(card)
    assert "店铺保存的折扣与要求不一致：它可以与其他折扣叠加；已重新删除" in said(card, "zh_CN")
    trouble["error"] = kept(_("the store says: {said}", said="Nope, {code}"))
    card = trouble_card(discount("code", "executing", "stopping", {"trouble": trouble}))
    assert "店铺答复：Nope, {code}" in said(card, "zh_CN")
    assert '"msgid"' not in said(card)
