"""Prices of a Shopify shop: read, written once per key with a record of the key beside them, and read back.

Shopify knows no key of ours, so that two records of it are kept. Before a price is written, a metafield of our app's
installation says under the key's digest which variant is meant; the price is then written together with a metafield of
the variant that lists the last keys, in one mutation, so that neither is there without the other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.money import Money
from bot.errors import Declined, OutsideError, Unanswered, Unreached, why
from bot.ports import Check, StorePrice
from bot.stores.saying import says
from bot.stores.shopify.checking import checked
from bot.stores.shopify.client import Shop
from bot.stores.shopify.reading import Node, Unreadable, money, quoted, tail
from bot.words import _

_NAMESPACE, _LEDGER = "stocktide", "prices"
_KEPT = 50  # keys that a variant remembers


@dataclass(frozen=True, slots=True)
class _Entry:
    """A price that was written under a key; amounts are text, empty where nothing is struck through."""

    key: str
    price: str
    compare_at: str

    def revision(self) -> str:
        """What `StorePrice.revision` is while the price stands as this entry left it."""
        return _revision(self.price, self.compare_at, self.key)


@dataclass(frozen=True, slots=True)
class _Variant:
    """A variant as the shop has it now, with the keys it remembers, the last one at the end."""

    id: str
    product: str
    sku: str
    price: Money
    compare_at: Money | None
    entries: tuple[_Entry, ...]

    def told(self) -> StorePrice:
        last = self.entries[-1].key if self.entries else ""
        return StorePrice(
            self.sku, self.price, self.compare_at, _revision(_text(self.price), _text(self.compare_at), last)
        )

    def then(self, key: str) -> StorePrice | None:
        """What was answered under a key; None where the variant remembers none such."""
        found = next((entry for entry in self.entries if entry.key == key), None)
        if found is None:
            return None
        currency = self.price.currency
        compare_at = money(found.compare_at, currency) if found.compare_at else None
        return StorePrice(self.sku, money(found.price, currency), compare_at, found.revision())


def sought(sku: str, code: str) -> str:
    """What a list of variants is searched by: the number of one, or its SKU."""
    return f"id:{code}" if code.isascii() and code.isdigit() else f"sku:{quoted(sku)}"


def the_one(found: Iterable[Node], sku: str, code: str) -> Node:
    """The variant that was sought; Declined where it is not just one. A search finds parts and any case.

    Of several that bear the SKU it is the one that is written the same.
    """
    if code:  # what is no number was sought by the SKU, and is found by none
        bearing = [node for node in found if tail(node["id"]) == code]
    else:
        alike = [node for node in found if (node["sku"] or "").casefold() == sku.casefold()]
        bearing = [node for node in alike if node["sku"] == sku] or alike
    if not bearing:
        raise Declined(
            _("the shop has no variant {code} any more", code=code) if code else _("the shop sells no {sku}", sku=sku),
            code="unknown_sku",
        )
    if len(bearing) > 1:
        raise Declined(_("several variants bear the SKU {sku}", sku=sku))
    return bearing[0]


class ShopifyPrices:
    """A shop of Shopify whose prices are changed. Errors are OutsideErrors; nothing is retried inside."""

    def __init__(self, name: str, shop: Shop) -> None:
        self.name = name
        self._shop = shop

    async def close(self) -> None:
        """Hang up."""
        await self._shop.close()

    async def price(self, sku: str, code: str = "") -> StorePrice:
        """What the shop asks now; Declined where it does not sell it, or more than one variant bears the SKU."""
        variant, _ = await self._found(sku, code, "")
        return variant.told()

    async def set_price(
        self, sku: str, price: Money, compare_at: Money | None, key: str, revision: str = "", code: str = ""
    ) -> StorePrice:
        """Change a price, once per key, and only at `revision` where one is given (Declined otherwise).

        Declined too where the shop kept another price than it was given; Unanswered where that cannot be read.
        """
        if compare_at is not None and compare_at <= price:
            raise Declined(_("what is struck through must be a higher price"))
        variant, installation = await self._found(sku, code, key)
        if price.currency != variant.price.currency:
            raise Declined(
                _(
                    "the shop counts in {currency}, not in {other}",
                    currency=variant.price.currency,
                    other=price.currency,
                )
            )
        wanted = _Entry(key, _text(price), _text(compare_at))
        plan = {"variant": variant.id, "price": wanted.price, "compare_at": wanted.compare_at}
        planned = _plan_of(installation)
        if planned not in (None, plan):
            raise Declined(_("something else was asked for under this key"), code="key_reused")
        done = variant.then(key)
        if done is not None:
            return done
        if revision and variant.told().revision != revision:
            raise Declined(_("somebody changed the price meanwhile"), code="revision_changed")
        if planned is None:
            await self._plan(installation["id"], key, plan)
        await self._write(variant, wanted)
        return await self._read_back(variant, wanted)

    async def written(self, key: str) -> StorePrice | None:
        """What was written under the key; None where nothing was."""
        told = (await self._shop.ask("Written", key=_digest(key))).whole()
        planned = _plan_of(told["currentAppInstallation"])
        if planned is None:
            return None
        told = (await self._shop.ask("PriceOf", id=planned["variant"])).whole()
        if told["productVariant"] is None:
            raise Unanswered(_("the variant was deleted, and what was written with it"))
        variant = _variant(told["productVariant"], told["shop"]["currencyCode"])
        done = variant.then(key)
        if done is None and len(variant.entries) >= _KEPT:
            raise Unanswered(
                _("the variant remembers its last {kept} changes, and this one is not among them", kept=_KEPT)
            )
        return done

    async def check(self) -> tuple[Check, ...]:
        """Try the address, the credentials and what they may do."""
        return await checked(self.name, self._shop, ("read_products", "write_products"))

    async def _found(self, sku: str, code: str, key: str) -> tuple[_Variant, Node]:
        """The one variant of a code or SKU, and our installation with what was planned under the key."""
        told = (await self._shop.ask("Price", query=sought(sku, code), key=_digest(key))).whole()
        bearing = the_one(told["productVariants"]["nodes"], sku, code)
        return _variant(bearing, told["shop"]["currencyCode"]), told["currentAppInstallation"]

    async def _plan(self, installation: str, key: str, plan: Mapping[str, str]) -> None:
        """Write down what the key means; no price is changed by it, so that doing it again is safe."""
        field = _metafield(_digest(key), plan) | {"ownerId": installation}
        try:
            told = await self._shop.tell("Intend", metafields=[field])
        except Unanswered as error:
            raise Unreached(error.said) from error
        _raise_for(told["metafieldsSet"])

    async def _write(self, variant: _Variant, wanted: _Entry) -> None:
        entries = [*variant.entries, wanted][-_KEPT:]
        ledger = [{"key": entry.key, "price": entry.price, "compare_at": entry.compare_at} for entry in entries]
        change = {
            "id": variant.id,
            "price": wanted.price,
            "compareAtPrice": wanted.compare_at or None,
            "metafields": [_metafield(_LEDGER, ledger)],
        }
        told = await self._shop.tell("SetPrice", product=variant.product, variants=[change])
        _raise_for(told["productVariantsBulkUpdate"])

    async def _read_back(self, variant: _Variant, wanted: _Entry) -> StorePrice:
        """The price as it stands, which must be the one that was wanted."""
        try:
            told = (await self._shop.ask("PriceOf", id=variant.id)).whole()
            if told["productVariant"] is None:
                raise Unanswered(_("changed, but the variant is gone now"))
            stands = _variant(told["productVariant"], told["shop"]["currencyCode"])
        except OutsideError as error:
            raise Unanswered(_("changed, but it cannot be read back: {error}", error=error.said)) from error
        if (_text(stands.price), _text(stands.compare_at)) != (wanted.price, wanted.compare_at):
            if stands.compare_at is None:
                raise Declined(_("the shop kept {price}", price=stands.price))
            both = {"price": stands.price, "struck": stands.compare_at}
            raise Declined(_("the shop kept {price}, struck through {struck}", **both))
        return stands.told()


def _variant(node: Node, currency: str) -> _Variant:
    """A variant of an answer; Unreached where it cannot be read."""
    try:
        compare_at = money(node["compareAtPrice"], currency) if node["compareAtPrice"] is not None else None
        price = money(node["price"], currency)
        return _Variant(node["id"], node["product"]["id"], node["sku"], price, compare_at, _entries(node["metafield"]))
    except (Unreadable, LookupError, TypeError) as error:
        raise Unreached(_("the price cannot be read: {error}", error=why(error))) from error


def _entries(metafield: Node | None) -> tuple[_Entry, ...]:
    """The keys that a variant remembers; none where somebody else wrote there."""
    try:
        return tuple(_Entry(each["key"], each["price"], each["compare_at"]) for each in json.loads(_value(metafield)))
    except (ValueError, TypeError, LookupError):
        return ()


def _plan_of(installation: Node) -> dict[str, str] | None:
    """What was planned under the key that was asked for."""
    try:
        told = json.loads(_value(installation["metafield"]))
        return {name: str(told[name]) for name in ("variant", "price", "compare_at")}
    except (ValueError, TypeError, LookupError):
        return None


def _value(metafield: Node | None) -> str:
    return str(metafield["value"]) if metafield else ""


def _metafield(key: str, value: object) -> dict[str, Any]:
    return {"namespace": _NAMESPACE, "key": key, "type": "json", "value": json.dumps(value, separators=(",", ":"))}


def _digest(key: str) -> str:
    """A key as the name of a metafield, which takes 64 letters and digits."""
    return f"price-{hashlib.sha256(key.encode()).hexdigest()[:40]}"


def _revision(price: str, compare_at: str, key: str) -> str:
    """Changes with each price, and with each write of ours."""
    return hashlib.sha256(f"{price}\n{compare_at}\n{key}".encode()).hexdigest()[:16]


def _text(amount: Money | None) -> str:
    return "" if amount is None else f"{Money.rounded(amount.amount, amount.currency).amount:f}"


def _raise_for(payload: Node | None) -> None:
    """Declined where the shop refuses, with its words."""
    wrong = payload["userErrors"] if payload else [{"message": ""}]
    if wrong:
        raise Declined(says("; ".join(str(each["message"]) for each in wrong)))
