"""What `/stock` shows equals what the raw rows of the file say, computed without the product's code."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from statistics import NormalDist
from typing import Any

import pytest
from scipy import stats

from bot import settings
from bot.bootstrap import App, build
from bot.chat.arguments import Sku
from bot.chat.codec import decode_message
from bot.chat.nodes import Facts, Message, Number, Table
from bot.domain.demand import DemandSettings
from bot.domain.sourcing import SourcingSettings
from bot.domain.views import StockLine
from bot.ports import MovableClock
from bot.sandbox import sample
from bot.sandbox.sample import load_small
from bot.services.snapshot import take
from bot.storage.database import Database
from bot.words import Words
from tests.cli.terminal import stocktide
from tests.domain.reference import SlowDemand, slow_demand
from tests.sample.asof import WINDOWS, Key, MadeUp, Sold, sold
from tests.sample.conftest import WholeYear
from tests.sample.oracle import Oracle

SMALL = Path(sample.__file__).parent / "small.parquet"
MONDAY = datetime(2011, 11, 21, 9, tzinfo=UTC)
INSTANTS = (
    MONDAY,
    datetime(2011, 11, 21, 14, tzinfo=UTC),  # Monday afternoon in Europe, Tuesday in Sydney
    datetime(2011, 1, 4, 9, 30, tzinfo=UTC),  # the first day after the closure over New Year
    datetime(2011, 1, 18, 10, 5, tzinfo=UTC),  # the order of 74,215 units is in, its cancellation not yet
    datetime(2011, 1, 18, 12, tzinfo=UTC),  # and now it is
    datetime(2011, 3, 27, 11, tzinfo=UTC),  # Europe's clocks went forward in the night
    datetime(2011, 10, 29, 23, 30, tzinfo=UTC),  # 00:30 in London, before the clocks go back
    datetime(2011, 10, 30, 14, 30, tzinfo=UTC),  # the afternoon of the day with 25 hours
    datetime(2011, 10, 31, 0, 30, tzinfo=UTC),  # 00:30 in London, after it
)
# Best sellers, a code in both cases (85123A), returns (22423), write-offs (20752, 84905), dead stock (21632, 79000).
SPREAD = ("85123A", "22423", "22197", "21108", "84077", "23048", "20752", "84905", "21632", "79000", "23843", "23166")
GIANT = "23166"  # 74,215 of them were ordered, and cancelled within minutes
LEVELS = {"A": 0.975, "B": 0.95, "C": 0.90}
REVIEW_DAYS = 7
RULES = DemandSettings()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a migrated database that holds the small sample."""
    folder = tmp_path_factory.mktemp("figures")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert stocktide("migrate").code == 0

    async def load() -> None:
        database = Database(f"sqlite+aiosqlite:///{folder / 'stocktide.db'}")
        await load_small(database, MovableClock(MONDAY, frozen=True))
        await database.close()

    asyncio.run(load())
    return folder


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    return Oracle(SMALL)


@pytest.fixture(scope="module")
def made_up(shop: Path) -> Iterator[MadeUp]:
    rows = MadeUp(shop / "stocktide.db")
    yield rows
    rows.close()


@pytest.fixture(scope="module")
def monday(shop: Path, made_up: MadeUp) -> dict[Key, StockLine]:
    """What is shown of every product on that Monday."""

    async def ask() -> dict[Key, StockLine]:
        async with opened(shop / "stocktide.db") as application:
            return await shown(application, skus(made_up), MONDAY)

    return asyncio.run(ask())


@asynccontextmanager
async def opened(file: Path) -> AsyncIterator[App]:
    """The application on a database, without its platforms."""
    chosen = settings.given(
        organisation={"currency": "GBP", "zone": "Europe/London"}, database={"url": f"sqlite+aiosqlite:///{file}"}
    )
    application = build(chosen, MovableClock(MONDAY, frozen=True))
    try:
        yield application
    finally:
        await application.close()


async def shown(application: App, products: list[Sku], at: datetime) -> dict[Key, StockLine]:
    """The lines of `/stock` for each of the products."""
    reports = [await application.services.catalogue.stock_report(product, at=at) for product in products]
    return {(line.sku, line.location): line for report in reports for line in report.lines}


def skus(made_up: MadeUp, where: str = "TRUE") -> list[Sku]:
    return [Sku(*row) for row in made_up.rows(f"SELECT id, sku, name FROM products WHERE {where} ORDER BY sku")]  # noqa: S608  # our own words


def compare(found: dict[Key, StockLine], expected: dict[Key, Sold], made_up: MadeUp, at: datetime) -> None:
    """Every figure of every series, and that no series is missing."""
    stock, incoming = made_up.stock(expected, at), made_up.incoming(at)
    codes = {code for code, _place in found}
    assert set(found) >= {key for key in expected if key[0] in codes}
    for key, line in found.items():
        raw = expected.get(key, Sold((0, 0, 0), 0, 0))
        assert tuple(each.units for each in line.velocities) == raw.windows, key
        assert tuple(each.window for each in line.velocities) == WINDOWS
        for each in line.velocities:
            assert each.raw == round(Decimal(each.units) / each.window, 4), key
        assert line.sold_today == raw.today, key
        assert line.on_hand == stock.get(key, 0), key
        assert line.incoming == incoming.get(key, 0), key
        assert line.position == line.on_hand + line.incoming, key


@pytest.mark.parametrize("at", INSTANTS, ids=lambda at: at.isoformat()[:16])
async def test_stock_and_sales_are_what_the_raw_rows_say(
    at: datetime, shop: Path, oracle: Oracle, made_up: MadeUp
) -> None:
    async with opened(shop / "stocktide.db") as application:
        found = await shown(application, skus(made_up, f"sku IN {SPREAD}"), at)
    compare(found, sold(oracle, at), made_up, at)
    assert len(found) > 60


def test_the_instants_tell_the_quirks_apart(oracle: Oracle) -> None:
    """The comparison above would prove little if nothing happened at its instants."""
    before, after = (sold(oracle, at)[GIANT, "UK"] for at in (INSTANTS[3], INSTANTS[4]))
    assert before.today - after.today == 74_215 == before.off_shelf - after.off_shelf
    assert not any(found.windows[0] for found in sold(oracle, INSTANTS[2]).values())
    noon, night = sold(oracle, INSTANTS[0]), sold(oracle, INSTANTS[1])
    assert {place for code, place in noon if noon[code, place].windows != night[code, place].windows} <= {"AU"}
    london = sold(oracle, INSTANTS[6]), sold(oracle, INSTANTS[8])
    assert sum(found["85123A", "UK"].today for found in london) == 0
    assert sold(oracle, INSTANTS[7])["85123A", "UK"].today > 0
    kinds = {kind for (kind,) in oracle.rows("SELECT DISTINCT kind FROM lines")}
    assert kinds == {"fee", "back", "write_off", "adjustment", "sample", "sale"}
    assert oracle.rows("SELECT COUNT(DISTINCT sku) FROM lines WHERE code = '85123A'") == [(2,)]


def test_corrected_velocity_is_that_of_a_plain_replay_of_days(
    monday: dict[Key, StockLine], oracle: Oracle, made_up: MadeUp
) -> None:
    compare(monday, sold(oracle, MONDAY), made_up, MONDAY)
    left_out, parts = 0, made_up.parts(oracle, MONDAY)
    for key, days in made_up.days(oracle, MONDAY).items():
        slow, line = slow_demand(*days, RULES, parts[key]), monday[key]
        assert [float(each.corrected) for each in line.velocities] == pytest.approx(slow.corrected, abs=5.1e-5), key
        assert [each.days_left_out for each in line.velocities] == slow.left_out_days, key
        assert [each.part_days for each in line.velocities] == slow.part_days, key
        assert [float(each.part_out) for each in line.velocities] == pytest.approx(slow.part_out_days, abs=5.1e-3), key
        assert float(line.per_day) == pytest.approx(slow.velocity, abs=5.1e-5), key
        cover = line.on_hand / slow.velocity if slow.velocity else None
        if cover is None:
            assert line.days_of_cover is None, key
        else:
            assert float(line.days_of_cover or 0) == pytest.approx(cover, abs=5.1e-3), key
        left_out += any(slow.left_out_days)
    assert left_out > 10  # the sample does run out of stock
    assert sum(map(len, parts.values())) > 10  # and on days of which its hours tell


def test_levels_follow_from_the_formulas(monday: dict[Key, StockLine], oracle: Oracle, made_up: MadeUp) -> None:
    """Safety stock = z sqrt(L sd^2 + d^2 sd_L^2), or a negative binomial's quantile for irregular series."""
    regular = irregular = 0
    parts = made_up.parts(oracle, MONDAY)
    for key, days in made_up.days(oracle, MONDAY).items():
        slow, line = slow_demand(*days, RULES, parts[key]), monday[key]
        if slow.velocity == 0:
            assert (line.reorder_point, line.safety_stock, line.order_up_to) == (0, 0, 0), key
            continue
        lead, spread = made_up.route(key)
        skewed = slow.adi >= 1.32 or slow.sd / slow.mean >= 1
        level = LEVELS[line.abc]
        safety, span = (_safety(slow, each, spread, level, skewed=skewed) for each in (lead, lead + REVIEW_DAYS))
        d = slow.velocity
        assert float(line.lead_time_days or 0) == pytest.approx(lead, abs=0.051), key
        assert line.safety_stock == math.ceil(safety - 1e-9), key
        assert line.reorder_point == math.floor(d * lead + safety + 1e-9), key
        assert line.order_up_to == math.ceil(d * (lead + REVIEW_DAYS) + span - 1e-9), key
        regular, irregular = regular + (not skewed), irregular + skewed
    assert regular >= 3
    assert irregular >= 30


@pytest.mark.timeout(600)
@pytest.mark.xdist_group("whole year")
@pytest.mark.parametrize("at", [MONDAY, INSTANTS[7]], ids=["monday", "clocks_go_back"])
async def test_every_series_of_the_whole_year_is_what_the_raw_rows_say(
    at: datetime, whole_year: WholeYear, whole_oracle: Oracle
) -> None:
    """The watch's own reading of all 15,946 series, and the two giant orders of the year among them."""
    rows, expected = MadeUp(whole_year.file), sold(whole_oracle, at)
    stock = rows.stock(expected, at)
    rows.close()
    async with opened(whole_year.file) as application:
        services = application.services
        async with services.database.reading() as connection:
            taken = await take(connection, services.settings, SourcingSettings(), at)
    keys = [(taken.product(row).sku, taken.place(row).code) for row in range(len(taken.product_ids))]
    nothing = Sold((0, 0, 0), 0, 0)
    sums = zip(*(taken.history.units[:, -days:].sum(axis=1).tolist() for days in WINDOWS), strict=True)
    assert dict(zip(keys, sums, strict=True)) == {key: expected.get(key, nothing).windows for key in keys}
    assert dict(zip(keys, taken.sold_today.tolist(), strict=True)) == {
        key: expected.get(key, nothing).today for key in keys
    }
    assert dict(zip(keys, taken.positions.on_hand.tolist(), strict=True)) == {key: stock.get(key, 0) for key in keys}
    assert set(keys) >= set(expected)
    assert len(keys) > 15_000


@pytest.mark.parametrize(("code", "place"), [("85123a", "UK"), (GIANT, "UK"), ("22423", "DE"), ("79000", "UK")])
def test_what_the_command_prints_is_what_the_raw_rows_say(
    code: str, place: str, shop: Path, oracle: Oracle, made_up: MadeUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop)
    ran = stocktide("ask", f"/stock {code} {place}", "--json", "--at", "2011-11-21T09:00Z")
    assert ran.code == 0, ran.err
    message = decode_message(json.loads(ran.out))
    expected = sold(oracle, MONDAY)
    key = code.upper(), place
    facts, windows = _facts(message), _windows(message)
    assert [row[:2] for row in windows] == [list(pair) for pair in zip(WINDOWS, expected[key].windows, strict=True)]
    for days, units, raw, *_rest in windows:
        assert raw == round(Decimal(units) / days, 4)
    assert facts["On hand"] == [made_up.stock(expected, MONDAY)[key]]
    assert facts["Incoming"] == [made_up.incoming(MONDAY).get(key, 0)]
    assert facts["Sold today"] == [expected[key].today]


def _safety(slow: SlowDemand, days: float, spread: float, level: float, *, skewed: bool) -> float:
    mean = slow.velocity * days
    variance = days * slow.sd**2 + slow.velocity**2 * spread**2
    if not skewed:
        return NormalDist().inv_cdf(level) * math.sqrt(variance)
    if variance <= mean * (1 + 1e-6):
        return max(float(stats.poisson.ppf(level, mean)) - mean, 0.0)
    return max(float(stats.nbinom.ppf(level, mean**2 / (variance - mean), mean / variance)) - mean, 0.0)


def _facts(message: Message) -> dict[str, list[int | Decimal]]:
    """The figures beside each label."""
    pairs = [pair for block in message.blocks if isinstance(block, Facts) for pair in block.pairs]
    return {label.msgid: _numbers(value) for label, value in pairs}


def _windows(message: Message) -> list[list[Any]]:
    """The rows of the table of windows."""
    [table] = [block for block in message.blocks if isinstance(block, Table)]
    return [[number for cell in row for number in _numbers(cell)] for row in table.rows]


def _numbers(value: object) -> list[int | Decimal]:
    """The figures in an inline, in the order in which they are read."""
    match value:
        case Number():
            return [value.value]
        case Words():
            names = re.findall(r"{(\w+)}", value.plural or value.msgid)
            return [found for name in names for found in _numbers(value.values[name])]
        case int() | Decimal():
            return [value]
        case _:
            return [found for part in _parts(value) for found in _numbers(part)]


def _parts(value: object) -> tuple[object, ...]:
    content = getattr(value, "content", getattr(value, "parts", ()))
    return content if isinstance(content, tuple) else () if isinstance(content, str) else (content,)
