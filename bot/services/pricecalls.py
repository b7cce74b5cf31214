"""The calls of a promotion to its store: the prior price is read, the price is lowered, the prior price is put back.

Reading is a call of its own, so that the prior price is kept in the database before anything is changed. A price is
only written over what we saw ourselves: what somebody else changed meanwhile stays as it is. What was written is read
back; a call whose outcome cannot be read is looked for, never made again blind.

A payload's `codes` are the store's own ids of what the product is there, kept with the first call: what was lowered is
what is put back, whatever a person says of the variants meanwhile. A payload without any goes by the SKU.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.domain.money import Money
from bot.errors import Declined, OutsideError, Unanswered, Unreached
from bot.ports import Call, StoreConnector, StorePrice
from bot.services.variants import price_of, the_variant
from bot.words import _

READ, SET, RESTORE = "price.read", "price.set", "price.restore"


def price_json(price: StorePrice) -> dict[str, Any]:
    """A store's price as plain JSON."""
    return {
        "sku": price.sku,
        "currency": price.price.currency,
        "price_minor": price.price.minor,
        "compare_at_minor": None if price.compare_at is None else price.compare_at.minor,
        "revision": price.revision,
    }


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two prices ask the same of a customer."""
    return all(one.get(name) == other.get(name) for name in ("currency", "price_minor", "compare_at_minor"))


def codes_of(payload: Mapping[str, Any]) -> tuple[str, ...]:
    """The store's ids of what a payload is about; none where it is known by its SKU."""
    return tuple(payload.get("codes", ()))


class _Shop:
    """Calls to whichever store a payload names."""

    def __init__(self, stores: Mapping[str, StoreConnector]) -> None:
        self._stores = stores

    def _store(self, call: Call) -> StoreConnector:
        name = str(call.payload["store"])
        if name not in self._stores:  # it was connected when the promotion was approved; it may be again
            raise Unreached(_("the store {name} is not connected", name=name))
        return self._stores[name]

    async def _now(self, call: Call) -> dict[str, Any]:
        """The price as it stands; Declined where the store does not sell the product, otherwise Unreached."""
        try:
            return price_json(await price_of(self._store(call), str(call.payload["sku"]), codes_of(call.payload)))
        except Declined:
            raise
        except OutsideError as error:
            raise Unreached(error.said) from error

    async def _write(self, call: Call, wanted: Mapping[str, Any], revision: str) -> dict[str, Any]:
        currency, compare_at = wanted["currency"], wanted["compare_at_minor"]
        written = await self._store(call).set_price(
            str(call.payload["sku"]),
            Money.of_minor(wanted["price_minor"], currency),
            None if compare_at is None else Money.of_minor(compare_at, currency),
            call.key,
            revision,
            the_variant(codes_of(call.payload)),
        )
        return price_json(written)

    async def _verified(self, call: Call, written: Mapping[str, Any]) -> dict[str, Any]:
        """What was written, and whether the store asks it; Unanswered where that cannot be read now."""
        try:
            stands = await self._now(call)
        except OutsideError as error:
            raise Unanswered(_("changed, but it cannot be read back: {error}", error=error.said)) from error
        return {**written, "verified": same(stands, written), "stands": stands}

    async def _found(self, call: Call) -> dict[str, Any] | None:
        """What was written under the call's key, verified; None where nothing was.

        A store that keeps no keys (Amazon) is asked what it asks now: where that is what the call wants, the call has
        come to its end, whoever sees it. Where it is anything else nobody knows, and a person looks.
        """
        try:
            found = await self._store(call).written(call.key)
        except Unanswered:
            stands = await self._now(call)
            if not same(stands, call.payload["wanted"]):
                raise
            return {**stands, "verified": True, "stands": stands}
        if found is None:
            return None
        written = price_json(found)
        stands = await self._now(call)
        return {**written, "verified": same(stands, written), "stands": stands}


class PriceReader(_Shop):
    """Reads the price before anything is changed; whatever goes wrong, it can be read again."""

    async def perform(self, call: Call) -> Mapping[str, Any]:
        """The store's price record."""
        return await self._now(call)

    async def look(self, call: Call) -> Mapping[str, Any] | None:  # noqa: ARG002  # as every performer
        """Reading leaves nothing behind."""
        return None


class PriceSetter(_Shop):
    """Lowers a price that still is as it was read; `payload` holds `wanted` and the `revision` that was read."""

    async def perform(self, call: Call) -> Mapping[str, Any]:
        """The price as written, and whether it stands."""
        written = await self._write(call, call.payload["wanted"], call.payload["revision"])
        return await self._verified(call, written)

    async def look(self, call: Call) -> Mapping[str, Any] | None:
        """What was written under the key."""
        return await self._found(call)


class PriceRestorer(_Shop):
    """Puts the prior price back where ours still stands; `payload` holds `wanted` and `ours`.

    The result says whether it is `restored`, and what `stands` otherwise.
    """

    async def perform(self, call: Call) -> Mapping[str, Any]:
        """Restore, or leave alone what somebody else changed."""
        wanted, ours = call.payload["wanted"], call.payload["ours"]
        stands = await self._now(call)
        if not same(stands, ours):
            return {"restored": same(stands, wanted), "stands": stands}
        try:
            written = await self._write(call, wanted, stands["revision"])
        except Declined:
            again = await self._now(call)
            if same(again, ours):
                raise
            return {"restored": same(again, wanted), "stands": again}
        verified = await self._verified(call, written)
        return {**verified, "restored": verified["verified"]}

    async def look(self, call: Call) -> Mapping[str, Any] | None:
        """What was written under the key."""
        found = await self._found(call)
        return None if found is None else {**found, "restored": found["verified"]}
