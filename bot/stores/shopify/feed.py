"""Reads a Shopify shop: products, counts, orders and transfers, page by page, and what its deliveries are about."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from bot.errors import Declined, SettingsError, Unanswered, Unreached
from bot.errors import Fault as Wrong
from bot.ports import Check, Delivery, Fact, FactKind, Fault, Identity, Page, Shelves, StorePlace
from bot.settings import StorePart
from bot.stores.following import each
from bot.stores.saying import says
from bot.stores.shopify import goods, hooks, orders
from bot.stores.shopify.bulk import LARGE, Bulk
from bot.stores.shopify.checking import ALL_ORDERS, checked
from bot.stores.shopify.client import Shop, TooCostly
from bot.stores.shopify.counts import all_counts, changed_counts, counts_of, what_is_gone
from bot.stores.shopify.pages import Leaf, Pages
from bot.stores.shopify.reading import Mark, Node, attempt, instant, nodes, stamp, tail
from bot.stores.signed import secrets_of
from bot.words import Words, _

KINDS: Final[tuple[FactKind, ...]] = ("products", "stock", "orders", "inbounds")
SCOPES: Final[Mapping[FactKind, tuple[str, ...]]] = {
    "products": ("read_products",),
    "stock": ("read_inventory", "read_locations", "read_products"),
    "orders": ("read_locations", "read_orders", "read_products"),
    "inbounds": ("read_inventory", "read_inventory_shipments", "read_inventory_transfers", "read_products"),
}
_FULFILMENT = "read_merchant_managed_fulfillment_orders"
_RETURNS, _CUSTOMERS = "read_returns", "read_customers"
_LONGEST = timedelta(days=365)  # an open transfer older than that is not followed any more
_NAMED = 10  # orders that are read by their ids at once, until Shopify finds so many too costly
_LOOKED_FOR = timedelta(days=1)  # what was deleted while no call came is looked for so often
_KNOWN_FOR = timedelta(minutes=10)  # scopes may be granted while we run


@dataclass(frozen=True, slots=True)
class Terms:
    """What the shop counts money in, which place lines leave from that name none, and what we may see."""

    currency: str
    primary: str
    scopes: frozenset[str]

    def parts(self) -> dict[str, object]:
        """Which parts of an order may be asked for."""
        return {
            "customers": _CUSTOMERS in self.scopes,
            "places": _FULFILMENT in self.scopes,
            "returns": _RETURNS in self.scopes,
        }


class ShopifyFeed:
    """A shop of Shopify. Errors are OutsideErrors; reading calls are made again where that helps."""

    def __init__(self, name: str, shop: Shop, part: StorePart) -> None:
        self.name = name
        self.kinds = self.called = _kinds(name, part.options.get("read", ""))
        self._shop, self._pages = shop, Pages(shop)
        self._days = _days(name, part.options.get("transfer_days", ""))
        self._secrets = secrets_of(part, part.secret.get_secret_value())
        host = urlsplit(shop.url).hostname or ""
        self._host = host if host.endswith(".myshopify.com") else ""
        self._terms: tuple[datetime, Terms] | None = None
        self._shelves: Shelves | None = None
        self._identity: Identity | None = None
        self._looked = datetime.min.replace(tzinfo=UTC)  # for what was deleted
        self._gone: dict[FactKind, Page] = {}  # what was found then, until a reading of its kind tells it
        self._at_once = _NAMED
        self._bulk = Bulk(shop, _least(name, part.options.get("bulk_from", "")))

    def remind(self, shelves: Shelves, identity: Identity) -> None:
        """See `RemindedFeed.remind`."""
        self._shelves, self._identity = shelves, identity

    async def close(self) -> None:
        """Hang up."""
        await self._shop.close()

    async def places(self) -> tuple[StorePlace, ...]:
        """The shop's locations, with those that are closed now and those of fulfilment services."""
        if self._identity:
            await self._known()
        found = await self._listed("Places", "locations")
        return tuple(StorePlace(tail(node["id"]), node["name"], node["address"]["countryCode"] or "") for node in found)

    async def read(self, kind: FactKind, cursor: str = "") -> AsyncIterator[Page]:
        """The facts of a kind that changed since the cursor; all of them from an empty one."""
        mark = Mark.of(cursor)
        if kind in {"products", "stock"}:
            if (not cursor and kind not in self._gone) or self._looked + _LOOKED_FOR <= self._shop.clock.now():
                self._gone = dict(await self._look())
            gone = self._gone.pop(kind, None)
            if gone and (gone.facts or gone.faults):
                yield gone
        if kind != "inbounds" and (not cursor or mark.bulk):
            begun = Mark()
            async for page in self._by_bulk(kind, mark):
                begun = Mark.of(page.cursor)
                yield page
            mark = begun
        match kind:
            case "products" | "orders":
                pages = self._changed(kind, mark)
            case "stock" if mark.since:
                pages = changed_counts(self._pages, mark, [place.id for place in await self.places()])
            case "stock":
                pages = all_counts(self._pages, mark)
            case _:
                pages = self._transfers(mark)
        async for page in pages:
            yield page

    async def _by_bulk(self, kind: FactKind, mark: Mark) -> AsyncIterator[Page]:
        """All records of a kind by a bulk operation, where that is worth it."""
        terms = await self._known()
        parts = terms.parts()
        if kind == "orders" and not parts["places"]:
            return  # where lines leave from would have to be asked order by order
        text = "orders of known customers" if kind == "orders" and parts["customers"] else str(kind)

        async def take(records: Sequence[dict[str, Any]], at: datetime) -> tuple[tuple[Fact, ...], tuple[Fault, ...]]:
            return await self._taken(kind, records, at, terms)

        async for page in self._bulk.read(kind, mark, text, take):
            yield page

    async def _taken(
        self, kind: FactKind, records: Sequence[dict[str, Any]], at: datetime, terms: Terms
    ) -> tuple[tuple[Fact, ...], tuple[Fault, ...]]:
        """What the records of a bulk operation say; orders that it does not tell all of are read by name."""
        found: list[Fact | Fault] = []
        partial: list[str] = []
        for record in records:
            if kind == "stock":
                found += goods.stock_facts(record, nodes(record, "inventoryLevels"), at)
            elif kind == "products" or orders.told_whole(record):
                found += self._facts(kind, record, terms)
            else:
                partial.append(record["id"])
        facts, faults = await self._orders_named(partial, terms)
        told = [each for each in found if not isinstance(each, Fault)]
        return (*told, *facts), (*(each for each in found if isinstance(each, Fault)), *faults)

    async def _orders_named(self, named: Sequence[str], terms: Terms) -> tuple[tuple[Fact, ...], tuple[Fault, ...]]:
        """Orders by their ids as they are now."""
        facts: list[Fact] = []
        faults: list[Fault] = []
        async for leaf in self._orders_by_name(named, terms):
            read, wrong = await self._pages.taken(leaf, lambda node: self._facts("orders", node, terms))
            facts, faults = [*facts, *read], [*faults, *wrong]
        return tuple(facts), tuple(faults)

    async def _orders_by_name(self, named: Sequence[str], terms: Terms) -> AsyncIterator[Leaf]:
        """Orders by their ids, some at once; fewer where Shopify finds so many too costly."""
        left = list(named)
        while left:
            some = left[: self._at_once]
            try:
                leaf = await self._pages.named("OrdersNamed", "nodes", ids=some, **terms.parts())
            except TooCostly:
                if len(some) == 1:
                    raise
                self._at_once = len(some) // 2
                continue
            yield leaf
            left = left[len(some) :]

    def open(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Delivery | None:  # noqa: ARG002  # Shopify signs no instant
        """Check the signature over the raw body and note what the delivery is about; Forged where it is wrong."""
        return hooks.read_delivery(headers, body, self._host, *self._secrets)

    async def follow(self, deliveries: Sequence[Delivery]) -> AsyncIterator[Page]:
        """What each delivery is about as it is now; of an order or a transfer its goods' counts too: it moved them.

        These pages are no step of a reading: their cursor is empty.
        """
        about: dict[str, dict[str, None]] = {}  # by subject the ids, each once
        for delivery in deliveries:
            for subject, named in delivery.said.items():
                about.setdefault(subject, {})[str(named)] = None
        for page in await each(list(about.get("product", ())), self._product):
            yield page
        items = dict(about.get("item", {}))
        async for page in self._orders(list(about.get("order", ())), items):
            yield page
        for page in await each(list(about.get("transfer", ())), lambda named: self._transfer(named, items)):
            yield page
        if items and "stock" in self.kinds:
            yield await counts_of(self._pages, list(items))
        if any("deleted" in delivery.said for delivery in deliveries):  # it names no variants: one look for all
            for page in (await self._look()).values():
                if page.facts or page.faults:
                    yield page

    async def subscribe(self, address: str) -> tuple[str, ...]:
        """See to it that Shopify calls the address; Declined names the topics that it refuses, the others are made.

        Shopify deletes a subscription after eight calls in four hours that nobody answered.
        """
        known = {node["topic"] for node in await self._listed("Subscriptions", "webhookSubscriptions", uri=address)}
        wanted = {topic: fields for kind in self.kinds for topic, fields in hooks.TOPICS[kind].items()}
        restored, refused = [], []
        for topic in sorted(set(wanted) - known):
            problem = await self._subscribed(topic, address, wanted[topic])
            if problem:
                refused.append(f"{hooks.topic_name(topic)}: {problem}")
            else:
                restored.append(hooks.topic_name(topic))
        if refused:
            raise Declined(says("; ".join(refused)))
        return tuple(restored)

    async def check(self) -> tuple[Check, ...]:
        """Try the address, the credentials, what they may see, and the version of the API."""
        wanted = {scope for kind in self.kinds for scope in SCOPES[kind]}
        wished = (ALL_ORDERS, _FULFILMENT, _RETURNS) if "orders" in self.kinds else ()
        return await checked(self.name, self._shop, wanted, wished)

    async def _subscribed(self, topic: str, address: str, fields: tuple[str, ...]) -> str:
        """Subscribe to a topic; why it is refused, empty where it is not."""
        subscription = {"uri": address, "format": "JSON", "includeFields": list(fields) or None}
        try:
            told = await self._shop.tell("Subscribe", topic=topic, subscription=subscription)
        except Unanswered as error:  # a second one of the same kind is refused, so that asking again is safe
            raise Unreached(error.said) from error
        wrong = told["webhookSubscriptionCreate"]["userErrors"]
        return "; ".join(each["message"] for each in wrong if "already been taken" not in each["message"])

    async def _listed(self, operation: str, field: str, **variables: object) -> list[Node]:
        """All entries of a short list."""
        found: list[Node] = []
        after: str | None = None
        while True:
            told = (await self._shop.ask(operation, after=after, **variables)).whole()[field]
            found += told["nodes"]
            if not told["pageInfo"]["hasNextPage"]:
                return found
            after = told["pageInfo"]["endCursor"]

    async def _known(self) -> Terms:
        now = self._shop.clock.now()
        if self._terms is None or now - self._terms[0] > _KNOWN_FOR:
            told = (await self._shop.ask("Terms")).whole()
            await self._same(told["shop"])
            scopes = frozenset(each["handle"] for each in told["currentAppInstallation"]["accessScopes"])
            primary = (await self._shop.ask("Primary")).whole()["location"] if "read_locations" in scopes else None
            place = tail(primary["id"]) if primary else ""
            self._terms = now, Terms(told["shop"]["currencyCode"], place, scopes)
        return self._terms[1]

    async def _same(self, shop: Node) -> None:
        """Declined where it is not the shop that was read first: what that one holds would be deleted in this one."""
        now = tail(shop["id"])
        first = await self._identity(now) if self._identity else now
        if first != now:
            raise Declined(
                _(
                    "{domain} is shop {now}, and {name} was shop {first} until now: connect it by another name",
                    domain=shop["myshopifyDomain"],
                    now=now,
                    name=self.name,
                    first=first,
                )
            )

    async def _changed(self, kind: FactKind, mark: Mark) -> AsyncIterator[Page]:
        """Products or orders, in the order in which they changed."""
        terms = await self._known()
        operation, parts = ("Orders", terms.parts()) if kind == "orders" else ("Products", {})
        while True:
            query = f"updated_at:>='{stamp(mark.since)}'" if mark.since else None
            leaf = await self._pages.turn(operation, (kind,), after=mark.after or None, query=query, **parts)
            mark = mark.begun(leaf.answer.at)
            facts, faults = await self._pages.taken(leaf, lambda node: self._facts(kind, node, terms))
            if not leaf.after:
                yield Page(kind, facts, mark.ended().text(), faults, mark.began)
                return
            mark = mark.turned(leaf.after, len(leaf.records))
            last = max((instant(node["updatedAt"]).isoformat() for node in leaf.nodes()), default="")
            if mark.deep and last > mark.since:  # Shopify turns no more pages soon: go on from the last change
                mark = replace(mark, since=last, after="", seen=0)
            yield Page(kind, facts, mark.text(), faults)

    async def _transfers(self, mark: Mark) -> AsyncIterator[Page]:
        """Transfers since the oldest that was still open: Shopify does not say when one changed."""
        terms = await self._known()
        while True:
            query = f"created_at:>='{stamp(mark.since)}'" if mark.since else None
            leaf = await self._pages.turn("Transfers", ("inventoryTransfers",), after=mark.after or None, query=query)
            mark = mark.begun(leaf.answer.at)
            facts, faults = await self._pages.taken(leaf, lambda node: self._facts("inbounds", node, terms))
            begun = [node["dateCreated"] for node in leaf.nodes() if goods.is_open(node) and node["dateCreated"]]
            begun = [instant(each).isoformat() for each in (mark.oldest, *begun) if each]
            mark = replace(mark.turned(leaf.after, len(leaf.records)), oldest=min(begun, default=""))
            if not leaf.after:
                ended = mark.ended().since
                since = max(min(ended, mark.oldest or ended), (mark.began - _LONGEST).isoformat())
                yield Page("inbounds", facts, Mark(since=since).text(), faults, mark.began)
                return
            yield Page("inbounds", facts, mark.text(), faults)

    async def _product(self, named: str) -> AsyncIterator[Page]:
        """One product as it is now, and nothing where it is gone."""
        terms = await self._known()
        leaf = await self._pages.named("Product", "product", id=named)
        facts, faults = await self._pages.taken(leaf, lambda node: self._facts("products", node, terms))
        yield Page("products", facts, "", faults)

    async def _look(self) -> Mapping[FactKind, Page]:
        """That what is deleted in the shop is neither sold nor lies in it any more, by kind."""
        if self._identity:
            await self._known()  # of another shop nothing is gone
        found = await what_is_gone(self._pages, await self._shelves() if self._shelves else ())
        self._looked = self._shop.clock.now()
        return {kind: page for kind, page in found.items() if kind in self.kinds}

    async def _orders(self, named: Sequence[str], items: dict[str, None]) -> AsyncIterator[Page]:
        """Orders as they are now; what they are about is added to the `items`."""
        if not named:
            return
        terms = await self._known()
        async for leaf in self._orders_by_name(named, terms):
            facts, faults = await self._pages.taken(leaf, lambda node: self._facts("orders", node, terms))
            yield Page("orders", facts, "", faults)
            items.update(dict.fromkeys(item for node in leaf.nodes() for item in orders.items(node)))

    async def _transfer(self, named: str, items: dict[str, None]) -> AsyncIterator[Page]:
        """One transfer as it is now; what it moves is added to the `items`."""
        terms = await self._known()
        leaf = await self._pages.named("Transfer", "inventoryTransfer", id=named)
        facts, faults = await self._pages.taken(leaf, lambda node: self._facts("inbounds", node, terms))
        yield Page("inbounds", facts, "", faults)
        items.update(dict.fromkeys(item for node in leaf.nodes() for item in goods.items(node)))

    def _facts(self, kind: FactKind, node: Node, terms: Terms) -> Iterable[Fact | Fault]:
        match kind:
            case "products":
                return goods.product_facts(node, terms.currency)
            case "orders":
                found = attempt(tail(node["id"]), node, lambda: orders.order_fact(node, terms.primary))
                return () if found is None else (found,)
            case _:
                return goods.inbound_facts(node, self._days)


def _kinds(name: str, text: str) -> tuple[FactKind, ...]:
    """The kinds that `options.read` names; all where it names none."""
    wanted = set(text.split())
    if wanted - set(KINDS):
        raise _wrong(name, "read", _("name some of {kinds}", kinds=", ".join(KINDS)))
    return tuple(kind for kind in KINDS if not wanted or kind in wanted)


def _days(name: str, text: str) -> int | None:
    if text and not (text.isascii() and text.isdigit() and len(text) < 5):
        raise _wrong(name, "transfer_days", _("write a number of days, such as '14'"))
    return int(text) if text else None


def _least(name: str, text: str) -> int | None:
    """The records from which on a first reading is by a bulk operation; None: never."""
    if text == "never":
        return None
    if text and not (text.isascii() and text.isdigit() and len(text) < 10):
        raise _wrong(name, "bulk_from", _("write a number of records, such as '2000', or 'never'"))
    return int(text) if text else LARGE


def _wrong(name: str, option: str, remedy: Words) -> SettingsError:
    return SettingsError([Wrong(f"stores.connected.{name}.options.{option}", _("cannot be read"), remedy)])
