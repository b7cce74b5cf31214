"""The kinds of argument a command may take; the router parses the text once, from the annotations."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Sku:
    """A known product: found by code (case ignored), by name, or by part of a name."""

    id: int
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Location:
    """A known location: found by code or name."""

    id: int
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class CaseRef:
    """A case by number; `C-12`, `c12` and `12` are the same."""

    id: int


@dataclass(frozen=True, slots=True)
class RequestRef:
    """A request by number; `R-12`, `r12` and `12` are the same. `R-12@3` names the version that a button showed."""

    id: int
    version: int | None = None


@dataclass(frozen=True, slots=True)
class EffectRef:
    """A call to a store or supplier by number; `E-5`, `e5` and `5` are the same. `E-5@2` names the attempt shown."""

    id: int
    attempt: int | None = None


@dataclass(frozen=True, slots=True)
class Lapse:
    """A length of time: `3d`, `12h`, `2w`, `3天`."""

    length: timedelta


@dataclass(frozen=True, slots=True)
class ClockTime:
    """A time of day: `08:30`, `8:30`, `8.30`, `8:30pm`."""

    at: time


@dataclass(frozen=True, slots=True)
class RequestCode:
    """A request by its code, where a bare number may be a product: `R-12`, and a button's `R-12@3`."""

    id: int
    version: int | None = None


@dataclass(frozen=True, slots=True)
class CaseCode:
    """A case by its code, where a bare number may be a product: `C-12`."""

    id: int


@dataclass(frozen=True, slots=True)
class Percent:
    """A discount, as a share between 0 and 1: `20%`, `20% off`, `8折`."""

    share: Decimal


@dataclass(frozen=True, slots=True)
class Price:
    """A price in major units: `£1.99`, `1.99 GBP`, `1.99`; `currencies` it may be in, none: whichever fits."""

    amount: Decimal
    currencies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Until:
    """An end to come, as typed; `bot.chat.moments` knows which instant it means to whom.

    One of `day`, `month_day`, `weekday` (Monday is 0; `next_week`: not this week's), `ahead` (days from today),
    `length` or `instant` (a button's); `at` is a time of that day, or of today where no day is named.
    """

    day: date | None = None
    month_day: tuple[int, int] | None = None
    weekday: int | None = None
    ahead: int | None = None
    next_week: bool = False
    at: time | None = None
    length: timedelta | None = None
    instant: datetime | None = None


@dataclass(frozen=True, slots=True)
class Units:
    """A whole number of units, at least one: `240`, `1,200`, `２４０`, `240个`."""

    count: int


@dataclass(frozen=True, slots=True)
class Rest:
    """All remaining words, as typed (a comment; at most 500 characters).

    `words` are the values of a filled-in form, each whole as it was given; nothing where a person typed the line. See
    `bot.chat.filling.pairs`.
    """

    text: str
    words: tuple[str, ...] = field(default=(), compare=False)


class Resolver(Protocol):
    """Looks names up; raises the Refusals of `bot.errors` with the nearest matches."""

    async def sku(self, text: str) -> Sku:
        """The product meant by `text`; UnknownSku with the three nearest otherwise."""
        ...

    async def location(self, text: str) -> Location:
        """The location meant by `text`; UnknownLocation otherwise."""
        ...
