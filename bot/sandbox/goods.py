"""The sample's sales as arrays, and what the reconstruction makes up of its goods: makers, costs, sizes and routes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.containers import STANDARD, Container
from bot.sandbox.buyer import Goods, Ints
from bot.storage.ledgerrows import Scope
from bot.storage.tables import DailyDemand, Location, Product, StockMovement, Supplier

# Who makes what, by a word in the product's name; the rest is shared out among the others.
_MAKERS = (
    ("SHENZHEN", ("LIGHT", "LAMP", "LANTERN", "CANDLE", "CLOCK", "ALARM")),
    ("GUANGZHOU", ("BAG", "CUSHION", "APRON", "TOWEL", "BUNTING", "SHOPPER", "HOT WATER", "FELT", "SCARF")),
    ("XIAMEN", ("MUG", "PLATE", "BOWL", "CERAMIC", "TEA ", "TEACUP", "JAR", "GLASS", "VASE")),
    ("NINGBO", ("METAL", "TIN", "WOOD", "BOX", "FRAME", "HOOK", "DRAWER", "SIGN")),
)
_OTHERS = ("YIWU", "NINGBO", "JAIPUR")
_SEA_DAYS = {"CN": 34, "IN": 28}
# Days more or less than to Britain, by the destination's code.
_FARTHER = {"DE": 1, "IE": 2, "ES": -1, "NL": -1, "BE": -1, "CH": 3, "PT": 1, "AU": -9, "ROW": 5}
_PACKS = ((100, 24), (300, 12), (800, 6))  # below this price in minor units: that many to a pack
_HOME = "UK"  # buys whole packs, four at least; the others half packs
_COST_SHARE = (0.35, 0.60)  # of the price
# How bulky goods are, by a word in the name: cubic centimetres of a packed piece that costs two pounds, grams of each.
_BULK = (
    (("CARD", "PAPER", "NAPKIN", "WRAP", "STICKER", "TISSUE", "TAPE", "PENCIL"), 180, 0.6),
    (("BAG", "CUSHION", "APRON", "TOWEL", "BUNTING", "SHOPPER", "FELT", "SCARF"), 900, 0.2),
    (("MUG", "PLATE", "BOWL", "CERAMIC", "TEA ", "TEACUP", "JAR", "GLASS", "VASE"), 2_600, 0.4),
    (("CANDLE", "SOAP", "INCENSE"), 450, 0.7),
    (("LIGHT", "LAMP", "LANTERN", "CLOCK", "ALARM", "METAL", "TIN", "WOOD", "BOX", "FRAME", "DRAWER"), 3_000, 0.2),
)
_OTHER_BULK = 700, 0.35
_BULK_PRICE, _BULK_POWER = 200, 0.6  # dearer goods are larger, but not in proportion
_BULK_SPREAD, _WEIGHT_SPREAD = 0.25, 0.15  # of the logarithms
# Who ships to Britain by the container; the others' goods go as loose cargo.
_CONTAINERS = {"XIAMEN": "20GP", "SHENZHEN": "20GP"}
_ALWAYS = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Ware:
    """A product as the sample's sales made it known; its price is in minor units, 0 where it was never sold."""

    id: int
    sku: str
    name: str
    price: int
    currency: str


@dataclass(frozen=True, slots=True)
class Maker:
    """A supplier of the sample."""

    id: int
    code: str
    country: str


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """n series in the order of (SKU, location code), over the T days from `first`.

    `ware` and `place` index `wares` and `places`; `units` is demand and `out` what left the shelf, (n, T).
    """

    first: date
    wares: tuple[Ware, ...]
    places: tuple[tuple[int, str, ZoneInfo], ...]  # id, code, zone
    ware: Ints
    place: Ints
    units: Ints
    out: Ints

    @property
    def days(self) -> int:
        """T."""
        return int(self.units.shape[1])


async def read_world(connection: AsyncConnection, made_up: str) -> World | None:
    """Everything that sales and the file's own movements say; None where there are no sales.

    Movements of the source `made_up` are left out. Rows are ordered by their codes, so that the same file gives the
    same arrays whatever ids the database gave.
    """
    wares = tuple(
        Ware(row.id, row.sku, row.name, row.unit_price_minor or 0, row.currency)
        for row in await connection.execute(select(Product).order_by(Product.sku))
    )
    places = tuple(
        (row.id, row.code, ZoneInfo(row.zone))
        for row in await connection.execute(select(Location).order_by(Location.code))
    )
    scope = Scope(connection, at=_ALWAYS, product_ids=None, location_ids=None)
    d, m = DailyDemand, StockMovement
    sold = await scope.read(select(d.product_id, d.location_id, scope.shape.day(d.day), d.units, d.shipped), 5)
    moved = await scope.read(
        select(m.product_id, m.location_id, scope.shape.day(m.day), m.quantity).where(m.source != made_up), 4
    )
    if not len(sold):
        return None
    ware_of = _ranks([ware.id for ware in wares])
    place_of = _ranks([place[0] for place in places])
    keys = np.concatenate([ware_of[rows[:, 0]] * len(places) + place_of[rows[:, 1]] for rows in (sold, moved)])
    series, row = np.unique(keys, return_inverse=True)
    first = int(sold[:, 2].min())
    days = int(max(sold[:, 2].max(), moved[:, 2].max(initial=0))) - first + 1
    units = np.zeros((len(series), days), np.int64)
    out = np.zeros((len(series), days), np.int64)
    at = row[: len(sold)], sold[:, 2] - first
    np.add.at(units, at, sold[:, 3])
    np.add.at(out, at, sold[:, 4])
    np.subtract.at(out, (row[len(sold) :], np.maximum(moved[:, 2] - first, 0)), moved[:, 3])
    begins = date(1970, 1, 1) + timedelta(days=first)
    return World(begins, wares, places, series // len(places), series % len(places), units, out)


async def read_makers(connection: AsyncConnection) -> dict[str, Maker]:
    """The suppliers by code."""
    rows = await connection.execute(select(Supplier).order_by(Supplier.code))
    return {row.code: Maker(row.id, row.code, row.country) for row in rows}


def choose_makers(world: World, makers: Mapping[str, Maker], rng: np.random.Generator) -> tuple[Maker, ...]:
    """One maker for each ware."""
    dice = rng.integers(0, len(_OTHERS), len(world.wares)).tolist()
    return tuple(makers[_maker(ware.name.upper(), throw)] for ware, throw in zip(world.wares, dice, strict=True))


def choose_costs(world: World, rng: np.random.Generator) -> Ints:
    """Unit cost of each ware in minor units, 0 where it has no price."""
    prices = np.array([ware.price for ware in world.wares], np.int64)
    share = rng.uniform(*_COST_SHARE, len(prices))
    costs: Ints = np.where(prices > 0, np.maximum(np.rint(prices * share), 1), 0).astype(np.int64)
    return costs


def choose_bulk(world: World, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """What a packed piece of each ware takes up in cubic centimetres and weighs in grams, 0 where it has no price."""
    prices = np.array([ware.price for ware in world.wares], np.float64)
    kinds = [_bulk(ware.name.upper()) for ware in world.wares]
    size, density = (np.array([kind[part] for kind in kinds], np.float64) for part in range(2))
    volume = size * (prices / _BULK_PRICE) ** _BULK_POWER * np.exp(rng.normal(0, _BULK_SPREAD, len(prices)))
    weight = volume * density * np.exp(rng.normal(0, _WEIGHT_SPREAD, len(prices)))
    sold = prices > 0
    found = (np.where(sold, np.maximum(np.rint(each), 1), 0).astype(np.int64) for each in (volume, weight))
    volumes, weights = found
    return volumes, weights


def container_of(maker: Maker, place: str) -> Container | None:
    """What a maker's goods fill on their way to a place by sea; None where they go as loose cargo."""
    name = _CONTAINERS.get(maker.code) if place == _HOME else None
    return None if name is None else STANDARD[name]


def describe(world: World, makers: tuple[Maker, ...], rng: np.random.Generator) -> Goods:
    """How each series is bought: sea lead time and its spread, pack, minimum order."""
    farther = np.array([_FARTHER.get(code, 0) for _, code, _ in world.places])
    sea = np.array([_SEA_DAYS.get(maker.country, 30) for maker in makers])
    home = np.array([code == _HOME for _, code, _ in world.places])[world.place]
    packs = np.array([next((pack for below, pack in _PACKS if ware.price < below), 2) for ware in world.wares])
    pack = np.where(home, packs[world.ware], np.maximum(packs[world.ware] // 2, 1))
    return Goods(
        units=world.units,
        out=world.out,
        lead=(sea[world.ware] + farther[world.place]).astype(np.float64),
        spread=np.round(rng.uniform(3, 7, len(makers)), 1)[world.ware],
        pack=pack,
        minimum=np.where(home, pack * 4, pack),
    )


def _bulk(name: str) -> tuple[float, float]:
    for words, size, density in _BULK:
        if any(word in name for word in words):
            return size, density
    return _OTHER_BULK


def _maker(name: str, throw: int) -> str:
    for code, words in _MAKERS:
        if any(word in name for word in words):
            return code
    return _OTHERS[throw]


def _ranks(ids: list[int]) -> Ints:
    """Id -> place in the list."""
    ranks = np.zeros(max(ids) + 1, np.int64)
    ranks[ids] = np.arange(len(ids))
    return ranks
