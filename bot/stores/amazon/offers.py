"""The offer of a listing: what the seller submitted, what Amazon shows, and what is sent to change it. Pure."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from bot.domain.money import Money
from bot.errors import Declined
from bot.ports import StorePrice
from bot.stores.amazon.markets import Market
from bot.stores.amazon.reading import Row, Unreadable, decimal, money, part, rows, text
from bot.words import _

INCLUDED = "summaries,attributes,offers,issues"
_ATTRIBUTE = "purchasable_offer"
_EVERYBODY = ("", "ALL")  # other audiences are businesses
# A reduced price needs an end at Amazon. A promotion is ended by us; should we be gone, it ends by itself.
_LONGEST = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Offer:
    """One SKU's offer in a marketplace. `shown` is what customers are asked, as far as Amazon says.

    `submitted` is the attribute as it stands: the price, and a reduced one with its days. `others` are the offers to
    other customers, such as businesses.
    """

    sku: str
    market: Market
    kind: str
    submitted: Mapping[str, Any]
    shown: Decimal | None
    at: datetime
    errors: tuple[str, ...] = ()
    others: tuple[Row, ...] = ()

    @classmethod
    def of(cls, told: Row, sku: str, market: Market, at: datetime) -> Offer:
        """Of a listing as the API tells it; Unreadable where it is none."""
        here = [row for row in rows(told, "summaries") if text(row, "marketplaceId") == market.id]
        if not here:
            raise Declined(_("{sku} is not listed in {code}", sku=sku, code=market.code), code="unknown_sku")
        instances = rows(part(told, "attributes"), _ATTRIBUTE)
        ours = [row for row in instances if _ours(row, market)]
        others = tuple(row for row in instances if text(row, "marketplace_id") == market.id and row not in ours[:1])
        offers = [
            row
            for row in rows(told, "offers")
            if text(row, "marketplaceId") == market.id and text(row, "offerType") == "B2C"
        ]
        price = part(offers[0], "price") if offers else {}
        shown = decimal(price["amount"], "price") if price.get("amount") not in (None, "") else None
        if shown is not None and text(price, "currencyCode") != market.currency:
            raise Unreadable(_("{sku} is offered in {currency}", sku=sku, currency=text(price, "currencyCode")))
        submitted = ours[0] if ours else {}
        return cls(sku, market, text(here[0], "productType"), submitted, shown, at, _errors(told), others)

    @property
    def revision(self) -> str:
        """Another one where the price was changed."""
        asked = [str(self.regular), str(self.reduced), str(self.shown)]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]

    @property
    def regular(self) -> Decimal | None:
        """The price that was submitted."""
        scheduled = _scheduled(self.submitted, "our_price")
        return decimal(scheduled["value_with_tax"], "our_price").normalize() if scheduled else None

    @property
    def reduced(self) -> Decimal | None:
        """The lower price that was submitted, where its days have come and not gone."""
        scheduled = _scheduled(self.submitted, "discounted_price")
        if not scheduled or not _within(scheduled, self.at):
            return None
        return decimal(scheduled["value_with_tax"], "discounted_price").normalize()

    def price(self) -> StorePrice:
        """What customers are asked; Declined where nothing is.

        What was submitted takes minutes to show: until it does, the price is still the one that is shown.
        """
        regular, reduced = self.regular, self.reduced
        submitted = reduced if reduced is not None else regular
        asked = self.shown if self.shown is not None else submitted
        if asked is None:
            raise Declined(_("{sku} has no price in {code}", sku=self.sku, code=self.market.code))
        struck = regular if reduced is not None and regular is not None and asked < regular else None
        compare_at = money(struck, self.market.currency) if struck is not None else None
        return StorePrice(self.sku, money(asked, self.market.currency), compare_at, self.revision)

    def asking(self, price: Money, compare_at: Money | None) -> dict[str, Any]:
        """The attribute that asks a price from now on; whatever else the seller set in it stays."""
        # An offer is found by what sets it apart: with another audience than it has, Amazon would add one.
        anew: dict[str, Any] = {"marketplace_id": self.market.id, "currency": self.market.currency, "audience": "ALL"}
        wanted: dict[str, Any] = copy.deepcopy(dict(self.submitted)) or anew
        regular = compare_at or price
        wanted["our_price"] = [{"schedule": [{"value_with_tax": regular.amount}]}]
        wanted.pop("discounted_price", None)
        if compare_at is not None:
            days = {"start_at": _day(self.at), "end_at": _day(self.at + _LONGEST)}
            wanted["discounted_price"] = [{"schedule": [{**days, "value_with_tax": price.amount}]}]
        return wanted

    def patch(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """The body that sends an attribute whole: what is left out of it is gone."""
        operation = {"op": "replace", "path": f"/attributes/{_ATTRIBUTE}", "value": [dict(wanted), *self.others]}
        return {"productType": self.kind or "PRODUCT", "patches": [operation]}


def problems(told: Row) -> tuple[str, ...]:
    """Errors that Amazon lists about an offer."""
    return tuple(
        " ".join(f"{text(row, 'code')}: {text(row, 'message')}".split())[:200]
        for row in rows(told, "issues")
        if text(row, "severity") == "ERROR"
    )


def _errors(told: Row) -> tuple[str, ...]:
    """Errors about the price alone: a listing may have others that have stood for years."""
    about = [row for row in rows(told, "issues") if _ATTRIBUTE in (row.get("attributeNames") or ())]
    return problems({"issues": about})


def _ours(row: Row, market: Market) -> bool:
    return text(row, "marketplace_id") == market.id and text(row, "audience") in _EVERYBODY


def _scheduled(submitted: Row, name: str) -> Row:
    """The entry of a price that has one; an empty one otherwise."""
    prices = rows(submitted, name)
    schedule = rows(prices[0], "schedule") if prices else []
    return schedule[0] if schedule and schedule[0].get("value_with_tax") is not None else {}


def _within(scheduled: Row, at: datetime) -> bool:
    """Whether a day or an instant has come, and the other has not gone."""
    since, until = text(scheduled, "start_at"), text(scheduled, "end_at")
    now = at.isoformat()
    return (not since or since[:10] <= now[:10]) and (not until or now[:10] <= until[:10])


def _day(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT00:00:00Z")
