"""Suppliers, stores and sources of rates: calls to the world outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, Protocol

from bot.domain.discount import Discount, Way
from bot.domain.money import Money
from bot.ports.checks import Check
from bot.words import Words


@dataclass(frozen=True, slots=True)
class Call:
    """A call to the world outside that costs money: made once, found again by its key. `payload` is plain JSON."""

    key: str
    kind: str
    payload: Mapping[str, Any]


class Performer(Protocol):
    """Carries out the calls of one kind. Errors are the OutsideErrors of `bot.errors`; nothing is retried inside."""

    async def perform(self, call: Call) -> Mapping[str, Any]:
        """Do it and give what the other side answered.

        Unreached: it certainly did not happen, try again. Declined: the other side refused, it did not happen and will
        not. Unanswered: it may have happened.
        """
        ...

    async def look(self, call: Call) -> Mapping[str, Any] | None:
        """Whether it happened: what the other side answered then, or None where it certainly did not happen.

        Unreached: ask again later. Unanswered: the other side cannot tell; a person must.
        """
        ...


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One product of an order to a supplier, or of a transfer; `codes` are its variants by the store that has them."""

    sku: str
    name: str
    quantity: int
    unit_cost: Money
    codes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Order:
    """A purchase order or a transfer as it goes out: `number` is R-12, `language` the receiver's."""

    kind: Literal["purchase_order", "transfer"]
    number: str
    version: int
    ordered_at: datetime
    buyer: str
    supplier: str  # its name; of a transfer the sending location's
    supplier_code: str
    email: str
    language: str
    deliver_to: str
    mode: str
    expected_on: date | None
    lines: tuple[OrderLine, ...]
    total: Money
    note: str = ""
    containers: str = ""  # such as 2 × 40HQ; empty where goods go otherwise, or it is unknown


class SupplierChannel(Protocol):
    """A way by which orders reach a supplier or a warehouse: mail, or files in a folder."""

    name: str

    async def send(self, order: Order, key: str) -> Mapping[str, Any]:
        """Send it once; the receipt (message id, path ...). Errors as of `Performer.perform`."""
        ...

    async def find(self, order: Order, key: str) -> Mapping[str, Any] | None:
        """The receipt of an order that was sent under the key. Errors and None as of `Performer.look`."""
        ...

    async def check(self) -> tuple[Check, ...]:
        """Try the way, without sending an order."""
        ...


@dataclass(frozen=True, slots=True)
class StorePrice:
    """The price of a SKU as a store has it. `compare_at` is struck through; `revision` changes with each write."""

    sku: str
    price: Money
    compare_at: Money | None
    revision: str


class StoreConnector(Protocol):
    """A shop's own system. Errors are the OutsideErrors of `bot.errors`; nothing is retried inside.

    A `code` is the store's own id of a variant, as its feed tells it: that very variant is meant, whatever its SKU.
    Without one it is the variant that bears the SKU, in any case where the store can look for that.
    """

    name: str

    async def price(self, sku: str, code: str = "") -> StorePrice:
        """What the store asks for a variant now; Declined where it does not sell it."""
        ...

    async def set_price(
        self, sku: str, price: Money, compare_at: Money | None, key: str, revision: str = "", code: str = ""
    ) -> StorePrice:
        """Change a price, once per key: a call with a key seen before changes nothing and gives the answer of then.

        With a `revision` only while it still is the store's own; Declined where somebody changed the price meanwhile.
        """
        ...

    async def written(self, key: str) -> StorePrice | None:
        """What was written under the key; None where nothing was. Unanswered where the store keeps no such record."""
        ...

    async def check(self) -> tuple[Check, ...]:
        """Try the address and the token."""
        ...


@dataclass(frozen=True, slots=True)
class Granted:
    """A discount as a store keeps it: `id` is the store's own, `used` how often it was used, None: it does not tell.

    `wrong` is what of it is not as it was wanted, also what a `Discount` does not tell; None: nothing. `differs` is the
    same in English, empty for nothing.
    """

    id: str
    discount: Discount
    used: int | None
    wrong: Words | None

    @property
    def differs(self) -> str:
        """What is not as it was wanted."""
        return "" if self.wrong is None else str(self.wrong)


class Discounts(Protocol):
    """A shop's discounts beside its prices; a shop without any has none of these. Errors as of `StoreConnector`.

    `ways` are the means that the shop has. What is found under a key is ours, and what has the `number` that `grant`
    told (its `id`); nothing else is changed or deleted. Where the number is known that very one is asked for, and no
    list looked through; a shop that finds by the key at once needs none.
    """

    name: str
    ways: frozenset[Way]

    async def taken(self, code: str) -> bool:
        """Whether the shop has a discount with the code already, in any case, whosever it is."""
        ...

    async def grant(self, discount: Discount, key: str) -> Granted:
        """Make a discount, once per key, and read it back: the same call under a known key gives what stands, which may
        differ.

        Declined where the shop has no such means, does not sell a product, or has the code already (`code_taken`); too
        where it kept something else than it was told, which is then taken back.
        """
        ...

    async def granted(self, discount: Discount, key: str, number: str = "") -> Granted | None:
        """What stands under the key of that discount; None where nothing does (any more)."""
        ...

    async def withdraw(self, discount: Discount, key: str, number: str = "") -> Granted | None:
        """Take what stands under the key away, and look that it is gone: what it was; None where nothing stood."""
        ...

    async def check(self) -> tuple[Check, ...]:
        """Whether the token may make discounts."""
        ...


@dataclass(frozen=True, slots=True)
class Rate:
    """One unit of `base` is `rate` units of `currency` on `day`, as stated at `stated_at`."""

    base: str
    currency: str
    day: date
    rate: Decimal
    stated_at: datetime


class RateSource(Protocol):
    """Where exchange rates come from."""

    name: str

    async def fetch(self) -> tuple[Rate, ...]:
        """The newest rates; Unreached or Declined where there are none to be had."""
        ...
