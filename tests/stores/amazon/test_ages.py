"""How old stock at Amazon is, by Amazon's own reports, up to what members read of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from bot.domain.money import Money
from bot.domain.told import ToldAge
from bot.ports import AgeBand, AgeFact, MovableClock
from bot.storage import ages
from bot.storage.database import Database
from bot.storage.tables import Location, StorePlace
from bot.stores.amazon.ages import bands
from bot.stores.amazon.markets import MARKETS
from bot.stores.amazon.reading import Unreadable
from tests.services.feeds.kit import SHOP, open_shop
from tests.stores.amazon.conftest import Amazon, facts, faults, last

DE, GB = MARKETS["DE"].id, MARKETS["GB"].id


def aged(sku: str, *units: int, **given: str) -> dict[str, str]:
    """A row of the planning report: units of 0-30, 31-60, 61-90, 91-180, 181-270, 271-365 days, and older ones."""
    ages = ("0-to-30", "31-to-60", "61-to-90", "91-to-180", "181-to-270", "271-to-365", "365-plus")
    row = {f"inv-age-{age}-days": str(count) for age, count in zip(ages, units, strict=True)}
    both = {"inv-age-0-to-90-days": str(sum(units[:3])), "inv-age-181-to-330-days": "", "inv-age-331-to-365-days": ""}
    known = {"snapshot-date": "2011-11-20", "sku": sku, "fnsku": f"X{sku}", "available": str(sum(units))}
    fees = {
        "currency": "EUR", "estimated-storage-cost-next-month": "3.456", "estimated-ais-181-210-days": "1.5",
        "estimated-ais-211-240-days": "0.25", "quantity-to-be-charged-ais-181-210-days": "4",
    }  # fmt: skip
    return {**known, **both, **row, **fees, **given}


def charged(sku: str, fee: str, currency: str = "EUR") -> dict[str, str]:
    """A row of the report of storage fees: of one warehouse."""
    return {"asin": "B0", "fnsku": f"X{sku}", "fulfillment_center": "LEJ1", "currency": currency,
            "month_of_charge": "2011-10", "estimated_monthly_storage_fee": fee}  # fmt: skip


def euros(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


async def test_units_by_age_and_fees_are_told_as_amazon_measures_them(amazon: Amazon) -> None:
    amazon.account.aged = {DE: [aged("LAMP", 5, 4, 3, 10, 2, 1, 7), aged("CUP", 1, 0, 0, 0, 0, 0, 0)]}
    amazon.account.charged = {DE: [charged("LAMP", "1.005"), charged("LAMP", "0.4"), charged("CUP", "-")]}
    pages = await amazon.read("ages")
    lamp, cup = facts(pages, AgeFact)
    assert (lamp.code, lamp.place, lamp.as_of) == ("LAMP", "FBA-EU", datetime(2011, 11, 20, tzinfo=UTC))
    assert [(band.first, band.last, band.units) for band in lamp.bands] == [
        (0, 30, 5), (31, 60, 4), (61, 90, 3), (91, 180, 10), (181, 270, 2), (271, 365, 1), (366, None, 7),
    ]  # fmt: skip
    assert (lamp.storage, lamp.surcharge, lamp.charged) == (euros("3.46"), euros("1.75"), euros("1.40"))
    assert cup.charged is None, "a fee that cannot be read is none"
    assert last(pages)
    asked = [report.body for report in amazon.account.reports.values()]
    assert [body["reportType"] for body in asked] == [
        "GET_FBA_INVENTORY_PLANNING_DATA", "GET_FBA_STORAGE_FEE_CHARGES_DATA",
    ]  # fmt: skip
    assert (asked[1]["dataStartTime"], asked[1]["dataEndTime"]) == ("2011-10-01T00:00:00Z", "2011-11-01T00:00:00Z")


async def test_a_label_that_several_skus_bear_is_charged_once(amazon: Amazon) -> None:
    unread = aged("LAMP-0", 1, 0, 0, 0, 0, 0, 0, fnsku="B0LAMP", **{"inv-age-91-to-180-days": "many"})
    rows = [aged(sku, 1, 0, 0, 0, 0, 0, 0, fnsku="B0LAMP") for sku in ("LAMP-A", "LAMP-B")]
    amazon.account.aged = {DE: [unread, *rows]}
    amazon.account.charged = {DE: [{**charged("LAMP", "1.40"), "fnsku": "B0LAMP"}]}
    told = {fact.code: fact.charged for fact in facts(await amazon.read("ages"), AgeFact)}
    assert told == {"LAMP-A": euros("1.40"), "LAMP-B": None}


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({"0-to-90": 5, "91-to-180": 2, "181-to-270": 1, "271-to-365": 0, "365-plus": 3}, [0, 91, 181, 271, 366]),
        ({"0-to-30": 1, "31-to-60": 2, "61-to-90": 3, "0-to-90": 6, "91-to-180": 1, "181-to-330": 4, "331-to-365": 1,
          "366-to-455": 2, "456-plus": 0}, [0, 31, 61, 91, 181, 331, 366, 456]),
    ],
)  # fmt: skip
def test_of_several_partings_the_finest_whole_one_is_read(told: dict[str, int], found: list[int]) -> None:
    read = bands({f"inv-age-{age}-days": str(units) for age, units in told.items()})
    assert [band.first for band in read] == found


@pytest.mark.parametrize("told", [{}, {"0-to-90": "1", "181-to-270": "2", "365-plus": "1"}, {"0-to-90": "1"}])
def test_a_row_that_leaves_an_age_out_is_set_aside(told: dict[str, str]) -> None:
    with pytest.raises(Unreadable, match="leave an age out"):
        bands({f"inv-age-{age}-days": units for age, units in told.items()})


async def test_what_cannot_be_read_is_listed_and_the_rest_is_told(amazon: Amazon) -> None:
    no_money = aged("CUP", 1, 0, 0, 0, 0, 0, 0, currency="")
    broken = aged("MUG", 1, 0, 0, 0, 0, 0, 0, **{"inv-age-91-to-180-days": "many"})
    amazon.account.aged = {DE: [aged("LAMP", 1, 0, 0, 0, 0, 0, 0), no_money, broken]}
    pages = await amazon.read("ages")
    assert [fact.code for fact in facts(pages, AgeFact)] == ["LAMP"]
    assert {where: fault.problem for where, fault in faults(pages).items()} == {
        "CUP@FBA-EU": "its currency is ''",
        "MUG@FBA-EU": "inv-age-91-to-180-days is 'many', no number",
    }


async def test_ages_are_asked_for_once_a_day_and_each_stock_once(amazon: Amazon, clock: MovableClock) -> None:
    amazon.account.aged = {DE: [aged("LAMP", 1, 0, 0, 0, 0, 0, 0)], GB: [aged("LAMP", 0, 2, 0, 0, 0, 0, 0)]}
    feed = amazon.feed("DE,FR,GB")
    pages = await amazon.read("ages", feed=feed)
    assert [fact.place for fact in facts(pages, AgeFact)] == ["FBA-EU", "FBA-GB"]
    cursor = last(pages)
    clock.push(timedelta(hours=19))
    assert await amazon.read("ages", cursor, feed) == []
    clock.push(timedelta(hours=2))
    assert len(facts(await amazon.read("ages", cursor, feed), AgeFact)) == 2
    assert len(amazon.account.reports) == 8


async def test_a_reading_that_was_killed_waits_for_the_same_reports(amazon: Amazon) -> None:
    amazon.account.aged = {DE: [aged("LAMP", 1, 0, 0, 0, 0, 0, 0)]}
    page = await amazon.first("ages")
    assert [fact.code for fact in facts(await amazon.read("ages", page.cursor), AgeFact)] == ["LAMP"]
    assert len(amazon.account.reports) == 2


async def test_without_a_bill_of_last_month_the_ages_are_told_all_the_same(amazon: Amazon) -> None:
    """Amazon cancels a report without data."""
    amazon.account.aged = {DE: [aged("LAMP", 1, 0, 0, 0, 0, 0, 0)]}
    (fact,) = facts(await amazon.read("ages"), AgeFact)
    assert (fact.charged, fact.storage) == (None, euros("3.46"))


async def test_what_amazon_says_is_kept_by_day_and_believed_for_a_week(
    amazon: Amazon, database: Database, clock: MovableClock
) -> None:
    shop = await open_shop(database, clock)
    place = await shop.add(
        Location, code="FBA", name="FBA", zone="Europe/Berlin", country="DE", currency="EUR", markets=[]
    )  # fmt: skip
    await shop.add(StorePlace, store=SHOP, place="FBA-EU", name="Amazon", location_id=place, counts=True)
    amazon.account.aged = {DE: [aged("LAMP", 5, 4, 3, 10, 2, 1, 7)]}
    pages = await amazon.read("ages")
    taken = [await shop.taking.take(SHOP, page) for page in pages]
    assert [(each.changed, each.touched, each.faults) for each in taken if each.facts] == [(1, set(), 0)]
    for page in pages:
        assert (await shop.taking.take(SHOP, page)).changed == 0
    ((lamp,),) = await shop.rows("SELECT id FROM products")
    at = datetime(2011, 11, 20, tzinfo=UTC)
    told = [(0, 30, 5), (31, 60, 4), (61, 90, 3), (91, 180, 10), (181, 270, 2), (271, 365, 1), (366, None, 7)]
    expected = ToldAge(SHOP, at, tuple(told), euros("3.46"), euros("1.75"), None)
    async with database.reading() as connection:
        assert await ages.fresh(connection, clock.now()) == {(lamp, place): expected}
        assert await ages.fresh(connection, at + timedelta(days=7), [lamp]) == {}
        assert await ages.fresh(connection, clock.now(), [lamp + 1]) == {}
    assert (expected.over(180), expected.expected) == (10, euros("5.21"))
    assert expected.buckets((30, 60, 90, 180)) == (5, 4, 3, 10, 10)


async def test_two_variants_of_a_product_age_together_and_two_currencies_are_never_added(
    database: Database, clock: MovableClock
) -> None:
    shop = await open_shop(database, clock)
    ((place,),) = await shop.rows("SELECT id FROM locations WHERE code = 'BER'")
    lamp = await shop.product("LAMP")
    day = clock.now() - timedelta(days=1)

    def fact(code: str, units: int, fee: Money) -> AgeFact:
        return AgeFact(code, code, "p1", day, (AgeBand(0, 90, units), AgeBand(91, None, 1)), storage=fee)

    async def kept(*told: AgeFact) -> ToldAge:
        async with database.transaction() as connection:
            await ages.keep(connection, "store:shop", {(lamp, place): told}, clock.now())
            return (await ages.fresh(connection, clock.now()))[lamp, place]

    same = await kept(fact("A", 3, euros("1")), fact("B", 4, euros("2")))
    assert (same.bands, same.storage) == (((0, 90, 7), (91, None, 2)), euros("3"))
    assert same.buckets((30, 60, 90, 180)) is None, "the youngest band lies in three buckets"
    mixed = await kept(fact("A", 3, euros("1")), fact("B", 4, Money(Decimal(2), "USD")))
    assert (mixed.bands, mixed.storage) == (((0, 90, 7), (91, None, 2)), None)
