"""The scorecard: forecasts kept once and judged as kept, alerts by what became of them."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import pytest
from sqlalchemy import delete, insert, select, update

from bot.services.cleanup import clean
from bot.storage import forecasts, tables
from tests.services.work.kit import add
from tests.services.work.scored import (
    DAY,
    MONDAY,
    MORNING,
    NEXT,
    SUNDAY,
    counted,
    moved,
    of_week,
    scorecards,
    stocked,
    to,
)
from tests.services.work.scored import clock as clock  # noqa: PLC0414  # a fixture
from tests.services.work.scored import shop as shop  # noqa: PLC0414  # a fixture
from tests.services.work.shop import Shop


async def test_a_weeks_forecasts_are_kept_once_and_later_facts_change_nothing_of_them(shop: Shop) -> None:
    await stocked(shop, "A", [10] * 120, 500)
    await stocked(shop, "DEAD", [1] + [0] * 199, 50)
    cards = scorecards(shop)
    to(shop, MORNING)
    assert await cards.keeping.keep(MONDAY) == 1  # what sells nothing is not foretold
    kept = await of_week(shop, MONDAY)
    assert kept.product_ids.tolist() == [shop.skus["A"]]
    assert kept.first.tolist() == [(MONDAY - date(1970, 1, 1)).days]
    level, mean, q50, q80, q95, at_service, usual = kept.figures[0].tolist()
    assert mean == pytest.approx(70, rel=0.1)
    assert q50 <= q80 <= q95
    assert (level, at_service >= mean) == (0.975, True)
    assert usual == pytest.approx(67.5)  # Sunday's sales are not all in: 27 days of 28
    to(shop, MORNING + 7 * DAY)
    await shop.sells("A", "UK", [90] * 7)
    assert await cards.keeping.keep(MONDAY) is None
    assert (await of_week(shop, MONDAY)).figures.tolist() == kept.figures.tolist()


async def test_who_asks_is_not_kept_waiting_for_the_weeks_that_are_made_up_for(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stocked(shop, "A", [10] * 120, 500)
    cards, going, made = scorecards(shop), asyncio.Event(), []
    keep = cards.keeping.keep

    async def slowly(monday: date) -> int | None:
        await going.wait()
        made.append(monday)
        return await keep(monday)

    monkeypatch.setattr(cards.keeping, "keep", slowly)
    monkeypatch.setattr("bot.services.scorecards.SOON", 0.01)
    now = to(shop, MORNING)
    assert await cards.soon(now) is None
    assert await cards.soon(now) is None  # the same weeks, once
    going.set()
    monkeypatch.setattr("bot.services.scorecards.SOON", 60.0)
    card = await cards.soon(now)
    assert card is not None
    assert made == [MONDAY - back * 7 * DAY for back in (1, 2, 3, 4)]
    assert await cards.soon(now) is not None
    await cards.close()


@pytest.mark.databases("sqlite")
async def test_what_keeps_weeks_from_being_made_up_for_keeps_nobody_from_the_card(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards = scorecards(shop)

    async def broken(_monday: date) -> None:
        raise OSError

    monkeypatch.setattr(cards.keeping, "keep", broken)
    card = await cards.soon(to(shop, MORNING))
    assert card is not None
    assert card.forecasts == ()


async def test_a_week_that_a_crash_cut_off_is_written_on_and_one_without_facts_waits_for_them(shop: Shop) -> None:
    cards = scorecards(shop)
    assert await cards.keeping.keep(date(2011, 11, 14)) == 0
    await stocked(shop, "A", [10] * 120, 500)
    await stocked(shop, "B", [5] * 120, 500)
    to(shop, MORNING)
    assert await cards.keeping.keep(MONDAY) == 2
    whole = (await of_week(shop, MONDAY)).figures.tolist()
    async with shop.database.transaction() as connection:
        await connection.execute(delete(tables.Forecast).where(tables.Forecast.product_id == shop.skus["B"]))
        await connection.execute(delete(tables.Mark))
    assert len((await of_week(shop, MONDAY)).figures) == 1
    assert await cards.keeping.keep(MONDAY) == 2
    assert (await of_week(shop, MONDAY)).figures.tolist() == whole


@pytest.mark.databases("sqlite")
async def test_the_last_week_is_judged_against_its_sales_and_what_was_out_of_stock_is_left_out(shop: Shop) -> None:
    await stocked(shop, "A", [10] * 121, 500)
    await stocked(shop, "EMPTY", [10] * 121, 25)
    await counted(shop, "A", SUNDAY - 60 * DAY, 2_000)
    cards = scorecards(shop)
    to(shop, MORNING)
    await cards.tick(MORNING)
    to(shop, MORNING + 7 * DAY)
    await shop.sells("A", "UK", [14] * 7)
    await shop.sells("EMPTY", "UK", [10, 10, 5, 0, 0, 0, 0])
    card = await cards.view(shop.clock.now())
    judged = card.forecasts[0]
    assert (card.week, judged.week, judged.replayed) == (MONDAY, MONDAY, False)
    assert (judged.score.series, judged.empty, judged.silent) == (1, 1, 0)
    assert judged.score.sold == 98
    assert judged.score.bias == pytest.approx(judged.score.forecast / 98 - 1)
    assert judged.score.forecast < 80
    assert [(part.abc, part.within, part.of) for part in judged.score.service] == [("A", 0, 1)]
    assert [week.replayed for week in card.forecasts[1:]] == [True] * 3  # made up for, of what was known then


@pytest.mark.databases("sqlite")
async def test_a_place_whose_feed_stopped_is_not_judged(shop: Shop) -> None:
    await stocked(shop, "A", [10] * 121, 500)
    cards = scorecards(shop)
    to(shop, MORNING)
    await cards.tick(MORNING)
    to(shop, MORNING + 7 * DAY)
    await shop.feed("count", "stock", MORNING)
    card = await cards.view(shop.clock.now())
    assert (card.forecasts[0].score.series, card.forecasts[0].silent) == (0, 1)


async def weeks_of_alerts(shop: Shop) -> None:
    """Four alerts of one Sunday: one comes true, one is averted, one is false, one has been ordered for; and a fifth
    product runs out that nobody told of.
    """
    for sku in ("CAME", "AVERTED", "FALSE", "ORDERED"):
        await stocked(shop, sku, [10] * 120, 50)
    await stocked(shop, "UNTOLD", [10] * 120, 2_000)
    await shop.buys("UK", 20, 100)
    await shop.scan()
    to(shop, MORNING + 14 * DAY)
    sold = {"CAME": [10] * 6, "AVERTED": [10] * 14, "FALSE": [1] * 14, "ORDERED": [1] * 14, "UNTOLD": [500] * 5}
    for sku, units in sold.items():
        await shop.sells(sku, "UK", [0, *units, *[0] * (14 - len(units))])
    await moved(shop, "AVERTED", MONDAY + DAY, 300)
    async with shop.database.transaction() as connection:
        lines = tables.RequestLine
        asked = select(lines.request_id).where(lines.product_id == shop.skus["ORDERED"])
        line = (await connection.execute(asked)).one()
        await connection.execute(
            update(tables.Request)
            .where(tables.Request.id == line.request_id)
            .values(state="executing", decided_at=SUNDAY + timedelta(hours=3))
        )
        others = delete(lines).where(lines.product_id != shop.skus["ORDERED"])
        await connection.execute(others)
        refused = await add(
            connection, tables.Request, kind="purchase_order", state="rejected", location_id=shop.places["UK"],
            total_minor=1_000, currency="GBP", created_at=SUNDAY, decided_at=SUNDAY + timedelta(hours=3), detail={},
        )  # fmt: skip
        await add(
            connection, lines, request_id=refused, product_id=shop.skus["FALSE"], quantity=10, unit_cost_minor=100,
            detail={},
        )  # fmt: skip


async def test_alerts_are_judged_by_what_became_of_them_and_stock_outs_by_what_was_told(shop: Shop) -> None:
    await weeks_of_alerts(shop)
    card = await scorecards(shop).view(shop.clock.now())
    assert card.alerts is not None
    score = card.alerts.score
    assert (score.came, score.averted, score.ordered, score.false, score.late) == (1, 1, 1, 1, 0)
    assert (score.right, score.judged) == (2, 3)
    assert (score.foretold, score.stockouts) == (1, 2)
    assert not card.alerts.replayed
    assert sum(false for _abc, false, _of in card.alerts.by_class) == 1


async def test_of_a_place_whose_feed_stopped_nobody_knows_what_became_of_its_alerts(shop: Shop) -> None:
    await weeks_of_alerts(shop)
    await shop.feed("count", "stock", SUNDAY + 10 * DAY)
    card = await scorecards(shop).view(shop.clock.now())
    assert card.alerts is not None
    assert card.alerts.score.judged + card.alerts.score.ordered == 0


@pytest.mark.databases("sqlite")
async def test_the_day_that_an_alert_foretold_first_is_the_one_it_is_judged_by(shop: Shop) -> None:
    await stocked(shop, "A", [10] * 120, 50)
    await shop.buys("UK", 20, 100)
    await shop.scan()
    [case] = await shop.all_cases()
    first = case.foretold_on
    assert first == SUNDAY.date() + 5 * DAY
    to(shop, MORNING + DAY)
    await shop.sells("A", "UK", [0, 0])
    await shop.scan()
    [case] = await shop.all_cases()
    assert case.evidence["shown"]["stockout_on"] != first.isoformat()
    assert case.foretold_on == first


@pytest.mark.databases("sqlite")
async def test_an_alert_told_when_the_shelf_was_empty_foretold_nothing(shop: Shop) -> None:
    await stocked(shop, "A", [10] * 120, 0)
    await shop.buys("UK", 20, 100)
    to(shop, MORNING)
    await shop.scan()
    to(shop, MORNING + 14 * DAY)
    card = await scorecards(shop).view(shop.clock.now())
    assert card.alerts is not None
    assert (card.alerts.score.late, card.alerts.score.judged, card.alerts.score.stockouts) == (1, 0, 0)


@pytest.mark.databases("sqlite")
async def test_before_the_watch_has_run_a_week_alerts_are_those_that_weekly_scans_would_have_told(shop: Shop) -> None:
    await shop.buys("UK", 20, 100)
    await stocked(shop, "A", [10] * 120, 60)
    to(shop, MORNING + 14 * DAY)
    await shop.sells("A", "UK", [0, *[10] * 6, *[0] * 8])
    card = await scorecards(shop).view(shop.clock.now())
    assert card.alerts is not None
    assert card.alerts.replayed
    assert (card.alerts.score.came, card.alerts.score.judged) == (1, 1)
    assert (card.alerts.score.foretold, card.alerts.score.stockouts) == (1, 1)


async def test_decisions_and_first_actions_are_timed_week_by_week(shop: Shop) -> None:
    await stocked(shop, "A", [10] * 120, 50)
    await shop.buys("UK", 20, 100)
    to(shop, MORNING)
    await shop.scan()
    [case] = await shop.all_cases()
    [request] = await shop.requested()
    to(shop, MORNING + timedelta(hours=2))
    async with shop.database.transaction() as connection:  # what somebody was not allowed to do is no action
        subject = f"request:{request.id}"
        await shop.audit.append(connection, "request.refused", subject, {}, shop.members["Nok"], "slack")
    to(shop, MORNING + timedelta(hours=5))
    await shop.cases.acknowledge(case.id, shop.members["Maria"], "slack")
    async with shop.database.transaction() as connection:
        await connection.execute(
            update(tables.Request)
            .where(tables.Request.id == request.id)
            .values(state="rejected", decided_by=shop.members["Lin Wei"], decided_at=MORNING + timedelta(hours=30))
        )
    to(shop, MORNING + 7 * DAY)
    now = (await scorecards(shop).view(shop.clock.now())).latency
    assert (now.decisions.count, now.decisions.median, now.decisions.p90) == (1, 30, 30)
    assert (now.actions.count, now.actions.median) == (1, 5)
    assert (now.decisions_before.count, now.actions_before.count) == (0, 0)
    to(shop, MORNING + 14 * DAY)
    later = (await scorecards(shop).view(shop.clock.now())).latency
    assert (later.decisions.count, later.decisions_before.median, later.actions_before.median) == (0, 30, 5)


async def test_lead_times_and_turnover_rest_on_what_arrived_and_sold(shop: Shop) -> None:
    await stocked(shop, "A", [10] * 200, 500)
    await counted(shop, "A", SUNDAY - 150 * DAY, 2_000)
    await shop.buys("UK", 20, 100, sku="A")
    async with shop.database.transaction() as connection:
        goods = [
            {
                "product_id": shop.skus["A"], "location_id": shop.places["UK"], "quantity": 10,
                "ordered_at": SUNDAY - timedelta(days=90 + number), "expected_on": SUNDAY.date(),
                "received_at": SUNDAY - timedelta(days=58 + number), "source": "erp", "external_id": str(number),
            }
            for number in range(5)
        ]  # fmt: skip
        await connection.execute(insert(tables.Inbound), goods)
    card = await scorecards(shop).view(to(shop, MORNING))
    [way] = card.worst
    assert (way.supplier, way.place, way.stated, way.mean, way.deliveries) == ("YIWU", "UK", 20, 32, 5)
    assert [each.kind for each in card.proposals] == ["lead_time"]
    days = {point.weeks_ago: point.days for point in card.turnover}
    assert days.keys() == {0, 1, 4, 13}
    [line, *_total] = await shop.catalogue.turnover(at=MORNING)
    assert days[0] == pytest.approx(float(line.days_of_inventory or 0), abs=0.06)
    earlier = await shop.catalogue.turnover(at=MORNING - timedelta(weeks=4))
    assert days[4] == pytest.approx(float(earlier[0].days_of_inventory or 0), abs=0.06)


@pytest.mark.databases("sqlite")
async def test_an_empty_organisation_gets_a_card_that_says_what_is_lacking(shop: Shop) -> None:
    card = await scorecards(shop).view(to(shop, MORNING))
    assert (card.forecasts, card.alerts, card.worst, card.proposals) == ((), None, (), ())
    assert {each.kind: (each.have, each.need) for each in card.lacking} == {
        "weeks": (0, 3), "alerts": (0, 8), "lead_time": (0, 5), "decisions": (0, 8),
    }  # fmt: skip


async def test_forecasts_older_than_half_a_year_are_forgotten(shop: Shop) -> None:
    await stocked(shop, "A", [10] * 120, 500)
    cards = scorecards(shop)
    to(shop, MORNING + 7 * DAY)
    await cards.keeping.keep(MONDAY)
    await cards.keeping.keep(NEXT)
    now = MORNING + timedelta(days=185)
    assert (await clean(shop.database, now))["forecasts"] == 1
    async with shop.database.reading() as connection:
        assert await forecasts.on_record(connection) == {NEXT: False}
    assert (await clean(shop.database, now))["forecasts"] == 0
