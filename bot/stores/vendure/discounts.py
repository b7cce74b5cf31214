"""Promotions of a Vendure channel: codes and what comes off in the basket, made once per key, read back, and deleted.

Vendure knows no key of ours, which is a field of the promotion that the store's plugin (deploy/vendure/stocktide.js)
adds. Nor does it keep two promotions from having one code: whether it is free is looked up before. What staff copy of a
promotion of ours bears our key as well: ours is what bears it and is the one that was meant.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from bot.domain.discount import ALWAYS, EVERYTHING, NEVER, Discount, Way
from bot.errors import Declined, OutsideError, Unanswered, Unreached, why
from bot.ports import Check, Discounts, Granted
from bot.settings import StorePart
from bot.stores import discounting
from bot.stores.saying import says
from bot.stores.vendure.checking import GRANT, checked
from bot.stores.vendure.client import Admin, Forbidden, Node
from bot.stores.vendure.prices import mark_of, sought, the_one
from bot.words import Words, _

_FIELD = "stocktideKey"
_ACTION, _CONDITION = "products_percentage_discount", "contains_products"
_RIGHTS = "ReadPromotion, CreatePromotion and DeletePromotion"
_SKEW = timedelta(days=1)  # that the store's clock may be behind ours


def discounts_vendure(name: str, part: StorePart) -> Discounts:
    """The promotions of the store of the settings' part, under its name there."""
    return VendureDiscounts(name, part)


class VendureDiscounts:
    """Makes promotions in one channel of one store. Nothing is retried inside."""

    ways: frozenset[Way] = frozenset({"code", "basket"})

    def __init__(self, name: str, part: StorePart) -> None:
        self.name = name
        # A connection of its own for each call leaves none to be cut off in between, when nobody knows what happened.
        self._admin = Admin(part, turns=1, headers={"Connection": "close"})

    async def close(self) -> None:
        """Hang up."""
        await self._admin.close()

    async def taken(self, code: str) -> bool:
        """Whether the channel has a promotion with the code, in any case, also one that is over or switched off."""
        told = await self._admin.ask_ours(_FIELD, "Codes", code=code)
        found = told["promotions"]
        if found["totalItems"] > len(found["items"]):
            raise Declined(
                _("more than {count} promotions have {code} in their code", count=len(found["items"]), code=code)
            )
        return any((each["couponCode"] or "").casefold() == code.casefold() for each in found["items"])

    async def grant(self, discount: Discount, key: str) -> Granted:
        """Make a promotion, once per key, and read it back; one that the store kept otherwise is deleted again.

        Between our look whether a code is free and our write somebody else's with the same code is not noticed.
        """
        numbers = [await self._variant(*each) for each in discount.goods]
        known = await self._under(discount, key)
        if known:
            return await self._alone(await self._granted(known[0], discount), discount, key)
        if discount.code and await self.taken(discount.code):
            raise Declined(_("the channel has the code {code} already", code=discount.code), code="code_taken")
        language = (await self._admin.ask_ours(_FIELD, "Tongue"))["activeChannel"]["defaultLanguageCode"]
        told = (await self._admin.tell("Grant", promotion=_input(discount, numbers, key, language)))["createPromotion"]
        if "id" not in told:
            raise Declined(says(f"{told.get('errorCode')}: {told.get('message')}"))
        number = str(told["id"])
        kept = discounting.kept(_("promotion"), self._numbered(number, discount), lambda: self._delete(number))
        return await self._alone(await kept, discount, key)

    async def granted(self, discount: Discount, key: str, number: str = "") -> Granted | None:
        """The promotion of that number, or else ours that bears the key; None where there is none."""
        known = await self._under(discount, key, number)
        if not known:
            return None
        found = await self._granted(known[0], discount)
        return found if len(known) == 1 else replace(found, wrong=_("it stands {count} times", count=len(known)))

    async def withdraw(self, discount: Discount, key: str, number: str = "") -> Granted | None:
        """Delete the promotion of that number, or else ours that bears the key, and twins; look that all are gone."""
        known = await self._under(discount, key, number)
        was = await self._granted(known[0], discount) if known else None
        for node in known:
            await self._delete(str(node["id"]))
        return was

    async def check(self) -> tuple[Check, ...]:
        """Try the address and the credentials, and with a promotion that is none whether they may make one."""
        found = await checked(self.name, self._admin, {})
        if found[0].verdict != "ok":
            return found
        try:
            await self._bearing("")
            await self._admin.tell("MayGrant")  # what has neither a code nor a condition is refused
            await self._admin.tell("MayWithdraw")  # of nothing
        except Forbidden:
            return (
                Check(
                    _("store {name}", name=self.name),
                    "warn",
                    _("its role may not {rights}: no discounts", rights=_RIGHTS),
                    GRANT,
                ),
            )
        except OutsideError as error:
            remedy = _("put this version's deploy/vendure/stocktide.js into the store, or make no discounts in it")
            return (
                Check(
                    _("store {name}", name=self.name),
                    "warn",
                    _("discounts cannot be made: {error}", error=error.said),
                    remedy,
                ),
            )
        return found

    async def _variant(self, sku: str, code: str) -> str:
        """The one variant (id) of a code or SKU."""
        told = await self._admin.ask_ours(_FIELD, "Bearing", filter=sought(sku, code))
        return str(the_one(told["productVariants"], sku, code)["id"])

    async def _bearing(self, key: str) -> list[Node]:
        """The promotions that bear a key, the oldest first."""
        found: list[Node] = (await self._admin.ask_ours(_FIELD, "Granted", mark=mark_of(key)))["promotions"]["items"]
        return found

    async def _under(self, discount: Discount, key: str, number: str = "") -> list[Node]:
        """Ours, the one of that number where it is known, and after it its twins.

        Without a number it is the one with our name, or else the oldest: somebody gave it another.
        """
        since = await self._since(discount, key)
        named = _named(since, discount)
        if not number:
            return named or since[:1]
        node = await self._node(number)
        return ([] if node is None else [node]) + [twin for twin in named if str(twin["id"]) != number]

    async def _since(self, discount: Discount, key: str) -> list[Node]:
        """What bears a key and was made since it was asked for; what is older is of another database of ours."""
        return [node for node in await self._bearing(key) if _made(node) >= discount.starts_at - _SKEW]

    async def _alone(self, stands: Granted, discount: Discount, key: str) -> Granted:
        """That promotion, once it has no twin; Unanswered where one cannot be deleted."""
        try:
            for twin in _named(await self._since(discount, key), discount):
                if str(twin["id"]) != stands.id:
                    await self._delete(str(twin["id"]))
        except OutsideError as error:
            raise Unanswered(_("made, but it may stand twice: {error}", error=error.said)) from error
        return stands

    async def _granted(self, node: Node, wanted: Discount) -> Granted:
        """A promotion as it stands, in our words, and how it differs; Unreached where it cannot be read."""
        try:
            share, numbers = _taken_off(node)
            discount = Discount(
                skus=await self._skus(numbers),
                share=share,
                code=node["couponCode"] or "",
                starts_at=ALWAYS if node["startsAt"] is None else datetime.fromisoformat(node["startsAt"]),
                ends_at=NEVER if node["endsAt"] is None else datetime.fromisoformat(node["endsAt"]),
                name=str(node["name"]),
                variants=tuple(numbers),
            )
            wrong = _wrong(node, discount, wanted)
        except (LookupError, TypeError, ValueError, ArithmeticError) as error:
            raise Unreached(_("the promotion cannot be read: {error}", error=why(error))) from error
        return Granted(str(node["id"]), discount, None, wrong)

    async def _skus(self, numbers: list[str]) -> tuple[str, ...]:
        """The SKUs of variants; of one that is gone, its number."""
        if not numbers:
            return EVERYTHING
        told = await self._admin.ask_ours(_FIELD, "Named", ids=numbers)
        names = {str(node["id"]): str(node["sku"]) for node in told["productVariants"]["items"]}
        return tuple(names.get(number, f"#{number}") for number in numbers)

    async def _numbered(self, number: str, wanted: Discount) -> Granted | None:
        """The promotion of a number as it stands; None where it is gone."""
        node = await self._node(number)
        return None if node is None else await self._granted(node, wanted)

    async def _node(self, number: str) -> Node | None:
        node: Node | None = (await self._admin.ask_ours(_FIELD, "PromotionOf", id=number))["promotion"]
        return node

    async def _delete(self, number: str) -> None:
        """Delete a promotion, and look that it is gone."""
        said = _("the store keeps the promotion all the same")
        try:
            told = (await self._admin.tell("Withdraw", id=number))["deletePromotion"]
            if told.get("message"):
                said = says(str(told["message"]))
        except Forbidden:
            raise
        except Declined as refused:  # somebody may have deleted it meanwhile
            said = refused.said
        await discounting.gone(self._node(number), said)


def _input(discount: Discount, numbers: list[str], key: str, language: str) -> dict[str, Any]:
    """What is sent: a share off the variants, by a code, or where they are in the basket."""
    variants = {"name": "productVariantIds", "value": json.dumps(numbers)}
    percent = {"name": "discount", "value": f"{(discount.share * 100).normalize():f}"}
    here = [{"code": _CONDITION, "arguments": [{"name": "minimum", "value": "1"}, variants]}]
    return {
        "enabled": True,
        "startsAt": discount.starts_at.astimezone(UTC).isoformat(),
        "endsAt": discount.ends_at.astimezone(UTC).isoformat(),
        "couponCode": discount.code or None,
        "conditions": [] if discount.code else here,
        "actions": [{"code": _ACTION, "arguments": [percent, variants]}],
        "translations": [{"languageCode": language, "name": discount.name, "description": ""}],
        "customFields": {_FIELD: mark_of(key)},
    }


def _named(nodes: Sequence[Node], discount: Discount) -> list[Node]:
    """Those with our name: a call that was given up and came to its end all the same makes a twin.

    What bears our key under another name is somebody's copy.
    """
    return [node for node in nodes if node["name"] == discount.name]


def _made(node: Node) -> datetime:
    """When a promotion was made; Unreached where the store does not say."""
    try:
        return datetime.fromisoformat(node["createdAt"])
    except (LookupError, TypeError, ValueError) as error:
        raise Unreached(_("the store does not say when the promotion was made: {error}", error=why(error))) from error


def _wrong(node: Node, stands: Discount, wanted: Discount) -> Words | None:
    """What of a promotion is not as it was wanted; None where nothing is."""
    if found := wanted.differs(stands):
        return found
    if not node["enabled"]:
        return _("it is switched off")
    most = [node[name] for name in ("usageLimit", "perCustomerUsageLimit") if node[name] is not None]
    if most:
        return _("its uses are limited to {count}", count=min(most))
    return None if _comes_off(node, wanted, stands) else _("it comes off on other conditions")


def _comes_off(node: Node, wanted: Discount, stands: Discount) -> bool:
    """Whether it comes off as it was meant: with the code alone, or once the variants are in the basket."""
    conditions = node["conditions"]
    if wanted.code or [each["code"] for each in conditions] != [_CONDITION]:
        return bool(wanted.code) and not conditions
    given: Mapping[str, str] = {each["name"]: each["value"] for each in conditions[0]["args"]}
    return given["minimum"] == "1" and sorted(json.loads(given["productVariantIds"])) == sorted(stands.variants)


def _taken_off(node: Node) -> tuple[Decimal, list[str]]:
    """The share and the variants; nothing off everything where its actions are not the one that is ours."""
    if [each["code"] for each in node["actions"]] != [_ACTION]:
        return Decimal(0), []
    given: Mapping[str, str] = {each["name"]: each["value"] for each in node["actions"][0]["args"]}
    return Decimal(given["discount"]) / 100, [str(each) for each in json.loads(given["productVariantIds"])]
