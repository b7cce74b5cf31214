"""Prices of a WooCommerce shop: read, changed once per key, and every change read back."""

from __future__ import annotations

from collections.abc import AsyncIterator

from bot.domain.money import Money
from bot.errors import Declined, OutsideError, Unanswered, Unreached
from bot.ports import Check, StoreConnector, StorePrice
from bot.settings import StorePart
from bot.stores.saying import unwritable
from bot.stores.woocommerce.api import MOST, Api, Row, is_absent, rows_of
from bot.stores.woocommerce.goods import has_variations
from bot.stores.woocommerce.reading import text
from bot.stores.woocommerce.tags import FIELDS, Shelf
from bot.words import Words, _, verbatim


def connect_woocommerce(name: str, part: StorePart) -> StoreConnector:
    """The shop of the settings' part, under its name there."""
    return WooPrices(name, part)


class WooPrices:
    """Changes prices of one shop; the struck-through price is the regular one, the lower one its sale price."""

    def __init__(self, name: str, part: StorePart) -> None:
        self.name = name
        # A connection of its own for each call leaves none to be cut off in between, when nobody knows what happened.
        self._api = Api(part, turns=1, headers={"Connection": "close"})
        self._currency = ""
        self._written: dict[str, str] = {}  # key -> where it was sent to; without it the whole shop is looked through

    async def price(self, sku: str, code: str = "") -> StorePrice:
        """What the shop asks now; Declined where it does not sell it, or several of its products have the SKU."""
        currency = await self._sold_in()
        return (await self._find(sku, code)).price(currency)

    async def set_price(
        self, sku: str, price: Money, compare_at: Money | None, key: str, revision: str = "", code: str = ""
    ) -> StorePrice:
        """Change a price, once per key, and only at `revision` where one is given (Declined otherwise).

        The shop has no way to change a price only where it still is as it was: between our look and our write somebody
        else's would be lost.
        """
        currency = await self._sold_in()
        _sensible(price, compare_at, currency)
        shelf = await self._find(sku, code)
        known = shelf.entry(key)
        wanted = shelf.writing(key, price, compare_at)
        if known is not None:
            if known.asked != wanted.asked:
                raise Declined(_("another price was written under this key"), code="key_reused")
            return known.answer(shelf.sku, currency)
        if revision and revision != shelf.revision:
            raise Declined(_("somebody else changed this price meanwhile"), code="revision_changed")
        self._written[key] = shelf.path
        await self._api.write("PUT", shelf.path, shelf.body(wanted))
        return await self._kept(shelf, wanted.answer(shelf.sku, currency), currency)

    async def written(self, key: str) -> StorePrice | None:
        """What was written under the key, as the product's own record says; None where no product's does."""
        currency = await self._sold_in()
        async for shelf in self._shelves(key):
            entry = shelf.entry(key)
            if entry is not None:
                return entry.answer(shelf.sku, currency)
        return None

    async def check(self) -> tuple[Check, ...]:
        """Try the address and the key, and with an empty batch whether it may write."""
        found = await self._api.checked(self.name, "/products")
        if found[0].verdict != "ok":
            return found
        try:
            await self._api.write("POST", "/products/batch", {})
        except OutsideError as error:
            remedy = _("give the key read and write permission, or run no promotions in this store")
            return (unwritable(self.name, error, remedy),)
        return found

    async def _sold_in(self) -> str:
        if not self._currency:
            try:
                self._currency, _at = await self._api.currency()
            except Unanswered as error:
                raise Unreached(error.said) from error
        return self._currency

    async def _find(self, sku: str, code: str) -> Shelf:
        """The one product or variation of a code or SKU, with its tag."""
        return Shelf.of(await one_of(self._api, sku, code, FIELDS))

    async def _kept(self, shelf: Shelf, wanted: StorePrice, currency: str) -> StorePrice:
        """What was written, where the shop kept it: it answers 200 for what it drops, too."""
        try:
            row = (await self._api.read(shelf.path, _fields=FIELDS)).told
            stands = Shelf.of(row, _parent(shelf.path)).price(currency)
        except OutsideError as error:
            raise Unanswered(_("written, but it cannot be read back: {error}", error=error.said)) from error
        if (stands.price, stands.compare_at) != (wanted.price, wanted.compare_at):
            raise Declined(_("the shop took {wanted} and kept {kept}", wanted=_words(wanted), kept=_words(stands)))
        return wanted

    async def _shelves(self, key: str) -> AsyncIterator[Shelf]:
        """Where the record of a key may hang: where this process sent it, or anywhere."""
        if (path := self._written.get(key)) is not None:
            found = await self._api.find(path, _fields=FIELDS)
            if found is not None:
                yield Shelf.of(found.told, _parent(path))
            return
        async for row in self._rows("/products"):
            if not has_variations(row):
                yield Shelf.of(row)
                continue
            async for each in self._rows(f"/products/{row['id']}/variations"):
                yield Shelf.of(each, row["id"])

    async def _rows(self, path: str) -> AsyncIterator[Row]:
        try:
            async for leaf in self._api.walk(path, status="any", _fields=FIELDS):
                for row in leaf.rows:
                    yield row
        except Declined as refused:
            if not is_absent(refused):  # the product was deleted since it was listed
                raise


async def one_of(api: Api, sku: str, code: str, fields: str) -> Row:
    """The one product or variation of a code (its number) or SKU."""
    found = await _numbered(api, code, fields) if code else await _bearing(api, sku, fields)
    if not found:
        if code:
            raise Declined(_("the shop has no product {code} any more", code=code), code="unknown_sku")
        raise Declined(_("the shop has no product with the SKU {sku}", sku=repr(sku)), code="unknown_sku")
    if len(found) > 1:
        raise Declined(_("{count} products of the shop have the SKU {sku}", count=len(found), sku=repr(sku)))
    if has_variations(found[0]):
        raise Declined(_("{sku} is sold as its variations, each with a price of its own", sku=sku))
    return found[0]


async def _numbered(api: Api, code: str, fields: str) -> list[Row]:
    """The product or variation of a number; what lies in the bin is sold no more."""
    if not (code.isascii() and code.isdigit()):
        return []
    told = await api.find(f"/products/{code}", _fields=fields if "status" in fields else f"{fields},status")
    return [] if told is None or text(told.told, "status") == "trash" else [told.told]


async def _bearing(api: Api, sku: str, fields: str) -> list[Row]:
    """The products and variations that bear a SKU, in any case; the filter takes SKUs parted by commas."""
    rows = rows_of(await api.read("/products", sku=sku, status="any", per_page=MOST, _fields=fields))
    return [row for row in rows if text(row, "sku").casefold() == sku.casefold()]


def _sensible(price: Money, compare_at: Money | None, currency: str) -> None:
    """Declined for what the shop would take with a 200 and make something else of."""
    if price.currency != currency or (compare_at is not None and compare_at.currency != currency):
        raise Declined(_("the shop sells in {currency}", currency=currency), code="wrong_currency")
    if price.amount <= 0:
        raise Declined(_("a price is above nothing"), code="no_price")
    if compare_at is not None and compare_at.amount <= price.amount:
        raise Declined(
            _("what is struck through is the higher price; the shop would drop the other"), code="compare_at_too_low"
        )


def _parent(path: str) -> int:
    """The product that a variation's path names; 0 of a product's own."""
    parts = path.split("/")
    return int(parts[2]) if len(parts) > 3 else 0


def _words(price: StorePrice) -> Words:
    if price.compare_at is None:
        return verbatim(str(price.price))
    return _("{price} instead of {struck}", price=price.price, struck=price.compare_at)
