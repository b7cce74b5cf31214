"""`/scorecard` answers in either language, says what is lacking, and never changes a thing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from bot.chat.cards import scorecard_card
from bot.chat.nodes import Message
from bot.domain.hindsight import AlertScore, Coverage, ForecastScore, Waits
from bot.domain.scorecard import (
    AlertsView,
    ForecastWeek,
    Lacking,
    Latency,
    LeadTime,
    Proposal,
    Scorecard,
    TurnPoint,
)
from bot.storage import tables
from tests.handlers.conftest import Office, text

SCORE = ForecastScore(
    series=412,
    forecast=1_200.4,
    sold=1_000,
    bias=0.2004,
    skill=-0.05,
    coverage=(Coverage(0.5, 300, 412), Coverage(0.8, 9, 12)),
    service=(Coverage(0.975, 370, 412, "A"),),
)
WAY = LeadTime("YIWU", "UK", "sea", 35, 43.24, 6)
CARD = Scorecard(
    week=date(2011, 11, 14),
    as_of=datetime(2011, 11, 21, 9, tzinfo=UTC),
    forecasts=(
        ForecastWeek(date(2011, 11, 14), replayed=False, score=SCORE, empty=31, silent=4),
        ForecastWeek(date(2011, 11, 7), replayed=True, score=replace(SCORE, bias=-0.034), empty=0, silent=0),
    ),
    alerts=AlertsView(8, replayed=False, score=AlertScore(6, 3, 2, 5, 1, 9, 7)),
    worst=(WAY,),
    ways=3,
    latency=Latency(Waits(9, 3.25, 30.4), Waits(4, 2, 5), Waits(0, None, None), Waits(0, None, None)),
    turnover_days=90,
    turnover=(TurnPoint(0, 44.2), TurnPoint(1, 45.0), TurnPoint(4, 47.94), TurnPoint(13, None)),
    proposals=(
        Proposal("raise_level", 0.975, 0.99, 370, 412, "A"),
        Proposal("lower_level", 0.9, 0.86, 15, 19, "C"),
        Proposal("lead_time", 35, 43, 6, 6, way=WAY),
        Proposal("decisions", 30.4, 24, 9, 9),
    ),
    lacking=(Lacking("alerts", 3, 8),),
)


def said(card: Scorecard, code: str = "en") -> str:
    return text(scorecard_card(card), code)


def test_the_card_says_each_figure_with_what_it_rests_on() -> None:
    told = said(CARD)
    for words in (
        "from Nov 14, 2011 to Nov 20, 2011",
        "1,200 units foretold, 1,000 sold: 20% too high",
        "Held 72.8% (300 of 412)",
        "Held 9 of 12",  # of few no percentage
        "lose 5% more than the mean day",
        "Weeks before, newest first: 3.4% too low",
        "31 series out of stock, 4 series without fresh facts",
        "9 of 14 of those whose day has passed came true: 6 ran out, 3 were averted by goods",
        "5 were false",
        "7 of 9 of the stock-outs that came were told before",
        "Not counted: 2 where the stock lasted until what was ordered comes, 1 told when the shelf was empty",
        "YIWU to UK by sea: 43.2 days over 6 deliveries, 35 days stated",
        "now 44.2; a week ago 45; 4 weeks ago 47.9",
    ):
        assert words in told, told
    assert "13 weeks ago" not in told
    assert "Made afterwards" not in told
    assert "Reckoned as weekly scans" not in told


def test_each_proposal_names_the_setting_from_what_to_what_and_what_to_do() -> None:
    told = said(CARD)
    for words in (
        "class A from 97.5% to 99%: demand stayed within it in 89.8% (370 of 412) of weeks. Set watch.service_levels",
        "class C from 90% to 86%: 15 of 19 of its alerts were false",
        "State 43 days in place of 35 days for YIWU to UK by sea: that is the mean of 6 deliveries. Set lead_time_days",
        "a tenth of 9 decisions took 30 hours or more",
        "delegate NAME until DATE",
        "Not enough yet: alerts: 3 of 8 needed",
    ):
        assert words in told, told


def test_the_card_is_chinese_for_those_who_read_chinese() -> None:
    told = said(CARD, "zh_CN")
    for words in ("周记分卡", "偏高 20%", "14 中的 9", "watch.service_levels", "现在 44.2", "需要 8，现有 3"):
        assert words in told, told
    assert "foretold" not in told


def test_a_card_without_anything_says_so_part_by_part() -> None:
    none = Waits(0, None, None)
    empty = replace(
        CARD, forecasts=(), alerts=None, worst=(), ways=0, latency=Latency(none, none, none, none), turnover=(),
        proposals=(), lacking=(),
    )  # fmt: skip
    told = said(empty)
    for words in (
        "Forecasts: none was on record",
        "Alerts: of none has the day passed",
        "nothing has arrived yet",
        "no sales or no cost is known",
        "Nothing is proposed.",
    ):
        assert words in told, told
    assert "Not enough yet" not in told
    assert CARD.alerts is not None
    only_late = replace(empty, alerts=replace(CARD.alerts, score=AlertScore(0, 0, 0, 0, 4, 0, 0)))
    assert "4 told when the shelf was empty" in said(only_late)
    assert "0 of 0" not in said(only_late)
    assert "Weeks before" not in told
    punctual = said(replace(empty, ways=2))
    assert "nothing takes longer than stated (2 ways of buying)" in punctual


def test_what_was_made_up_for_is_said_to_be() -> None:
    assert CARD.alerts is not None
    replayed = replace(
        CARD, forecasts=(replace(CARD.forecasts[0], replayed=True),), alerts=replace(CARD.alerts, replayed=True)
    )
    assert "Made afterwards" in said(replayed)
    assert "Reckoned as weekly scans" in said(replayed)


@pytest.mark.parametrize("line", ["/scorecard", "记分卡", "周报"])
async def test_anybody_may_ask_for_it_by_either_name(office: Office, line: str) -> None:
    answer = await office.ask(line, "Vic")
    assert not answer.refused, text(answer)
    assert "Scorecard of the week" in text(answer)


async def test_asking_changes_no_setting_no_request_and_no_case(office: Office) -> None:
    kept = (tables.Case, tables.Request, tables.PolicyVersion, tables.Route, tables.Outbox, tables.Audit)
    before = [await office.shop.all(table) for table in kept]
    answer = await office.ask("scorecard")
    assert isinstance(answer.message, Message)
    assert [await office.shop.all(table) for table in kept] == before


async def test_a_conversation_subscribes_to_it_as_a_whole(office: Office) -> None:
    refused = await office.ask("subscribe scorecard UK")
    assert refused.refused
    assert "all places together" in text(refused)
    assert "Subscribed to the weekly scorecard" in text(await office.ask("订阅 记分卡"))
    [row] = [row for row in await office.shop.all(tables.Subscription) if row.topic == "scorecard"]
    assert row.topic == "scorecard"
    await office.ask("unsubscribe scorecard")
    assert "scorecard" not in {row.topic for row in await office.shop.all(tables.Subscription)}
