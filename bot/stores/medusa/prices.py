"""Prices of a Medusa shop: read, changed once per key by a price list of our own, and every change read back."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from bot.domain.money import Money
from bot.errors import Declined, OutsideError, Unanswered
from bot.ports import Check, StoreConnector, StorePrice
from bot.settings import StorePart
from bot.stores.medusa.api import Api, Row
from bot.stores.medusa.goods import PRICES
from bot.stores.medusa.lists import FIELDS, Asked, Entry, PriceList, Shelf, described, entries_of, plain
from bot.stores.medusa.reading import text
from bot.words import Words, _, verbatim

_VARIANTS, _LISTS = "/admin/product-variants", "/admin/price-lists"


def connect_medusa(name: str, part: StorePart) -> StoreConnector:
    """The shop of the settings' part, under its name there."""
    return MedusaPrices(name, part)


class MedusaPrices:
    """Changes prices of one shop. A variant's own price is left as it is: lists of ours ask another one meanwhile."""

    def __init__(self, name: str, part: StorePart) -> None:
        self.name = name
        # A connection of its own for each call leaves none to be cut off in between, when nobody knows what happened.
        self._api = Api(part, turns=1, headers={"Connection": "close"})
        self._currency = ""

    async def price(self, sku: str, code: str = "") -> StorePrice:
        """What the shop asks everybody now; Declined where it does not sell it, or several variants have the SKU."""
        currency = await self._sold_in()
        return (await self._find(sku, code, currency)).price(currency)

    async def set_price(
        self, sku: str, price: Money, compare_at: Money | None, key: str, revision: str = "", code: str = ""
    ) -> StorePrice:
        """Change a price, once per key, and only at `revision` where one is given (Declined otherwise).

        What is struck through is the variant's own price: Medusa knows no other. There is no write only where nothing
        changed: between our look and our write somebody else's change is not noticed.
        """
        currency = await self._sold_in()
        asked = _sensible(price, compare_at, currency)
        shelf = await self._find(sku, code, currency)
        if (known := shelf.entry(key)) is not None:
            if known.asked != asked:
                raise Declined(_("another price was written under this key"), code="key_reused")
            return known.answer(currency)
        if revision and revision != shelf.price(currency).revision:
            raise Declined(_("somebody else changed this price meanwhile"), code="revision_changed")
        if not shelf.takes_off(asked):
            _possible(shelf, asked)
        entry = shelf.writing(key, asked)
        await self._write(shelf, entry, currency)
        return await self._kept(entry, currency)

    async def written(self, key: str) -> StorePrice | None:
        """What was written under the key, as a list's description says; None where none does."""
        currency = await self._sold_in()
        for row in await self._api.all(_LISTS, "price_lists", {"fields": "id,description", "q": key}):
            for entry in entries_of(row):
                if entry.key == key:
                    return entry.answer(currency)
        return None

    async def check(self) -> tuple[Check, ...]:
        """Try the address and the key, and whether it may see variants and price lists."""
        return await self._api.checked(self.name, _VARIANTS, _LISTS)

    async def _sold_in(self) -> str:
        if not self._currency:
            self._currency, _ = await self._api.currency()
        return self._currency

    async def _find(self, sku: str, code: str, currency: str) -> Shelf:
        """The one variant of a code or SKU, with the lists that concern it."""
        variant = await variant_of(self._api, sku, code, f"id,sku,product.id,{PRICES}")
        # Those that hold, whoever made them, and ours that do not any more.
        lists = {}
        now = None
        for asked in ({"status[]": "active"}, {"q": variant["id"]}):
            async for leaf in self._api.walk(_LISTS, "price_lists", {"fields": FIELDS, **asked}):
                lists.update({row["id"]: row for row in leaf.rows})
                now = leaf.at
        assert now is not None  # noqa: S101  # a walk has a leaf
        return Shelf.of(variant, lists.values(), currency, now)

    async def _write(self, shelf: Shelf, entry: Entry, currency: str) -> None:
        """Ours hold no more, or another one holds in their place; the key is kept by the list that is written last."""
        if not shelf.takes_off(entry.asked):
            await self._put_away(shelf.ours)
            await self._api.write(_LISTS, _list(entry, currency, "active"))
        elif shelf.ours:
            *before, last = shelf.ours
            await self._put_away(before)
            body = {"status": "draft", "description": described((*last.entries, entry))}
            await self._api.write(f"{_LISTS}/{quote(last.id, safe='')}", body)
        else:  # there is nothing to be taken off, and the key is kept all the same
            await self._api.write(_LISTS, _list(entry, currency, "draft"))

    async def _put_away(self, lists: Sequence[PriceList]) -> None:
        for each in lists:
            await self._api.write(f"{_LISTS}/{quote(each.id, safe='')}", {"status": "draft"})

    async def _kept(self, entry: Entry, currency: str) -> StorePrice:
        """What was written, where everybody is asked it: somebody's own list may ask less."""
        try:
            stands = (await self._find(entry.sku, entry.variant, currency)).price(currency)
        except OutsideError as error:
            raise Unanswered(_("written, but it cannot be read back: {error}", error=error.said)) from error
        wanted = entry.answer(currency)
        if (stands.price, stands.compare_at) != (wanted.price, wanted.compare_at):
            raise Declined(
                _(
                    "the shop took {wanted} and asks {asks}; look at its price lists",
                    wanted=_words(wanted),
                    asks=_words(stands),
                )
            )
        return wanted


async def variant_of(api: Api, sku: str, code: str, fields: str) -> Row:
    """The one variant of a code (its id) or SKU. SKUs are found by words in them, so that one finds longer ones too."""
    if code:
        found = await api.named(_VARIANTS, "variants", {"fields": fields}, [code])
    else:
        rows = await api.all(_VARIANTS, "variants", {"fields": fields, "q": sku})
        found = [row for row in rows if text(row, "sku").casefold() == sku.casefold()]
    if not found:
        if code:
            raise Declined(_("the shop has no variant {code} any more", code=code), code="unknown_sku")
        raise Declined(_("the shop has no variant with the SKU {sku}", sku=repr(sku)), code="unknown_sku")
    if len(found) > 1:
        raise Declined(_("{count} variants of the shop have the SKU {sku}", count=len(found), sku=repr(sku)))
    return found[0]


def _sensible(price: Money, compare_at: Money | None, currency: str) -> Asked:
    """What is to be asked; Declined for what the shop would take and make something else of."""
    if price.currency != currency or (compare_at is not None and compare_at.currency != currency):
        raise Declined(_("the shop sells in {currency}", currency=currency), code="wrong_currency")
    if price.amount <= 0:
        raise Declined(_("a price is above nothing"), code="no_price")
    if compare_at is not None and compare_at.amount <= price.amount:
        raise Declined(_("what is struck through is the higher price"), code="compare_at_too_low")
    return plain(price.amount), plain(compare_at.amount) if compare_at else ""


def _possible(shelf: Shelf, asked: Asked) -> None:
    """Declined for what a list of ours cannot bring about."""
    if asked[1] and asked[1] != shelf.base:
        raise Declined(
            _("the shop strikes through the variant's own price, which is {base}", base=shelf.base),
            code="wrong_compare_at",
        )
    if shelf.others():
        raise Declined(
            _("a price list of the shop asks a price for it already; which one holds is not sure"), code="another_list"
        )


def _list(entry: Entry, currency: str, status: str) -> dict[str, Any]:
    """A list of one price, of the type that shows it as it is wanted."""
    price, struck = entry.asked
    return {
        "title": f"Stocktide {entry.sku} {price} {currency}",
        "description": described([entry]),
        "type": "sale" if struck else "override",
        "status": status,
        "prices": [{"variant_id": entry.variant, "currency_code": currency.lower(), "amount": Decimal(price)}],
    }


def _words(price: StorePrice) -> Words:
    if price.compare_at is None:
        return verbatim(str(price.price))
    return _("{price} instead of {struck}", price=price.price, struck=price.compare_at)
