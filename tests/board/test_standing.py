"""The figures of the board are those of the chat: one arithmetic, two ways to look at it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from bot.chat.arguments import Sku
from bot.domain.standing import day_of, turns
from bot.domain.views import StockLine
from bot.services.catalogue import Catalogue
from bot.services.standings import age_lines
from tests.board.conftest import House
from tests.handlers.conftest import CANDLE, CLOCK, LANTERN


async def test_turnover_on_the_board_is_that_of_the_chat(house: House) -> None:
    services = house.app.services
    found = {turn.place: turn for turn in turns(await services.boards.standings.current(), 90) if not turn.abc}
    told = {line.label: line for line in await services.catalogue.turnover()}
    assert set(found) == set(told) == {"", "UK", "DE"}
    for label, line in told.items():
        assert found[label].stock_minor == pytest.approx(line.average_inventory.minor, abs=1)
        days = found[label].days
        assert (days is None) == (line.days_of_inventory is None)
        if days is not None and line.days_of_inventory is not None:
            assert days == pytest.approx(float(line.days_of_inventory), rel=1e-3)


async def test_every_row_of_the_table_is_the_report_of_its_product(house: House) -> None:
    services = house.app.services
    standing = await services.boards.standings.current()
    assert sorted(standing.sku.tolist()) == sorted([LANTERN, CANDLE, CLOCK])
    for row in range(standing.size):
        line = await _line(services.catalogue, standing.sku[row], standing.place[row], house)
        assert standing.on_hand[row] == line.on_hand
        assert standing.pending[row] == line.pending
        assert standing.reorder_point[row] == line.reorder_point
        assert standing.order_up_to[row] == line.order_up_to
        assert day_of(int(standing.stockout[row])) == line.stockout_on
        assert float(standing.per_day[row]) == pytest.approx(float(line.per_day), rel=1e-3)
        assert tuple(standing.aged[row].tolist()) == line.ageing


async def _line(catalogue: Catalogue, sku: str, place: str, house: House) -> StockLine:
    product: Sku = await house.app.services.lookup.sku(sku)
    report = await catalogue.stock_report(product)
    return next(line for line in report.lines if line.location == place)


async def test_the_chart_shows_the_figures_of_the_report(house: House) -> None:
    services = house.app.services
    for sku in (LANTERN, CANDLE, CLOCK):
        report = await services.catalogue.stock_report(await services.lookup.sku(sku))
        chart = report.chart
        assert chart is not None
        line = next(line for line in report.lines if line.location == chart.code)
        assert chart.reorder_point == (line.reorder_point or None)
        assert chart.stockout_on == line.stockout_on
        assert chart.stock[-1] is None or chart.stock[-1] == line.on_hand + line.sold_today
        assert sum(chart.sales) == next(window.units for window in line.velocities if window.window == 90)
        assert [arrival.on for arrival in chart.arrivals] == ([line.next_arrival.on] if line.next_arrival else [])
        assert len(chart.stock) == 90


def test_a_place_has_the_ages_of_its_own_fees_that_are_in_force(house: House) -> None:
    settings = house.app.services.settings
    assert age_lines(settings, "DE", date(2011, 11, 21)) == [91, 181]
    assert age_lines(settings, "DE", date(2012, 1, 1)) == [91, 181, 271]
    assert age_lines(settings, "UK", date(2011, 11, 21)) == []
    assert settings.fees[0].fee.amount == Decimal("1.5")
