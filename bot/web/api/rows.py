"""The rows of each kind of batch, as senders write them, and the facts that they state."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.ports import Fact, InboundFact, OrderFact, ProductFact, ReturnedLine, SoldLine, StockFact
from bot.web.api.fields import Amount, Buyer, Code, Day, Id, Instant, Sku, Some, Unfit, Units
from bot.words import Words, _

MOST_LINES = 500  # of one order


def _field(words: Words, **rules: Any) -> Any:  # noqa: ANN401  # what pydantic's Field gives
    """A field whose description is said in the reader's language on the page, and in English in the document."""
    return Field(description=words.msgid, **rules)


class Row(BaseModel):
    """A row states one fact; a field that we do not know is a fault, so that a misspelt one is not lost."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def fact(self, now: datetime) -> Fact:
        """The fact; `now` is the instant of what names none."""
        raise NotImplementedError


class LineRow(BaseModel):
    """A line of an order as it is now."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Id = _field(_("Your id of the line; no two lines of the order share one."))
    sku: Sku = _field(_("The product's code."))
    quantity: Units = _field(_("Units that were bought and not cancelled; 0: the line was cancelled."))
    amount: Amount = _field(_("What they cost together, discounts taken off, before tax."))
    name: Code | None = _field(_("The product's name, for a product that is new to us."), default=None)
    location: Code | None = _field(
        _("Where it leaves from, where that is another place than the order's."), default=None
    )


class ReturnRow(BaseModel):
    """Units that came back, or were paid back."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: Id = _field(_("Your id of the return."))
    line: Id = _field(_("The id of the line that they were bought with."))
    quantity: Some = _field(_("Units."))
    at: Instant = _field(_("When they came back."))


class SaleRow(Row):
    """An order as it is now: sent again, it replaces what it was before."""

    id: Id = _field(_("Your id of the order. Sent again, the order replaces what it was before."))
    placed_at: Instant = _field(_("When it was placed."))
    lines: Annotated[list[LineRow], Field(max_length=MOST_LINES)] = _field(_("All of its lines as they are now."))
    number: Code | None = _field(_("Its number as people know it."), default=None)
    changed_at: Instant | None = _field(_("When it last changed; without it: when it was placed."), default=None)
    location: Code | None = _field(_("Where it leaves from: the code of one of our locations."), default=None)
    customer: Buyer | None = _field(_("Your id of the buyer; never a name or an address."), default=None)
    returns: Annotated[list[ReturnRow], Field(max_length=MOST_LINES)] = _field(_("What came back."), default=[])

    @model_validator(mode="after")
    def _whole(self) -> SaleRow:
        lines = {line.id for line in self.lines}
        if len(lines) != len(self.lines):
            raise Unfit(_("two of its lines share an id"))
        if len({back.id for back in self.returns}) != len(self.returns):
            raise Unfit(_("two of its returns share an id"))
        if any(back.line not in lines for back in self.returns):
            raise Unfit(_("a return names a line that the order has not"))
        return self

    def fact(self, now: datetime) -> OrderFact:  # noqa: ARG002  # an order names its instants
        """The order."""
        return OrderFact(
            id=self.id,
            number=self.number or self.id,
            placed_at=self.placed_at,
            changed_at=self.changed_at or self.placed_at,
            version=self.changed_at,
            lines=tuple(
                SoldLine(x.id, x.sku, x.sku, x.name or "", x.quantity, x.amount, x.location or "") for x in self.lines
            ),
            returns=tuple(ReturnedLine(x.id, x.line, x.quantity, x.at) for x in self.returns),
            place=self.location or "",
            customer=self.customer or "",
        )


class StockRow(Row):
    """Units of a product at a location."""

    sku: Sku = _field(_("The product's code."))
    location: Code = _field(_("Where it lies: the code of one of our locations."))
    on_hand: Units = _field(_("Units that lie there."))
    committed: Units = _field(_("Units of them that are sold and have not left yet."), default=0)
    as_of: Instant | None = _field(_("When that was so; without it: now."), default=None)

    def fact(self, now: datetime) -> StockFact:
        """The count."""
        return StockFact(self.sku, self.sku, self.location, self.on_hand, self.as_of or now, self.committed)


class PurchaseOrderRow(Row):
    """A line of a purchase order: goods of one product on their way to a location."""

    id: Id = _field(_("Your id of the order's line. Sent again, the line replaces what it was before."))
    sku: Sku = _field(_("The product's code."))
    location: Code = _field(_("Where it goes to: the code of one of our locations."))
    quantity: Units = _field(_("Units on their way; 0: it was cancelled."))
    ordered_at: Instant = _field(_("When it was ordered."))
    expected_on: Day = _field(_("The day it is expected, there."))
    received_at: Instant | None = _field(_("When all of it had arrived; without it: it has not."), default=None)

    def fact(self, now: datetime) -> InboundFact:  # noqa: ARG002  # an order names its instants
        """The goods."""
        return InboundFact(
            id=self.id, code=self.sku, sku=self.sku, place=self.location, quantity=self.quantity,
            ordered_at=self.ordered_at, expected_on=self.expected_on, received_at=self.received_at,
        )  # fmt: skip


class ProductRow(Row):
    """A product."""

    sku: Sku = _field(_("The product's code."))
    name: Code = _field(_("Its name; one that a person gave it stands."))
    price: Amount | None = _field(_("What one is sold for."), default=None)

    def fact(self, now: datetime) -> ProductFact:  # noqa: ARG002  # a product has no instant
        """The product."""
        return ProductFact(self.sku, self.sku, self.name, self.price)
