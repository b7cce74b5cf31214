"""One row of a file that is not sales: its fields, read and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TypeVar
from zoneinfo import ZoneInfo

from bot.domain.categories import LONGEST, tidy
from bot.domain.money import Money
from bot.language import nearest_language
from bot.services.ingest import measures, values
from bot.services.ingest.contracts import ImportOptions
from bot.services.ingest.settings import IngestSettings
from bot.services.ingest.values import Bad

T = TypeVar("T")


class RowRejected(Exception):
    """A row that cannot be: the field at fault and why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Rules:
    """What every row of one import is read by."""

    mapping: Mapping[str, int]
    options: ImportOptions
    settings: IngestSettings
    now: datetime
    currencies: frozenset[str]
    zones: frozenset[str]
    headers: tuple[str, ...] = ()  # as the file writes them: a measure's unit may stand there


class FileRow:
    """The cells of one row by field. Every reader raises RowRejected for a cell that cannot be."""

    def __init__(self, rules: Rules, cells: Sequence[object]) -> None:
        self._rules = rules
        self._cells = cells

    def has(self, field: str) -> bool:
        """Whether the file has the field and this row fills it."""
        return bool(self.text(field))

    def raw(self, field: str) -> object:
        """The cell as it came."""
        place = self._rules.mapping.get(field)
        return None if place is None else self._cells[place]

    def text(self, field: str) -> str:
        """The cell as text, empty where there is none."""
        return values.text(self.raw(field))

    def required(self, field: str) -> str:
        """The cell as text that must be there."""
        found = self.text(field)
        if not found:
            raise RowRejected(field, "missing")
        return found

    def sku(self) -> str:
        """The product's code."""
        return _good("sku", values.sku(self.raw("sku")))

    def category(self) -> str:
        """The name of the product's category, as it is kept."""
        found = tidy(self.text("category"))
        if len(found) > LONGEST:
            raise RowRejected("category", f"{len(found)} characters; a category's name has {LONGEST} at most")
        return found

    def whole(self, field: str, default: int | None = None, least: int = 0) -> int:
        """A whole number of units, at least `least`."""
        if default is not None and not self.has(field):
            return default
        found = _good(field, values.whole(self.raw(field), self._rules.settings.quantity_limit))
        if found < least:
            raise RowRejected(field, f"below {least}")
        return found

    def number(self, field: str, default: Decimal | None = None) -> Decimal:
        """A number from 0 on with at most six decimals."""
        if default is not None and not self.has(field):
            return default
        found = _good(field, values.decimal(self.raw(field)))
        if not 0 <= found <= self._rules.settings.price_limit:
            raise RowRejected(field, "negative" if found < 0 else "absurd")
        if found != round(found, 6):
            raise RowRejected(field, "more than six decimals")
        return found

    def measure(self, field: str, units: Mapping[str, Decimal]) -> int:
        """A volume or a weight in the smallest of the units, above 0."""
        place = self._rules.mapping.get(field, 0)
        header = self._rules.headers[place] if self._rules.headers else ""
        return _good(field, measures.measure(self.text(field), header, units))

    def minor(self, field: str, currency: str) -> int:
        """An amount in minor units of the currency, rounded half to even."""
        return Money.rounded(self.number(field), currency).minor

    def currency(self, default: str = "") -> str:
        """The row's currency, or the default."""
        chosen = default or self._rules.options.currency or self._rules.settings.currency
        if not self.has("currency"):
            return chosen
        return _good("currency", values.currency(self.raw("currency"), self._rules.currencies))

    def country(self) -> str:
        """An ISO 3166 code of two letters, or empty."""
        found = self.text("country").upper()
        if found and not (len(found) == 2 and found.isascii() and found.isalpha()):
            raise RowRejected("country", "not a two-letter country code")
        return found

    def addresses(self, field: str) -> str:
        """Mail addresses, parted by commas."""
        found = [part.strip() for part in self.text(field).replace(";", ",").split(",") if part.strip()]
        for address in found:
            user, at, domain = address.rpartition("@")
            whole = address.isascii() and address.isprintable() and not set(address) & set(' <>"()[]\\')
            if not (user and at and domain and whole):
                raise RowRejected(field, "not a mail address such as orders@example.com")
        return ", ".join(found)

    def language(self) -> str:
        """A language of ours."""
        return nearest_language(self.text("language") or "en")

    def zone(self) -> str:
        """An IANA time zone."""
        found = self.required("zone")
        if found not in self._rules.zones:
            raise RowRejected("zone", "unknown time zone; write one such as Europe/Berlin")
        return found

    def instant(self, field: str, zone: ZoneInfo) -> datetime:
        """A moment in UTC; one without a zone is local time in `--zone`, else in `zone`. Not in the future."""
        found = _good(field, values.moment(self.raw(field), self._rules.options.date_order))
        timed = isinstance(found, datetime) and self._rules.options.zone
        at = values.instant(found, ZoneInfo(self._rules.options.zone or "UTC") if timed else zone)
        settings = self._rules.settings
        if at < settings.earliest:
            raise RowRejected(field, "an impossible date: too long ago")
        if at > (settings.latest or self._rules.now + timedelta(days=1)):
            raise RowRejected(field, "an impossible date: in the future")
        return at

    def day(self, field: str) -> date:
        """A calendar date, within ten years of now."""
        found = _good(field, values.moment(self.raw(field), self._rules.options.date_order))
        on = found.date() if isinstance(found, datetime) else found
        if not self._rules.settings.earliest.date() <= on <= self._rules.now.date() + timedelta(days=3650):
            raise RowRejected(field, "an impossible date")
        return on

    def time(self, field: str, default: time) -> time:
        """A time of day such as 09:00."""
        if not self.has(field):
            return default
        found = self.raw(field)
        if isinstance(found, time):
            return found.replace(tzinfo=None)
        try:
            return time.fromisoformat(self.text(field).zfill(5))
        except ValueError:
            raise RowRejected(field, "not a time such as 09:00") from None


def _good(field: str, found: T | Bad) -> T:
    if isinstance(found, Bad):
        raise RowRejected(field, found.reason)
    return found
