"""Coupons of a WooCommerce shop: made once per key, read back and compared, and deleted at their end.

The REST API answers 201 for what it drops. A coupon whose end is written as `date_expires_gmt` has none, for ever: that
field is told and never taken. So whatever is written is read back, and what was kept otherwise is deleted again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from bot.domain.discount import EVERYTHING, NEVER, Discount, Way
from bot.errors import Declined, OutsideError, Unanswered, Unreached, why
from bot.ports import Check, Discounts, Granted
from bot.settings import StorePart
from bot.stores import discounting
from bot.stores.woocommerce.api import MOST, Api, Row, is_absent, rows_of
from bot.stores.woocommerce.prices import one_of
from bot.stores.woocommerce.reading import Unreadable, amount, instant, text, whole
from bot.words import Words, _

META = "_stocktide_discount"  # names that begin so are not shown to whoever edits the coupon
_FIELDS = (
    "id,code,status,discount_type,amount,description,date_expires_gmt,product_ids,usage_count,individual_use,meta_data"
)
_EXISTS = "woocommerce_rest_coupon_code_already_exists"
_SKEW = timedelta(days=1)  # that the shop's clock may be behind ours, and its zone be set wrong
_SWITCH = "/settings/general/woocommerce_enable_coupons"


def discounts_woocommerce(name: str, part: StorePart) -> Discounts:
    """The coupons of the shop of the settings' part, under its name there."""
    return WooCoupons(name, part)


class WooCoupons:
    """Makes coupons of one shop; it has nothing that comes off in the basket by itself."""

    ways: frozenset[Way] = frozenset({"code"})

    def __init__(self, name: str, part: StorePart) -> None:
        self.name = name
        # A connection of its own for each call leaves none to be cut off in between, when nobody knows what happened.
        self._api = Api(part, turns=1, headers={"Connection": "close"})

    async def close(self) -> None:
        """Hang up."""
        await self._api.close()

    async def taken(self, code: str) -> bool:
        """Whether the shop has a coupon with the code, in any case."""
        return bool(await self._bearing(code))

    async def grant(self, discount: Discount, key: str) -> Granted:
        """Make a coupon, once per key, and read it back; one that the shop kept otherwise is deleted again."""
        if not discount.code:
            raise Declined(
                _("WooCommerce takes nothing off in the basket by itself; it has coupons alone"), code="no_basket"
            )
        numbers = [int((await one_of(self._api, *each, "id,type,sku"))["id"]) for each in discount.goods]
        known = await self._under(discount, key)
        if known is not None:
            return await self._granted(known, discount)
        if await self._bearing(discount.code):
            raise Declined(_("the shop has the coupon {code} already", code=discount.code), code="code_taken")
        try:
            made = await self._api.write("POST", "/coupons", _body(discount, numbers, key))
        except Declined as refused:
            if _EXISTS in refused.detail:  # since we looked
                late = await discounting.late(self.granted(discount, key))
                if late is not None:
                    return late
                raise Declined(
                    _("the shop has the coupon {code} already", code=discount.code), code="code_taken"
                ) from None
            raise
        if not isinstance(made, dict) or not isinstance(made.get("id"), int):
            raise Unanswered(_("made, but the answer tells no coupon"))
        number = made["id"]
        return await discounting.kept(_("coupon"), self._numbered(number, discount), lambda: self._delete(number))

    async def granted(self, discount: Discount, key: str, number: str = "") -> Granted | None:
        """The coupon of that number, or else the one that bears the key in its record; None where there is none."""
        known = await self._ours(discount, key, number)
        return None if known is None else await self._granted(known, discount)

    async def withdraw(self, discount: Discount, key: str, number: str = "") -> Granted | None:
        """Delete the coupon of that number, or else the one that bears the key, and look that it is gone."""
        known = await self._ours(discount, key, number)
        if known is None:
            return None
        was = await self._granted(known, discount)
        await self._delete(known["id"])
        return was

    async def check(self) -> tuple[Check, ...]:
        """Whether the key may read coupons and, with an empty batch, write them; and whether the shop takes any."""
        name = _("store {name}", name=self.name)
        try:
            await self._api.read("/coupons", per_page=1, _fields="id")
            await self._api.write("POST", "/coupons/batch", {})
            switch = await self._switch()
        except OutsideError as error:
            remedy = _("give the key read and write permission, or make no discount codes in this store")
            return (Check(name, "warn", _("coupons cannot be made: {error}", error=error.said), remedy),)
        if switch == "no":
            remedy = _("switch them on: WooCommerce, Settings, General, Enable the use of coupon codes")
            return (Check(name, "warn", _("the shop takes no coupons"), remedy),)
        return (Check(name, "ok", _("coupons can be made")),)

    async def _switch(self) -> str:
        """Whether the shop takes coupons at all, yes or no; empty where the key may not see its settings."""
        try:
            told = (await self._api.read(_SWITCH)).told
        except Declined:
            return ""
        return text(told, "value") if isinstance(told, dict) else ""

    async def _bearing(self, code: str) -> list[Row]:
        """The coupons with a code; the shop keeps codes in small letters."""
        rows = rows_of(await self._api.read("/coupons", code=code.lower(), per_page=MOST, _fields=_FIELDS))
        return [row for row in rows if text(row, "code").casefold() == code.casefold()]

    async def _ours(self, discount: Discount, key: str, number: str) -> Row | None:
        """The coupon of a number, where that is known, or that bears the key; one in the bin is none."""
        if not number:
            return await self._under(discount, key)
        row = await self._of(int(number))
        return None if row is None or text(row, "status") == "trash" else row

    async def _of(self, number: int) -> Row | None:
        found = await self._api.find(f"/coupons/{number}", _fields=_FIELDS)
        return None if found is None else found.told

    async def _numbered(self, number: int, wanted: Discount) -> Granted | None:
        """The coupon of a number as it stands; None where it is gone."""
        row = await self._of(number)
        return None if row is None else await self._granted(row, wanted)

    async def _under(self, discount: Discount, key: str) -> Row | None:
        """The coupon that bears a key: by its code, or one made since, where somebody gave it another code."""
        for row in await self._bearing(discount.code):
            if _is_ours(row, discount, key):
                return row
        since = (discount.starts_at - _SKEW).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        async for leaf in self._api.walk("/coupons", after=since, _fields=_FIELDS):
            for row in leaf.rows:
                if _is_ours(row, discount, key):
                    return row
        return None

    async def _granted(self, row: Row, wanted: Discount) -> Granted:
        """A coupon as it stands, in our words, and how it differs; Unreached where it cannot be read."""
        try:
            end = row.get("date_expires_gmt")
            share = (amount(row, "amount") or Decimal(0)) / 100
            discount = Discount(
                skus=await self._skus(row),
                share=share if text(row, "discount_type") == "percent" else Decimal(0),
                code=text(row, "code").upper(),
                starts_at=_start(row, wanted),
                ends_at=NEVER if end is None else instant(row, "date_expires_gmt"),
                name=text(row, "description"),
                variants=tuple(str(number) for number in row.get("product_ids") or ()),
            )
            return Granted(str(row["id"]), discount, whole(row, "usage_count"), _wrong(row, discount, wanted))
        except (Unreadable, ValueError, LookupError, TypeError) as error:
            raise Unreached(_("the coupon cannot be read: {error}", error=why(error))) from error

    async def _skus(self, row: Row) -> tuple[str, ...]:
        """The SKUs of what a coupon is for; one without products is for all."""
        found: list[str] = []
        for number in row.get("product_ids") or ():
            product = await self._api.find(f"/products/{number}", _fields="id,sku")
            found.append(text(product.told, "sku") if product is not None else f"#{number}")
        return tuple(found) or EVERYTHING

    async def _delete(self, number: int) -> None:
        """Delete a coupon for good, for the bin may be switched off; and look that it is gone."""
        path = f"/coupons/{number}"
        try:
            await self._api.write("DELETE", f"{path}?force=true", {})
        except Declined as refused:
            if not is_absent(refused):
                raise
        await discounting.gone(self._api.find(path, _fields="id,status"), _("the shop keeps the coupon all the same"))


def _body(discount: Discount, numbers: list[int], key: str) -> dict[str, Any]:
    """What is sent; `date_expires` with a Z is an instant, without one it would be the shop's own time."""
    return {
        "code": discount.code.lower(),
        "discount_type": "percent",
        "amount": f"{(discount.share * 100).normalize():f}",
        "date_expires": discount.ends_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "individual_use": True,
        "product_ids": numbers,
        "description": discount.name,
        "meta_data": [{"key": META, "value": json.dumps({"key": key, "asked": _asked(discount)})}],
    }


def _wrong(row: Row, stands: Discount, wanted: Discount) -> Words | None:
    """What of a coupon is not as it was wanted; None where nothing is."""
    if text(row, "status") != "publish":
        return _("it is {status}, not published", status=text(row, "status"))
    if row.get("individual_use") is not True:
        return _("it can be used beside other coupons")
    return wanted.differs(stands)


def _asked(discount: Discount) -> dict[str, Any]:
    """What was asked for, as the record keeps it."""
    return {
        "skus": list(discount.skus),
        "share": f"{discount.share:f}",
        "code": discount.code,
        "starts_at": discount.starts_at.astimezone(UTC).isoformat(),
        "ends_at": discount.ends_at.astimezone(UTC).isoformat(),
    }


def _is_ours(row: Row, discount: Discount, key: str) -> bool:
    """Whether a coupon was made by this very call: of another start it is another database's with the same numbers."""
    record = _record(row)
    return record.get("key") == key and (record.get("asked") or {}).get("starts_at") == _asked(discount)["starts_at"]


def _start(row: Row, wanted: Discount) -> datetime:
    """When a coupon started, which our record of it alone tells: WooCommerce's coupons hold from their making on."""
    record = _record(row)
    return datetime.fromisoformat(str(record["asked"]["starts_at"])) if record else wanted.starts_at


def _record(row: Row) -> Mapping[str, Any]:
    """Our record of a coupon; empty where it is somebody else's."""
    for meta in row.get("meta_data") or ():
        if isinstance(meta, dict) and meta.get("key") == META:
            try:
                told = json.loads(meta["value"])
            except (ValueError, TypeError, LookupError):
                return {}
            return told if isinstance(told, dict) else {}
    return {}
