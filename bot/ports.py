"""The Protocols that adapters implement; each has two real implementations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, Protocol
from zoneinfo import ZoneInfo

from bot.chat.forms import Form
from bot.chat.incoming import ConversationKind, Incoming, MessageRef
from bot.chat.nodes import Message
from bot.domain.money import Money
from bot.words import Words


class Clock(Protocol):
    """Tells the time; handed in, never global."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        return datetime.now(UTC)


@dataclass
class MovableClock:
    """A clock that starts at a chosen instant, runs on with real time, and can be pushed (demo, `--at`, tests).

    With `frozen` it stands still but for pushes.
    """

    start: datetime
    frozen: bool = False
    _zero: datetime = field(default_factory=lambda: datetime.now(UTC))

    def now(self) -> datetime:
        """The chosen instant plus what has passed since."""
        return self.start if self.frozen else self.start + (datetime.now(UTC) - self._zero)

    def push(self, by: timedelta) -> None:
        """Move the clock forward; ValueError when `by` is negative."""
        if by < timedelta(0):
            raise ValueError("the clock only moves forward")
        self.start += by


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A received HTTP request, as raw as it came: signatures are computed over `body`. Header names are lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What to answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Limits:
    """A platform's sending rates: messages per second overall and per conversation, and per minute in a group."""

    overall_per_second: float
    conversation_per_second: float
    group_per_minute: float | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """Where to post: the platform's conversation id, its kind, and a thread or forum topic in it."""

    conversation: str
    kind: ConversationKind
    thread: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom a message is put into words.

    `language` is a Babel locale id, `zone` serves what the platform cannot localise itself, and `people` gives the
    external id on this platform of each member who may be mentioned.
    """

    language: str
    zone: ZoneInfo
    people: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Profile:
    """What a platform tells of a person; empty strings where it tells nothing."""

    name: str
    zone: str = ""
    language: str = ""
    handle: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of `stocktide check`."""

    name: str
    verdict: Literal["ok", "warn", "fail"]
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class CallNotice:
    """A video call to be listed. `key` is ours and unique, `url` leads in, `host` may be empty."""

    key: str
    title: str
    url: str
    starts_at: datetime
    host: str  # external id on that platform of whoever opened it


@dataclass(frozen=True, slots=True)
class CallPerson:
    """Somebody in a call: `external` is their id on that platform, empty where `key` and `name` must do."""

    external: str
    key: str
    name: str


Intake = Callable[[Incoming], Awaitable[None]]  # returns once the event is stored; raising means: do not acknowledge


class ChatPlatform(Protocol):
    """One chat platform. Its methods raise only the PlatformErrors of `bot.errors`; nothing is retried inside."""

    name: str
    limits: Limits
    has_forms: bool  # whether `open_form` shows a window; without, a form is asked question by question

    async def start(self, intake: Intake) -> None:
        """Connect and begin to hand every event to `intake`; a platform fed by HTTP only prepares itself."""
        ...

    async def stop(self) -> None:
        """Stop taking events, finish those in hand, close connections; at most 5 s."""
        ...

    async def receive(self, request: HttpRequest) -> HttpAnswer:
        """Answer a webhook call: verify it, store it through the intake, acknowledge."""
        ...

    async def post(self, target: Target, message: Message, reader: Reader) -> MessageRef:
        """Post to a conversation; a target of kind `home` publishes a person's home page (Slack alone has one)."""
        ...

    async def edit(self, ref: MessageRef, message: Message, reader: Reader) -> None:
        """Replace a message in place; an unchanged message is no error."""
        ...

    async def reply(self, incoming: Incoming, message: Message, reader: Reader, *, private: bool) -> MessageRef | None:
        """Answer an event through its own handle.

        Visible to the asker alone where `private` and the platform can do so; in place of the pressed message where
        `incoming` is a press whose message is ephemeral. None where no reference comes back.
        """
        ...

    async def notice(self, incoming: Incoming, words: Words, reader: Reader) -> None:
        """Tell the person who pressed a button, and nobody else, one line; also releases the button's spinner.

        Empty words say nothing and only release it.
        """
        ...

    async def open_form(self, incoming: Incoming, form: Form, token: str, reader: Reader) -> None:
        """Show a form to the person who caused `incoming`; once sent in it comes back as a `submit` with `token`.

        MessageGone where it came too late for the platform. Only called where `has_forms`.
        """
        ...

    async def profile(self, person: str) -> Profile:
        """What the platform knows of a person."""
        ...

    async def direct(self, person: str) -> str:
        """The id of the private conversation with a person."""
        ...

    async def add_call(self, call: CallNotice) -> str:
        """List a call, so that a `Call` block can show it; its id there, empty where the platform lists no calls.

        A key that was listed before gives the same id again.
        """
        ...

    async def call_people(self, call_id: str, came: Sequence[CallPerson], went: Sequence[CallPerson]) -> None:
        """Say who joined a listed call and who left since the last time; saying it twice is no error.

        MessageGone where the call is over or unknown.
        """
        ...

    async def end_call(self, call_id: str, seconds: int) -> None:
        """Say that a listed call is over and how long it took; one that is over or unknown is no error."""
        ...

    def vouched(self, query: Mapping[str, str], now: datetime) -> str | None:
        """The external id of the person for whom the platform signed these parameters of an address (`Action.login`).

        None where they are forged, stale or not signed at all, and always where the platform signs nothing.
        """
        ...

    async def check(self) -> tuple[Check, ...]:
        """Try the tokens and scopes, and say what is wrong."""
        ...


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
    """One product of an order to a supplier, or of a transfer."""

    sku: str
    name: str
    quantity: int
    unit_cost: Money


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
    """A shop's own system. Errors are the OutsideErrors of `bot.errors`; nothing is retried inside."""

    name: str

    async def price(self, sku: str) -> StorePrice:
        """What the store asks for a SKU now; Declined where it does not sell it."""
        ...

    async def set_price(
        self, sku: str, price: Money, compare_at: Money | None, key: str, revision: str = ""
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


RoomRole = Literal["host", "cohost", "member", "viewer"]  # a viewer sees and hears, and sends nothing


@dataclass(frozen=True, slots=True)
class RoomPlan:
    """A video room to open. `key` is its id: 128 random bits, 22 letters of URL-safe base64."""

    key: str
    title: str
    starts_at: datetime
    minutes: int  # how long it is meant to last; a provider may close it some time after
    cap: int  # people in it at once


@dataclass(frozen=True, slots=True)
class OpenRoom:
    """A room as its provider keeps it: `reference` is the provider's own id, empty where `key` is enough.

    `url` leads everybody in where the provider knows no personal links, and is empty where it does.
    """

    key: str
    title: str
    cap: int
    reference: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Guest:
    """One person who may come in, and as what."""

    member_id: int
    name: str
    role: RoomRole


@dataclass(frozen=True, slots=True)
class Admission:
    """How one guest gets in; where `personal`, the link is for them alone and must not be shown to others."""

    url: str = field(repr=False)  # it may let its bearer in, so it is not printed by accident
    expires_at: datetime | None  # None: as long as the room is open
    personal: bool


class RoomProvider(Protocol):
    """Where people meet on video. Errors are the OutsideErrors of `bot.errors`; nothing is retried inside."""

    name: str
    cap: int  # the most people that a room of it holds

    async def open(self, plan: RoomPlan) -> OpenRoom:
        """Make the room, so that its link works from now on."""
        ...

    async def admit(self, room: OpenRoom, guest: Guest, now: datetime) -> Admission:
        """A link for one guest, short-lived where the provider can; the role is bound to it."""
        ...

    async def close(self, room: OpenRoom) -> None:
        """Send everybody out and forget the room; a room that is gone already is no error."""
        ...

    async def check(self) -> tuple[Check, ...]:
        """Try the settings, without leaving a room behind."""
        ...
