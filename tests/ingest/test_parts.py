"""For how much of a day there was stock, as counts, movements and sales tell with their instants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, text, update

from bot.storage import ledger, partdays
from bot.storage.database import Database
from bot.storage.partmath import TIMED
from bot.storage.tables import Sale, StockLevel
from tests.domain.hours import Event, slow_hours, slow_parts
from tests.ingest.conftest import Desk

SALES = "invoice,sku,quantity,date,price,customer,country\n"
STOCK = "sku,location,on_hand,committed,as_of\n"
GOODS = "sku,location,quantity,ordered_at,eta,received,id\n"
AT = datetime(2011, 11, 21, 9, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")

Key = tuple[str, date]  # a product, and the local day


async def parts(database: Database, days: int = 40, at: datetime = AT) -> dict[Key, float]:
    """Every day that is known by its hours, and the share of it in stock."""
    async with database.reading() as connection:
        told = (await ledger.past(connection, date(2011, 11, 22), days, at=at)).told()
        cells, share = await partdays.parts(connection, told, at)
        skus = {row.id: str(row.sku) for row in await connection.execute(text("SELECT id, sku FROM products"))}
    products = told.history.product_ids[cells.row].tolist()
    found = [told.history.first_day + timedelta(days=column) for column in cells.column.tolist()]
    return {(skus[one], day): part for one, day, part in zip(products, found, share.tolist(), strict=True)}


def sale(at: str, units: int, sku: str = "A") -> str:
    return f"{sku}{at},{sku},{units},{at},2,7,United Kingdom\n"


async def take(desk: Desk, kind: str, lines: str) -> None:
    """A file of one kind."""
    match kind:
        case "sales":
            await desk.take(SALES + lines, "sales", "sales.csv")
        case "inbounds":
            await desk.take(GOODS + lines, "inbounds", "inbounds.csv")
        case _:
            await desk.take(STOCK + lines, "stock", "stock.csv")


async def on(desk: Desk, day: str, **more: str) -> float | None:
    """The part of one day that there was stock, after the files named were taken; None where it is not known."""
    for kind, lines in more.items():
        await take(desk, kind, lines)
    return (await parts(desk.database)).get(("A", date.fromisoformat(day)))


TEN = "A,UK,10,0,2011-11-01 00:00\n"


async def test_what_sold_out_at_six_in_the_evening_was_there_for_three_quarters_of_the_day(any_desk: Desk) -> None:
    sold = sale("2011-11-05 09:00", 4) + sale("2011-11-05 18:00", 6)
    assert await on(any_desk, "2011-11-05", stock=TEN, sales=sold) == pytest.approx(0.75)
    assert len(await parts(any_desk.database)) == 1
    assert len(await parts(any_desk.database, 19)) == 1  # the count lies before those days
    assert not await parts(any_desk.database, 18)  # how much there was as the first day began is not in the window


async def test_goods_that_arrive_at_nine_are_there_from_nine(any_desk: Desk) -> None:
    goods = "A,UK,20,2011-10-01,2011-11-08,2011-11-08 09:00,1\n"
    found = await on(any_desk, "2011-11-08", stock=TEN, sales=sale("2011-11-05 12:00", 10), inbounds=goods)
    assert found == pytest.approx(15 / 24)
    assert await on(any_desk, "2011-11-05") == pytest.approx(0.5)
    assert await on(any_desk, "2011-11-06") is None  # a whole day without stock is one already


async def test_what_comes_and_goes_on_one_day_was_there_in_between(any_desk: Desk) -> None:
    goods = "A,UK,3,2011-10-01,2011-11-08,2011-11-08 06:00,1\n"
    sold = sale("2011-11-05 12:00", 10) + sale("2011-11-08 12:00", 3)
    assert await on(any_desk, "2011-11-08", stock=TEN, sales=sold, inbounds=goods) == pytest.approx(0.25)


async def test_a_day_on_which_clocks_turn_has_its_own_number_of_hours(any_desk: Desk) -> None:
    """On 30 October 2011 it was one o'clock in London twice: noon came after thirteen hours, of twenty-five."""
    stock = "A,UK,10,0,2011-10-20 00:00\n"
    found = await on(any_desk, "2011-10-30", stock=stock, sales=sale("2011-10-30 12:00", 10))
    assert found == pytest.approx(13 / 25)


async def test_a_day_in_spring_has_twenty_three_hours(any_desk: Desk) -> None:
    await any_desk.take(STOCK + "A,UK,10,0,2011-03-20 00:00\n", "stock", "s.csv")
    await any_desk.take(SALES + sale("2011-03-27 12:00", 10))
    found = await parts(any_desk.database, 300)
    assert found == {("A", date(2011, 3, 27)): pytest.approx(11 / 23)}


@pytest.mark.parametrize(
    ("stock", "sold", "why"),
    [
        ("A,UK,10,0,2011-11-05 10:00\n", sale("2011-11-05 18:00", 10), "nobody counted before the day began"),
        (TEN, sale("2011-11-05", 10), "the sale has no hour"),
        (TEN, sale("2011-11-05 18:00", 10) + sale("2011-11-05 19:00", 1), "it sold what was not there"),
        (TEN + "A,UK,0,0,2011-11-05 18:00\n", "", "it was gone some time before the count"),
        (TEN + "A,UK,5,0,2011-11-07 18:00\n", sale("2011-11-05 18:00", 10), "more came some time before the count"),
        (TEN + "A,UK,5,0,2011-11-06 00:00\n", sale("2011-11-05 18:00", 10), "more came before the day was over"),
    ],
    ids=lambda each: each if " " in each and "," not in each else "",
)
async def test_a_day_of_which_a_change_has_no_time_stays_a_whole_day(
    desk: Desk, stock: str, sold: str, why: str
) -> None:
    known = await on(desk, "2011-11-05", stock=stock, sales=sold or sale("2011-11-02 09:00", 1))
    assert known is None, why


async def test_a_count_says_when_stock_went_where_the_one_before_is_an_hour_old(any_desk: Desk) -> None:
    stock = TEN + "A,UK,10,0,2011-11-05 17:00\nA,UK,0,0,2011-11-05 18:00\n"
    assert await on(any_desk, "2011-11-05", stock=stock, sales=sale("2011-10-01 09:00", 1)) == pytest.approx(0.75)


async def test_a_count_says_when_stock_came_where_readings_say_that_it_had_not_yet(any_desk: Desk) -> None:
    stock = TEN + "A,UK,5,0,2011-11-08 09:00\n"
    assert await on(any_desk, "2011-11-08", stock=stock, sales=sale("2011-11-05 12:00", 10)) is None
    for late, known in ((TIMED, True), (TIMED + timedelta(minutes=1), False)):
        until = datetime(2011, 11, 8, 9, tzinfo=UTC) - late
        async with any_desk.database.transaction() as connection:
            await connection.execute(update(StockLevel).values(unchanged_until=until).where(StockLevel.on_hand == 5))
        found = await parts(any_desk.database)
        assert (found.get(("A", date(2011, 11, 8))) == pytest.approx(15 / 24)) is known
        assert found["A", date(2011, 11, 5)] == pytest.approx(0.5)  # it did not come on that very evening


async def test_an_hour_counts_for_what_is_sold_in_it(any_desk: Desk) -> None:
    """Everything else there is sold at eight in the evening: what was out from six on missed most of its day.

    A sale of the very midnight has no hour, and of the last days before this week's Monday nothing is asked.
    """
    sold = sale("2011-11-05 09:00", 4) + sale("2011-11-05 18:00", 6) + sale("2011-11-05 12:00", 1, "E")
    assert await on(any_desk, "2011-11-05", stock=TEN, sales=sold) == pytest.approx(0.75)
    evening = [datetime(2011, 10, 23, 20, 30, tzinfo=LONDON) + timedelta(days=day % 28) for day in range(197)]
    unheard = [datetime(2011, 11, 20, 7, tzinfo=LONDON), datetime(2011, 10, 22, 7, tzinfo=LONDON)]
    midnight = [datetime(2011, 11, 2, tzinfo=LONDON)]
    await add_sales(any_desk, [*evening[:-1], *unheard * 50, *midnight * 50])
    assert (await parts(any_desk.database))["A", date(2011, 11, 5)] == pytest.approx(0.75)  # too few with an hour: 199
    await add_sales(any_desk, evening[-1:])
    known = [datetime(2011, 11, 5, hour, tzinfo=LONDON) for hour in (9, 18, 12)]
    hours = slow_hours({"UK": [*evening, *known]}, {"UK": LONDON, "DE": ZoneInfo("Europe/Berlin")})["UK"]
    found = (await parts(any_desk.database))["A", date(2011, 11, 5)]
    assert found == pytest.approx(sum(hours[:18]) / sum(hours))
    assert found < 0.2


async def add_sales(desk: Desk, instants: list[datetime]) -> None:
    """One more of the product E each."""
    [(product, place)] = await desk.rows(
        "SELECT p.id, l.id FROM products p, locations l WHERE sku = 'E' AND code = 'UK'"
    )
    before = (await desk.rows("SELECT COUNT(*) FROM sales"))[0][0]
    rows = [
        {
            "source": "till", "external_id": f"{before + number}", "order_ref": "1", "product_id": product,
            "location_id": place, "code": "E", "sold_at": at, "day": at.date(), "quantity": 1,
            "unit_price": Decimal(2), "amount_minor": 200, "currency": "GBP", "customer": "", "kind": "sale",
        }
        for number, at in enumerate(instants)
    ]  # fmt: skip
    async with desk.database.transaction() as connection:
        await connection.execute(insert(Sale), rows)


async def test_today_is_not_over_and_what_comes_later_is_not_seen(any_desk: Desk) -> None:
    sold = sale("2011-11-20 12:00", 4) + sale("2011-11-20 18:00", 6)
    assert await on(any_desk, "2011-11-20", stock=TEN, sales=sold) == pytest.approx(0.75)
    assert not await parts(any_desk.database, at=datetime(2011, 11, 20, 19, tzinfo=UTC))
    assert not await parts(any_desk.database, at=datetime(2011, 11, 20, 17, tzinfo=UTC))


@dataclass
class Told:
    """What files say of one product: which file, and what."""

    sku: str
    zone: ZoneInfo
    events: list[tuple[str, Event]] = field(default_factory=list)

    def add(self, kind: str, at: datetime, units: int) -> None:
        """A line of one of the files."""
        self.events.append((kind, Event(at, units, kind == "stock")))

    def lines(self, kind: str, form: str) -> Iterator[str]:
        """The lines of one file."""
        for number, (of, event) in enumerate(self.events):
            if of == kind:
                at = f"{event.at:%Y-%m-%dT%H:%M:%SZ}"
                yield form.format(n=number, sku=self.sku, units=abs(event.units), at=at)

    def parts(self, days: int, hours: Sequence[float]) -> dict[Key, float]:
        """The same once more, one event after the other."""
        asked = [date(2011, 11, 22) - timedelta(days=back) for back in range(days - 1)]
        found = slow_parts((event for _kind, event in self.events), self.zone, asked, AT, hours)
        return {(self.sku, day): share for day, share in found.items()}


def lived(sku: str, zone: ZoneInfo, random: Random) -> Told:
    """A month and a half of a product of which some things are told with their time and some are not."""
    told, level, true = Told(sku, zone), 0, 0
    at = datetime(2011, 10, 12, random.randrange(24), tzinfo=UTC)
    while at < AT:
        kind = random.random()
        local = at.astimezone(zone)
        if kind < 0.1:  # a line without an hour
            at = max(at, datetime.combine(local + timedelta(days=1), time(), zone).astimezone(UTC))
        if kind < 0.06:
            told.add("stock", at, true)
            level = true
        elif kind < 0.3 or not true:
            arrived, written = random.randrange(1, 12), random.random() < 0.7
            true += arrived
            if written:
                level += arrived
                told.add("inbounds", at, arrived)
            if not written or random.random() < 0.2:
                at += timedelta(minutes=random.choice([20, 80, 300]))
                told.add("stock", at, true)
                level = true
        elif kind < 0.36:  # stolen, and found out later
            true = 0
            at += timedelta(minutes=random.choice([20, 80, 300]))
            told.add("stock", at, 0)
            level = 0
        elif level > 0:
            sold = random.randrange(1, min(level, true) + 1)
            level, true = level - sold, true - sold
            told.add("sales", at, -sold)
        at += timedelta(minutes=random.randrange(1, 60 * random.choice([1, 4, 40])))
    told.events = [each for each in told.events if each[1].at < AT]
    return told


async def test_shares_are_those_of_a_plain_replay_of_every_event(desk: Desk) -> None:
    """Counts, arrivals and sales of forty products at two places, over the days on which clocks turn."""
    random = Random(20111030)  # noqa: S311  # a fixed seed for a test
    zones = (("United Kingdom", "UK", LONDON), ("Germany", "DE", ZoneInfo("Europe/Berlin")))
    told: list[tuple[Told, str, str]] = []
    for number in range(40):
        market, code, zone = zones[number % 2]
        told.append((lived(f"S{number:02}", zone, random), market, code))
    sales = [f"{{sku}}x{{n}},{{sku}},{{units}},{{at}},2,7,{market}\n" for _told, market, _code in told]
    goods = [f"{{sku}},{code},{{units}},2011-10-01,2011-11-01,{{at}},{{n}}\n" for _told, _market, code in told]
    stock = [f"{{sku}},{code},{{units}},0,{{at}}\n" for _told, _market, code in told]
    for kind, forms in (("sales", sales), ("inbounds", goods), ("stock", stock)):
        lines = [line for (each, _m, _c), form in zip(told, forms, strict=True) for line in each.lines(kind, form)]
        await take(desk, kind, "".join(lines))
    expected: dict[Key, float] = {}
    lived_through = [date(2011, 10, 23) + timedelta(days=day) for day in range(28)]  # as of Monday, the 21st
    sold = [
        (each.sku, code, event.at)
        for each, _m, code in told
        for kind, event in each.events
        if kind == "sales" and event.at.astimezone(each.zone).date() in lived_through
    ]
    times = {code: [at for _sku, where, at in sorted(sold)[:1000] if where == code] for _market, code, _zone in zones}
    hours = slow_hours(times, {code: zone for _market, code, zone in zones})
    assert max(hours["UK"]) > 1.05 * min(hours["UK"])
    for each, _market, code in told:
        expected |= each.parts(45, hours[code])
    found = await parts(desk.database, 45)
    assert found == pytest.approx(expected)
    assert len(expected) > 100
