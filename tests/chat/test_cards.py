import json
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from babel.messages.pofile import read_po

from bot.chat import cards
from bot.chat.codec import decode_message, encode
from bot.chat.nodes import Action, Actions, Instant, Message, Table
from bot.chat.paging import page_of
from bot.domain.told import ToldAge
from bot.domain.views import CaseKind, StoreIncoming
from bot.language import CATALOGS, language
from bot.platforms.slack import blocks as slack
from bot.platforms.telegram import entities as telegram
from bot.ports import Reader
from bot.words import Words, _, verbatim
from tests.chat import views
from tests.chat.everycard import every_card

CARDS = every_card()
PLACE = re.compile(r"\{(?!date_short_pretty|date_short|time)\w+\}")  # Slack's date tokens have places of their own
OWN_NAMES = {"中文", "English"}  # languages are named in themselves


def reader(code: str) -> Reader:
    return Reader(code, ZoneInfo("Asia/Shanghai"), {3: "U3"})


def inside(value: object) -> Iterator[object]:
    """Every node and sentence of a message."""
    yield value
    if isinstance(value, Words):
        for each in value.values.values():
            yield from inside(each)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from inside(getattr(value, field.name))
    elif isinstance(value, tuple):
        for each in value:
            yield from inside(each)


def buttons(message: Message) -> list[Action]:
    return [button for block in message.blocks if isinstance(block, Actions) for button in block.buttons]


def said(message: Message, code: str = "en") -> str:
    return telegram.render(views.sealed(message), reader(code)).text.replace("\u2060", "")


@pytest.mark.parametrize("code", ["en", "zh_CN"])
def test_every_card_renders_on_both_platforms_in_each_language(code: str) -> None:
    for name, card in CARDS.items():
        message = views.sealed(card)
        shown = telegram.render(message, reader(code)).text
        blocks = json.dumps(slack.render(message, reader(code)).blocks, ensure_ascii=False)
        assert shown, name
        assert not PLACE.search(shown.replace(views.HOSTILE, "")), name
        assert not PLACE.search(blocks), name


def test_every_sentence_of_every_card_is_in_the_chinese_catalog() -> None:
    with (CATALOGS / "zh_CN" / "LC_MESSAGES" / "stocktide.po").open("rb") as lines:
        catalog = read_po(lines)
    for name, card in CARDS.items():
        for node in inside(card):
            if isinstance(node, Words) and node.msgid not in {*OWN_NAMES, verbatim("").msgid}:
                assert node.msgid in catalog, f"{name}: {node.msgid!r}"


def test_every_card_survives_the_outbox() -> None:
    for name, card in CARDS.items():
        assert decode_message(json.loads(json.dumps(encode(card)))) == card, name


def test_every_card_leaves_room_for_a_footnote_and_the_question_for_the_zone() -> None:
    for name, card in CARDS.items():
        assert len(card.blocks) <= 30, name


@pytest.mark.parametrize("kind", get_args(CaseKind))
def test_every_alert_can_be_asked_why(kind: CaseKind) -> None:
    why = [button for button in buttons(cards.case_card(views.a_case(kind))) if button.command == "why"]
    assert [button.arguments for button in why] == [("C-12",)]


def test_a_pending_request_is_decided_by_buttons_that_name_the_version_shown() -> None:
    card = cards.case_card(views.a_case(), views.a_request())
    assert [(button.command, button.arguments) for button in buttons(card)] == [
        ("approve", ("R-7@3",)),
        ("reject", ("R-7@3",)),
        ("why", ("C-12",)),
        ("options", ("C-12",)),
        ("snooze", ("C-12", "1d")),
        ("snooze", ("C-12", "1w")),
        ("board", ("C-12",)),
    ]


@pytest.mark.parametrize("state", ["approved", "rejected", "expired", "cancelled", "done"])
def test_a_decided_request_has_no_buttons_to_decide_it(state: str) -> None:
    request = views.a_request(state=state)  # type: ignore[arg-type]
    for card in (cards.request_card(request), cards.case_card(views.a_case(), request)):
        assert not {"approve", "reject"} & {button.command for button in buttons(card)}


def test_a_line_of_a_long_order_is_opened_there_and_not_approved_on_its_own_card() -> None:
    other = replace(views.a_request().lines[0], sku="22423", case_id=None)
    card = cards.case_card(views.a_case(), views.a_request(lines=(*views.a_request().lines, other)))
    assert [button.command for button in buttons(card)][:2] == ["requests", "why"]
    assert "4,608 units of it are a line there: 2 products" in said(card)


def test_what_changed_is_shown_before_it_is_approved_anew() -> None:
    difference = [{"what": "85123A", "before": "240", "after": "300"}, {"what": "22423", "before": "12", "after": "0"}]
    card = cards.request_card(views.a_request(detail={"difference": difference}, urgent=True))
    told = said(card)
    assert "85123A: 240, now 300" in told
    assert "22423: taken out, it was 12" in told
    assert "urgent" in told
    assert {button.command for button in buttons(card)} >= {"approve", "reject", "edit", "cancel"}


def test_a_proposal_that_was_turned_down_says_until_when_it_rests() -> None:
    told = said(cards.request_card(views.a_request(state="rejected")))
    assert "not proposed again before Nov 28" in told


def test_an_order_under_the_suppliers_minimum_says_so_where_it_is_approved() -> None:
    request = views.a_request(detail={"least_total_minor": 600_000})
    for card in (cards.request_card(request), cards.case_card(views.a_case(), request)):
        assert "takes no order under £6,000.00" in said(card)


def test_an_order_by_containers_says_how_many_how_full_and_what_filled_them() -> None:
    card = cards.request_card(views.boxed(2))
    assert "2 × 40HQ, the last one 96% full by volume" in said(card)
    assert "340 units are brought forward to fill the container" in said(card)
    assert "2 × 40HQ，最后一个按体积装载率 96%" in said(card, "zh_CN")
    assert "提前订购了 340 件" in said(card, "zh_CN")
    assert "1 × 40HQ, 96% full by volume" in said(cards.request_card(views.boxed(1)))
    left = said(cards.request_card(views.boxed(2, left=48)))
    assert "48 units that can wait are left to a later order" in left
    assert "no weight is known of 85123A" in said(cards.request_card(views.boxed(2, weight=None)))


def test_an_order_of_which_a_volume_is_unknown_names_the_product_and_no_container() -> None:
    known = views.boxed(2)
    unknown = replace(known, lines=(*known.lines, *views.a_request().lines))
    told = said(cards.request_card(unknown))
    assert "no volume is known of 85123A" in told
    assert "96%" not in told
    decided = replace(unknown, state="approved")
    assert "no volume" not in said(cards.request_card(decided))


def test_an_order_of_review_dates_says_until_when_it_gathers_or_why_it_does_not() -> None:
    gathers = views.a_request(state="draft", detail={"gathers_until": "2011-12-05"})
    assert "until Dec 5, 2011, when orders to Ningbo Lights go out together" in said(cards.request_card(gathers))
    assert "go out together" not in said(cards.request_card(replace(gathers, state="pending")))
    goes = views.a_request(detail={"before_review": "2011-12-05"})
    assert "This one does not wait" in said(cards.request_card(goes))


def test_a_decision_is_told_with_who_when_where_and_what_is_left_to_do() -> None:
    told = said(cards.request_card(views.a_request(state="approved")))
    assert "approved by Lin Wei, Nov 21, 2011" in told
    assert "from Telegram" in told
    assert "Next the order goes out to the supplier." in told
    assert "before the holidays" in told


def test_a_resolved_case_offers_nothing_but_its_reckoning() -> None:
    assert {button.command for button in buttons(cards.case_card(views.a_case(state="resolved")))} == {"why", "board"}


def test_the_stock_card_shows_the_figures_of_the_report_with_units() -> None:
    told = said(cards.stock_card(views.a_report(views.a_line(), cases=(views.a_case(),))))
    for part in (
        "On hand: 1,037 units, 1,000 of them free",
        "Incoming: 2,400 units",
        "Sells: 140 a day",
        "Cover: 7.1 days (24 days with what is on its way)",
        "Runs out: Nov 28, 2011",
        "2,400 units on Dec 3, 2011",
        "5 days too late",
        "Reorder point: 5,100 units, 612 of them safety stock",
        "A day, as sold 106",
        "A day, corrected 148",
        "Days left out 2",
        "Next: look at R-7",
    ):
        assert part in told, part


def test_the_stock_card_says_what_the_product_is_sold_as_where_that_is_known() -> None:
    report = views.a_report(views.a_line())
    card = cards.stock_card(replace(report, category="Hanging *lights*"))
    assert "Category: Hanging *lights*\n" in said(card)
    assert "品类：Hanging *lights*\n" in said(card, "zh_CN")
    assert "Category" not in said(cards.stock_card(report))


@pytest.mark.parametrize(("units", "known"), [(3000, "2,400"), (2000, "2,000")])
def test_what_the_store_says_is_on_its_way_stands_beside_the_shipments_we_know(units: int, known: str) -> None:
    line = views.a_line(told=StoreIncoming("amazon-eu", units))
    alone = said(cards.stock_card(views.a_report(line)))
    words = f"Incoming: 2,400 units; amazon-eu says {units:,}, {known} of them in shipments we know"
    assert words in alone
    several = said(cards.stock_card(views.a_report(line, views.a_line(location="US"))))
    noted = "amazon-eu says 3,000 are on their way, 600 of them in no shipment we know"
    assert (noted in several) is (units == 3000)


def test_the_age_of_stock_is_told_as_its_store_measured_it_with_the_fees_it_expects() -> None:
    age = ToldAge(
        "amazon-eu", views.NOW, ((0, 90, 30), (91, 180, 0), (181, None, 12)), views.money("3.40"), views.money("8.10")
    )
    billed = said(cards.stock_card(views.a_report(views.a_line(told_age=replace(age, charged=views.money("2.20"))))))
    assert "Storage there last month: £2.20" in billed
    told = said(cards.stock_card(views.a_report(views.a_line(told_age=age))))
    assert "last month" not in told
    assert "amazon-eu says: 12 units over 180 days, estimated fees £11.50" in told
    assert "Age of the stock, as measured there: 0–90 days 30 · 181 days and more 12" in told
    assert "Age of the stock: " not in told
    lying = replace(views.a_case("slow_mover"), told_age=replace(age, storage=None, surcharge=None))
    risky = replace(views.a_case("stockout_risk"), told_age=age)
    listed = said(cards.cases_card(_("Slow stock"), views.a_page((lying, risky), 1), ("slow",)))
    assert listed.count("amazon-eu says: 12 units over 180 days") == 1
    assert "estimated fees" not in listed


def test_an_unknown_figure_is_never_shown_as_nothing() -> None:
    told = said(cards.stock_card(views.a_report(views.an_empty_line())))
    assert "Runs out: –" in told
    assert "Reorder point: –" in told
    assert "nothing sells" in told


def test_a_slow_seller_keeps_the_decimals_that_tell_something() -> None:
    told = said(cards.stock_card(views.a_report(views.a_line(per_day=Decimal("0.033")))))
    assert "0.03 a day" in told


def test_places_left_out_of_a_table_are_named() -> None:
    places = tuple(views.a_line(location=f"L{number}") for number in range(23))
    told = said(cards.stock_card(views.a_report(*places)))
    assert "Not in the table: L20, L21, L22" in told


def test_a_list_says_where_one_stands_and_turns_its_pages_in_place() -> None:
    card = cards.cases_card(_("Open cases"), views.a_page((views.a_case(),), 2), ("cases", "UK"))
    turns = [button for button in buttons(card) if button.in_place]
    assert [(button.command, button.arguments, button.page) for button in turns] == [
        ("cases", ("UK",), 1),
        ("cases", ("UK",), 3),
    ]
    assert "page 2 of 14 · 134 in all" in said(card)


def test_pages_hold_every_item_exactly_once() -> None:
    items = tuple(range(134))
    pages = [page_of(items, number) for number in range(1, 15)]
    assert [item for page in pages for item in page.items] == list(items)
    assert all((page.pages, page.total) == (14, 134) for page in pages)
    assert page_of(items, 99).number == 14
    assert page_of(items, -3).number == 1
    assert page_of((), 1).pages == 1


def test_a_burst_shows_the_costliest_and_says_how_many_there_are() -> None:
    told = said(cards.burst_card((views.a_case(), views.a_case(id=13)), 340, views.money("123456.70")))
    assert "340 more new cases, £123,456.70 at risk in all" in told
    assert "The 2 costliest are shown." in told


def test_every_moment_is_an_instant_that_each_reader_sees_in_their_own_zone() -> None:
    for name in ("case stockout_risk open", "request purchase_order approved", "digest", "stock", "code", "snoozed"):
        assert any(isinstance(node, Instant) for node in inside(CARDS[name])), name


def test_who_is_awake_is_told_with_the_clock_of_each_place() -> None:
    told = said(CARDS["who"], "zh_CN")
    assert "周一 17:00 Shanghai" in told
    assert "上班中" in told


def test_why_replays_the_steps_with_their_figures() -> None:
    told = said(cards.why_card(views.a_case()))
    assert "Velocity, units a day: 14.26 = (w7 * v7 + w30 * v30 + w90 * v90) / (w7 + w30 + w90)" in told
    assert "w7 = 0.5" in told
    assert "Reorder point: 644.45" in told
    assert "Margin at risk: £179.56" in told
    assert "240 units in 12 days" in told


def test_why_says_for_how_many_days_of_the_lead_time_the_supplier_is_closed() -> None:
    case = views.a_case()
    lead_time = {"observations": 0, "stated_days": "35.0", "learned_days": "35.0", "closed_days": 15}
    card = cards.why_card(replace(case, evidence={**case.evidence, "lead_time": lead_time}))
    assert "The supplier is closed for 15 days of it." in said(card)
    assert "供应商休息 15 天" in said(card, "zh_CN")


@pytest.mark.parametrize(
    ("near", "english", "chinese"),
    [
        ("place", "Tea <b> sells 1.2 a day here, by 57 products.", "Tea <b>在此处每天售出 1.2 件（依据 57 个商品）"),
        (
            "category",
            "At all places Tea <b> sells 1.2 a day, scaled to this one, by 57",
            "已折算到本地点，依据 57 个商品",
        ),
        ("everything", "Nothing is known of Tea <b>; all goods sell 1.2 a day here", "对Tea <b>尚无了解"),
    ],
)
def test_why_tells_what_a_new_product_borrows_and_of_whom(near: str, english: str, chinese: str) -> None:
    case = views.a_case()
    lent = {"category": "Tea <b>", "series": 57, "near": near, "rate": "1.2", "share": "0.4"}
    card = cards.why_card(replace(case, evidence={**case.evidence, "borrowed": lent}))
    assert "New here: 40% of its rate is borrowed." in said(card)
    assert english in said(card)
    assert chinese in said(card, "zh_CN")
    assert "40%" in said(card, "zh_CN")


def test_why_says_whose_sales_the_size_of_an_event_is_of() -> None:
    case = views.a_case()
    fair = {"key": "fair", "name": "The fair", "times": "2.10"}
    told = [
        {**fair, "source": "category", "category": "Tea"},
        {**fair, "source": "place"},
        {**fair, "source": "assumed"},
        {**fair, "learned": True},  # as former versions kept it
    ]
    card = cards.why_card(replace(case, evidence={**case.evidence, "events": told}))
    own = "The fair, 2.1 times the usual as own sales of this place say"
    assert f"as Tea sold here; {own}; The fair, 2.1 times the usual as the calendar assumes; {own}." in said(card)
    assert "The fair，按Tea在此处的销售为平时的 2.1 倍" in said(card, "zh_CN")


def test_a_digest_counts_what_it_does_not_show() -> None:
    told = said(cards.digest_card(views.a_digest()))
    assert "12 requests wait for you" in told
    assert "and 3 more" in told
    assert "2 days faster than a month ago" in told
    labels = [language("en").say(button.label) for button in buttons(cards.digest_card(views.a_digest()))]
    assert "See 9 more" in labels
    assert "Approve R-1" in labels


def test_a_table_never_has_an_empty_cell() -> None:
    for name, card in CARDS.items():
        for block in card.blocks:
            if isinstance(block, Table):
                for row in block.rows:
                    for cell in row:
                        shown = telegram.render(
                            Message(Words("x"), (cards.notice_card(_("{name}", name=cell)).blocks)), reader("en")
                        )
                        assert shown.text.strip(), f"{name}: {row}"
