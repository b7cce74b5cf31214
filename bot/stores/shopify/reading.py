"""Shopify's values as ours: ids, instants, amounts; and how far a reading has come."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from bot.domain.money import Money
from bot.errors import Amiss, why
from bot.ports import Fault
from bot.words import _

OVERLAP = timedelta(minutes=10)  # filters run on a search index that follows the data, and clocks differ
DEEPEST = 20_000  # Shopify turns no more pages after 25,000 records of one list
Node = Mapping[str, Any]
_Read = TypeVar("_Read")


class Unreadable(Amiss):
    """A record that does not say what it must; the words say what."""


def tail(gid: object) -> str:
    """The number at the end of a global id: the id that webhooks and addresses of the admin hold."""
    if not isinstance(gid, str) or not gid.startswith("gid://shopify/"):
        raise Unreadable(_("{gid} is no id", gid=repr(gid)))
    return gid.rsplit("/", 1)[1].partition("?")[0]


def gid(kind: str, number: object) -> str:
    """The global id of a number, or what already is one."""
    return str(number) if str(number).startswith("gid://") else f"gid://shopify/{kind}/{number}"


def quoted(text: str) -> str:
    """A text as a search takes it whole."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{plain}"'


def instant(text: object) -> datetime:
    """An aware instant in UTC."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        raise Unreadable(_("{text} is no instant", text=repr(text))) from None
    if found.tzinfo is None:
        raise Unreadable(_("{text} names no zone", text=repr(text)))
    return found.astimezone(UTC)


def decimal(text: object) -> Decimal:
    """An amount as Shopify writes it: text, or a number."""
    try:
        found = Decimal(str(text))
    except InvalidOperation:
        raise Unreadable(_("{text} is no amount", text=repr(text))) from None
    if not found.is_finite():
        raise Unreadable(_("{text} is no amount", text=repr(text)))
    return found


def money(text: object, currency: str) -> Money:
    """An amount in a currency, rounded to its minor unit."""
    try:
        return Money.rounded(decimal(text), currency)
    except (ValueError, InvalidOperation):
        raise Unreadable(_("{amount} is no money in {currency}", amount=str(text), currency=currency)) from None


def shop_amount(bag: Node) -> Decimal:
    """The amount of a MoneyBag in the shop's own currency."""
    return decimal(bag["shopMoney"]["amount"])


def whole(number: object) -> int:
    """A count."""
    if isinstance(number, bool) or not isinstance(number, int):
        raise Unreadable(_("{number} is no whole number", number=repr(number)))
    return number


def nodes(owner: Node, field: str) -> Sequence[Node]:
    """The entries of a connection; none where it was not asked for."""
    connection = owner.get(field)
    return connection["nodes"] if connection else ()


def attempt(where: str, record: Node, read: Callable[[], _Read]) -> _Read | Fault:
    """What `read` makes of a record, or why it cannot; the fault holds ids and numbers of the record, no person."""
    try:
        return read()
    except Unreadable as error:
        problem = error.said
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        problem = why(error)
    return Fault(where, problem, shown(record))


def shown(record: Node) -> str:
    """What may be kept of a record that was set aside."""
    told = {name: record[name] for name in ("id", "name", "sku", "status", "updatedAt") if record.get(name)}
    return json.dumps(told, default=str, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a reading has come, as a cursor's text.

    `since` is the instant from which changes are read, empty where all is read; `number` where a reading by numbers
    goes on, `place` which place's counts are being read, `oldest` the beginning of the oldest transfer that is open;
    `after` is Shopify's cursor inside of that, `seen` how many records lie before it, `until` when the reading began.
    `bulk` is the bulk operation (global id) that is waited for, or whose records after the first `seen` are to be read.
    """

    since: str = ""
    number: str = ""
    place: str = ""
    oldest: str = ""
    after: str = ""
    seen: int = 0
    until: str = ""
    bulk: str = ""

    @classmethod
    def of(cls, cursor: str) -> Mark:
        """The mark of a cursor; the beginning where it is none of ours."""
        try:
            told = json.loads(cursor) if cursor else {}
            mark = cls(**{name: type(getattr(_START, name))(told[name]) for name in cls.__slots__ if name in told})
            for text in (mark.since, mark.oldest, mark.until):
                if text:
                    instant(text)
        except (ValueError, TypeError, Unreadable):
            return cls()
        return mark

    def text(self) -> str:
        """As a cursor."""
        return json.dumps({name: value for name, value in asdict(self).items() if value}, separators=(",", ":"))

    @property
    def began(self) -> datetime:
        """When the reading began, by Shopify's clock."""
        return instant(self.until)

    def begun(self, at: datetime) -> Mark:
        """With its beginning, if it has none yet."""
        return self if self.until else replace(self, until=at.isoformat())

    def turned(self, after: str, count: int) -> Mark:
        """After a page of so many records."""
        return replace(self, after=after, seen=self.seen + count)

    @property
    def deep(self) -> bool:
        """Whether Shopify will soon turn no more pages."""
        return self.seen >= DEEPEST

    def ended(self) -> Mark:
        """Where the next reading begins."""
        return Mark(since=(self.began - OVERLAP).isoformat())


_START = Mark()


def stamp(at: str) -> str:
    """An instant as Shopify's search takes it: in UTC, cut to seconds."""
    return instant(at).strftime("%Y-%m-%dT%H:%M:%SZ")
