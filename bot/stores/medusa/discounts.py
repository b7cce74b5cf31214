"""Promotions of a Medusa shop: codes and automatic ones, made once per key, read back, and deleted at their end.

A promotion's time is its campaign's, so each is made with a campaign of its own, in one call. Our key makes the
campaign's identifier, which is unique, and stands in the promotion's method too: one that lost its campaign would never
end, and must be found all the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from bot.domain.discount import ALWAYS, EVERYTHING, NEVER, Discount, Way
from bot.errors import Declined, OutsideError, Unanswered, Unreached
from bot.ports import Check, Discounts, Granted
from bot.settings import StorePart
from bot.stores.medusa.api import Api, Row
from bot.stores.medusa.prices import variant_of
from bot.stores.medusa.reading import Unreadable, decimal, instant, part, records, text

_PROMOTIONS, _CAMPAIGNS = "/admin/promotions", "/admin/campaigns"
_VARIANT = "items.variant_id"  # what a line of a basket is compared by
_EXISTS = "already exists"  # of a code or a campaign's identifier
_AUTOMATIC = "AUTO-"  # begins the code of what comes off by itself: Medusa wants one of every promotion
_FIELDS = (
    "id,code,is_automatic,type,status,used,campaign.id,campaign.campaign_identifier,campaign.name,campaign.starts_at,"
    "campaign.ends_at,application_method.type,application_method.target_type,application_method.value,application_method.description,"
    "application_method.target_rules.attribute,application_method.target_rules.operator,"
    "application_method.target_rules.values.value"
)


def discounts_medusa(name: str, part: StorePart) -> Discounts:
    """The promotions of the shop of the settings' part, under its name there."""
    return MedusaDiscounts(name, part)


class MedusaDiscounts:
    """Makes promotions of one shop. Nothing is retried inside."""

    ways: frozenset[Way] = frozenset({"code", "basket"})

    def __init__(self, name: str, part: StorePart) -> None:
        self.name = name
        # A connection of its own for each call leaves none to be cut off in between, when nobody knows what happened.
        self._api = Api(part, turns=1, headers={"Connection": "close"})

    async def close(self) -> None:
        """Hang up."""
        await self._api.close()

    async def taken(self, code: str) -> bool:
        """Whether the shop has a promotion with the code, in any case; drafts too."""
        rows = await self._api.all(_PROMOTIONS, "promotions", {"fields": "id,code", "q": code})
        return any(text(row, "code").casefold() == code.casefold() for row in rows)

    async def grant(self, discount: Discount, key: str) -> Granted:
        """Make a promotion, once per key, and read it back; one that the shop kept otherwise is deleted again."""
        variants = [str((await variant_of(self._api, sku, "id,sku"))["id"]) for sku in discount.skus]
        campaign, known = await self._under(discount, key)
        if known is not None:
            return await self._granted(known, discount)
        if discount.code and await self.taken(discount.code):
            raise Declined(f"code_taken: the shop has the code {discount.code} already")
        if campaign:  # of a promotion that was deleted: its identifier would be in the way
            await self._remove(_CAMPAIGNS, campaign)
        try:
            made = part(await self._api.write(_PROMOTIONS, _body(discount, variants, key)), "promotion")
        except Declined as refused:
            late = await self._late(discount, key) if _EXISTS in refused.detail else None
            if late is None:
                raise
            return late
        if not isinstance(made.get("id"), str):
            raise Unanswered("made, but the answer tells no promotion")
        return await self._kept(discount, key)

    async def granted(self, discount: Discount, key: str) -> Granted | None:
        """The promotion that bears the key; None where there is none."""
        _, known = await self._under(discount, key)
        return None if known is None else await self._granted(known, discount)

    async def withdraw(self, discount: Discount, key: str) -> Granted | None:
        """Delete the promotion that bears the key, look that it is gone, and delete its campaign."""
        campaign, known = await self._under(discount, key)
        was = None if known is None else await self._granted(known, discount)
        if known is not None:
            await self._delete(known, discount, key)
        if campaign:
            await self._remove(_CAMPAIGNS, campaign)
        return was

    async def check(self) -> tuple[Check, ...]:
        """Try the address and the key, and whether it may see promotions and campaigns."""
        return await self._api.checked(self.name, _PROMOTIONS, _CAMPAIGNS)

    async def _under(self, discount: Discount, key: str) -> tuple[str, Row | None]:
        """The campaign that bears a key, empty where there is none, and the promotion: by its code, or by that."""
        named = {"fields": "id,campaign_identifier", "campaign_identifier": _mark(key)}
        found = await self._api.all(_CAMPAIGNS, "campaigns", named)
        campaign = next((str(row["id"]) for row in found if text(row, "campaign_identifier") == _mark(key)), "")
        coded = await self._api.all(_PROMOTIONS, "promotions", {"fields": _FIELDS, "q": _code(discount, key)})
        ours = [row for row in coded if text(part(row, "application_method"), "description") == _mark(key)]
        if not ours and campaign:
            ours = await self._api.all(_PROMOTIONS, "promotions", {"fields": _FIELDS, "campaign_id": campaign})
        return campaign, ours[0] if ours else None

    async def _late(self, discount: Discount, key: str) -> Granted | None:
        """Ours, where a call that was given up made it after we looked."""
        try:
            return await self.granted(discount, key)
        except OutsideError as error:
            raise Unanswered(f"it is there already, but cannot be read: {error}") from error

    async def _granted(self, row: Row, wanted: Discount) -> Granted:
        """A promotion as it stands, in our words, and how it differs; Unreached where it cannot be read."""
        try:
            method, campaign = part(row, "application_method"), row.get("campaign") or {}
            ours = (text(method, "type"), text(method, "target_type")) == ("percentage", "items")
            code = text(row, "code")
            discount = Discount(
                skus=await self._skus(records(method, "target_rules")),
                share=decimal(method, "value") / 100 if ours else Decimal(0),
                code="" if row.get("is_automatic") is True else code,
                starts_at=ALWAYS if campaign.get("starts_at") is None else instant(campaign, "starts_at"),
                ends_at=NEVER if campaign.get("ends_at") is None else instant(campaign, "ends_at"),
                name=text(campaign, "name"),
            )
        except (Unreadable, ValueError) as error:
            raise Unreached(f"the promotion cannot be read: {error}") from error
        used = row.get("used")
        differs = _wrong(row, discount, wanted)
        return Granted(str(row["id"]), discount, used if isinstance(used, int) else None, differs)

    async def _skus(self, rules: Iterable[Row]) -> tuple[str, ...]:
        """The SKUs that the one rule of ours names; everything where there is no rule, or another one."""
        found = list(rules)
        if [text(rule, "attribute") for rule in found] != [_VARIANT]:
            return EVERYTHING
        numbers = [text(value, "value") for value in records(found[0], "values")]
        rows = await self._api.named("/admin/product-variants", "variants", {"fields": "id,sku"}, numbers)
        names = {str(row["id"]): text(row, "sku") for row in rows}
        return tuple(names.get(number, f"#{number}") for number in numbers)

    async def _kept(self, wanted: Discount, key: str) -> Granted:
        """What was written, where the shop kept it; otherwise it is deleted again and Declined."""
        try:
            campaign, row = await self._under(wanted, key)
            if row is None:
                raise Unanswered("it does not stand")
            stands = await self._granted(row, wanted)
        except OutsideError as error:
            raise Unanswered(f"made, but it cannot be read back: {error}") from error
        differs = stands.differs
        if not differs:
            return stands
        try:
            await self._delete(row, wanted, key)
            await self._remove(_CAMPAIGNS, campaign)
        except OutsideError as error:
            raise Unanswered(f"the shop kept another promotion ({differs}), not deleted: {error}") from error
        raise Declined(f"the shop kept another promotion than it was told: {differs}; it is deleted again")

    async def _delete(self, row: Row, discount: Discount, key: str) -> None:
        """Delete a promotion, and look that it is gone."""
        await self._remove(_PROMOTIONS, str(row["id"]))
        try:
            _, stands = await self._under(discount, key)
        except OutsideError as error:
            raise Unanswered(f"deleted, but it cannot be read back: {error}") from error
        if stands is not None:
            raise Declined("the shop keeps the promotion all the same")

    async def _remove(self, path: str, number: str) -> None:
        """Delete a record; one that is gone already is as good."""
        try:
            await self._api.remove(f"{path}/{quote(number, safe='')}")
        except Declined as refused:
            if not refused.detail.startswith("404"):
                raise


def _body(discount: Discount, variants: list[str], key: str) -> dict[str, Any]:
    """What is sent: a percentage off the variants' lines, and the campaign that gives it its time."""
    rule = {"attribute": _VARIANT, "operator": "in", "values": variants}
    return {
        "code": _code(discount, key),
        "type": "standard",
        "status": "active",
        "is_automatic": not discount.code,
        "application_method": {
            "type": "percentage",
            "target_type": "items",
            "allocation": "across",
            "description": _mark(key),
            "value": discount.share * 100,
            "target_rules": [rule],
        },
        "campaign": {
            "name": discount.name,
            "campaign_identifier": _mark(key),
            "starts_at": discount.starts_at.astimezone(UTC).isoformat(),
            "ends_at": discount.ends_at.astimezone(UTC).isoformat(),
        },
    }


def _wrong(row: Row, stands: Discount, wanted: Discount) -> str:
    """What of a promotion is not as it was wanted; empty where nothing is."""
    if text(row, "status") != "active":
        return f"it is {text(row, 'status')}, not active"
    return wanted.differs(stands)


def _code(discount: Discount, key: str) -> str:
    """The code of a promotion; what comes off by itself has one that nobody types."""
    return discount.code or f"{_AUTOMATIC}{hashlib.sha256(key.encode()).hexdigest()[:12].upper()}"


def _mark(key: str) -> str:
    """What a key is found by."""
    return f"stocktide:{key}"
