"""Writing the reconstruction down: counts, arrivals, orders, costs and routes as rows."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from sqlalchemy import bindparam, delete, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.sandbox.buyer import Goods, Ints, Purchases
from bot.sandbox.goods import Maker, World, container_of
from bot.storage.bulk import Row, insert_rows
from bot.storage.tables import Inbound, Product, Route, StockLevel, StockMovement
from bot.storage.types import to_micros

_AIR_DAYS, _AIR_SPREAD = 9, 2
_AIR_FROM = 250  # minor units: dearer goods can fly
_SEA_FREIGHT, _AIR_FREIGHT = 1.06, 1.22  # times the unit cost
_MILLION = 1_000_000

_MOVED = ("product_id", "location_id", "at", "day", "quantity", "kind", "source", "external_id")
_LEVEL = ("product_id", "location_id", "as_of", "on_hand", "committed", "source")
_INBOUND = (
    "product_id",
    "location_id",
    "quantity",
    "ordered_at",
    "expected_on",
    "received_at",
    "source",
    "external_id",
)
_ROUTE = (
    "supplier_id",
    "product_id",
    "location_id",
    "mode",
    "lead_time_days",
    "lead_time_sd_days",
    "minimum_order",
    "pack_size",
    "unit_cost_minor",
    "currency",
    "container",
    "container_volume_cm3",
    "container_weight_g",
)


async def clear(connection: AsyncConnection, source: str, makers: dict[str, Maker]) -> None:
    """Take an earlier reconstruction away."""
    for table in (StockLevel, StockMovement, Inbound):
        await connection.execute(delete(table).where(table.source == source))
    await connection.execute(delete(Route).where(Route.supplier_id.in_([maker.id for maker in makers.values()])))


async def write_masters(
    connection: AsyncConnection,
    world: World,
    goods: Goods,
    makers: tuple[Maker, ...],
    costs: Ints,
    bulk: tuple[Ints, Ints],
) -> int:
    """Unit costs, volumes and weights of the products, and a route for every series; gives the number of routes."""
    facts = zip(world.wares, costs.tolist(), *(each.tolist() for each in bulk), strict=True)
    known = [
        {"of": ware.id, "cost": cost, "volume": volume, "weight": weight}
        for ware, cost, volume, weight in facts
        if cost
    ]
    if known:
        statement = (
            update(Product)
            .where(Product.id == bindparam("of"))
            .values(
                unit_cost_minor=bindparam("cost"),
                unit_volume_cm3=bindparam("volume"),
                unit_weight_g=bindparam("weight"),
            )
        )
        await connection.execute(statement, known)
    rows: list[Row] = []
    columns = (world.ware, world.place, goods.lead, goods.spread, goods.minimum, goods.pack)
    for ware_at, place_at, lead, spread, minimum, pack in zip(*(column.tolist() for column in columns), strict=True):
        ware, cost = world.wares[ware_at], int(costs[ware_at])
        ends = (makers[ware_at].id, ware.id, world.places[place_at][0])
        sea = (round(lead * _MILLION), round(spread * _MILLION), minimum, pack, round(cost * _SEA_FREIGHT) or None)
        box = container_of(makers[ware_at], world.places[place_at][1])
        shipped = (None, None, None) if box is None else (box.name, box.volume_cm3, box.weight_g)
        rows.append((*ends, "sea", *sea, ware.currency, *shipped))
        if ware.price >= _AIR_FROM:
            air = (_AIR_DAYS * _MILLION, _AIR_SPREAD * _MILLION, pack, pack, round(cost * _AIR_FREIGHT))
            rows.append((*ends, "air", *air, ware.currency, None, None, None))
    return await insert_rows(connection, Route, _ROUTE, rows)


async def write_stock(connection: AsyncConnection, world: World, bought: Purchases, source: str) -> int:
    """Opening counts, orders, their arrivals and the units beyond the shelf; gives the number of arrivals."""
    days = _Days(world)
    names = [(world.wares[w], *world.places[p][:2]) for w, p in zip(world.ware, world.place, strict=True)]
    places = world.place.tolist()
    opening = [
        (ware.id, place, days.at(at, 0, _OPENS), units, 0, source)
        for (ware, place, _), at, units in zip(names, places, bought.opening.tolist(), strict=True)
    ]
    inbounds: list[Row] = []
    moved: list[Row] = []
    for series, ordered, promised, arrived, units in zip(*(c.tolist() for c in bought.orders), strict=True):
        ware, place, code = names[series]
        name = f"{ware.sku}/{code}/{days.day(ordered)}"
        came = days.at(places[series], arrived, _RECEIVES) if arrived < world.days else None
        when = days.at(places[series], ordered, _ORDERS), days.day(promised), came
        inbounds.append((ware.id, place, units, *when, source, name))
        if came is not None:
            moved.append((ware.id, place, came, days.day(arrived), units, "receipt", source, f"receipt/{name}"))
    arrivals = len(moved)
    for series, day in zip(*(found.tolist() for found in bought.beyond.nonzero()), strict=True):
        ware, place, code = names[series]
        name = f"beyond/{ware.sku}/{code}/{days.day(day)}"
        at = days.at(places[series], day, _CLOSES)
        units = int(bought.beyond[series, day])
        moved.append((ware.id, place, at, days.day(day), units, "adjustment", source, name))
    await insert_rows(connection, StockLevel, _LEVEL, opening)
    await insert_rows(connection, Inbound, _INBOUND, inbounds)
    await insert_rows(connection, StockMovement, _MOVED, moved)
    return arrivals


_OPENS, _RECEIVES, _ORDERS, _CLOSES = time(), time(8), time(17), time(23, 59, 59)


class _Days:
    """Day numbers as dates, and as instants at a place's local time; each is worked out once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._dates: dict[int, str] = {}
        self._instants: dict[tuple[int, int, time], int] = {}

    def day(self, number: int) -> str:
        """The date in ISO form."""
        found = self._dates.get(number)
        if found is None:
            found = self._dates[number] = (self._world.first + timedelta(days=number)).isoformat()
        return found

    def at(self, place: int, number: int, clock: time) -> int:
        """Microseconds since 1970 of a local time on that day at a place (by its number in the world)."""
        key = (place, number, clock)
        found = self._instants.get(key)
        if found is None:
            on = self._world.first + timedelta(days=number)
            found = self._instants[key] = to_micros(datetime.combine(on, clock, self._world.places[place][2]))
        return found
