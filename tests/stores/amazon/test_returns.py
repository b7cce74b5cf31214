"""Returns: what came back to Amazon and to the seller, by two reports, up to the orders that they are taken off."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from bot.errors import Unreached
from bot.ports import FactKind, MovableClock, Page, ReturnedUnits
from bot.storage.database import Database
from bot.storage.tables import Location, StorePlace
from bot.stores.amazon.reports import parsed
from bot.stores.amazon.returns import at_amazon, at_the_seller, read
from tests.services.feeds.kit import SHOP, Shop, open_shop
from tests.stores.amazon.conftest import Amazon, facts, faults, last
from tests.stores.amazon.returned import AT_AMAZON, AT_THE_SELLER, HEADINGS, request, unit

NOW = datetime(2011, 11, 21, 9, tzinfo=UTC)
BACK = NOW - timedelta(days=2)
ORDER = "302-0000001-0000001"


async def selling(database: Database, clock: MovableClock) -> Shop:
    """A shop whose stock at Amazon is a location in Berlin."""
    shop = await open_shop(database, clock)
    place = await shop.add(
        Location, code="FBA", name="FBA", zone="Europe/Berlin", country="DE", currency="EUR", markets=[]
    )  # fmt: skip
    await shop.add(StorePlace, store=SHOP, place="FBA-EU", name="Amazon", location_id=place, counts=True)
    return shop


def reader(amazon: Amazon, shop: Shop) -> Callable[[FactKind], Awaitable[int]]:
    """Reads a kind on from where it was read to last; how many facts changed anything."""
    feed, cursors = amazon.feed(), dict[FactKind, str]()

    async def read_all(kind: FactKind) -> int:
        changed = 0
        async for page in feed.read(kind, cursors.get(kind, "")):
            changed += (await shop.taking.take(SHOP, page)).changed
            cursors[kind] = page.cursor
        return changed

    return read_all


async def test_what_came_back_is_told_by_order_sku_and_label(amazon: Amazon) -> None:
    comment = "Zu groß – “XXL”,\tpasst\t\tnicht 尺码"  # people write what they like, tabs too
    amazon.account.sent_back = {
        AT_AMAZON: [
            unit(ORDER, BACK, "LPN1", customer_comments=comment, product_name='5" Lamp, größer'),
            unit(ORDER, BACK, "LPN2", detailed_disposition="CUSTOMER_DAMAGED"),
        ],
        AT_THE_SELLER: [
            request("302-7", BACK, "RMA1", 3, came="20-Nov-2011"),
            request("302-8", BACK, "RMA2"),  # asked for, and not there yet
        ],
    }
    pages = await amazon.read("returns")
    assert facts(pages, ReturnedUnits) == [
        ReturnedUnits("LPN1", ORDER, "LAMP", "LAMP", 1, BACK),
        ReturnedUnits("LPN2", ORDER, "LAMP", "LAMP", 1, BACK),
        ReturnedUnits("RMA1", "302-7", "LAMP", "LAMP", 3, datetime(2011, 11, 20, 12, tzinfo=UTC)),
    ]
    assert faults(pages) == {}
    assert last(pages)


async def test_reports_reach_as_far_back_as_they_may_and_are_asked_for_once_a_day(
    amazon: Amazon, clock: MovableClock
) -> None:
    feed = amazon.feed("DE,GB", history_days="100")
    cursor = last(await amazon.read("returns", feed=feed))
    asked = [report.body for report in amazon.account.reports.values()]
    assert [body["reportType"] for body in asked] == [AT_AMAZON] * 8 + [AT_THE_SELLER] * 2
    assert [len(body["marketplaceIds"]) for body in asked] == [1] * 8 + [2] * 2
    clock.push(timedelta(hours=19))
    assert await amazon.read("returns", cursor, feed) == []
    clock.push(timedelta(hours=5))
    again = await amazon.read("returns", cursor, feed)
    later = [report.body for report in amazon.account.reports.values()][10:]
    days = [
        (datetime.fromisoformat(body["dataEndTime"]) - datetime.fromisoformat(body["dataStartTime"])).days
        for body in later
    ]
    assert days == [30, 30, 60]
    assert {body["dataEndTime"] for body in later} == {clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")}
    clock.push(timedelta(days=90))  # we were away
    later_still = len(amazon.account.reports)
    assert last(await amazon.read("returns", last(again), feed))
    assert len(amazon.account.reports) - later_still == 4 + 4 + 2


async def test_a_reading_that_was_killed_waits_for_the_same_report(amazon: Amazon) -> None:
    amazon.account.sent_back = {AT_AMAZON: [unit(ORDER, BACK, "LPN1")]}
    page = await amazon.first("returns")
    assert [fact.id for fact in facts(await amazon.read("returns", page.cursor), ReturnedUnits)] == ["LPN1"]
    assert len(amazon.account.reports) == 2


async def test_a_report_that_failed_holds_up_no_other_and_is_asked_for_anew_alone(amazon: Amazon) -> None:
    amazon.account.sent_back = {
        AT_AMAZON: [unit(ORDER, BACK, "LPN1")],
        AT_THE_SELLER: [request("302-7", BACK, "RMA1", came="20-Nov-2011")],
    }
    feed, pages = amazon.feed(), list[Page]()
    reading = feed.read("returns", (await amazon.first("returns")).cursor)
    amazon.account.reports["R1"].states = ["IN_QUEUE", "FATAL"]
    with pytest.raises(Unreached, match="could not make"):  # noqa: PT012  # once all others were read
        async for page in reading:
            pages.append(page)
    assert [fact.id for fact in facts(pages, ReturnedUnits)] == ["RMA1"]
    again = await amazon.read("returns", pages[-1].cursor, feed)
    assert [fact.id for fact in facts(again, ReturnedUnits)] == ["LPN1"]
    assert [report.kind for report in amazon.account.reports.values()] == [AT_AMAZON, AT_THE_SELLER, AT_AMAZON]
    assert last(again)


async def test_what_is_waited_for_after_a_day_is_asked_for_up_to_now(amazon: Amazon, clock: MovableClock) -> None:
    waiting = (await amazon.first("returns")).cursor
    clock.push(timedelta(hours=21))
    asked = len(amazon.account.reports)
    assert last(await amazon.read("returns", waiting))
    assert len(amazon.account.reports) == asked + 2, "both are asked for again, up to now"


async def test_what_a_cancelled_report_left_out_the_next_day_tells(amazon: Amazon, clock: MovableClock) -> None:
    """Amazon cancels what is asked for too soon just as what holds nothing."""
    amazon.account.sent_back = {AT_AMAZON: [unit(ORDER, BACK, "LPN1")]}
    amazon.account.states = ["CANCELLED"]
    pages = await amazon.read("returns")
    assert facts(pages, ReturnedUnits) == []
    amazon.account.states = None
    clock.push(timedelta(days=1))
    assert [fact.id for fact in facts(await amazon.read("returns", last(pages)), ReturnedUnits)] == ["LPN1"]


async def test_an_empty_report_is_a_reading_too(amazon: Amazon) -> None:
    amazon.account.states = ["DONE"]  # its heading alone
    pages = await amazon.read("returns")
    assert (facts(pages, ReturnedUnits), faults(pages), bool(last(pages))) == ([], {}, True)


async def test_what_cannot_be_read_is_listed_once_and_the_rest_is_told(amazon: Amazon) -> None:
    amazon.account.sent_back = {
        AT_AMAZON: [
            unit(ORDER, BACK, "LPN1"),
            unit(ORDER, BACK, "LPN2", quantity="many", customer_comments="call me: Erika"),
            unit(ORDER, BACK, "LPN3", return_date="?"),
            unit(ORDER, BACK, "LPN4", customer_comments="a line\r\nand another"),
            unit(ORDER, BACK, "", quantity="0"),
        ],
        AT_THE_SELLER: [
            request("302-7", BACK, "RMA1", came="31-Feb-2011"),
            request("302-7", BACK, "", came="2011-11-20"),
        ],
    }
    pages = await amazon.read("returns")
    assert [fact.id for fact in facts(pages, ReturnedUnits)] == ["LPN1", "LPN4"]
    found = faults(pages)
    assert {where: fault.problem for where, fault in found.items()} == {
        f"{ORDER}/LAMP/LPN2": "quantity is 'many', no number",
        f"{ORDER}/LAMP/LPN3": "return-date is '?', no time",
        f"{ORDER}/LAMP": "quantity is missing",
        "302-7/LAMP/RMA1": "Return delivery date is '31-Feb-2011', no day",
        "302-7/LAMP": "Amazon RMA ID is missing",
        AT_AMAZON: "rows of the report with too few or too many fields: 1; the first is row 6 with 1",
    }
    assert not any("Erika" in fault.record for fault in found.values())


def test_a_label_is_one_unit_however_often_it_is_told_and_units_without_one_are_added() -> None:
    rows = [unit(ORDER, BACK, "LPN1"), unit(ORDER, BACK + timedelta(days=1), "LPN1"), *[unit(ORDER, BACK)] * 2]
    rows += [unit(ORDER, BACK, fulfillment_center_id="WRO1"), unit("302-2", BACK, "LPN1")]
    found, wrong = read(rows, at_amazon, AT_AMAZON)
    assert [(fact.order, fact.id, fact.quantity) for fact in found] == [
        (ORDER, "LPN1", 1),
        (ORDER, f"@{BACK.isoformat()}/LEJ1/SELLABLE", 2),
        (ORDER, f"@{BACK.isoformat()}/WRO1/SELLABLE", 1),
        ("302-2", "LPN1", 1),  # sent out again, and back again
    ]
    assert wrong == []


def test_distinct_rows_of_one_request_and_sku_add_up_and_one_that_is_told_once_for_each_claim_counts_once() -> None:
    def came(day: int, units: int, **given: str) -> dict[str, str]:
        return request(ORDER, BACK, "RMA1", units, came=f"{day}-Nov-2011", **given)

    rows = [
        came(20, 1, Tracking_ID="T1"),
        came(20, 1, Tracking_ID="T1", SafeT_claim_id="S1", Refunded_Amount="9.00", Return_request_status="Completed"),
        came(19, 2, Tracking_ID="T2"),
        came(20, 1, Tracking_ID="T1", Order_Item_ID="2"),
        came(20, 1, Tracking_ID="T1", Return_Reason="CR-DEFECTIVE"),
        request(ORDER, BACK, "RMA1", 4, Tracking_ID="T3"),  # on its way
        request(ORDER, BACK, "RMA1", 1, "CUP", came="20-Nov-2011"),
        request(ORDER, BACK, "RMA2", 1, came="20-Nov-2011"),
    ]
    found, wrong = read(rows, at_the_seller, AT_THE_SELLER)
    assert [(fact.line, fact.id, fact.quantity, fact.at.day) for fact in found] == [
        ("LAMP", "RMA1", 5, 19), ("CUP", "RMA1", 1, 20), ("LAMP", "RMA2", 1, 20),
    ]  # fmt: skip
    assert wrong == []


async def test_what_comes_back_to_the_seller_in_two_parcels_counts_whole_and_once_whatever_is_read_again(
    amazon: Amazon, database: Database, clock: MovableClock
) -> None:
    shop = await selling(database, clock)
    read_all = reader(amazon, shop)
    known = amazon.account.place(("LAMP", 5, "60.00", "0", "0"))
    clock.push(timedelta(minutes=10))
    rows = [request(known.number, NOW, "RMA1", 2, came="21-Nov-2011", Tracking_ID="T1")]
    rows += [request(known.number, NOW, "RMA1", 1, Tracking_ID="T2")]
    amazon.account.sent_back = {AT_THE_SELLER: rows}
    assert [await read_all(kind) for kind in ("orders", "returns")] == [1, 1]
    assert await shop.rows("SELECT SUM(quantity) FROM sales") == [(3,)]
    rows[1]["Return delivery date"] = "22-Nov-2011"
    clock.push(timedelta(days=1))
    assert await read_all("returns") == 1
    for _day in range(2):
        assert await shop.rows("SELECT SUM(quantity) FROM sales") == [(2,)]
        clock.push(timedelta(days=1))
        rows[0]["Tracking ID"] = "T1 anew"
        assert await read_all("returns") == 0


def test_tabs_part_what_stands_before_the_customers_words_alone() -> None:
    heading = "\t".join(HEADINGS[AT_AMAZON])
    row = "\t".join([*["x"] * 12, "too\tbig"])
    (told,) = parsed(iter([heading, row]), "customer-comments")
    assert not hasattr(told, "fields")
    (broken,) = parsed(iter([heading, row]))
    assert getattr(broken, "fields", 0) == 14


@pytest.mark.parametrize("told", ["1-nov-2011", "01-Nov-2011", "2011-11-01"])
def test_the_sellers_report_tells_days(told: str) -> None:
    fact = at_the_seller(request(ORDER, BACK, "RMA1", came=told))
    assert fact is not None
    assert fact.at == datetime(2011, 11, 1, 12, tzinfo=UTC)


async def test_returns_are_taken_off_their_orders_once_whatever_is_read_again(
    amazon: Amazon, database: Database, clock: MovableClock
) -> None:
    shop = await selling(database, clock)
    read_all = reader(amazon, shop)
    amazon.account.count("LAMP", 40)
    known = amazon.account.place(("LAMP", 3, "36.00", "0", "0"))
    clock.push(timedelta(minutes=10))
    at = clock.now()
    rows = [unit(known.number, at, "LPN1"), unit(known.number, at, "LPN2"), unit("302-9", at, "LPN9")]
    amazon.account.sent_back = {AT_AMAZON: rows}
    assert [await read_all(kind) for kind in ("stock", "orders", "returns")] == [1, 1, 1]
    assert [row[2:] for row in await shop.demand()] == [("2011-11-21", 3, 2, 1, 3600)]
    assert await shop.rows("SELECT on_hand FROM stock_levels") == [(40,)]

    clock.push(timedelta(days=1))
    amazon.account.touch(known, "SHIPPED")  # the order is read again, and so is all that came back
    amazon.account.place(("LAMP", 1, "12.00", "0", "0"), number="302-9", placed=at, changed=clock.now())
    rows += [unit(known.number, at, "LPN2"), unit(known.number, at, "LPN3"), unit(known.number, at, "LPN4")]
    clock.push(timedelta(minutes=10))
    assert [await read_all(kind) for kind in ("orders", "returns")] == [1, 1]
    assert [row[2:] for row in await shop.demand()] == [("2011-11-21", 4, 4, 0, 4800)], (
        "four were sold, five labels told"
    )
    assert await shop.rows("SELECT on_hand FROM stock_levels") == [(40,)]
    clock.push(timedelta(days=1))
    assert [await read_all(kind) for kind in ("orders", "returns")] == [0, 0]
    assert await shop.faults() == {}
