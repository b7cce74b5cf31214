"""Orders as facts, of the Orders API or of a report. What counts as sold stands here and in docs/stores/amazon.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache

from bot.domain.money import Money
from bot.ports import OrderFact, SoldLine
from bot.stores.amazon.markets import CHANNELS, IDS, MERCHANT, Account, Market
from bot.stores.amazon.reading import Row, Unreadable, decimal, excerpt, instant, money, need, part, rows, text, whole
from bot.stores.amazon.reports import FlatRow
from bot.words import _

REPORT = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL"
INCLUDED = "PROCEEDS,FULFILLMENT,CANCELLATION"  # neither BUYER nor RECIPIENT: no names, no addresses
_AT_AMAZON = {"AMAZON", "AFN"}
_SOLD = ("unshipped", "partiallyshipped", "shipped", "shipping", "complete", "invoiceunconfirmed")
_VOID = ("cancel", "unfulfillable")
_SHOWN = (
    "amazon-order-id", "purchase-date", "last-updated-date", "order-status", "item-status", "fulfillment-channel",
    "sales-channel", "sku", "quantity", "currency", "item-price", "item-tax", "item-promotion-discount",
)  # fmt: skip
_KEPT = (*_SHOWN, "product-name")


@dataclass(frozen=True, slots=True)
class _State:
    """What a status means: not placed yet, sold, or no sale (any more)."""

    placed: bool
    sold: bool


@lru_cache(maxsize=64)  # a report tells the same few words some hundred thousand times
def _state(told: str) -> _State:
    """What Amazon's word means, which its APIs and reports write each in its own way."""
    word = "".join(letter for letter in told.casefold() if letter.isalpha())
    if word.startswith("pending"):
        return _State(placed=False, sold=False)
    if word.startswith(_VOID):
        return _State(placed=True, sold=False)
    if word.startswith(_SOLD):
        return _State(placed=True, sold=True)
    raise Unreadable(_("whether the status {told} is a sale is not known", told=repr(told[:40])))


def searched(order: Row, account: Account) -> OrderFact | None:
    """An order of the Orders API; None for what is no sale of ours (yet)."""
    fulfilment, channel = part(order, "fulfillment"), part(order, "salesChannel")
    state = _state(need(fulfilment, "fulfillmentStatus"))
    ident = text(channel, "marketplaceId")
    if not state.placed or text(channel, "channelName") == "NON_AMAZON":
        return None
    market = account.named(_known(ident, IDS))
    if market is None:
        return None
    number = need(order, "orderId")
    return OrderFact(
        id=number,
        number=number,
        placed_at=instant(order, "createdTime"),
        changed_at=instant(order, "lastUpdatedTime"),
        version=instant(order, "lastUpdatedTime"),
        lines=_merged(_item(item, market, sold=state.sold) for item in rows(order, "orderItems")),
        place=_place(text(fulfilment, "fulfilledBy"), market),
    )


def searched_record(order: Row) -> str:
    """An order of the Orders API as a fault shows it, without whoever bought."""
    return excerpt(order, ("orderId", "createdTime", "lastUpdatedTime", "fulfillment", "salesChannel"))


def kept(row: FlatRow) -> FlatRow:
    """The fields of a report's row that are read: where an order is sent to stays out."""
    return {name: row.get(name, "") for name in _KEPT}


def reported(lines: Sequence[FlatRow], account: Account) -> OrderFact | None:
    """An order of a report, all of its rows; None for what is no sale of ours (yet)."""
    head = lines[0]
    state = _state(need(head, "order-status"))
    channel = head["sales-channel"].strip().casefold()
    if not state.placed or channel.startswith("non-amazon"):
        return None
    market = account.selling(_known(channel, CHANNELS))
    if market is None:
        return None
    number = need(head, "amazon-order-id")
    return OrderFact(
        id=number,
        number=number,
        placed_at=instant(head, "purchase-date"),
        changed_at=max(instant(line, "last-updated-date") for line in lines),
        version=max(instant(line, "last-updated-date") for line in lines),
        lines=_merged(_row(line, market, sold=state.sold) for line in lines),
        place=_place(_channel(head), market),
    )


def reported_record(lines: Sequence[FlatRow]) -> str:
    """An order of a report as a fault shows it."""
    return "\n".join(excerpt(line, _SHOWN) for line in lines)


def _known(told: str, names: frozenset[str]) -> str:
    """A marketplace that Amazon is known to have: sales are not left out because it is called in a new way."""
    if told not in names:
        raise Unreadable(_("the marketplace {told} is not known", told=repr(told[:40])))
    return told


def _place(fulfilled: str, market: Market) -> str:
    return market.place if fulfilled in _AT_AMAZON else MERCHANT


def _channel(row: FlatRow) -> str:
    """Reports call Amazon's own sending `Amazon` or AFN, the seller's `Merchant` or MFN."""
    return row["fulfillment-channel"].strip().upper()


def _merged(lines: Iterable[SoldLine]) -> tuple[SoldLine, ...]:
    """One line for each SKU: the report does not tell the ids of an order's items, and both ways must say the same."""
    found: dict[str, SoldLine] = {}
    for line in lines:
        known = found.get(line.id)
        if known is not None and known.amount.currency != line.amount.currency:
            raise Unreadable(
                _(
                    "{sku} is in {currency} and in {other}",
                    sku=line.sku,
                    currency=known.amount.currency,
                    other=line.amount.currency,
                )
            )
        found[line.id] = (
            line
            if known is None
            else replace(known, quantity=known.quantity + line.quantity, amount=known.amount + line.amount)
        )
    return tuple(found.values())


def _item(item: Row, market: Market, *, sold: bool) -> SoldLine:
    product = part(item, "product")
    cancelled = bool(part(part(item, "cancellation"), "cancellationExecution"))
    units = whole(item, "quantityOrdered") if sold and not cancelled else 0
    amount = _proceeds(item, units, market) if units else Money.of_minor(0, market.currency)
    sku = need(product, "sellerSku")
    return SoldLine(sku, sku, sku, text(product, "title"), units, amount)


def _proceeds(item: Row, units: int, market: Market) -> Money:
    """What was paid for an item before tax, discounts taken off, without carriage.

    Whether the other parts hold the tax is read off the sum: where they come to the total without adding it, they do.
    """
    proceeds = part(item, "proceeds")
    parts = rows(proceeds, "breakdowns")
    if not any(text(each, "type") == "ITEM" for each in parts):
        price = part(part(part(item, "product"), "price"), "unitPrice")
        return _amount(price, market) * units
    goods = _of_type(parts, "ITEM", market)
    discount, tax = (_of_type(parts, kind, market, detail="ITEM") for kind in ("DISCOUNT", "TAX"))
    others = [each for each in parts if text(each, "type") not in {"TAX", "DISCOUNT"}]
    without = sum((_amount(part(each, "subtotal"), market).amount for each in others), Decimal(0))
    without -= abs(_of_type(parts, "DISCOUNT", market).amount)
    beyond = _amount(part(proceeds, "proceedsTotal"), market).amount - without
    all_tax = _of_type(parts, "TAX", market).amount
    inside = bool(proceeds.get("proceedsTotal")) and abs(beyond) < abs(beyond - all_tax)
    net = goods.amount - abs(discount.amount) - (tax.amount if inside else 0)
    return money(max(net, Decimal(0)), goods.currency)


def _of_type(parts: Sequence[Row], kind: str, market: Market, detail: str = "") -> Money:
    """A part of the proceeds; of that what is about `detail`, where it is told in detail."""
    found = next((each for each in parts if text(each, "type") == kind), None)
    if found is None:
        return Money.of_minor(0, market.currency)
    details = rows(found, "detailedBreakdowns") if detail else []
    if not details:
        return _amount(part(found, "subtotal"), market)
    about = [_amount(part(each, "value"), market) for each in details if text(each, "subtype") == detail]
    return money(sum((each.amount for each in about), Decimal(0)), about[0].currency if about else market.currency)


def _amount(told: Row, market: Market) -> Money:
    """An amount of the API; nothing where none is told, as for replacements."""
    if not told.get("amount"):
        return Money.of_minor(0, market.currency)
    return money(decimal(told["amount"], "amount"), text(told, "currencyCode") or market.currency)


def _row(row: FlatRow, market: Market, *, sold: bool) -> SoldLine:
    status = text(row, "item-status")
    units = whole(row, "quantity") if sold and (not status or _state(status).sold) else 0
    currency = text(row, "currency") or market.currency
    net = Decimal(0)
    if units:
        net = _figure(row, "item-price") - abs(_figure(row, "item-promotion-discount"))
        net -= _figure(row, "item-tax") if market.tax_inside else 0
    sku = need(row, "sku")
    return SoldLine(sku, sku, sku, text(row, "product-name"), units, money(max(net, Decimal(0)), currency))


def _figure(row: FlatRow, name: str) -> Decimal:
    return decimal(row[name], name) if row[name].strip() else Decimal(0)
