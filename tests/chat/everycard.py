"""Each card in each of its forms, of hand-made views."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import get_args

from bot.chat import cards
from bot.chat.nodes import Code, Message, Text
from bot.domain.options import OptionKind, OptionsView, OptionView
from bot.domain.options import Why as OptionsWhy
from bot.domain.routing import Offering, Why
from bot.domain.views import (
    CaseKind,
    CaseState,
    RequestKind,
    RequestLineView,
    RequestState,
)
from bot.errors import BadArgument, SeveralSkus
from bot.words import _, verbatim
from tests.chat.views import (
    HOSTILE,
    NOW,
    TODAY,
    a_case,
    a_digest,
    a_line,
    a_member,
    a_page,
    a_report,
    a_request,
    a_turnover,
    an_empty_line,
    boxed,
    money,
)


def _cases() -> Iterator[tuple[str, Message]]:
    for kind in get_args(CaseKind):
        for state in get_args(CaseState):
            yield f"case {kind} {state}", cards.case_card(a_case(kind, state, snoozed_until=NOW + timedelta(days=1)))
        yield f"why {kind}", cards.why_card(a_case(kind))
        yield f"why {kind} without evidence", cards.why_card(a_case(kind, evidence={}))
    ten = tuple(a_case(id=number, sku=f"SKU{number}") for number in range(1, 11))
    mixed = (*ten[:5], a_case("surge", id=30), a_case("data_stale", id=31), a_case("overstock", id=32, name=HOSTILE))
    yield "cases", cards.cases_card(_("Open cases"), a_page(ten, 2), ("cases",))
    yield "mixed cases", cards.cases_card(_("Open cases"), a_page(mixed, 14), ("cases", "UK"))
    yield "no cases", cards.cases_card(_("Open cases"), a_page((), 1, 1, 0), ("cases",))
    yield "burst", cards.burst_card((*ten, *mixed), 340, money("123456.70"))
    yield "burst of one", cards.burst_card(ten[:1], 1, money("1795.60"))
    yield "snoozed", cards.snoozed_card(a_case(snoozed_until=NOW + timedelta(days=3)))
    yield "snoozed stale", cards.snoozed_card(a_case("data_stale", snoozed_until=NOW + timedelta(days=3)))
    yield "hostile case", cards.case_card(a_case(name=HOSTILE, sku="<@U1>", location_name=HOSTILE), a_request())


def _requests() -> Iterator[tuple[str, Message]]:
    many = tuple(RequestLineView(f"SKU{number}", HOSTILE, number, money("0.10")) for number in range(1, 24))
    for kind in get_args(RequestKind):
        for state in get_args(RequestState):
            request = a_request(kind, state)
            yield f"request {kind} {state}", cards.request_card(request)
            yield f"case with {kind} {state}", cards.case_card(a_case(), request)
            yield f"decided {kind} {state}", cards.decided_card(request)
        yield f"long {kind}", cards.request_card(a_request(kind, lines=many), 3)
    changes = [{"what": what, "before": "24", "after": "0"} for what in ("85123A", "supplier", "date", HOSTILE)] * 3
    changed = {"difference": changes, "least_total_minor": 9_999_999}
    yield (
        "changed and urgent",
        cards.request_card(a_request(lines=many, urgent=True, detail=changed, edited_by=HOSTILE, reference=HOSTILE)),
    )
    yield "by containers", cards.request_card(boxed(3, 2))
    yield "by containers of unknown goods", cards.request_card(replace(boxed(1, 2), lines=many))
    yield "by containers that differ", cards.request_card(a_request(detail={"containers_differ": [HOSTILE, "20GP"]}))
    gathers = {"gathers_until": "2011-12-05", "before_review": "2011-12-05"}
    yield "gathering", cards.request_card(a_request(state="draft", supplier=HOSTILE, detail=gathers))
    yield "case in a long order", cards.case_card(a_case(), a_request(lines=(*a_request().lines, *many)))
    yield "case in a long draft", cards.case_card(a_case(), a_request(state="draft", lines=(*a_request().lines, *many)))
    options = tuple(
        OptionView(
            kind, 240, TODAY if kind != "wait" else None, money("1000.00"), Decimal("3.5"), Decimal(2),
            money("20.00"), money("3.10"), HOSTILE, "", "air", best=kind == "buy", current=kind == "expedite",
        )
        for kind in get_args(OptionKind)
    )  # fmt: skip
    for why in get_args(OptionsWhy):
        yield f"options {why}", cards.options_card(OptionsView(a_case(), a_request(), options, Decimal(37), why))
    yield "options of nothing asked", cards.options_card(OptionsView(a_case(), None, options, Decimal(1), "cheapest"))
    yield "bought", cards.bought_card(a_request(), "85123A", 500, 700)
    yield "bought too much", cards.bought_card(a_request(state="draft"), "85123A", 900, 700)
    yield "no such lot", cards.lot_card("85123A", 50, (HOSTILE, "YIWU"), "UK", (100, 24), (120, 144))
    for which in ("drafts", "orders", "all"):
        yield (
            f"list of {which}",
            cards.requests_card(a_page((a_request(lines=many, urgent=True),)), ("requests",), which),
        )
        yield f"empty list of {which}", cards.requests_card(a_page((), 1, 1, 0), ("requests",), which)
    yield "more requests", cards.more_requests_card(a_page(tuple(a_request(id=number) for number in range(1, 11))))
    yield "decided again", cards.decided_card(a_request(state="approved"), already=True)
    asked = a_request(requested_by="Jonas", lines=many)
    yield "requests", cards.requests_card(a_page((asked, a_request(), a_request("transfer")), 1), ("requests",))
    yield "no requests", cards.requests_card(a_page((), 1, 1, 0), ("requests",))


def _stock() -> Iterator[tuple[str, Message]]:
    places = tuple(a_line(location=f"L{number}", location_name=f"Place {number}") for number in range(11))
    yield "stock", cards.stock_card(a_report(a_line(), cases=(a_case(),)))
    yield "stock of nothing", cards.stock_card(a_report())
    yield "stock that sells nothing", cards.stock_card(a_report(an_empty_line()))
    yield "stock everywhere", cards.stock_card(a_report(*places, cases=(a_case(), a_case("slow_mover", id=13))))
    yield "stock in 25 places", cards.stock_card(a_report(*places, *places, *places[:3], cases=(a_case("overstock"),)))
    fine = a_line(flags=(), gap_days=None, days_of_cover_with_inbound=None, safety_stock=None)
    yield "stock that is fine", cards.stock_card(a_report(fine, fine))
    yield "stock at risk", cards.stock_card(a_report(fine, cases=(a_case(request_id=None),)))
    yield "turnover", cards.turnover_card((a_turnover(), a_turnover("DE"), a_turnover("")))
    yield "turnover of many", cards.turnover_card(tuple(a_turnover(f"L{number}") for number in range(25)))
    yield (
        "turnover unknown",
        cards.turnover_card((a_turnover(turnover=None, days_of_inventory=None, sell_through=None),)),
    )
    yield "no turnover", cards.turnover_card(())


def _people() -> Iterator[tuple[str, Message]]:
    away = a_member(id=4, name=HOSTILE, awake=False, awake_from=NOW + timedelta(hours=9), platforms=(), role="viewer")
    unknown = a_member(zone_known=False, language="en", country="", digest_at=None, platforms=("telegram",))
    yield "member", cards.member_card(a_member(), changed=_("Saved."))
    yield "unknown member", cards.member_card(unknown)
    yield "who", cards.who_card(a_page((a_member(), away, replace(away, awake_from=None)), 2), NOW, ("who",))
    yield "who of nobody", cards.who_card(a_page((), 1, 1, 0), NOW)
    yield "code", cards.code_card("ABCDE-23456", NOW)
    yield "second code", cards.answer_back_card("ABCDE-23456", "slack", NOW)
    yield "confirm", cards.confirm_link_card("ABCDE-23456", HOSTILE, "slack", "approver")
    yield "linked", cards.linked_card(a_member())
    yield "topics", cards.topics_card((("restock", ""), ("surge", "UK")), _("Saved."))
    yield "no topics", cards.topics_card((), _("Saved."))
    yield "help", cards.help_card([(Code("/stock"), _("Stock, velocity and cover of a product"))] * 17)
    yield "one command", cards.command_card(Code("/stock"), _("Approve a request"), ("stock 85123A", "stock UK"))
    yield "digest", cards.digest_card(a_digest())
    yield "home", cards.home_card(a_digest())
    quiet = a_digest(
        late=False, merged_dates=(), opened=(), resolved=0, to_decide=(), to_decide_total=0, risks=(), arrivals=(),
        slow=(), turnover=None, turnover_before=None,
    )  # fmt: skip
    yield "quiet digest", cards.digest_card(quiet)
    slower = a_digest(turnover_before=a_turnover("", days_of_inventory=Decimal(20)))
    yield "slower digest", cards.digest_card(slower)
    yield "same digest", cards.digest_card(replace(slower, turnover_before=slower.turnover))


def _books() -> Iterator[tuple[str, Message]]:
    head = "4f0c5e9a" * 8
    yield "head", cards.head_card(NOW.date(), 12_345, head, "", None)
    yield "head of nothing", cards.head_card(NOW.date(), 0, "0" * 64, "", None)
    yield "broken log", cards.head_card(NOW.date(), 12, head, "rewritten", 13)
    yield "audit", cards.audit_card(12_345, head, (NOW, 12_340, ""), (NOW.date(), 12_000))
    yield "audit never checked", cards.audit_card(0, "0" * 64, None, None)
    yield "audit broken", cards.audit_card(1, head, (NOW, 1, "edited"), None)
    yield "no rates", cards.rates_missing_card(None, verbatim(HOSTILE))
    yield (
        "old rates",
        cards.rates_missing_card(NOW, _("{host} answered {status}", host="www.ecb.europa.eu", status=503)),
    )
    why: tuple[Why, ...] = ("awake", "escalated", "delegate")
    many = [a_request(id=number, supplier=HOSTILE, urgent=number % 2 == 0) for number in range(1, 41)]
    offers = [Offering(one.id, 1, 3, why[one.id % 3], 4) for one in many]
    yield "offered", cards.offered_card(many[:3], offers[:3], {4: HOSTILE})
    yield "offered many", cards.offered_card(many, offers, {4: HOSTILE})


def _plain() -> Iterator[tuple[str, Message]]:
    several = SeveralSkus("heart", [("85123A", "WHITE HEART"), ("85123B", "RED HEART")], 2)
    yield "refusal", cards.refusal_card(several, Code("/stock"))
    yield "refused argument", cards.refusal_card(BadArgument(_("Saved.")), Text("x"))
    yield "unknown", cards.unknown_card("dance", ())
    yield "apology", cards.apology_card("ABCD1234")
    yield "notice", cards.notice_card(_("Saved."))
    yield "welcome", cards.welcome_card(HOSTILE)
    yield "zone", cards.zone_card(NOW)


def every_card() -> dict[str, Message]:
    """Each card in each of its forms, by a name."""
    return dict((*_cases(), *_requests(), *_stock(), *_people(), *_books(), *_plain()))
