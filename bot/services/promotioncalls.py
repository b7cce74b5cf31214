"""Which calls a promotion makes by its means: a lower price that is put back, or a discount that is withdrawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain.discount import Discount
from bot.services.discountcalls import GRANT, WITHDRAW, discount_json
from bot.services.pricecalls import READ, RESTORE, SET, codes_of
from bot.storage.promotions import PromotionRow

Json = Mapping[str, Any]
_LONGEST_NAME = 60  # of a product, in what buyers see of a discount


@dataclass(frozen=True, slots=True)
class Planned:
    """A call to be planned: its kind, and what it is given."""

    kind: str
    payload: Json


def key_of(request_id: int, step: str) -> str:
    """The key of a promotion's call."""
    return f"promotion:R-{request_id}:{step}"


def reading(store: str, sku: str, codes: Sequence[str]) -> Planned:
    """The call that asks for the price of a product, which is those variants of the store."""
    return Planned(READ, {"store": store, "sku": sku, "codes": list(codes)})


def starting(promotion: PromotionRow, seen: Json, now: datetime, codes: Sequence[str]) -> Planned:
    """The call that starts it, where the price of those variants was `seen` and is the one that was approved."""
    about = {"store": promotion.store, "sku": promotion.sku, "codes": list(codes)}
    if promotion.share is None:
        wanted = {
            "currency": promotion.currency,
            "price_minor": promotion.price_minor,
            "compare_at_minor": seen["price_minor"],
        }
        return Planned(SET, {**about, "wanted": wanted, "revision": seen["revision"]})
    discount = Discount(
        skus=(promotion.sku,),
        share=promotion.share,
        code=promotion.code,
        starts_at=now.replace(microsecond=0),
        ends_at=promotion.ends_at.replace(microsecond=0),
        name=f"{promotion.name[:_LONGEST_NAME]} -{(promotion.share * 100).normalize():f}% (R-{promotion.request_id})",
        variants=tuple(codes),
    )
    return Planned(GRANT, {**about, "discount": discount_json(discount)})


def ours_of(planned: Planned, result: Json) -> Json:
    """What to know of ours when it is to end, from the call that started it and its answer."""
    if planned.kind == SET:
        codes = list(codes_of(planned.payload))
        return {**planned.payload["wanted"], "revision": result.get("revision", ""), "codes": codes}
    return {"discount": planned.payload["discount"], "number": result.get("id", "")}


def stopping(promotion: PromotionRow, ours: Json) -> Planned:
    """The call that ends it."""
    about: dict[str, Any] = {"store": promotion.store, "sku": promotion.sku}
    if promotion.share is None:
        about["codes"] = list(codes_of(ours))
        return Planned(RESTORE, {**about, "wanted": promotion.prior or {}, "ours": dict(ours)})
    given = {"discount": ours["discount"], "key": key_of(promotion.request_id, "start")}
    return Planned(WITHDRAW, {**about, **given, "number": ours.get("number", "")})  # older ones were kept without


def not_standing(planned: Planned, result: Json) -> Json:
    """What is kept of a start after which the store had something else."""
    if planned.kind == SET:
        return {"kind": "not_standing", "found_minor": result["stands"]["price_minor"]}
    return {"kind": "differs_there", "found": str(result.get("differs", ""))}
