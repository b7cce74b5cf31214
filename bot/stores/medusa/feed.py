"""What a Medusa shop tells: products, stock and orders, by reading and by the calls of our subscriber in it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from bot.errors import Declined, SettingsError
from bot.errors import Fault as Wrong
from bot.ports import Check, Delivery, Fact, FactKind, Fault, HookedFeed, OrderFact, Page, StorePlace
from bot.settings import StorePart
from bot.stores.calling import Pause
from bot.stores.following import each
from bot.stores.medusa import orders
from bot.stores.medusa.api import LISTED, Api, Leaf, Row
from bot.stores.medusa.cursor import Cursor
from bot.stores.medusa.goods import ITEM_FIELDS, LINKS, VARIANT_FIELDS, Owners, items_of, product
from bot.stores.medusa.hooks import opened
from bot.stores.medusa.reading import Unreadable, part, records, text
from bot.stores.signed import secrets_of
from bot.words import _

_LISTS: Mapping[FactKind, tuple[str, str, str]] = {
    "products": ("/admin/product-variants", "variants", VARIANT_FIELDS),
    "stock": ("/admin/inventory-items", "inventory_items", ITEM_FIELDS),
    "orders": ("/admin/orders", "orders", orders.FIELDS),
}
_PLACES = ("/admin/stock-locations", "stock_locations", {"fields": "id,name,address.country_code"})
_RATES_GONE = _("is no setting any more: orders keep the currency they were paid in")
_RATES_REMEDY = _("take it out; the day's rates convert (rates.source, organisation.rates)")
Told = tuple[list[Fact], list[Fault]]


def feed_medusa(name: str, part: StorePart) -> HookedFeed:
    """The shop of the settings' part, under its name there."""
    return MedusaFeed(name, part)


@dataclass(frozen=True, slots=True)
class _Desk:
    """What the rows of a reading are understood by."""

    currency: str
    owners: Owners
    place: str


class MedusaFeed:
    """Reads one shop. Waits and repeats where that helps, for nobody stands waiting for it."""

    kinds: tuple[FactKind, ...] = ("products", "stock", "orders")
    called: tuple[FactKind, ...] = ("orders",)  # the subscriber tells neither of products nor of stock moved by hand

    def __init__(self, name: str, part: StorePart, *, pause: Pause = asyncio.sleep) -> None:
        if "rates" in part.options:
            raise SettingsError([Wrong(f"stores.connected.{name}.options.rates", _RATES_GONE, _RATES_REMEDY)])
        self.name = name
        self._part, self._secrets = part, secrets_of(part)
        self._api = Api(part, pause=pause)
        self._known = frozenset(sku.strip() for sku in part.options.get("known", "").split(",") if sku.strip())

    async def close(self) -> None:
        """Hang up."""
        await self._api.close()

    async def places(self) -> tuple[StorePlace, ...]:
        """The stock locations."""
        return tuple(
            StorePlace(row["id"], text(row, "name"), text(part(row, "address"), "country_code").upper())
            for row in await self._api.all(*_PLACES)
        )

    async def check(self) -> tuple[Check, ...]:
        """Try the address, and whether all that is read may be read."""
        paths = [path for path, _, _ in _LISTS.values()]
        return await self._api.checked(self.name, *paths, _PLACES[0], "/admin/reservations")

    async def read(self, kind: FactKind, cursor: str = "") -> AsyncIterator[Page]:
        """The facts of a kind; see `StoreFeed.read`.

        Orders are asked for by when they changed. Neither prices nor counts date the rows they belong to, so products
        and stock are read whole each time.
        """
        currency, now = await self._api.currency()
        known = Cursor.of(cursor)
        at, anew = known.begin(now), kind != "orders" and known.begun is None
        desk = await self._desk(kind, currency)
        path, name, fields = _LISTS[kind]
        since = {"updated_at[$gte]": _stamp(at.since)} if kind == "orders" and at.since else {}
        async for leaf in self._api.walk(path, name, {"fields": fields, **since}, at.spot):
            facts, faults = await self._told(kind, leaf, desk)
            following = at.within(leaf.spot)
            if leaf.end:
                following = at.ended() if kind == "orders" else Cursor()
            until = at.begun if leaf.end else None
            yield Page(kind, tuple(facts), str(following), tuple(faults), until, anew=anew)
            anew = False

    def open(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Delivery | None:  # noqa: ARG002  # no time is signed
        """See `HookedFeed.open`."""
        return opened(headers, body, *self._secrets)

    async def follow(self, deliveries: Sequence[Delivery]) -> AsyncIterator[Page]:
        """See `HookedFeed.follow`."""
        for page in await each(deliveries, self._followed):
            yield page

    async def _followed(self, delivery: Delivery) -> AsyncIterator[Page]:
        """The order as it is now, and what lies where of what it holds, for Medusa reserved it. No cursor."""
        currency, _at = await self._api.currency()
        path, fields = f"{_LISTS['orders'][0]}/{quote(str(delivery.said['order']), safe='')}", orders.FIELDS
        try:
            answer = await self._api.read(path, {"fields": fields})
        except Declined as refused:
            if refused.status == 404:
                return
            raise
        row = part(answer.told, "order")
        if not row.get("id"):
            raise Declined(_("the store answered no order"))
        facts, faults = await self._orders([row], await self._desk("orders", currency))
        yield Page("orders", tuple(facts), "", tuple(faults))
        held = {line.code for fact in facts if isinstance(fact, OrderFact) for line in fact.lines}
        items, owners = await self._held(held)
        facts, faults = _sorted(told for item in items for told in owners.stock(item, answer.at))
        yield Page("stock", tuple(facts), "", tuple(faults))

    async def subscribe(self, address: str) -> None:  # noqa: ARG002  # it stands in the shop's own settings
        """Nothing can be seen to from here: the subscriber stands in the shop, and its address in its environment."""
        if not self._part.hook_secret.get_secret_value():
            raise Declined(_("set hook_secret: what the subscriber in the shop signs its calls to us with"))

    async def _held(self, variants: Iterable[str]) -> tuple[list[Row], Owners]:
        """The inventory items of variants, and whose they are: of other variants, too."""
        path, name, _ = _LISTS["products"]
        rows = await self._api.named(path, name, {"fields": LINKS}, variants)
        wanted: list[str] = []
        for row in rows:
            with contextlib.suppress(Unreadable):  # the next reading of the products says so
                wanted += items_of(row)
        fields = {"fields": f"{ITEM_FIELDS},variants.id"}
        items = await self._api.named(*_LISTS["stock"][:2], fields, wanted)
        sharing = {str(each.get("id")) for item in items for each in item.get("variants") or () if each}
        owners = Owners(self._known)
        owners.note(await self._api.named(path, name, {"fields": LINKS}, sharing))
        return items, owners

    async def _desk(self, kind: FactKind, currency: str) -> _Desk:
        owners, place = Owners(self._known), ""
        if kind == "stock":
            async for leaf in self._api.walk("/admin/product-variants", "variants", {"fields": LINKS}):
                owners.note(leaf.rows)
        if kind == "orders":
            place = await self._place()
        return _Desk(currency, owners, place)

    async def _place(self) -> str:
        """Where lines leave from that are neither sent nor reserved: as the settings say, or the only place."""
        if told := self._part.options.get("place", ""):
            return told
        rows = await self._api.all(*_PLACES)
        return str(rows[0]["id"]) if len(rows) == 1 else ""

    async def _told(self, kind: FactKind, leaf: Leaf, desk: _Desk) -> Told:
        match kind:
            case "orders":
                return await self._orders(leaf.rows, desk)
            case "stock":
                return _sorted(told for item in leaf.rows for told in desk.owners.stock(item, leaf.at))
            case _:
                return _sorted(told for row in leaf.rows for told in product(row, desk.currency, self._known) if told)

    async def _orders(self, rows: Sequence[Row], desk: _Desk) -> Told:
        facts: list[Fact] = []
        faults: list[Fault] = []
        placed = [row for row in rows if orders.is_order(row)]
        reserved = await self._reserved(placed)
        for row in placed:
            try:
                changes = await self._changes(row)
                read = orders.order(row, changes, reserved, desk.place)
            except Unreadable as problem:
                faults.append(Fault(str(row["id"]), problem.said, orders.record(row)))
                continue
            facts.append(read.fact)
            faults += [Fault(read.fact.id, problem, orders.record(row)) for problem in read.problems]
        return facts, faults

    async def _reserved(self, rows: Iterable[Row]) -> dict[str, str]:
        """Where the lines lie that were not sent yet: Medusa reserves them at the first place that has them."""
        lines: list[str] = []
        for row in rows:
            with contextlib.suppress(Unreadable):  # its own reading says so
                lines += orders.unplaced(row)
        found: list[Row] = []
        for start in range(0, len(lines), LISTED):
            asked = {"fields": orders.RESERVATION_FIELDS, "line_item_id[]": lines[start : start + LISTED]}
            found += await self._api.all("/admin/reservations", "reservations", asked)
        try:
            return orders.reservations(found)
        except Unreadable as problem:
            raise Declined(_("a reservation cannot be read: {problem}", problem=problem.said)) from None

    async def _changes(self, row: Row) -> list[Row]:
        if not orders.has_returns(row):
            return []
        answer = await self._api.read(f"/admin/orders/{quote(row['id'], safe='')}/changes")  # it takes no fields
        return records(answer.told, "order_changes")


def _sorted(told: Iterable[Fact | Fault]) -> Told:
    facts: list[Fact] = []
    faults: list[Fault] = []
    for one in told:
        if isinstance(one, Fault):
            faults.append(one)
        else:
            facts.append(one)
    return facts, faults


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
