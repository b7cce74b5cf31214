"""The table of rates: fetched once a day, imported from files, looked up as of an instant."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import insert, select

from bot.domain.watch import WatchSettings
from bot.errors import FileRefused, OutsideError, Unreached
from bot.ports import MovableClock, Rate
from bot.rates.ecb import parse, stated_at
from bot.services.audit import Audit
from bot.services.buttons import Buttons
from bot.services.exchange import Exchange
from bot.services.outbox import Outbox
from bot.services.ratefiles import RateOptions
from bot.services.rates import Rates
from bot.services.settings import ServiceSettings
from bot.services.wakes import Wakes
from bot.storage import tables
from bot.storage.database import Database
from bot.stores.files import open_table
from bot.words import verbatim
from tests.rates.server import document

MONDAY = date(2011, 11, 21)
SETTINGS = ServiceSettings(
    watch=WatchSettings(), organisation_currency="GBP", default_zone="Europe/London", rates={"THB": Decimal("0.02")}
)


@dataclass
class Source:
    """A source that gives what it was told to, and counts."""

    name: str = "ecb"
    rates: tuple[Rate, ...] = ()
    trouble: OutsideError | None = None
    asked: int = field(default=0)

    async def fetch(self) -> tuple[Rate, ...]:
        self.asked += 1
        if self.trouble is not None:
            raise self.trouble
        return self.rates

    def states(self, day: date, **rates: str) -> None:
        self.rates = tuple(Rate("EUR", code, day, Decimal(rate), stated_at(day)) for code, rate in rates.items())


@dataclass
class Bureau:
    """The service under test and what stands around it."""

    database: Database
    clock: MovableClock
    source: Source
    rates: Rates

    async def exchange(self, at: datetime | None = None) -> Exchange:
        async with self.database.reading() as connection:
            return await self.rates.exchange(connection, at or self.clock.now())

    async def rows(self, table: type[tables.Base]) -> list[Any]:
        async with self.database.reading() as connection:
            return list(await connection.execute(select(*table.__table__.columns)))

    async def takes(self, path: Path, **options: Any) -> tuple[int, int, int]:
        found = await self.rates.read_file(path, RateOptions(**options))
        kept = await self.rates.keep_file(found, path.name)
        return kept.added, kept.changed, kept.unchanged


@pytest.fixture
def bureau(database: Database, clock: MovableClock) -> Bureau:
    clock.push(timedelta(hours=7))  # 16:00 in London, an hour after the ECB
    source = Source()
    outbox = Outbox(database=database, clock=clock, buttons=Buttons(clock=clock), wakes=Wakes(database))
    rates = Rates(
        database=database, clock=clock, audit=Audit(database=database, clock=clock), outbox=outbox, settings=SETTINGS,
        source=source, files=open_table, document=parse,
    )  # fmt: skip
    return Bureau(database, clock, source, rates)


async def test_new_rates_are_fetched_once_those_we_hold_are_a_day_old(bureau: Bureau) -> None:
    bureau.source.states(MONDAY, GBP="0.8742", CNY="8.2166")
    assert (await bureau.rates.refresh()).outcome == "fetched"
    assert (await bureau.rates.refresh()).outcome == "fresh"
    bureau.clock.push(timedelta(hours=22))
    assert (await bureau.rates.refresh()).outcome == "fresh"
    assert bureau.source.asked == 1
    bureau.clock.push(timedelta(hours=1))
    tuesday = MONDAY + timedelta(days=1)
    bureau.source.states(tuesday, GBP="0.8801", CNY="8.2166")
    done = await bureau.rates.refresh()
    assert (done.outcome, done.added, done.day) == ("fetched", 2, tuesday)
    exchange = await bureau.exchange()
    assert exchange.rate("EUR") == Decimal("0.8801")
    assert not exchange.stale("CNY", bureau.clock.now())


async def test_a_source_that_says_the_same_as_yesterday_changes_nothing(bureau: Bureau) -> None:
    bureau.source.states(MONDAY, GBP="0.8742")
    await bureau.rates.refresh()
    bureau.clock.push(timedelta(days=1))
    assert (await bureau.rates.refresh()).added == 0
    assert len(await bureau.rows(tables.ExchangeRate)) == 1
    assert (await bureau.exchange()).stale("EUR", bureau.clock.now())


async def test_rates_are_those_known_at_the_instant(bureau: Bureau) -> None:
    bureau.source.states(MONDAY, GBP="0.8742")
    await bureau.rates.refresh()
    monday = bureau.clock.now()
    bureau.clock.push(timedelta(days=1))
    bureau.source.states(MONDAY + timedelta(days=1), GBP="0.9")
    await bureau.rates.refresh()
    assert (await bureau.exchange(monday)).rate("EUR") == Decimal("0.8742")
    assert (await bureau.exchange(monday - timedelta(days=9))).rate("EUR") is None
    assert (await bureau.exchange(monday + timedelta(days=99))).rate("EUR") == Decimal("0.9")
    assert (await bureau.exchange(monday + timedelta(days=102))).rate("EUR") is None  # so old a rate is none
    assert (await bureau.exchange()).rate("EUR") == Decimal("0.9")
    assert (await bureau.exchange()).rate("THB") == Decimal("0.02")  # only the settings have it


async def test_failures_are_told_once_a_day_to_who_hears_of_stale_data(bureau: Bureau) -> None:
    async with bureau.database.transaction() as connection:
        added = await connection.execute(
            insert(tables.Conversation)
            .values(platform="slack", external_id="C1", kind="group")
            .returning(tables.Conversation.id)
        )
        values = {"conversation_id": added.scalar_one(), "topic": "stale", "created_at": bureau.clock.now()}
        await connection.execute(insert(tables.Subscription).values(**values))
    bureau.source.trouble = Unreached(verbatim("the bank did not answer"))
    for _hour in range(3):
        assert (await bureau.rates.refresh()).problem == "the bank did not answer"
        bureau.clock.push(timedelta(hours=1))
    assert len(await bureau.rows(tables.Outbox)) == 1
    bureau.clock.push(timedelta(days=1))
    await bureau.rates.refresh()
    assert len(await bureau.rows(tables.Outbox)) == 2


@pytest.mark.parametrize(("day", "rate"), [(1, "8742"), (1, "0.01"), (9, "0.8742")])
async def test_what_no_rate_does_is_not_believed(bureau: Bureau, day: int, rate: str) -> None:
    bureau.source.states(MONDAY, GBP="0.8742")
    await bureau.rates.refresh()
    bureau.clock.push(timedelta(days=1))
    bureau.source.states(MONDAY + timedelta(days=day), GBP=rate)
    assert (await bureau.rates.refresh()).outcome == "failed"
    assert (await bureau.exchange()).rate("EUR") == Decimal("0.8742")


async def test_rates_stated_before_their_hour_count_from_when_they_were_read(bureau: Bureau) -> None:
    bureau.source.states(MONDAY + timedelta(days=1), GBP="0.8742")
    bureau.clock.push(timedelta(hours=21, minutes=50))  # Tuesday 13:50: the ECB says 15:00 UTC
    await bureau.rates.refresh()
    assert (await bureau.exchange()).age("EUR", bureau.clock.now()) == timedelta(0)


async def test_what_was_fetched_and_imported_is_in_the_audit_log(bureau: Bureau, tmp_path: Path) -> None:
    bureau.source.states(MONDAY, GBP="0.8742")
    await bureau.rates.refresh()
    path = tmp_path / "rates.csv"
    path.write_text("currency,date,rate,base\nCNY,2011-11-21,9.4,GBP\n")
    await bureau.takes(path)
    await bureau.takes(path)
    log = await bureau.rows(tables.Audit)
    assert [(row.action, row.subject) for row in log] == [
        ("rates.fetched", "rates:ecb"), ("rates.imported", "rates:file"),
    ]  # fmt: skip


LONG = "币种,日期,汇率,基准货币\nCNY,2011-11-21,9.4213,GBP\nJPY,2011/11/18,0.000054321,GBP\n"
SHORT = "currency;day;rate\nCNY;21.11.2011;9,4213\nJPY;18.11.2011;0,000054321\n"
WIDE = "Date, USD, CNY, JPY, \n21 November 2011, 1.3458, 8.5571, 103.49, \n18 November 2011, 1.3576, N/A, 104.35, \n"


async def test_a_file_in_chinese_or_without_a_base_is_read(bureau: Bureau, tmp_path: Path) -> None:
    (tmp_path / "long.csv").write_text(LONG, encoding="gb18030")
    (tmp_path / "short.csv").write_text(SHORT)
    assert await bureau.takes(tmp_path / "long.csv", encoding="gb18030") == (2, 0, 0)
    assert await bureau.takes(tmp_path / "short.csv", base="GBP", date_order="dmy") == (0, 0, 2)
    kept = {row.currency: (row.rate, row.day) for row in await bureau.rows(tables.ExchangeRate)}
    assert kept == {"CNY": (Decimal("9.4213"), MONDAY), "JPY": (Decimal("0.000054321"), date(2011, 11, 18))}


async def test_the_bank_s_wide_table_and_its_document_are_read(bureau: Bureau, tmp_path: Path) -> None:
    (tmp_path / "wide.csv").write_text(WIDE)
    assert await bureau.takes(tmp_path / "wide.csv") == (5, 0, 0)
    assert {row.base for row in await bureau.rows(tables.ExchangeRate)} == {"EUR"}
    (tmp_path / "daily.xml").write_bytes(document({MONDAY: {"GBP": Decimal("0.8565")}}))
    assert await bureau.takes(tmp_path / "daily.xml") == (1, 0, 0)
    exchange = await bureau.exchange()
    assert exchange.rate("CNY") == Decimal("0.100092320996599")  # 0.8565 / 8.5571
    assert exchange.age("CNY", bureau.clock.now()) == timedelta(
        hours=4
    )  # noon in London is older than Frankfurt's 16:00


async def test_a_workbook_is_read_and_a_corrected_rate_takes_the_place_of_the_wrong_one(
    bureau: Bureau, tmp_path: Path
) -> None:
    for rate, outcome in ((9.4, (1, 0, 0)), (9.5, (0, 1, 0)), (9.5, (0, 0, 1))):
        book = openpyxl.Workbook()
        sheet = book.active
        assert sheet is not None
        for row in (["Currency", "Date", "Rate", "Base"], ["CNY", datetime(2011, 11, 21), rate, "GBP"]):  # noqa: DTZ001  # as a sheet holds it
            sheet.append(row)
        book.save(tmp_path / "rates.xlsx")
        assert await bureau.takes(tmp_path / "rates.xlsx") == outcome
    assert (await bureau.rows(tables.ExchangeRate))[0].rate == Decimal("9.5")


async def test_good_rows_are_read_and_bad_ones_told_with_their_place(bureau: Bureau, tmp_path: Path) -> None:
    path = tmp_path / "rates.csv"
    lines = (
        "CNY,2011-11-21,9.4,GBP", "CNY,2011-11-22,9.4,GBP", "XYZ,2011-11-21,9.4,GBP", "USD,2011-11-21,-1,GBP",
        "USD,2011-11-21,0,GBP", "USD,someday,1,GBP", "GBP,2011-11-21,1,GBP", "USD,2011-11-21,,GBP", "USD,2011-11-21,1,",
        "USD,2011-11-21,1e12,GBP", "USD,2011-11-21,NaN,GBP",
    )  # fmt: skip
    path.write_text("currency,date,rate,base\n" + "\n".join(lines) + "\n")
    found = await bureau.rates.read_file(path, RateOptions())
    assert len(found.rates) == 1
    told = [fault.where.removeprefix("rates.csv:") for fault in found.faults]
    wheres = ["date", "currency", "rate", "rate", "date", "rate", "rate", "base", "rate", "rate"]
    assert told == [f"{line}:{where}" for line, where in enumerate(wheres, 3)]


@pytest.mark.parametrize(
    ("content", "options", "problem"),
    [
        ("currency,date\nCNY,2011-11-21\n", {}, "no column for rate"),
        ("currency,date,rate\nCNY,2011-11-21,9\n", {}, "does not say which currency"),
        ("currency,date,rate\nCNY,2011-11-21,9\n", {"base": "XYZ"}, "no such currency"),
        ("currency,date,rate,base\nCNY,2011-11-21,9,GBP\n", {"mapping": {"rates": "rate"}}, "no such field"),
        ("currency,date,rate,base\nCNY,2011-11-21,9,GBP\n", {"mapping": {"rate": "kurs"}}, "no such header"),
        ("currency,date,rate,base\n", {}, "holds no rate"),
        ("currency,date,rate,base\nCNY,2099-11-21,9,GBP\n", {}, "in the future"),
        ("<html>sorry</html>", {}, "ECB's format"),
    ],
)
async def test_a_file_that_cannot_be_read_at_all_is_refused_with_the_reason(
    bureau: Bureau, tmp_path: Path, content: str, options: dict[str, Any], problem: str
) -> None:
    path = tmp_path / "rates.csv"
    path.write_text(content)
    with pytest.raises(FileRefused, match=problem):
        await bureau.rates.read_file(path, RateOptions(**options))
    assert await bureau.rows(tables.ExchangeRate) == []


async def test_the_overview_names_day_source_and_age(bureau: Bureau) -> None:
    bureau.source.states(MONDAY, GBP="0.8742", CNY="8.2166")
    await bureau.rates.refresh()
    lines = {line.currency: line for line in await bureau.rates.overview(bureau.clock.now())}
    assert set(lines) == {"CNY", "EUR", "THB"}
    assert (lines["CNY"].age, lines["CNY"].stale, lines["CNY"].quote.through) == (timedelta(hours=1), False, "EUR")
    assert (lines["THB"].age, lines["THB"].stale) == (None, True)


def test_the_bank_s_hour_follows_frankfurt_s_summer() -> None:
    assert stated_at(date(2011, 7, 1)) == datetime(2011, 7, 1, 14, tzinfo=UTC)
    assert stated_at(date(2011, 12, 1)) == datetime(2011, 12, 1, 15, tzinfo=UTC)
