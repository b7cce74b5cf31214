"""Promotions of a Medusa shop: codes and automatic ones, made once per key, read back, and deleted at their end.

A promotion's time is its campaign's, so each is made with a campaign of its own, in one call. Our key makes the
campaign's identifier, which is unique, and stands in the promotion's method too: one that lost its campaign would never
end, and must be found all the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from bot.domain.discount import ALWAYS, EVERYTHING, NEVER, Discount, Way
from bot.errors import Declined, Unanswered, Unreached, why
from bot.ports import Check, Discounts, Granted
from bot.settings import StorePart
from bot.stores import discounting
from bot.stores.medusa.api import Api, Row
from bot.stores.medusa.prices import variant_of
from bot.stores.medusa.reading import Unreadable, decimal, instant, part, records, text
from bot.words import Words, _

_PROMOTIONS, _CAMPAIGNS = "/admin/promotions", "/admin/campaigns"
_VARIANT = "items.variant_id"  # what a line of a basket is compared by
_EXISTS = "already exists"  # of a code or a campaign's identifier
_AUTOMATIC = "AUTO-"  # begins the code of what comes off by itself: Medusa wants one of every promotion
_SKEW = timedelta(days=1)  # that the shop's clock may be behind ours
_CAMPAIGN = "id,campaign_identifier,name,starts_at,ends_at,created_at"
_FIELDS = (
    "id,created_at,code,is_automatic,type,status,used,campaign.id,campaign.campaign_identifier,campaign.name,campaign.starts_at,"
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
        variants = [str((await variant_of(self._api, *each, "id,sku"))["id"]) for each in discount.goods]
        known = await self._stands(discount, key)
        if known is not None:
            return known
        if discount.code and await self.taken(discount.code):
            raise Declined(_("the shop has the code {code} already", code=discount.code), code="code_taken")
        campaign = await self._campaign(key)
        if campaign is not None:  # of a promotion that was deleted, or of a call in doubt: it would be in the way
            if not await self._leftover(campaign, discount):
                raise Declined(
                    _(
                        "the shop has a campaign {mark} that is not this promotion's; look whose it is, "
                        "and delete it in Medusa or give it another identifier",
                        mark=_mark(key),
                    ),
                    code="campaign_taken",
                )
            await self._remove(_CAMPAIGNS, str(campaign["id"]))
        try:
            made = part(await self._api.write(_PROMOTIONS, _body(discount, variants, key)), "promotion")
        except Declined as refused:
            late = await discounting.late(self._stands(discount, key)) if _EXISTS in refused.detail else None
            if late is None:
                raise
            return late
        number = made.get("id")
        if not isinstance(number, str):
            raise Unanswered(_("made, but the answer tells no promotion"))
        stands = self._stands(discount, key, number)
        return await discounting.kept(_("promotion"), stands, lambda: self._undo(key, number))

    async def granted(self, discount: Discount, key: str, number: str = "") -> Granted | None:
        """The promotion of that number, or else the one that bears the key; None where there is none."""
        return await self._stands(discount, key, number)

    async def withdraw(self, discount: Discount, key: str, number: str = "") -> Granted | None:
        """Delete the promotion of that number, or that bears the key; look that it is gone; delete its campaign.

        A campaign into which somebody put another promotion stays: without it that one would never end.
        """
        row = await self._under(discount, key, number)
        was = None if row is None else await self._granted(row, discount)
        campaign = await self._campaign(key)
        if row is not None:
            await self._delete(str(row["id"]))
        if campaign is not None:
            its = row is not None and part(row, "campaign").get("id") == campaign["id"]
            alone = its and not await self._promotions({"campaign_id": campaign["id"]})
            if alone or await self._leftover(campaign, discount):
                await self._remove(_CAMPAIGNS, str(campaign["id"]))
        return was

    async def check(self) -> tuple[Check, ...]:
        """Try the address and the key, and whether it may see promotions and campaigns."""
        return await self._api.checked(self.name, _PROMOTIONS, _CAMPAIGNS)

    async def _under(self, discount: Discount, key: str, number: str = "") -> Row | None:
        """The promotion of a number, where that is known; else the one that bears a key: by its code, or campaign."""
        if number:
            return await self._of(number)
        row = _ours(await self._promotions({"q": _code(discount, key)}), discount, key)
        if row is None and (campaign := await self._campaign(key)) is not None:
            row = _ours(await self._promotions({"campaign_id": campaign["id"]}), discount, key)
        return row

    async def _of(self, number: str) -> Row | None:
        try:
            told = (await self._api.read(f"{_PROMOTIONS}/{quote(number, safe='')}", {"fields": _FIELDS})).told
        except Declined as refused:
            if refused.status == 404:
                return None
            raise
        return part(told, "promotion")

    async def _promotions(self, chosen: Mapping[str, Any]) -> list[Row]:
        return await self._api.all(_PROMOTIONS, "promotions", {"fields": _FIELDS, **chosen})

    async def _campaign(self, key: str) -> Row | None:
        """The campaign whose identifier is made of a key."""
        named = {"fields": _CAMPAIGN, "campaign_identifier": _mark(key)}
        found = await self._api.all(_CAMPAIGNS, "campaigns", named)
        return next((row for row in found if text(row, "campaign_identifier") == _mark(key)), None)

    async def _stands(self, discount: Discount, key: str, number: str = "") -> Granted | None:
        row = await self._under(discount, key, number)
        return None if row is None else await self._granted(row, discount)

    async def _undo(self, key: str, number: str) -> None:
        """Delete a promotion that was just made, and its campaign."""
        await self._delete(number)
        campaign = await self._campaign(key)
        if campaign is not None:
            await self._remove(_CAMPAIGNS, str(campaign["id"]))

    async def _leftover(self, campaign: Row, discount: Discount) -> bool:
        """Whether a campaign is of this very promotion and of no other: what is not is somebody's, and stays.

        Its name, start and end are what a call of ours wrote, it was made since, and no promotion is in it.
        """
        try:
            same = (
                text(campaign, "name") == discount.name
                and instant(campaign, "starts_at") == discount.starts_at
                and instant(campaign, "ends_at") == discount.ends_at
                and _since(campaign, discount)
            )
        except Unreadable:
            return False
        return same and not await self._promotions({"campaign_id": campaign["id"]})

    async def _granted(self, row: Row, wanted: Discount) -> Granted:
        """A promotion as it stands, in our words, and how it differs; Unreached where it cannot be read."""
        try:
            method, campaign = part(row, "application_method"), row.get("campaign") or {}
            ours = (text(method, "type"), text(method, "target_type")) == ("percentage", "items")
            code = text(row, "code")
            numbers = _variants(records(method, "target_rules"))
            discount = Discount(
                skus=await self._skus(numbers),
                share=decimal(method, "value") / 100 if ours else Decimal(0),
                code="" if row.get("is_automatic") is True else code,
                starts_at=ALWAYS if campaign.get("starts_at") is None else instant(campaign, "starts_at"),
                ends_at=NEVER if campaign.get("ends_at") is None else instant(campaign, "ends_at"),
                name=text(campaign, "name"),
                variants=numbers,
            )
        except (Unreadable, ValueError) as error:
            raise Unreached(_("the promotion cannot be read: {error}", error=why(error))) from error
        used = row.get("used")
        differs = _wrong(row, discount, wanted)
        return Granted(str(row["id"]), discount, used if isinstance(used, int) else None, differs)

    async def _skus(self, numbers: Sequence[str]) -> tuple[str, ...]:
        """The SKUs of variants; of one that is gone, its number. Everything where there are none."""
        if not numbers:
            return EVERYTHING
        rows = await self._api.named("/admin/product-variants", "variants", {"fields": "id,sku"}, numbers)
        names = {str(row["id"]): text(row, "sku") for row in rows}
        return tuple(names.get(number, f"#{number}") for number in numbers)

    async def _delete(self, number: str) -> None:
        """Delete a promotion, and look that it is gone."""
        await self._remove(_PROMOTIONS, number)
        await discounting.gone(self._of(number), _("the shop keeps the promotion all the same"))

    async def _remove(self, path: str, number: str) -> None:
        """Delete a record; one that is gone already is as good."""
        try:
            await self._api.remove(f"{path}/{quote(number, safe='')}")
        except Declined as refused:
            if not refused.status == 404:
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


def _variants(rules: Iterable[Row]) -> tuple[str, ...]:
    """The variants (ids) that the one rule of ours names; none where there is no rule, or another one."""
    found = list(rules)
    if [text(rule, "attribute") for rule in found] != [_VARIANT]:
        return ()
    return tuple(text(value, "value") for value in records(found[0], "values"))


def _wrong(row: Row, stands: Discount, wanted: Discount) -> Words | None:
    """What of a promotion is not as it was wanted; None where nothing is."""
    if text(row, "status") != "active":
        return _("it is {status}, not active", status=text(row, "status"))
    return wanted.differs(stands)


def _ours(rows: Iterable[Row], discount: Discount, key: str) -> Row | None:
    """The promotion that bears our key and was made since it was asked for.

    An older one is of another database of ours (a test's, say) with the same numbers.
    """
    for row in rows:
        if text(part(row, "application_method"), "description") == _mark(key) and _since(row, discount):
            return row
    return None


def _since(row: Row, discount: Discount) -> bool:
    """Whether it was made when the discount was asked for, or after; Unreached where the shop does not say."""
    try:
        return instant(row, "created_at") >= discount.starts_at - _SKEW
    except Unreadable as error:
        raise Unreached(_("the shop does not say when it was made: {error}", error=error.said)) from error


def _code(discount: Discount, key: str) -> str:
    """The code of a promotion; what comes off by itself has one that nobody types."""
    return discount.code or f"{_AUTOMATIC}{hashlib.sha256(key.encode()).hexdigest()[:12].upper()}"


def _mark(key: str) -> str:
    """What a key is found by."""
    return f"stocktide:{key}"
