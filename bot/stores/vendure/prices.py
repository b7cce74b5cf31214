"""Prices of a Vendure channel: read, written once per key with a record of the key beside them, and read back.

Vendure knows neither a struck-through price nor a key of ours: both are fields of the variant that the store's plugin
(deploy/vendure/stocktide.js) adds. A price is written together with them in one mutation, which is one transaction.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import cast

from bot.domain.money import Money
from bot.errors import Declined, OutsideError, Unanswered, Unreached, why
from bot.ports import Check, StoreConnector, StorePrice
from bot.settings import StorePart
from bot.stores.saying import unwritable
from bot.stores.vendure.checking import GRANT, checked
from bot.stores.vendure.client import Admin, Forbidden, Node, Terms
from bot.stores.vendure.goods import price_of
from bot.words import _

_KEPT = 20  # writes that a variant remembers; a promotion makes two
_FIELD = "stocktidePrices"


@dataclass(frozen=True, slots=True)
class _Entry:
    """A price that was written under a key; amounts are the API's integers. `mark` is what the key is found by."""

    mark: str
    key: str
    currency: str
    price: int
    compare_at: int | None

    def same(self, other: _Entry) -> bool:
        """Whether both ask the same."""
        return (self.currency, self.price, self.compare_at) == (other.currency, other.price, other.compare_at)


@dataclass(frozen=True, slots=True)
class _Variant:
    """A variant as the store has it now, with the writes it remembers, the last one at the end."""

    id: str
    sku: str
    price: Money
    compare_at: Money | None
    entries: tuple[_Entry, ...]

    @classmethod
    def of(cls, node: Node, terms: Terms) -> _Variant:
        """Of an answer; Unreached where it cannot be read, Declined where it has no price in the currency."""
        try:
            price, fields = price_of(node, terms), node["customFields"]
            struck = fields["stocktideCompareAt"]
            compare_at = None if struck is None else terms.money(struck, terms.currency)
            entries = _entries(fields[_FIELD])
        except (LookupError, TypeError, ValueError, ArithmeticError) as error:
            raise Unreached(_("the price cannot be read: {error}", error=why(error))) from error
        if price is None:
            raise Declined(
                _("{sku} has no price in {currency}", sku=node["sku"], currency=terms.currency), code="no_price"
            )
        return cls(str(node["id"]), node["sku"], price, compare_at, entries)

    def told(self) -> StorePrice:
        """What is asked now."""
        last = self.entries[-1].key if self.entries else ""
        return StorePrice(self.sku, self.price, self.compare_at, _revision(self.price, self.compare_at, last))

    def then(self, key: str, terms: Terms) -> StorePrice | None:
        """What was answered under a key; None where the variant remembers none such."""
        found = next((entry for entry in self.entries if entry.key == key), None)
        if found is None:
            return None
        price = terms.money(found.price, found.currency)
        compare_at = None if found.compare_at is None else terms.money(found.compare_at, found.currency)
        return StorePrice(self.sku, price, compare_at, _revision(price, compare_at, key))


def connect_vendure(name: str, part: StorePart) -> StoreConnector:
    """The store of the settings' part as a place of prices, under its name there."""
    return VendurePrices(name, part)


class VendurePrices:
    """Changes prices in one channel of one store, in its own currency. Nothing is retried inside."""

    def __init__(self, name: str, part: StorePart) -> None:
        self.name = name
        # A connection of its own for each call leaves none to be cut off in between, when nobody knows what happened.
        self._admin = Admin(part, turns=1, headers={"Connection": "close"})

    async def close(self) -> None:
        """Hang up."""
        await self._admin.close()

    async def price(self, sku: str, code: str = "") -> StorePrice:
        """What the channel asks now; Declined where it does not sell it, or several variants bear the SKU."""
        variant, _, _ = await self._found(sku, code, "")
        return variant.told()

    async def set_price(
        self, sku: str, price: Money, compare_at: Money | None, key: str, revision: str = "", code: str = ""
    ) -> StorePrice:
        """Change a price, once per key, and only at `revision` where one is given (Declined otherwise).

        Vendure has no way to change a price only where it still is as it was: between our look and our write somebody
        else's would be lost. Declined too where it kept another price; Unanswered where that cannot be read.
        """
        if price.amount <= 0 or (compare_at is not None and compare_at.currency != price.currency):
            raise Declined(_("a price is above nothing, and both are in one currency"), code="no_price")
        if compare_at is not None and compare_at <= price:
            raise Declined(_("what is struck through is the higher price"), code="compare_at_too_low")
        variant, bearer, terms = await self._found(sku, code, key)
        if price.currency != terms.currency:
            raise Declined(_("the channel sells in {currency}", currency=terms.currency), code="wrong_currency")
        struck = None if compare_at is None else terms.units(compare_at)
        wanted = _Entry(mark_of(key), key, price.currency, terms.units(price), struck)
        done = _done(bearer, key)
        if bearer is not None and done is not None:
            if bearer.id != variant.id or not done.same(wanted):
                raise Declined(_("something else was written under this key"), code="key_reused")
            return _answer(bearer, key, terms)
        if revision and variant.told().revision != revision:
            raise Declined(_("somebody else changed this price meanwhile"), code="revision_changed")
        await self._admin.tell("SetPrice", change=_change(variant, wanted))
        return await self._kept(variant.id, wanted, terms)

    async def written(self, key: str) -> StorePrice | None:
        """What was written under the key, as a variant's own record says; None where none does."""
        told = await self._admin.ask_ours(_FIELD, "Written", mark=mark_of(key))
        terms = Terms.of(told)
        for node in told["productVariants"]["items"]:
            return _Variant.of(node, terms).then(key, terms)
        return None

    async def check(self) -> tuple[Check, ...]:
        """Try the address and the credentials, whether they may change prices, and whether the store has the plugin."""
        found = await checked(self.name, self._admin, {"ReadCatalog": "Variants"})
        if found[0].verdict != "ok":
            return found
        try:
            await self._admin.ask_ours(_FIELD, "Written", mark=mark_of(""))
            await self._admin.tell("MayWrite")  # of nothing
        except Forbidden:
            return (Check(_("store {name}", name=self.name), "fail", _("its role may not UpdateCatalog"), GRANT),)
        except OutsideError as error:
            remedy = _("put deploy/vendure/stocktide.js into the store, or run no promotions in it")
            return (unwritable(self.name, error, remedy),)
        return found

    async def _found(self, sku: str, code: str, key: str) -> tuple[_Variant, _Variant | None, Terms]:
        """The one variant of a code or SKU, and the one that remembers the key."""
        told = await self._admin.ask_ours(_FIELD, "Price", filter=sought(sku, code), mark=mark_of(key))
        terms = Terms.of(told)
        bearing = the_one(told["bearing"], sku, code)
        marked = told["marked"]["items"]
        return _Variant.of(bearing, terms), _Variant.of(marked[0], terms) if marked else None, terms

    async def _kept(self, number: str, wanted: _Entry, terms: Terms) -> StorePrice:
        """The price as it stands, which must be the one that was wanted."""
        try:
            told = await self._admin.ask_ours(_FIELD, "PriceOf", id=number)
            if told["productVariant"] is None:
                raise Unanswered(_("the variant is gone now"))
            stands = _Variant.of(told["productVariant"], terms)
        except OutsideError as error:
            raise Unanswered(_("changed, but it cannot be read back: {error}", error=error.said)) from error
        struck = None if stands.compare_at is None else terms.units(stands.compare_at)
        if (terms.units(stands.price), struck) != (wanted.price, wanted.compare_at):
            if stands.compare_at is None:
                raise Declined(_("the shop kept {price}", price=stands.price))
            both = {"price": stands.price, "struck": stands.compare_at}
            raise Declined(_("the shop kept {price}, struck through {struck}", **both))
        return stands.told()


def sought(sku: str, code: str) -> Node:
    """What a list of variants is filtered by: the id of one, or what holds its SKU in any case."""
    return {"id": {"eq": code}} if code else {"sku": {"contains": sku}}


def the_one(found: Node, sku: str, code: str) -> Node:
    """The variant that was sought; Declined where it is not just one.

    Of several that bear the SKU it is the one that is written the same.
    """
    if code:
        bearing = [node for node in found["items"] if str(node["id"]) == code]
    else:
        alike = [node for node in found["items"] if node["sku"].casefold() == sku.casefold()]
        bearing = [node for node in alike if node["sku"] == sku] or alike
    if not bearing and not code and found["totalItems"] > len(found["items"]):
        raise Declined(
            _(
                "more than {count} variants of the channel have {sku} in their SKU",
                count=len(found["items"]),
                sku=repr(sku),
            )
        )
    if not bearing:
        if code:
            raise Declined(_("the channel has no variant {code} any more", code=code), code="unknown_sku")
        raise Declined(_("the channel sells no {sku}", sku=repr(sku)), code="unknown_sku")
    if len(bearing) > 1:
        raise Declined(_("{count} variants of the channel bear the SKU {sku}", count=len(bearing), sku=repr(sku)))
    return cast("Node", bearing[0])


def _change(variant: _Variant, wanted: _Entry) -> dict[str, object]:
    """What is sent; prices in other currencies stay as they are."""
    record = json.dumps([asdict(entry) for entry in (*variant.entries, wanted)][-_KEPT:], separators=(",", ":"))
    return {
        "id": variant.id,
        "prices": [{"currencyCode": wanted.currency, "price": wanted.price}],
        "customFields": {"stocktideCompareAt": wanted.compare_at, _FIELD: record},
    }


def _done(bearer: _Variant | None, key: str) -> _Entry | None:
    return next((entry for entry in bearer.entries if entry.key == key), None) if bearer else None


def _answer(variant: _Variant, key: str, terms: Terms) -> StorePrice:
    found = variant.then(key, terms)
    assert found is not None  # noqa: S101  # it was just found
    return found


def _entries(told: str | None) -> tuple[_Entry, ...]:
    """The writes that a variant remembers; none where somebody else wrote there."""
    try:
        return tuple(_Entry(**each) for each in json.loads(told or "[]"))
    except (ValueError, TypeError):
        return ()


def mark_of(key: str) -> str:
    """What a key is found by: letters and digits that no database reads as anything else."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def _revision(price: Money, compare_at: Money | None, key: str) -> str:
    """Changes with each price, and with each write of ours."""
    return hashlib.sha256(f"{price}\n{compare_at}\n{key}".encode()).hexdigest()[:16]
