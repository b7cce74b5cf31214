"""Discounts of a Shopify shop: codes and automatic ones, made once per key, read back, and deleted at their end.

A discount knows no key of ours, but tags: one made of the key's digest is written with it in one mutation. What comes
off by itself cannot be asked for by a code: it is looked for among the newest discounts, as far back as it can be.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from bot.domain.discount import EVERYTHING, NEVER, Discount, Way
from bot.errors import Declined, OutsideError, Unanswered, Unreached, why
from bot.ports import Check, Granted
from bot.stores import discounting
from bot.stores.saying import says
from bot.stores.shopify.checking import checked
from bot.stores.shopify.client import Shop
from bot.stores.shopify.prices import sought, the_one
from bot.stores.shopify.reading import Node, gid, tail
from bot.words import Words, _

_SHARE = Decimal("0.0001")
_SKEW = timedelta(hours=1)  # that the shop's clock may be behind ours
_KINDS: Mapping[str, str] = {"DiscountCodeBasic": "DiscountCodeNode", "DiscountAutomaticBasic": "DiscountAutomaticNode"}


class ShopifyDiscounts:
    """Makes discount codes and automatic discounts of one shop. Nothing is retried inside."""

    ways: frozenset[Way] = frozenset({"code", "basket"})

    def __init__(self, name: str, shop: Shop) -> None:
        self.name = name
        self._shop = shop

    async def close(self) -> None:
        """Hang up."""
        await self._shop.close()

    async def taken(self, code: str) -> bool:
        """Whether the shop has a discount of any kind with the code."""
        return (await self._bearing(code)) is not None

    async def grant(self, discount: Discount, key: str) -> Granted:
        """Make a discount, once per key, and read it back; one that the shop kept otherwise is deleted again."""
        variants = [await self._variant(*each) for each in discount.goods]
        known = await self._under(discount, key)
        if known is not None:
            return known
        if discount.code and await self._bearing(discount.code) is not None:
            raise Declined(_("the shop has the code {code} already", code=discount.code), code="code_taken")
        number = await self._make(discount, variants, key)
        return await discounting.kept(_("discount"), self._read(number, discount), lambda: self._delete(number))

    async def granted(self, discount: Discount, key: str, number: str = "") -> Granted | None:
        """The discount of that number, or else the one that bears the key's tag; None where there is none."""
        return await (self._read(number, discount) if number else self._under(discount, key))

    async def withdraw(self, discount: Discount, key: str, number: str = "") -> Granted | None:
        """Delete the discount of that number, or else the one that bears the key's tag, and look that it is gone."""
        known = await self.granted(discount, key, number)
        if known is not None:
            await self._delete(known.id)
        return known

    async def check(self) -> tuple[Check, ...]:
        """Try the address and the credentials, and whether they may write discounts."""
        return await checked(self.name, self._shop, (), ("write_discounts",))

    async def _variant(self, sku: str, code: str) -> str:
        """The one variant (id) of a code or SKU."""
        told = (await self._shop.ask("Bearing", query=sought(sku, code))).whole()
        return str(the_one(told["productVariants"]["nodes"], sku, code)["id"])

    async def _bearing(self, code: str) -> Node | None:
        """The discount with a code, whosever it is."""
        node: Node | None = (await self._shop.ask("CodeOf", code=code)).whole()["codeDiscountNodeByCode"]
        return node

    async def _under(self, discount: Discount, key: str) -> Granted | None:
        """The discount that bears a key's tag and was made since it was asked for: by its code, or among the newest.

        An older one is of another database of ours (a test's, say) with the same numbers.
        """
        mark, since = _mark(key), discount.starts_at - _SKEW
        if discount.code:
            bearing = await self._bearing(discount.code)
            deal = {} if bearing is None else bearing["codeDiscount"]
            if bearing is not None and mark in deal.get("tags", ()) and _made(deal) >= since:
                return await self._read(bearing["id"], discount)
        async for node in self._newest(since):
            if mark in node["discount"].get("tags", ()):
                return await self._read(node["id"], discount)
        return None

    async def _newest(self, since: datetime) -> AsyncIterator[Node]:
        """Discounts, the newest first, that were made since an instant; of other kinds the shop tells no instant."""
        after: str | None = None
        while True:
            found = (await self._shop.ask("Newest", after=after)).whole()["discountNodes"]
            for node in found["nodes"]:
                if "createdAt" in node["discount"] and _made(node["discount"]) < since:
                    return
                yield node
            if not found["pageInfo"]["hasNextPage"]:
                return
            after = found["pageInfo"]["endCursor"]

    async def _make(self, discount: Discount, variants: list[str], key: str) -> str:
        """Make it; its id."""
        common = _input(discount, variants, key)
        if discount.code:
            told = (await self._shop.tell("Grant", discount={**common, "code": discount.code}))[
                "discountCodeBasicCreate"
            ]
            made = told["codeDiscountNode"] if told else None
        else:
            told = (await self._shop.tell("GrantBasket", discount=common))["discountAutomaticBasicCreate"]
            made = told["automaticDiscountNode"] if told else None
        if told and told["userErrors"]:
            if any(each["code"] == "TAKEN" for each in told["userErrors"]):
                return await self._ours_all_along(discount, key)
            raise Declined(_said(told["userErrors"]))
        if made is None:
            raise Unanswered(_("the shop says neither what it made nor what is wrong"))
        return str(made["id"])

    async def _ours_all_along(self, discount: Discount, key: str) -> str:
        """The discount that has our code or title already, where a call whose answer was lost made it.

        Its title names our request, so nobody else's has it; a list may lag behind what was made.
        """
        known = await discounting.late(self._under(discount, key))
        if known is not None:
            return known.id
        try:
            theirs = discount.code and await self._bearing(discount.code)
        except OutsideError as error:
            raise Unanswered(_("it is there already, but cannot be read: {error}", error=error.said)) from error
        if theirs:
            raise Declined(_("the shop has the code {code} already", code=discount.code), code="code_taken")
        raise Unanswered(_("it is there already, but the shop does not show it yet"))

    async def _read(self, number: str, wanted: Discount) -> Granted | None:
        """A discount as it stands; None where it is gone."""
        node = await self._node(number)
        return None if node is None else _granted(node, wanted)

    async def _node(self, number: str) -> Node | None:
        node: Node | None = (await self._shop.ask("DiscountOf", id=number)).whole()["discountNode"]
        return node

    async def _delete(self, number: str) -> None:
        """Delete a discount for good, and look that it is gone."""
        if "/DiscountCodeNode/" in number:
            told = (await self._shop.tell("Withdraw", id=number))["discountCodeDelete"]
        else:
            told = (await self._shop.tell("WithdrawBasket", id=number))["discountAutomaticDelete"]
        said = _said(told["userErrors"]) if told else _("the shop keeps the discount all the same")
        await discounting.gone(self._node(number), said)


def _input(discount: Discount, variants: list[str], key: str) -> dict[str, Any]:
    """What both kinds take. Shipping may be had cheaper beside it; another discount on goods may not."""
    return {
        "title": discount.name,
        "startsAt": _instant(discount.starts_at),
        "endsAt": _instant(discount.ends_at),
        "context": {"all": "ALL"},
        "combinesWith": {"orderDiscounts": False, "productDiscounts": False, "shippingDiscounts": True},
        "customerGets": {
            "value": {"percentage": float(discount.share)},  # the schema's Float; read back as text, it is exact
            "items": {"products": {"productVariantsToAdd": variants}},
        },
        "tags": [_mark(key)],
    }


def _wrong(node: Node, stands: Discount, wanted: Discount) -> Words | None:
    """What of a discount is not as it was wanted; None where nothing is."""
    together = node["discount"]["combinesWith"]
    if together["orderDiscounts"] or together["productDiscounts"]:
        return _("it can be used beside other discounts")
    return wanted.differs(stands)


def _granted(node: Node, wanted: Discount) -> Granted:
    """A discount of an answer, in our words, and how it differs; Unreached where it cannot be read."""
    try:
        told = node["discount"]
        value, items = told["customerGets"]["value"], told["customerGets"]["items"]
        skus: tuple[str, ...] = EVERYTHING
        variants: tuple[str, ...] = ()
        if items["__typename"] == "DiscountProducts":
            whole, parts = (items[name]["nodes"] for name in ("products", "productVariants"))
            skus = (*(str(each["id"]) for each in whole), *(str(each["sku"] or tail(each["id"])) for each in parts))
            variants = (*(str(each["id"]) for each in whole), *(tail(each["id"]) for each in parts))
        percent = value["__typename"] == "DiscountPercentage"
        codes = [str(each["code"]) for each in (told.get("codes") or {"nodes": ()})["nodes"]]
        discount = Discount(
            skus=skus,
            share=Decimal(str(value["percentage"])).quantize(_SHARE) if percent else Decimal(0),
            code=",".join(codes),
            starts_at=datetime.fromisoformat(told["startsAt"]),
            ends_at=NEVER if told["endsAt"] is None else datetime.fromisoformat(told["endsAt"]),
            name=str(told["title"]),
            variants=variants,
        )
        # The node may be called by its general name.
        number = gid(_KINDS[told["__typename"]], tail(node["id"]))
        return Granted(number, discount, int(told["asyncUsageCount"]), _wrong(node, discount, wanted))
    except (LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise Unreached(_("the discount cannot be read: {error}", error=why(error))) from error


def _made(deal: Node) -> datetime:
    return datetime.fromisoformat(deal["createdAt"])


def _mark(key: str) -> str:
    """The tag by which a key is found."""
    return f"stocktide-{hashlib.sha256(key.encode()).hexdigest()[:20]}"


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _said(errors: list[Node]) -> Words:
    return says("; ".join(str(each["message"]) for each in errors))
