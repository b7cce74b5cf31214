"""Reads a Vendure store: variants, counts and orders, page by page, and what its deliveries are about."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from bot.errors import Declined
from bot.ports import Check, Delivery, Fact, FactKind, Fault, HookedFeed, Page, StorePlace
from bot.settings import StorePart
from bot.stores.calling import Pause
from bot.stores.signed import secrets_of
from bot.stores.vendure import goods, orders
from bot.stores.vendure.checking import checked
from bot.stores.vendure.client import Admin, Node, Terms
from bot.stores.vendure.cursor import SWEPT_BACK, Cursor
from bot.stores.vendure.hooks import opened, subscribed
from bot.stores.vendure.reading import MOST, attempt, walk
from bot.words import _

READS = {"ReadCatalog": "Variants", "ReadOrder": "Orders"}
# By what a delivery names: the kinds of facts that it changed, and the field that the ids are of.
_ABOUT: Mapping[str, tuple[tuple[FactKind, ...], str]] = {
    "orders": (("orders",), "id"),
    "variants": (("products", "stock"), "id"),
    "products": (("products", "stock"), "productId"),
}


def feed_vendure(name: str, part: StorePart) -> HookedFeed:
    """The store of the settings' part as a feed, under its name there."""
    return VendureFeed(name, part)


class VendureFeed:
    """Reads one channel of one store. Errors are OutsideErrors; reading calls are made again where that helps."""

    kinds: tuple[FactKind, ...] = ("products", "stock", "orders")
    called = kinds

    def __init__(self, name: str, part: StorePart, *, pause: Pause = asyncio.sleep) -> None:
        self.name = name
        self._admin = Admin(part, pause=pause)
        self._secret, self._secrets = part.hook_secret.get_secret_value(), secrets_of(part)
        self._place = part.options.get("place", "")

    async def close(self) -> None:
        """Hang up."""
        await self._admin.close()

    async def places(self) -> tuple[StorePlace, ...]:
        """The stock locations of the channel."""
        leaves = walk(self._admin, "Places")
        return tuple([StorePlace(str(node["id"]), node["name"]) async for leaf in leaves for node in leaf.nodes])

    async def read(self, kind: FactKind, cursor: str = "") -> AsyncIterator[Page]:
        """The facts of a kind; see `StoreFeed.read`.

        Of variants all are read each time: a count or a price that changes leaves no trace in a variant's dates.
        """
        terms, now = await self._admin.terms()
        known = Cursor.of(cursor)
        at, anew = known.begin(now), kind != "orders" and known.begun is None
        place = await self._leaving() if kind == "orders" else ""
        operation, wanted = ("Orders", _changed(at)) if kind == "orders" else ("Variants", None)
        async for leaf in walk(self._admin, operation, at.offset, at.last, filter=wanted):
            facts, faults = self._told(kind, leaf.nodes, terms, place, leaf.at)
            following = at.ended() if leaf.end else replace(at, offset=leaf.offset, last=leaf.last)
            until, wrong = at.begun if leaf.end else None, (*leaf.faults, *faults)
            yield Page(kind, facts, str(following), wrong, until, anew=anew)
            anew = False

    def open(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Delivery | None:  # noqa: ARG002  # no time is compared
        """See `HookedFeed.open`."""
        return opened(headers, body, *self._secrets)

    async def follow(self, deliveries: Sequence[Delivery]) -> AsyncIterator[Page]:
        """Orders, and variants with their counts, as they are now: what was delivered may be late. No cursor."""
        terms, _ = await self._admin.terms()
        for subject, (kinds, field) in _ABOUT.items():
            named = [str(each) for delivery in deliveries for each in _listed(delivery.said.get(subject))]
            ids = list(dict.fromkeys(named))
            for start in range(0, len(ids), MOST):
                async for page in self._named(kinds, {field: {"in": ids[start : start + MOST]}}, terms):
                    yield page

    async def subscribe(self, address: str) -> tuple[str, ...]:
        """See `HookedFeed.subscribe`."""
        return await subscribed(self._admin, address, self._secret)

    async def check(self) -> tuple[Check, ...]:
        """Try the address, the credentials, the channel, and what they may read."""
        return await checked(self.name, self._admin, READS)

    async def _named(
        self, kinds: Iterable[FactKind], wanted: Mapping[str, object], terms: Terms
    ) -> AsyncIterator[Page]:
        place = await self._leaving() if "orders" in kinds else ""
        async for leaf in walk(self._admin, "Orders" if "orders" in kinds else "Variants", filter=wanted):
            for kind in kinds if leaf.nodes or leaf.faults else ():
                facts, faults = self._told(kind, leaf.nodes, terms, place, leaf.at)
                yield Page(kind, facts, "", (*leaf.faults, *faults))

    async def _leaving(self) -> str:
        """Where orders leave from: as the settings say, or the first location, from which Vendure takes first."""
        if self._place:
            return self._place
        places = await self.places()
        if not places:
            raise Declined(_("the channel has no stock location"))
        return places[0].id

    def _told(
        self, kind: FactKind, nodes: Sequence[Node], terms: Terms, place: str, at: datetime
    ) -> tuple[tuple[Fact, ...], tuple[Fault, ...]]:
        found: list[Fact | Fault] = []
        for node in nodes:
            if kind == "products":
                found.append(goods.product(node, terms))
            elif kind == "stock":
                found += goods.stock(node, terms, at)
            elif orders.is_order(node):
                found.append(_order(node, terms, place))
        return (
            tuple(each for each in found if not isinstance(each, Fault)),
            tuple(each for each in found if isinstance(each, Fault)),
        )


def _order(node: Node, terms: Terms, place: str) -> Fact | Fault:
    return attempt(str(node["id"]), node, lambda: orders.order_fact(node, terms, place))


def _changed(at: Cursor) -> dict[str, object]:
    """The orders of a reading: those placed or changed since; regularly, those of the last weeks too.

    Both dates are asked for: placing an order does not touch the date of its last change.
    """
    placed: dict[str, object] = {"orderPlacedAt": {"isNull": False}}
    if at.since is None or at.begun is None:
        return placed
    back = min(at.since, at.begun - SWEPT_BACK) if at.sweeps else at.since
    either = [{"updatedAt": {"after": _stamp(at.since)}}, {"orderPlacedAt": {"after": _stamp(back)}}]
    return {"_and": [placed, {"_or": either}]}


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _listed(named: object) -> Iterable[object]:
    return named if isinstance(named, list | tuple) else ()
