"""Orders and their refunds as facts. Which status counts as sold stands here and in docs/stores/woocommerce.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.domain.money import Money
from bot.ports import OrderFact, ReturnedLine, SoldLine
from bot.settings import StorePart
from bot.stores.woocommerce.api import Row
from bot.stores.woocommerce.goods import PLACE
from bot.stores.woocommerce.reading import Unreadable, excerpt, ident, instant, money, rows, text, whole
from bot.words import Words, _

# Neither names nor addresses are asked for.
FIELDS = "id,number,status,currency,customer_id,date_created_gmt,date_modified_gmt,line_items,refunds"
REFUND_FIELDS = "id,date_created_gmt,line_items"
_SOLD = frozenset({"processing", "completed", "on-hold", "refunded"})
_VOID = frozenset({"pending", "failed", "cancelled", "trash"})
_NO_ORDER = frozenset({"checkout-draft", "auto-draft", "draft", "new"})
_PAID_BACK = "refunded"
_LINE = ("id", "product_id", "variation_id", "sku", "quantity", "total")


@dataclass(frozen=True, slots=True)
class Statuses:
    """Which statuses count as sold, and which as no sale (any more)."""

    sold: frozenset[str]
    void: frozenset[str]

    @classmethod
    def of(cls, part: StorePart) -> Statuses:
        """WooCommerce's own, and those of plugins that `options.sold` and `options.unsold` name."""
        sold, unsold = (_names(part.options.get(name, "")) for name in ("sold", "unsold"))
        return cls((_SOLD - unsold) | sold, (_VOID - sold) | unsold)


@dataclass(frozen=True, slots=True)
class Read:
    """An order as a fact, and what is wrong with it besides."""

    fact: OrderFact
    problems: tuple[Words, ...]


def is_order(row: Row) -> bool:
    """Whether it is one: a cart at the checkout is not."""
    return text(row, "status") not in _NO_ORDER


def needs_refunds(row: Row, statuses: Statuses) -> bool:
    """Whether refunds are to be read: they leave the lines' quantities as they were."""
    return bool(row.get("refunds")) and text(row, "status") in statuses.sold


def order(row: Row, refunds: Sequence[Row], statuses: Statuses) -> Read:
    """The order; Unreadable where it cannot be taken at all."""
    status = text(row, "status")
    if status not in statuses.sold | statuses.void:
        raise Unreadable(
            _(
                "whether the status {status} is a sale is not known; see options.sold and options.unsold",
                status=repr(status),
            )
        )
    lines = rows(row, "line_items")
    gone = sum(not _code(line) for line in lines)
    fact = OrderFact(
        id=str(row["id"]),
        number=text(row, "number") or str(row["id"]),
        placed_at=instant(row, "date_created_gmt"),
        changed_at=instant(row, "date_modified_gmt"),
        version=instant(row, "date_modified_gmt"),
        lines=tuple(_line(line, text(row, "currency"), sold=status in statuses.sold) for line in lines),
        returns=tuple(_returns(row, lines, refunds)) if status in statuses.sold else (),
        place=PLACE,
        customer=str(row["customer_id"]) if row.get("customer_id") else "",
    )
    return Read(fact, (_("{count} of its lines are of products deleted in the shop", count=gone),) if gone else ())


def record(row: Row) -> str:
    """An order as a fault shows it, without whoever bought."""
    lines = row.get("line_items")
    shown = [excerpt(line, _LINE) for line in lines if isinstance(line, dict)] if isinstance(lines, list) else []
    return "\n".join([excerpt(row, ("id", "number", "status", "currency", "date_created_gmt")), *shown])


def _line(line: Row, currency: str, *, sold: bool) -> SoldLine:
    """`total` is what was paid before tax, discounts taken off; `subtotal` is what it would have been."""
    return SoldLine(
        id=ident(line),
        code=_code(line),
        sku=text(line, "sku"),
        name=text(line, "name"),
        quantity=whole(line, "quantity") if sold else 0,
        amount=money(line, "total", currency) if sold else Money.of_minor(0, currency),
    )


def _returns(row: Row, lines: Sequence[Row], refunds: Sequence[Row]) -> Iterator[ReturnedLine]:
    """What came back by each refund; an order that was paid back as a whole came back with what was left of it."""
    left = {ident(line): whole(line, "quantity") for line in lines}
    for refund in sorted(refunds, key=lambda refund: str(refund.get("date_created_gmt"))):
        at = instant(refund, "date_created_gmt")
        for part in rows(refund, "line_items"):
            units = -whole(part, "quantity")
            of = _original(part, lines)
            if units > 0 and of in left:  # an amount may be paid back for no units
                left[of] -= units
                yield ReturnedLine(ident(part), of, units, at)
    if text(row, "status") != _PAID_BACK:
        return
    last = max((instant(refund, "date_created_gmt") for refund in refunds), default=instant(row, "date_modified_gmt"))
    for line, units in left.items():
        if units > 0:  # the status was changed by hand: that refund names no lines
            yield ReturnedLine(f"rest-{line}", line, units, last)


def _original(part: Row, lines: Sequence[Row]) -> str:
    """The line that a refund's line is about."""
    named = {meta.get("key"): meta.get("value") for meta in rows(part, "meta_data")} if part.get("meta_data") else {}
    if named.get("_refunded_item_id"):
        return str(named["_refunded_item_id"])
    alike = [ident(line) for line in lines if _code(line) == _code(part)]
    if len(alike) != 1:
        raise Unreadable(_("the refund's line {id} does not say what it is about", id=part.get("id")))
    return alike[0]


def _code(line: Mapping[str, object]) -> str:
    """The variation, or the product that has none; empty where it was deleted from the shop."""
    return str(line.get("variation_id") or line.get("product_id") or "")


def _names(listed: str) -> frozenset[str]:
    return frozenset(name.strip().removeprefix("wc-") for name in listed.split(",") if name.strip())
