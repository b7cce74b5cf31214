"""Settings of the calendar: sizes and days of what moves demand, and when suppliers rest."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from bot.settings.parts import Part

EventKey = Literal[
    "lunar_new_year", "ramadan", "eid", "songkran", "six_eighteen", "prime_day", "diwali", "singles_day",
    "black_friday", "christmas",
]  # fmt: skip
Uplift = Annotated[Decimal, Field(gt=0, le=100)]


class EventLine(Part):
    """An event of one year: days that were announced since, or an event of your own."""

    key: str = Field(pattern=r"^[a-z][a-z0-9_]{0,40}$", description="Such as 'prime_day', or a name of your own")
    first: date = Field(description="Its first day, such as 2027-07-13")
    last: date = Field(description="Its last day")
    name: str = Field("", description="What people read; nothing: the calendar's own name, or the key")
    kind: Literal["demand", "supply"] | None = Field(None, description="'demand', or 'supply' where suppliers rest")
    countries: tuple[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], ...] | None = Field(
        None, description="ISO 3166 codes such as ['US', 'GB']; nothing: the calendar's, or all"
    )
    uplift: Uplift | None = Field(None, description="Times the usual sales, such as '2.5'")
    source: str = Field("settings", description="Where that stands")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last < self.first:
            raise ValueError(f"{self.key} ends on {self.last}, before it begins on {self.first}")
        return self


class CalendarPart(Part):
    """What moves demand and supply; see docs/arithmetic.md for the events and their days."""

    uplifts: dict[EventKey, Uplift] = Field(
        default_factory=dict, description="Sizes to assume until own sales tell: { prime_day = '2.5' }"
    )
    events: tuple[EventLine, ...] = Field(
        (), description="[[calendar.events]] tables with key, first, last, name, kind, countries, uplift, source"
    )
    closed_before_days: int = Field(7, ge=0, le=60, description="Days that suppliers rest before the lunar new year, 7")
    closed_after_days: int = Field(7, ge=0, le=60, description="Days that they rest after its first day, such as 7")
    production_share: Decimal = Field(
        Decimal("0.5"), ge=0, le=1, description="Share of a lead time in which goods are made, such as 0.5"
    )
