"""Transfers between two locations of a shop, written once per key, read back, and found again.

Shopify itself carries out a mutation once per key (`@idempotent`, asked for since 2026-04), so that a second try whose
first answer was lost makes no second transfer. The key stands as a tag at the transfer too: by it the transfer is
found, and the feed leaves it out, for its goods are awaited since the order was sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bot.errors import Declined, OutsideError, SettingsError, Unanswered
from bot.errors import Fault as Wrong
from bot.ports import Check, Order, OrderLine
from bot.settings import StorePart
from bot.stores.saying import says
from bot.stores.shopify.checking import checked
from bot.stores.shopify.client import Shop
from bot.stores.shopify.marks import tag
from bot.stores.shopify.reading import Node, gid, nodes, quoted, tail
from bot.words import Words, _

_MUTATIONS: Final[Mapping[str, tuple[str, str]]] = {
    "draft": ("TransferDraft", "inventoryTransferCreate"),
    "ready": ("TransferReady", "inventoryTransferCreateAsReadyToShip"),
}
_SCOPES = ("read_inventory", "read_locations", "read_products", "write_inventory_transfers")
_UNHELD = ("DRAFT", "CANCELED")  # states of transfers whose units are free where they lie
_RUNNING = "IDEMPOTENCY_CONCURRENT_REQUEST"


class ShopifyTransfers:
    """Writes transfers into one shop, as drafts or ready to ship. Each call is made once, and none waits."""

    def __init__(self, name: str, shop: Shop, part: StorePart) -> None:
        self.name = name
        self._shop = shop
        self._state = part.options["transfers"]
        self._places = _named(name, part.options.get("transfer_places", ""))
        if self._state not in _MUTATIONS:
            raise _wrong(name, "transfers", _("write one of {words}", words=", ".join(_MUTATIONS)))

    async def close(self) -> None:
        """Hang up."""
        await self._shop.close()

    async def send(self, order: Order, key: str) -> Mapping[str, Any]:
        """Write the transfer, once per key; Declined where the shop has not just one of its goods, or refuses it.

        A transfer that leads from or to elsewhere is left out: the receipt says so, and the files alone hold it.
        """
        if order.kind != "transfer":
            raise Declined(_("Shopify is told of transfers alone"))
        ends = await self._ends(order)
        if isinstance(ends, Words):
            return {"channel": self.name, "left_out": str(ends)}
        known = await self._known(order, key, ends)
        if known is None:
            wanted = await self._wanted(order, key, ends)
            known = await self._read_back(await self._written(wanted, key), wanted)
        return self._receipt(known)

    async def find(self, order: Order, key: str) -> Mapping[str, Any] | None:
        """The transfer that was written under the key, however far it is; None where there is none.

        Unanswered where its lines are others than the order's: it was written, and a person must look at it.
        """
        ends = await self._ends(order)
        if isinstance(ends, Words):
            return {"channel": self.name, "left_out": str(ends)}
        known = await self._known(order, key, ends)
        return None if known is None else self._receipt(known)

    async def check(self) -> tuple[Check, ...]:
        """Try the address, the credentials and what they may do."""
        return await checked(self.name, self._shop, _SCOPES)

    async def _ends(self, order: Order) -> tuple[str, str] | Words:
        """The locations (ids) that the goods leave and go to; which of them is none of the shop's."""
        places: list[Node] = []
        after: str | None = None
        while True:
            told = (await self._shop.ask("Places", after=after)).whole()["locations"]
            places += told["nodes"]
            if not told["pageInfo"]["hasNextPage"]:
                break
            after = told["pageInfo"]["endCursor"]
        ends: list[str] = []
        for names in ((order.supplier_code, order.supplier), tuple(reversed(order.deliver_to.splitlines()))):
            found = self._place([name.strip() for name in names if name.strip()], places)
            if found is None:
                return _("{names} is no one location of the shop", names=" / ".join(names))
            ends.append(found)
        return ends[0], ends[1]

    def _place(self, names: Sequence[str], places: Sequence[Node]) -> str | None:
        """The location that the settings name for a code, or the one that is called so; case does not count."""
        stated = next((self._places[name.casefold()] for name in names if name.casefold() in self._places), None)
        called = {name.casefold() for name in names}
        found = [
            str(place["id"])
            for place in places
            if (tail(place["id"]) == stated if stated else place["name"].casefold() in called)
        ]
        return found[0] if len(found) == 1 else None

    async def _wanted(self, order: Order, key: str, ends: tuple[str, str]) -> dict[str, Any]:
        units: Counter[str] = Counter()
        for line in order.lines:
            units[await self._item(line)] += line.quantity
        return {
            "originLocationId": ends[0],
            "destinationLocationId": ends[1],
            "lineItems": [{"inventoryItemId": item, "quantity": count} for item, count in units.items()],
            "referenceName": order.number,
            "note": "\n".join(part for part in (f"{order.number} v{order.version} ({order.mode})", order.note) if part),
            "tags": [tag(key)],
        }

    async def _item(self, line: OrderLine) -> str:
        """The item of the variant that the product is in the shop, or else the one that bears its SKU.

        Of several variants it is the one that bears the SKU: of the others nobody can say which one lies there.
        """
        sku = line.sku
        codes = line.codes.get(self.name, ())
        if codes:
            ids = [gid("ProductVariant", code) for code in codes]
            told = (await self._shop.ask("ItemsOfVariants", ids=ids)).whole()["nodes"]
            items = [node["inventoryItem"] for node in told if node]
            if len(items) > 1:
                items = [item for item in items if (item["sku"] or "").casefold() == sku.casefold()]
            if len(items) != 1:
                raise Declined(
                    _(
                        "{sku} is {count} variants of the shop, of which not just one can be moved",
                        sku=sku,
                        count=len(codes),
                    )
                )
            return str(items[0]["id"])
        # A search finds parts and any case, so that what it finds is compared.
        told = (await self._shop.ask("ItemsOf", query=f"sku:{quoted(sku)}")).whole()["inventoryItems"]["nodes"]
        alike = [node for node in told if (node["sku"] or "").casefold() == sku.casefold()]
        bearing = [node for node in alike if node["sku"] == sku] or alike
        if not bearing:
            raise Declined(_("no item of the shop bears the SKU {sku}", sku=sku))
        if len(bearing) > 1:
            raise Declined(_("{count} items of the shop bear the SKU {sku}", count=len(bearing), sku=sku))
        return str(bearing[0]["id"])

    async def _written(self, wanted: Mapping[str, Any], key: str) -> str:
        """Create it; the new transfer's id."""
        operation, field = _MUTATIONS[self._state]
        told = (await self._shop.tell(operation, input=wanted, key=tag(key)))[field]
        if wrong := told["userErrors"]:
            words = says("; ".join(f"{each['code'] or ''} {each['message']}".strip() for each in wrong))
            if any(each["code"] == _RUNNING for each in wrong):
                raise Unanswered(words)
            raise Declined(words)
        if not told["inventoryTransfer"]:
            raise Unanswered(_("Shopify names no transfer"))
        return str(told["inventoryTransfer"]["id"])

    async def _read_back(self, number: str, wanted: Mapping[str, Any]) -> Node:
        """The transfer that was just written, as it stands; Unanswered where that cannot be told, or is another."""
        try:
            return await self._compared(number, wanted)
        except Unanswered:
            raise
        except OutsideError as error:
            raise Unanswered(_("written, but it cannot be read back: {error}", error=error.said)) from error

    async def _compared(self, number: str, wanted: Mapping[str, Any]) -> Node:
        """The transfer as it stands; Unanswered where it is another than was asked for: a person must look."""
        units: dict[str, int] = {}
        after: str | None = None
        while True:
            told = (await self._shop.ask("TransferAsWritten", id=number, after=after)).whole()
            found: Node | None = told["inventoryTransfer"]
            if found is None:
                raise Unanswered(_("written, and it is gone"))
            units |= {line["inventoryItem"]["id"]: line["totalQuantity"] for line in nodes(found, "lineItems")
                      if line["inventoryItem"]}  # fmt: skip
            if not found["lineItems"]["pageInfo"]["hasNextPage"]:
                break
            after = found["lineItems"]["pageInfo"]["endCursor"]
        if units != {line["inventoryItemId"]: line["quantity"] for line in wanted["lineItems"]}:
            raise Unanswered(_("Shopify kept other lines in {name}; look at it", name=found["name"]))
        ends = [((found[end] or {}).get("location") or {}).get("id") for end in ("origin", "destination")]
        if ends != [wanted["originLocationId"], wanted["destinationLocationId"]]:
            raise Unanswered(_("Shopify kept other places in {name}; look at it", name=found["name"]))
        return found

    async def _known(self, order: Order, key: str, ends: tuple[str, str]) -> Node | None:
        """The transfer that was written under the key before, compared with the order."""
        known = await self._found(key)
        if known is None:
            return None
        try:
            wanted = await self._wanted(order, key, ends)
        except Declined as error:  # the goods changed since: that is no refusal of what stands
            raise Unanswered(
                _("{name} was written, but {error}; look at it", name=known["name"], error=error.said)
            ) from error
        return await self._compared(known["id"], wanted)

    async def _found(self, key: str) -> Node | None:
        told = (await self._shop.ask("TransfersTagged", query=f"tag:'{tag(key)}'")).whole()["inventoryTransfers"]
        found: Sequence[Node] = told["nodes"]  # a search finds parts, too
        return next((node for node in found if tag(key) in node["tags"]), None)

    def _receipt(self, transfer: Node) -> Mapping[str, Any]:
        """What is kept of it; `holds`: its units are committed where they lie (not so of a draft)."""
        told = {"transfer": tail(transfer["id"]), "name": transfer["name"], "status": transfer["status"]}
        return {"channel": self.name, **told, "holds": transfer["status"] not in _UNHELD}


def _named(name: str, text: str) -> dict[str, str]:
    """`UK=65432 US=65433`: the shop's locations by our codes."""
    pairs = [part.partition("=") for part in text.split()]
    if not all(code and number.isascii() and number.isdigit() for code, _, number in pairs):
        raise _wrong(
            name, "transfer_places", _("write our code and the location's number, such as 'UK=65432 US=65433'")
        )
    return {code.casefold(): tail(gid("Location", number)) for code, _, number in pairs}


def _wrong(name: str, option: str, remedy: Words) -> SettingsError:
    return SettingsError([Wrong(f"stores.connected.{name}.options.{option}", _("cannot be read"), remedy)])
