import time

import pytest
from sqlalchemy import insert, update

from bot.errors import SeveralSkus, UnknownLocation, UnknownSku
from bot.ports import MovableClock
from bot.services.lookup import Lookup
from bot.storage import tables
from bot.storage.database import Database

PRODUCTS = {
    "85123A": "WHITE HANGING HEART T-LIGHT HOLDER",
    "85123B": "RED HANGING HEART T-LIGHT HOLDER",
    "22423": "REGENCY CAKESTAND 3 TIER",
    "47566": "PARTY BUNTING",
    "TEA-01": "茶壶 青花 大号",
    "100%": "MUG 100% COTTON",
}
PLACES = (
    ("UK", "United Kingdom", "GB", ["United Kingdom"]),
    ("DE", "Germany", "DE", ["Germany"]),
    ("ROW", "Rest of world", "", ["*"]),
)


@pytest.fixture
async def lookup(sqlite_database: Database, clock: MovableClock) -> Lookup:
    return await planted(sqlite_database, clock)


async def planted(database: Database, clock: MovableClock) -> Lookup:
    async with database.transaction() as connection:
        for sku, name in PRODUCTS.items():
            await connection.execute(
                insert(tables.Product).values(sku=sku, name=name, currency="GBP", created_at=clock.now())
            )
        for code, name, country, markets in PLACES:
            await connection.execute(
                insert(tables.Location).values(
                    code=code, name=name, zone="UTC", country=country, currency="GBP", markets=markets
                )
            )
    return Lookup(database=database)


async def nearest(lookup: Lookup, text: str) -> list[str]:
    with pytest.raises(UnknownSku) as refusal:
        await lookup.sku(text)
    return [code for code, _name in refusal.value.nearest]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("85123A", "85123A"),
        ("85123a", "85123A"),
        (" 85123A  ", "85123A"),
        ("white hanging heart t-light holder", "85123A"),
        ("white heart", "85123A"),
        ("cakestand", "22423"),
        ("2242", "22423"),
        ("bunt", "47566"),
        ("茶壶", "TEA-01"),
        ("青花 茶壶", "TEA-01"),
        ("100%", "100%"),
    ],
)
async def test_a_product_is_found_by_code_by_name_or_by_part_of_it(lookup: Lookup, text: str, code: str) -> None:
    assert (await lookup.sku(text)).code == code


async def test_a_slip_in_a_code_brings_the_nearest_codes_first(lookup: Lookup) -> None:
    assert (await nearest(lookup, "85132A"))[:2] in (["85123A", "85123B"], ["85123B", "85123A"])
    assert len(await nearest(lookup, "85132A")) == 3
    assert (await nearest(lookup, "22432"))[0] == "22423"
    assert (await nearest(lookup, "85123AA"))[0] == "85123A"


async def test_a_slip_in_a_name_brings_the_nearest_names_first(lookup: Lookup) -> None:
    assert (await nearest(lookup, "regncy cakestnd"))[0] == "22423"
    assert (await nearest(lookup, "party bantung"))[0] == "47566"


async def test_part_of_a_name_that_several_share_offers_the_best_few(lookup: Lookup) -> None:
    with pytest.raises(SeveralSkus) as refusal:
        await lookup.sku("hanging heart")
    assert {code for code, _name in refusal.value.nearest} == {"85123A", "85123B"}
    assert refusal.value.count == 2


async def test_nonsense_and_nothing_are_refused_with_something_to_press(lookup: Lookup) -> None:
    for text in ("zzzzzz", "~", "_", "'; drop table products; --", "💥", "x" * 5000):
        with pytest.raises(UnknownSku):
            await lookup.sku(text)


async def test_a_shop_without_products_offers_nothing(sqlite_database: Database) -> None:
    assert await nearest(Lookup(database=sqlite_database), "85123A") == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("uk", "UK"),
        ("United Kingdom", "UK"),
        ("GB", "UK"),
        ("英国", "UK"),
        ("germany", "DE"),
        ("德国", "DE"),
        ("row", "ROW"),
    ],
)
async def test_a_place_is_found_by_code_name_or_country_in_either_language(
    lookup: Lookup, text: str, code: str
) -> None:
    assert (await lookup.location(text)).code == code


async def test_an_unknown_place_brings_all_the_nearest_first(lookup: Lookup) -> None:
    with pytest.raises(UnknownLocation) as refusal:
        await lookup.location("germny")
    assert refusal.value.known[0] == ("DE", "Germany")
    assert len(refusal.value.known) == 3


async def test_a_country_of_two_places_names_neither(lookup: Lookup, sqlite_database: Database) -> None:
    async with sqlite_database.transaction() as connection:
        await connection.execute(
            insert(tables.Location).values(
                code="FRA", name="Frankfurt", zone="UTC", country="DE", currency="EUR", markets=[]
            )
        )
    assert (await lookup.location("Germany")).code == "DE"  # still the name of one
    with pytest.raises(UnknownLocation):
        await lookup.location("德国")


async def test_what_was_added_or_renamed_is_found_at_once(database: Database, clock: MovableClock) -> None:
    lookup = await planted(database, clock)
    assert len(await nearest(lookup, "NEW-1")) == 3
    async with database.transaction() as connection:
        await connection.execute(
            insert(tables.Product).values(sku="NEW-1", name="BRAND NEW", currency="GBP", created_at=clock.now())
        )
    assert (await lookup.sku("new-1")).name == "BRAND NEW"
    async with database.transaction() as connection:
        await connection.execute(update(tables.Product).where(tables.Product.sku == "NEW-1").values(name="SAMOVAR"))
    assert (await lookup.sku("samovar")).code == "NEW-1"


async def test_four_thousand_products_are_searched_within_the_patience_of_a_chat(
    sqlite_database: Database, clock: MovableClock
) -> None:
    rows = [
        {"sku": f"{10000 + number}", "name": f"PRODUCT {number * 7919 % 9973} HEART", "currency": "GBP", "active": True,
         "created_at": clock.now()}
        for number in range(4000)
    ]  # fmt: skip
    async with sqlite_database.transaction() as connection:
        await connection.execute(insert(tables.Product), rows)
    lookup = Lookup(database=sqlite_database)
    await lookup.sku("10001")
    began = time.perf_counter()
    with pytest.raises(UnknownSku):
        await lookup.sku("1000X prodct hart")
    assert time.perf_counter() - began < 0.5
