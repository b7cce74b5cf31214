"""An order of Shopify as a fact: what was bought and left, what was taken off before, what came back. Pure.

Quantities of Shopify: `quantity` is what was ever bought; `currentQuantity` is that without refunded and removed units.
A refund's line says how it was restocked: CANCEL is of units that had not left, RETURN of units that came back;
NO_RESTOCK and LEGACY_RESTOCK say nothing, so that they are counted as returned as far as so many units had left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from bot.domain.money import Money
from bot.ports import OrderFact, ReturnedLine, SoldLine
from bot.stores.shopify.reading import Node, Unreadable, decimal, instant, nodes, shop_amount, tail, whole
from bot.words import _

_Units = tuple[int, datetime]  # how many, and when
_UNDER_WAY = ("OPEN", "CLOSED")  # returns that were asked for, declined or cancelled are none


@dataclass(slots=True)
class _Back:
    """What is said of a line's units that were taken off or came back; `returned` and `unsaid` by id."""

    refunded: int = 0
    cancelled: int = 0
    waiting: int = 0  # of returns, not paid back yet
    returned: dict[str, _Units] = field(default_factory=dict)
    unsaid: dict[str, _Units] = field(default_factory=dict)


def order_fact(order: Node, fallback: str) -> OrderFact | None:
    """The order as it is now, None for a test. `fallback` is the place of lines that no fulfilment names."""
    if order["test"]:
        return None
    back, left, places = _back(order), _left(order), _places(order)
    lines: list[SoldLine] = []
    returns: list[ReturnedLine] = []
    for line in nodes(order, "lineItems"):
        if line["isGiftCard"]:
            continue
        code = _code(line)
        number = tail(line["id"])
        bought, returned = _bought(line, back.get(number, _Back()), left[number])
        if order["cancelledAt"]:
            bought, returned = 0, {}
        amount = _amount(line, bought, taxed=bool(order["taxesIncluded"]))
        place = places.get(number, "")
        lines.append(SoldLine(number, code, line["sku"] or "", line["name"], bought, amount, place))
        returns += [ReturnedLine(f"{name}/{number}", number, units, at) for name, (units, at) in returned.items()]
    shop = order["retailLocation"]
    return OrderFact(
        id=tail(order["id"]),
        number=order["name"],
        placed_at=instant(order["processedAt"]),
        changed_at=instant(order["cancelledAt"] or order["updatedAt"]),
        version=instant(order["updatedAt"]),  # a cancellation is dated by a second clock
        lines=tuple(lines),
        returns=tuple(returns),
        place=tail(shop["id"]) if shop else fallback,
        customer=tail(order["customer"]["id"]) if order.get("customer") else "",
    )


def told_whole(order: Node) -> bool:
    """Whether an order of a bulk operation is told as `order_fact` reads it.

    What refunds, returns and fulfilments hold is not: an order without the former two, all of whose lines are of one
    place, needs nothing of it. One that cannot be read is not told whole either.
    """
    try:
        return _told_whole(order)
    except (Unreadable, LookupError, TypeError, AttributeError):
        return False


def _told_whole(order: Node) -> bool:
    if order["refunds"] or order["returnStatus"] != "NO_RETURN":
        return False
    shipped = {tail(each["location"]["id"]) for each in order["fulfillments"]
               if each["status"] == "SUCCESS" and each["location"]}  # fmt: skip
    assigned = _places({**order, "fulfillments": ()})
    lines = {tail(line["id"]) for line in nodes(order, "lineItems")}
    parts = [part["assignedLocation"]["location"] for part in nodes(order, "fulfillmentOrders")]
    places = shipped | {tail(location["id"]) for location in parts if location}
    return not shipped or (len(places) == 1 and lines <= set(assigned))


def items(order: Node) -> Sequence[str]:
    """The inventory items (global ids) that the order is about."""
    sold = [line["variant"] for line in nodes(order, "lineItems") if line.get("variant")]
    return list(dict.fromkeys(variant["inventoryItem"]["id"] for variant in sold))


def _code(line: Node) -> str:
    """The variant's id; of a variant that was deleted since, its SKU; of one without, and of tips and fees, nothing."""
    if line["variant"]:
        return tail(line["variant"]["id"])
    return f"sku:{line['sku']}" if line["sku"] else ""


def _bought(line: Node, back: _Back, left: int) -> tuple[int, dict[str, _Units]]:
    """Units that were bought and not taken off before they left, and those of them that came back."""
    bought, now = whole(line["quantity"]), whole(line["currentQuantity"])
    # Whether units on their way back still count as current is nowhere said; they were no edit in either case.
    removed = max(bought - now - back.refunded - back.waiting, 0)
    room = max(left - sum(units for units, _ in back.returned.values()), 0)
    came = _within(back.unsaid, room)
    off = back.cancelled + removed + _sum(back.unsaid) - _sum(came)
    kept = max(bought - off, 0)
    return kept, _within(back.returned | came, kept)


def _within(told: Mapping[str, _Units], most: int) -> dict[str, _Units]:
    """No more units than there were."""
    found: dict[str, _Units] = {}
    for name, (units, at) in told.items():
        taken = min(units, most - _sum(found))
        if taken > 0:
            found[name] = (taken, at)
    return found


def _sum(told: Mapping[str, _Units]) -> int:
    return sum(units for units, _ in told.values())


def _more(told: dict[str, _Units], name: str, units: int, at: datetime) -> None:
    told[name] = (units + told.get(name, (0, at))[0], at)


def _amount(line: Node, bought: int, *, taxed: bool) -> Money:
    """What `bought` units of the line cost in the shop's currency: discounts of every kind taken off, before tax."""
    currency = line["originalTotalSet"]["shopMoney"]["currencyCode"]
    total = shop_amount(line["originalTotalSet"])
    total -= sum((shop_amount(each["allocatedAmountSet"]) for each in line["discountAllocations"]), Decimal())
    if taxed:
        total -= sum((shop_amount(tax["priceSet"]) for tax in line["taxLines"]), Decimal())
    ever = whole(line["quantity"])
    if ever <= 0:
        raise Unreadable(_("a line of {ever} units", ever=ever))
    return Money.rounded(decimal(total) * bought / ever, currency)


def _back(order: Node) -> dict[str, _Back]:
    """By line, what its refunds and returns say."""
    found: dict[str, _Back] = {}
    for refund in order["refunds"]:
        name, at = tail(refund["id"]), instant(refund["processedAt"])
        for line in nodes(refund, "refundLineItems"):
            back = found.setdefault(tail(line["lineItem"]["id"]), _Back())
            units = whole(line["quantity"])
            back.refunded += units
            match line["restockType"]:
                case "CANCEL":
                    back.cancelled += units
                case "RETURN":
                    _more(back.returned, name, units, at)
                case _:
                    _more(back.unsaid, f"{name}-unsaid", units, at)
    for each in nodes(order, "returns"):
        _add_return(each, found)
    return found


def _add_return(told: Node, found: dict[str, _Back]) -> None:
    """Units that were handed in and not paid back yet: they came back all the same."""
    if told["status"] not in _UNDER_WAY:
        return
    at = instant(told["closedAt"] or told["requestApprovedAt"] or told["createdAt"])
    for line in nodes(told, "returnLineItems"):
        if not line.get("fulfillmentLineItem"):  # a line of another kind names no line of the order
            continue
        back = found.setdefault(tail(line["fulfillmentLineItem"]["lineItem"]["id"]), _Back())
        refunded = whole(line["refundedQuantity"])
        back.waiting += max(whole(line["quantity"]) - refunded, 0)
        came = whole(line["processedQuantity"]) - refunded
        if came > 0:
            _more(back.returned, f"return-{tail(told['id'])}", came, at)


def _left(order: Node) -> Counter[str]:
    """By line, how many units have left."""
    left: Counter[str] = Counter()
    for fulfilment in order["fulfillments"]:
        if fulfilment["status"] == "SUCCESS":
            for line in nodes(fulfilment, "fulfillmentLineItems"):
                left[tail(line["lineItem"]["id"])] += whole(line["quantity"] or 0)
    return left


def _places(order: Node) -> dict[str, str]:
    """By line, the place that most of its units left from; of what has not left, that most are assigned to."""
    assigned: dict[str, Counter[str]] = {}
    for part in nodes(order, "fulfillmentOrders"):
        location = part["assignedLocation"]["location"]
        if location and part["status"] != "CANCELLED":
            for line in nodes(part, "lineItems"):
                units = assigned.setdefault(tail(line["lineItem"]["id"]), Counter())
                units[tail(location["id"])] += whole(line["totalQuantity"])
    left: dict[str, Counter[str]] = {}
    for fulfilment in order["fulfillments"]:
        if fulfilment["status"] == "SUCCESS" and fulfilment["location"]:
            for line in nodes(fulfilment, "fulfillmentLineItems"):
                units = left.setdefault(tail(line["lineItem"]["id"]), Counter())
                units[tail(fulfilment["location"]["id"])] += whole(line["quantity"] or 0)
    return {line: max(sorted(found), key=lambda place: found[place]) for line, found in (assigned | left).items()}
