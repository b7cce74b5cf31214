"""Prices of an account at Amazon: read, changed once per key, and every change read back until it shows.

Amazon accepts a change before it carries it out, and keeps no record of whose it was.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.domain.money import Money
from bot.errors import Declined, OutsideError, Unanswered, Unreached
from bot.ports import Check, StoreConnector, StorePrice
from bot.settings import StorePart
from bot.stores.amazon.api import Api
from bot.stores.amazon.feed import checked
from bot.stores.amazon.markets import Account
from bot.stores.amazon.offers import INCLUDED, Offer, problems
from bot.stores.amazon.reading import text
from bot.stores.calling import Pause
from bot.words import _

_LOOKS = (1.0, 2.0, 4.0, 8.0)  # seconds before each further look whether it shows
_SHOWS_WITHIN = 3600.0  # seconds; what does not show by then is for a person
_SETTLED = 60.0  # seconds until it is asked again


def connect_amazon(name: str, part: StorePart) -> StoreConnector:
    """The account of the settings' part, under its name there; SettingsError where it cannot be one."""
    return AmazonPrices(name, part)


class _Refused(Declined):
    """Amazon accepted a change and says since that it will not make it."""


Asked = tuple[Money, Money | None]  # a price, and what is struck through


@dataclass(slots=True)
class _Sent:
    """A change that was sent: what it asks, what was wrong with the offer before, and the answer once it showed."""

    sku: str
    asked: Asked
    at: float
    errors: frozenset[str]
    answer: StorePrice | None = None


@dataclass(frozen=True, slots=True)
class _Before:
    """What an offer was before our reduction, and what we asked; a sale of the seller comes back with its days."""

    asked: Asked
    submitted: Mapping[str, Any]
    ours: Asked


class AmazonPrices:
    """Changes prices in the first marketplace of the settings; what is struck through is the offer's own price.

    What was sent is remembered by this process alone: no place at Amazon takes a key.
    """

    def __init__(
        self,
        name: str,
        part: StorePart,
        *,
        pause: Pause = asyncio.sleep,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._account = Account.of(name, part)
        self._pause, self._timer = pause, timer
        # A connection of its own for each call leaves none to be cut off in between, when nobody knows what happened.
        self._api = Api(self._account, turns=1, headers={"Connection": "close"}, pause=pause, timer=timer)
        self._sent: dict[str, _Sent] = {}
        self._before: dict[str, _Before] = {}

    async def price(self, sku: str, code: str = "") -> StorePrice:
        """What customers are asked now; Declined where the account does not list the SKU.

        A variant's code is the seller SKU as Amazon has it. Without one ours is asked for as it is: nothing at Amazon
        finds a SKU in another case.
        """
        return (await self._offer(code or sku)).price()

    async def set_price(
        self, sku: str, price: Money, compare_at: Money | None, key: str, revision: str = "", code: str = ""
    ) -> StorePrice:
        """Change a price, once per key, and only at `revision` where one is given (Declined otherwise).

        Unanswered where Amazon accepted it and does not show it yet: `written` tells when it does.
        """
        sku = code or sku
        _sensible(price, compare_at, self._account.first.currency)
        if (known := self._sent.get(key)) is not None:
            return await self._again(known, sku, price, compare_at)
        offer = await self._offer(sku)
        if revision and revision != offer.revision:
            raise Declined(_("somebody else changed this price meanwhile"), code="revision_changed")
        wanted = self._wanted(offer, (price, compare_at))
        sent = self._sent[key] = _Sent(sku, (price, compare_at), self._timer(), frozenset(offer.errors))
        try:
            await self._patched(offer, wanted)
        except (Declined, Unreached):
            del self._sent[key]  # it did not happen
            raise
        return await self._shown(sent)

    async def written(self, key: str) -> StorePrice | None:
        """What was written under the key, once it shows; None where Amazon says that it will not be.

        Unreached while it may still come to show; Unanswered where it did not, and for a key of another process.
        """
        sent = self._sent.get(key)
        if sent is None:
            raise Unanswered(_("Amazon keeps no record of who changed a price; look at the listing"))
        if sent.answer is not None:
            return sent.answer
        try:
            stands = await self._stands(sent)
        except _Refused:
            return None
        except Declined as error:
            raise Unanswered(_("the listing cannot be read: {error}", error=error.said)) from error
        if stands is not None:
            return stands
        if self._timer() - sent.at < _SHOWS_WITHIN:
            raise Unreached(_("the change does not show yet"), _SETTLED)
        raise Unanswered(_("the change was sent and does not show; look at the listing"))

    async def check(self) -> tuple[Check, ...]:
        """Try the credentials, and whether the settings say whose listings they are."""
        found = await checked(self._api)
        if found[0].verdict == "ok" and not self._account.seller:
            remedy = _("set options.seller (Merchant Token), or run no promotions in this store")
            return (
                Check(
                    _("store {name}", name=self.name), "warn", _("prices cannot be changed: no seller is named"), remedy
                ),
            )
        return found

    async def _offer(self, sku: str) -> Offer:
        market, seller = self._account.first, self._account.seller
        if not seller:
            raise Declined(_("options.seller is missing: the Merchant Token of the account"))
        try:
            answer = await self._api.read(
                "getListingsItem", seller, sku, marketplaceIds=market.id, includedData=INCLUDED, issueLocale="en_US"
            )
        except Declined as refused:
            if refused.status == 404:
                raise Declined(_("the account lists no {sku}", sku=repr(sku)), code="unknown_sku") from refused
            raise
        return Offer.of(answer.told, sku, market, answer.at)

    def _wanted(self, offer: Offer, asked: Asked) -> Mapping[str, Any]:
        """The attribute to send. Where our reduction is undone, what stood before it comes back as it was."""
        told = offer.price()
        stands: Asked = (told.price, told.compare_at)
        before = self._before.get(offer.sku)
        if before is None or before.ours != stands:  # somebody else changed it since
            before = _Before(stands, offer.submitted, asked)
        self._before[offer.sku] = replace(before, ours=asked)
        return before.submitted if before.asked == asked and stands != asked else offer.asking(*asked)

    async def _patched(self, offer: Offer, wanted: Mapping[str, Any]) -> None:
        answer = await self._api.write(
            "patchListingsItem",
            self._account.seller,
            offer.sku,
            marketplaceIds=offer.market.id,
            issueLocale="en_US",
            body=offer.patch(wanted),
        )
        status = text(answer.told, "status")
        if status == "INVALID":
            reasons = "; ".join(problems(answer.told))
            if not reasons:
                raise Declined(_("Amazon refused the price and gives no reason"))
            raise Declined(_("Amazon refused the price: {problems}", problems=reasons))
        if status != "ACCEPTED":
            raise Unanswered(_("Amazon answered {status}", status=repr(status[:40])))

    async def _shown(self, sent: _Sent) -> StorePrice:
        """The answer once customers are asked it; Unanswered where that cannot be seen, or not soon."""
        for wait in (*_LOOKS, None):
            try:
                stands = await self._stands(sent)
            except _Refused:
                raise
            except OutsideError as error:
                raise Unanswered(_("sent, but it cannot be read back: {error}", error=error.said)) from error
            if stands is not None:
                return stands
            if wait is not None:
                await self._pause(wait)
        raise Unanswered(_("Amazon accepted the price and does not show it yet"))

    async def _stands(self, sent: _Sent) -> StorePrice | None:
        """The price where it is the one that was sent; _Refused where Amazon says why it will not be."""
        offer = await self._offer(sent.sku)
        told = offer.price()
        if (told.price, told.compare_at) == sent.asked:
            sent.answer = told
            return told
        if fresh := [error for error in offer.errors if error not in sent.errors]:
            raise _Refused(_("Amazon kept {price}: {fresh}", price=told.price, fresh="; ".join(fresh)))
        return None

    async def _again(self, known: _Sent, sku: str, price: Money, compare_at: Money | None) -> StorePrice:
        if (known.sku, known.asked) != (sku, (price, compare_at)):
            raise Declined(_("another price was written under this key"), code="key_reused")
        return known.answer or await self._shown(known)


def _sensible(price: Money, compare_at: Money | None, currency: str) -> None:
    """Declined for what would be no price."""
    if price.currency != currency or (compare_at is not None and compare_at.currency != currency):
        raise Declined(_("the first marketplace sells in {currency}", currency=currency), code="wrong_currency")
    if price.amount <= 0:
        raise Declined(_("a price is above nothing"), code="no_price")
    if compare_at is not None and compare_at.amount <= price.amount:
        raise Declined(_("what is struck through is the higher price"), code="compare_at_too_low")
