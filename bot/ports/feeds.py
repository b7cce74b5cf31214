"""What stores and ERPs tell: facts in one shape, read page by page, and deliveries that say what changed.

A fact is stated by its source, never reckoned here: units on hand are read, not derived from movements. Codes and
places are the store's own; which product and location they are is the services' business.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, Protocol, runtime_checkable

from bot.domain.money import Money
from bot.ports.checks import Check
from bot.words import Words

FactKind = Literal["products", "stock", "orders", "returns", "inbounds", "ages", "offers"]


@dataclass(frozen=True, slots=True)
class ProductFact:
    """Something that a store sells: `code` is its own id of the variant, `sku` what the seller wrote, or empty."""

    code: str
    sku: str
    name: str
    price: Money | None = None  # in the shop's own currency; None where it has none in that
    active: bool = True
    category: str = ""  # what it is sold as, in the store's words; empty where it says nothing of that


@dataclass(frozen=True, slots=True)
class StockFact:
    """Units of a variant at one of the store's places as of an instant (aware).

    `on_hand` lies there, `committed` of it is sold and has not left; `incoming` is on its way there, of which
    the store tells no dates: what it can date it tells as InboundFacts.
    """

    code: str
    sku: str
    place: str
    on_hand: int
    as_of: datetime
    committed: int = 0
    incoming: int = 0


@dataclass(frozen=True, slots=True)
class SoldLine:
    """A line of an order as it is now: `quantity` is what was bought and not taken off before it left, or zero.

    `code` is empty where the store does not know any more what the line is of: what was known of it stands.
    """

    id: str
    code: str
    sku: str
    name: str
    quantity: int
    amount: Money  # what they cost together, in the currency it was paid in, discounts taken off, before tax
    place: str = ""  # where it leaves from, as far as the store knows


@dataclass(frozen=True, slots=True)
class ReturnedLine:
    """Units of a line that came back or were paid back after they left: `quantity` is one or more, `at` is aware."""

    id: str
    line: str
    quantity: int
    at: datetime


@dataclass(frozen=True, slots=True)
class OrderFact:
    """An order as it is now, with all of its lines: what it held before and holds no more is gone.

    Orders that are no sale (tests, drafts, unpaid ones that were never placed) are not told; a cancelled one has lines
    of zero units. `place` is where lines leave from that name no place. Of two states of an order that with the later
    `version` holds, whenever it is told; without one (no instant of the store only grows) that which is told last.
    """

    id: str
    number: str
    placed_at: datetime
    changed_at: datetime
    lines: tuple[SoldLine, ...]
    returns: tuple[ReturnedLine, ...] = ()
    place: str = ""
    customer: str = ""  # the store's id of the buyer, never a name or an address
    version: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReturnedUnits:
    """Units of an order's line that came back, told apart from the order: by a store whose orders do not say so.

    They hold for the order as it stands and as it is told later, of no more units than the line has. `id` tells them
    from others of that line, whenever they are told; `line` is a SoldLine's id, `code` its variant's, `quantity` one or
    more, `at` is aware. When they are told again their quantity may be another one; the first `at` holds.
    """

    id: str
    order: str
    line: str
    code: str
    quantity: int
    at: datetime


@dataclass(frozen=True, slots=True)
class InboundFact:
    """Goods on their way to one of the store's places; all of them have arrived where `received_at` is set."""

    id: str
    code: str
    sku: str
    place: str
    quantity: int
    ordered_at: datetime
    expected_on: date
    received_at: datetime | None = None
    supplier: str = ""


@dataclass(frozen=True, slots=True)
class AgeBand:
    """Units of an age in days, both ends inclusive; the oldest band is open: its `last` is None."""

    first: int
    last: int | None
    units: int


@dataclass(frozen=True, slots=True)
class AgeFact:
    """How old a variant's units at one of the store's places are, as the store itself says, and what they cost there.

    `bands` follow each other from age 0 on. `storage` is the fee that the store expects for the next month, `surcharge`
    the extra one for aged units that it expects next, `charged` what storage of the last whole month came to.
    """

    code: str
    sku: str
    place: str
    as_of: datetime
    bands: tuple[AgeBand, ...]
    storage: Money | None = None
    surcharge: Money | None = None
    charged: Money | None = None


@dataclass(frozen=True, slots=True)
class OfferFact:
    """What a supplier asks for a variant: `lead_days` from the order to the goods, at least one, and the `price` of one
    unit from `minimum` units on; None where the store does not say. `own`: of this very variant, and not of several.

    A reading tells all offers, on one page: what is not among them is offered no more.
    """

    id: str
    code: str
    sku: str
    supplier: str  # its code in the store, or its name where it has none
    supplier_name: str
    currency: str
    lead_days: Decimal
    minimum: int = 1
    price: Money | None = None
    active: bool = True
    own: bool = True


Fact = ProductFact | StockFact | OrderFact | ReturnedUnits | InboundFact | AgeFact | OfferFact


@dataclass(frozen=True, slots=True)
class Fault:
    """A fact that could not be read: where it stands (an id, a field), what is wrong, and the record as it came."""

    where: str
    said: Words
    record: str = ""

    @property
    def problem(self) -> str:
        """What is wrong, in English."""
        return str(self.said)


@dataclass(frozen=True, slots=True)
class Page:
    """Some facts of one kind. `cursor` goes on after them; the last page of a read says `until` when it speaks.

    `waits`: the next page has no facts and may be long in coming, for the store prepares something. `anew`: with it
    begins a read that tells all there is, though from no empty cursor. `well` are what faults named that is well now,
    and tells no fact itself: a report whose rows could all be read.
    """

    kind: FactKind
    facts: tuple[Fact, ...]
    cursor: str
    faults: tuple[Fault, ...] = ()
    until: datetime | None = None
    waits: bool = False
    anew: bool = False
    well: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StorePlace:
    """A place of the store's own: a location, a warehouse, a channel."""

    id: str
    name: str
    country: str = ""


class StoreFeed(Protocol):
    """Reads one store. Errors are the OutsideErrors of `bot.errors`: Unreached (come again), Declined (look at it)."""

    name: str
    kinds: tuple[FactKind, ...]

    async def places(self) -> tuple[StorePlace, ...]:
        """The places that facts may name."""
        ...

    def read(self, kind: FactKind, cursor: str = "") -> AsyncIterator[Page]:
        """The facts of a kind that changed since the cursor; all of them from an empty one.

        Every page carries a cursor of its own, so that a read that broke off goes on. A cursor reaches back a little:
        a store's times may be cut to seconds, or come late. A fact told twice is the same fact.
        """
        ...

    async def check(self) -> tuple[Check, ...]:
        """Try the address, the credentials and what they may do."""
        ...

    async def close(self) -> None:
        """Hang up."""
        ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a store called to say. `id` is the same when it says it again; `said` is plain JSON for `follow`."""

    id: str
    topic: str
    said: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Shelf:
    """A variant at a place of a store, where its last count was of any units; without a place one that it sells."""

    code: str
    sku: str
    place: str


Shelves = Callable[[], Awaitable[Sequence[Shelf]]]
Identity = Callable[[str], Awaitable[str]]  # keeps what a store is known by, unless something was kept; what is kept


@runtime_checkable
class RemindedFeed(StoreFeed, Protocol):
    """A store that says nothing of what was deleted in it: it is asked for what is known to lie or be sold there."""

    def remind(self, shelves: Shelves, identity: Identity) -> None:
        """Say what is known to lie in the store, and which one that is, whenever the feed asks."""
        ...


@runtime_checkable
class HookedFeed(StoreFeed, Protocol):
    """A store that calls when something changed. `called`: the kinds of which every change is to be called."""

    called: tuple[FactKind, ...]

    def open(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Delivery | None:
        """Check the signature over the raw body, in constant time, and read it; names of headers are in lower case.

        None for a greeting that says nothing. Forged where the signature is missing or wrong.
        """
        ...

    def follow(self, deliveries: Sequence[Delivery]) -> AsyncIterator[Page]:
        """The facts that the deliveries are about, as they are now; those of many read together where that is cheaper.

        What is not there any more is told by no page. An error says nothing of any of them.
        """
        ...

    async def subscribe(self, address: str) -> tuple[str, ...] | None:
        """See to it that the store calls the address; the topics that were missing and are now restored.

        None where the store cannot be asked whether it calls: that shows only when a call comes.
        """
        ...
