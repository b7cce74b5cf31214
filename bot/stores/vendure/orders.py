"""An order of Vendure as a fact: what was bought, what was taken off before it left, what came back. Pure.

`quantity` of a line is what is left of it after every cancellation and modification, whether or not the units had been
sent; `fulfillmentLines` say how many were. So what was sent and is no longer part of the line came back.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from bot.ports import OrderFact, ReturnedLine, SoldLine
from bot.stores.vendure.client import Node, Terms
from bot.stores.vendure.reading import Unreadable, instant, whole
from bot.words import _

_SENT_NOT = ("Created", "Pending", "Cancelled")  # states of a fulfilment whose units have not left
_Units = tuple[str, int, datetime]  # of which record, how many, when


def is_order(node: Node) -> bool:
    """Whether a record is an order that was placed; one that was split is told as the orders of its sellers."""
    return bool(node["orderPlacedAt"]) and node["type"] != "Aggregate"


def order_fact(node: Node, terms: Terms, place: str) -> OrderFact:
    """The order as it is now. `place` is where its lines leave from: Vendure does not tell."""
    cancelled, refunded = _cancelled(node), _refunded(node)
    lines: list[SoldLine] = []
    returns: list[ReturnedLine] = []
    for line in node["lines"]:
        name = str(line["id"])
        kept, back = _kept(line, cancelled.get(name, []), refunded.get(name, []))
        lines.append(_sold(line, kept, node["currencyCode"], terms))
        returns += [ReturnedLine(f"{record}/{name}", name, units, at) for record, units, at in back]
    times = [instant(node["updatedAt"]), instant(node["orderPlacedAt"])]
    times += [at for found in cancelled.values() for _, _, at in found]
    return OrderFact(
        id=str(node["id"]),
        number=node["code"],
        placed_at=instant(node["orderPlacedAt"]),
        changed_at=max(times),  # `updatedAt` is cut to seconds and may lie before the order was placed
        version=max(times),
        lines=tuple(lines),
        returns=tuple(returns),
        place=place,
        customer=str(node["customer"]["id"]) if node["customer"] else "",
    )


def _sold(line: Node, kept: int, currency: str, terms: Terms) -> SoldLine:
    """A line with what its units cost: discounts of the line and of the order taken off, before tax."""
    variant, now = line["productVariant"], whole(line["quantity"])
    each = Decimal(whole(line["proratedLinePrice"])) / now if now else Decimal(whole(line["proratedUnitPrice"]))
    return SoldLine(
        str(line["id"]), str(variant["id"]), variant["sku"] or "", variant["name"], kept,
        terms.money(each * kept, currency),
    )  # fmt: skip


def _kept(line: Node, cancelled: list[_Units], refunded: list[_Units]) -> tuple[int, list[_Units]]:
    """Units that were bought and not taken off before they left, and those of them that came back or were paid back.

    Money is usually paid back for what is cancelled, so that refunds count only beyond that.
    """
    now = whole(line["quantity"])
    sent = sum(whole(each["quantity"]) for each in line["fulfillmentLines"] or () if _left(each))
    kept = max(now, sent)
    back = list(_latest(cancelled, kept - now))
    missing = kept - now - sum(units for _, units, _ in back)
    if missing > 0:
        raise Unreadable(
            _(
                "{missing} units of line {id} came back, and its history does not say when",
                missing=missing,
                id=line["id"],
            )
        )
    off = max(sum(units for _, units, _ in cancelled), whole(line["orderPlacedQuantity"]) - now)
    paid = min(max(sum(units for _, units, _ in refunded) - off, 0), now)
    returned = min(paid, sent)
    return kept - (paid - returned), back + list(_latest(refunded, returned))  # what was never sent is not sold at all


def _left(entry: Node) -> bool:
    return entry["fulfillment"]["state"] not in _SENT_NOT


def _latest(found: list[_Units], most: int) -> Iterator[_Units]:
    """The last of the records, as far as so many units go: what had not been sent yet was taken off first."""
    for record, units, at in sorted(found, key=lambda each: each[2], reverse=True):
        taken = min(units, most)
        if taken > 0:
            most -= taken
            yield record, taken, at


def _cancelled(node: Node) -> dict[str, list[_Units]]:
    """By line, the units that cancellations and modifications took off; both leave an entry in the order's history."""
    found: dict[str, list[_Units]] = {}
    for entry in node["history"]["items"]:
        at = instant(entry["createdAt"])
        for line in entry["data"].get("lines") or ():
            told = (f"cancelled-{entry['id']}", whole(line["quantity"]), at)
            found.setdefault(str(line["orderLineId"]), []).append(told)
    return found


def _refunded(node: Node) -> dict[str, list[_Units]]:
    """By line, the units that money was paid back for."""
    found: dict[str, list[_Units]] = {}
    for payment in node["payments"] or ():
        for refund in payment["refunds"]:
            if refund["state"] == "Failed":
                continue
            at = instant(refund["createdAt"])
            for line in refund["lines"]:
                told = (f"refund-{refund['id']}", whole(line["quantity"]), at)
                found.setdefault(str(line["orderLineId"]), []).append(told)
    return found
