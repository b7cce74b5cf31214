"""The calls of a promotion that leaves the store's price as it is: a discount is made, and withdrawn.

What is made always has an end of its own in the store, so that it is over though nobody of us lives to withdraw it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from bot.domain.discount import Discount
from bot.errors import Unanswered, Unreached
from bot.ports import Call, Discounts, Granted
from bot.words import _, kept

GRANT, WITHDRAW = "discount.grant", "discount.withdraw"


def discount_json(discount: Discount) -> dict[str, Any]:
    """A discount as plain JSON."""
    return {
        "skus": list(discount.skus),
        "share": f"{discount.share:f}",
        "code": discount.code,
        "starts_at": discount.starts_at.isoformat(),
        "ends_at": discount.ends_at.isoformat(),
        "name": discount.name,
        "variants": list(discount.variants),
    }


def discount_of(told: Mapping[str, Any]) -> Discount:
    """A discount of plain JSON."""
    return Discount(
        skus=tuple(told["skus"]),
        share=Decimal(told["share"]),
        code=told["code"],
        starts_at=datetime.fromisoformat(told["starts_at"]),
        ends_at=datetime.fromisoformat(told["ends_at"]),
        name=told["name"],
        variants=tuple(told.get("variants", ())),  # older ones were kept without
    )


class _Till:
    """Calls to whichever store a payload names."""

    def __init__(self, stores: Mapping[str, Discounts]) -> None:
        self._stores = stores

    def _store(self, call: Call) -> Discounts:
        name = str(call.payload["store"])
        if name not in self._stores:  # it was connected when the promotion was approved; it may be again
            raise Unreached(_("the store {name} is not connected", name=name))
        return self._stores[name]


class DiscountGranter(_Till):
    """Makes a discount; `payload` holds the `discount`, and the call's key is the one that the store keeps with it."""

    async def perform(self, call: Call) -> Mapping[str, Any]:
        """The discount as it stands; what the store kept otherwise was taken back and is Declined."""
        wanted = discount_of(call.payload["discount"])
        return _told(await self._store(call).grant(wanted, call.key))

    async def look(self, call: Call) -> Mapping[str, Any] | None:
        """What stands under the key."""
        wanted = discount_of(call.payload["discount"])
        found = await self._store(call).granted(wanted, call.key)
        return None if found is None else _told(found)


class DiscountWithdrawer(_Till):
    """Takes a discount back; `payload` holds the `discount`, the `key` under which it was made, and its `number`.

    The number is the store's own, as the call that made it was answered; empty where that answer is not known.
    """

    async def perform(self, call: Call) -> Mapping[str, Any]:
        """That it is gone, and how often it was `used` where the store tells that.

        Withdrawing twice harms nobody, so what nobody knows is no question for a person: it is tried again.
        """
        try:
            was = await self._store(call).withdraw(*_made(call))
        except Unanswered as error:
            raise Unreached(error.said) from error
        return {"restored": True, "used": None if was is None else was.used}

    async def look(self, call: Call) -> Mapping[str, Any] | None:
        """That nothing stands under the key any more."""
        found = await self._store(call).granted(*_made(call))
        return {"restored": True, "used": None} if found is None else None


def _made(call: Call) -> tuple[Discount, str, str]:
    """What was made: the discount, its key, and the store's number of it."""
    told = call.payload
    return discount_of(told["discount"]), str(told["key"]), str(told.get("number", ""))


def _told(found: Granted) -> dict[str, Any]:
    """What stands in the store, and what of it is not as it was wanted."""
    stands = discount_json(found.discount)
    return {
        "id": found.id,
        "discount": stands,
        "verified": not found.differs,
        "differs": kept(found.wrong) if found.wrong else "",
    }
