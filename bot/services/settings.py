"""What the services need to know of the settings; `bot.bootstrap` fills it from the file and the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from bot.domain.calendar import CalendarSettings, Closures
from bot.domain.money import Money
from bot.domain.uplift import Peaks

if TYPE_CHECKING:
    from bot.domain.watch import WatchSettings


@dataclass(frozen=True, slots=True)
class AgeFee:
    """What a place asks for a unit and month of stock from an age on, as of a day; `source` says who states it."""

    location: str
    age_days: int
    fee: Money
    since: date
    source: str


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """Defaults of the organisation and the patience of its services.

    `rates` gives units of the organisation's currency for one unit of another, as typed by hand. A digest later than
    `digest_late` is marked so, and one later than `digest_patience` joins the next morning's.
    """

    watch: WatchSettings
    organisation_currency: str = "USD"
    default_zone: str = "UTC"
    default_language: str = "en"
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    target_days: int = 45  # of inventory
    fees: tuple[AgeFee, ...] = ()
    alerts_individual: int = 5
    least_minor: int = 0  # money at risk, in the organisation's minor units, under which nothing is drafted by itself
    scan_at: tuple[time, ...] = (time(6), time(18))  # local times in `default_zone`
    scorecard_at: time = time(8)  # of Mondays, local time of each conversation
    sales_stale_hours: int = 48
    stock_stale_hours: int = 72
    digest_late: timedelta = timedelta(minutes=10)
    digest_patience: timedelta = timedelta(hours=4)
    audit_post_to: str = ""  # slack:C0123 or telegram:-100123; empty: the head is not posted
    audit_post_at: time = time(8)  # local time in `default_zone`
    calendar: CalendarSettings = field(default_factory=CalendarSettings)
    closures: Closures = field(default_factory=Closures)  # of the calendar
    peaks: Peaks = field(default_factory=Peaks)  # of the calendar
