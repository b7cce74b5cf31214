"""What a WooCommerce shop tells: products, stock and orders, by reading and by its webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bot.errors import Declined
from bot.ports import Check, Delivery, Fact, FactKind, Fault, HookedFeed, Page, StorePlace
from bot.settings import StorePart
from bot.stores.calling import Pause
from bot.stores.signed import secrets_of
from bot.stores.woocommerce import orders
from bot.stores.woocommerce.api import Api, Row, is_absent, naive
from bot.stores.woocommerce.cursor import Cursor
from bot.stores.woocommerce.goods import (
    BIN,
    PLACE,
    PRODUCT_FIELDS,
    VARIATION_FIELDS,
    Good,
    has_variations,
    is_good,
    product,
    stock,
)
from bot.stores.woocommerce.hooks import opened, subscribed
from bot.stores.woocommerce.reading import Unreadable
from bot.words import _

_LISTS = ("any", BIN)  # `any` leaves out what was put in the bin
Told = tuple[list[Fact], list[Fault]]


def feed_woocommerce(name: str, part: StorePart) -> HookedFeed:
    """The shop of the settings' part, under its name there."""
    return WooFeed(name, part)


class WooFeed:
    """Reads one shop. Waits and repeats where that helps, for nobody stands waiting for it."""

    kinds: tuple[FactKind, ...] = ("products", "stock", "orders")
    called = kinds

    def __init__(self, name: str, part: StorePart, *, pause: Pause = asyncio.sleep) -> None:
        self.name = name
        self._api = Api(part, pause=pause)
        self._statuses = orders.Statuses.of(part)
        self._secret, self._secrets = part.hook_secret.get_secret_value(), secrets_of(part)
        self._currency = ""

    async def close(self) -> None:
        """Hang up."""
        await self._api.close()

    async def places(self) -> tuple[StorePlace, ...]:
        """WooCommerce counts one stock and knows no places."""
        return (StorePlace(PLACE, self.name),)

    async def check(self) -> tuple[Check, ...]:
        """Try the address, and whether the key may read what is read."""
        return await self._api.checked(self.name, "/products", "/orders")

    async def read(self, kind: FactKind, cursor: str = "") -> AsyncIterator[Page]:
        """The facts of a kind; see `StoreFeed.read`. A cursor holds where a list was and since when it is asked for."""
        currency, now = await self._api.currency()
        self._currency = currency
        known = Cursor.of(cursor)
        at = (known if known.binned or kind == "orders" else Cursor()).begin(now)
        path, fields = ("/orders", orders.FIELDS) if kind == "orders" else ("/products", PRODUCT_FIELDS)
        since = {"modified_after": naive(at.since), "dates_are_gmt": "true"} if at.since else {}
        for part, status in enumerate(_LISTS):
            if part < at.part:
                continue
            async for leaf in self._api.walk(path, at.offset, at.last, status=status, _fields=fields, **since):
                facts, faults = await self._told(kind, leaf.rows, currency, leaf.at)
                last = leaf.end and part == len(_LISTS) - 1
                if last:
                    following = at.ended()
                elif leaf.end:
                    following = replace(at, part=part + 1, offset=0, last=0)
                else:
                    following = replace(at, part=part, offset=leaf.offset, last=leaf.last)
                yield Page(kind, tuple(facts), str(following), tuple(faults), at.begun if last else None)
            at = replace(at, part=part + 1, offset=0, last=0)

    def open(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Delivery | None:  # noqa: ARG002  # no time is signed
        """See `HookedFeed.open`."""
        return opened(headers, body, *self._secrets)

    async def follow(self, deliveries: Sequence[Delivery]) -> AsyncIterator[Page]:
        """Orders, and products with their variations, as they are now: what was delivered may be late. No cursor."""
        about: dict[str, set[int]] = {"order": set(), "product": set()}
        for delivery in deliveries:
            about[str(delivery.said["about"])].add(int(str(delivery.said["id"])))
        if about["order"]:
            sold, _ = await self._api.chosen("/orders", about["order"], _fields=orders.FIELDS)
            facts, faults = await self._orders(sold)
            if sold:
                yield Page("orders", tuple(facts), "", tuple(faults))
        if about["product"]:
            async for page in self._goods_of(about["product"]):
                yield page

    async def _goods_of(self, numbers: Collection[int]) -> AsyncIterator[Page]:
        found, at = await self._api.chosen("/products", numbers, _fields=PRODUCT_FIELDS)
        whole = {row["id"]: row for each in found for row in await self._whole(each)}
        if not whole or at is None:
            return
        self._currency = self._currency or (await self._api.currency())[0]
        for kind in ("products", "stock"):
            facts, faults = await self._told(kind, list(whole.values()), self._currency, at)
            yield Page(kind, tuple(facts), "", tuple(faults))

    async def subscribe(self, address: str) -> tuple[str, ...]:
        """See `HookedFeed.subscribe`."""
        return await subscribed(self._api, address, self._secret)

    async def _told(self, kind: str, rows: Sequence[Row], currency: str, at: datetime) -> Told:
        if kind == "orders":
            return await self._orders(rows)
        goods = await self._goods(rows)
        return _sorted([product(good, currency) if kind == "products" else stock(good, at) for good in goods])

    async def _whole(self, row: Row) -> list[Row]:
        """A product; of a variation the product that it belongs to."""
        if row.get("type") != "variation":
            return [row]
        parent = await self._api.find(f"/products/{row.get('parent_id')}", _fields=PRODUCT_FIELDS)
        return [parent.told] if parent else []

    async def _goods(self, rows: Iterable[Row]) -> list[Good]:
        goods: list[Good] = []
        for row in rows:
            if is_good(row):
                goods.append(Good(row))
            if has_variations(row):
                goods += [Good(each, row) for each in await self._variations(row)]
        return goods

    async def _variations(self, row: Row) -> list[Row]:
        path = f"/products/{row['id']}/variations"
        status = BIN if row.get("status") == BIN else "any"  # they go into the bin with it
        leaves = self._api.walk(path, status=status, _fields=VARIATION_FIELDS)
        try:
            return [each async for leaf in leaves for each in leaf.rows]
        except Declined as refused:
            if is_absent(refused):  # the product was deleted since it was listed
                return []
            raise

    async def _orders(self, rows: Iterable[Row]) -> Told:
        facts: list[Fact] = []
        faults: list[Fault] = []
        for row in rows:
            if not orders.is_order(row):
                continue
            try:
                read = orders.order(row, await self._refunds(row), self._statuses)
            except Unreadable as problem:
                faults.append(Fault(str(row["id"]), problem.said, orders.record(row)))
                continue
            facts.append(read.fact)
            faults += [Fault(read.fact.id, problem, orders.record(row)) for problem in read.problems]
        return facts, faults

    async def _refunds(self, row: Row) -> list[Row]:
        if not orders.needs_refunds(row, self._statuses):
            return []
        try:
            return await self._api.all(f"/orders/{row['id']}/refunds", _fields=orders.REFUND_FIELDS)
        except Declined as refused:
            if is_absent(refused):
                raise Unreadable(_("it was deleted while it was read")) from None
            raise


def _sorted(told: Sequence[Fact | Fault | None]) -> Told:
    good: list[Fact] = [each for each in told if each is not None and not isinstance(each, Fault)]
    return good, [each for each in told if isinstance(each, Fault)]
