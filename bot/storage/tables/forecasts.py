"""Forecasts on record, by which the weekly scorecard judges them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.tables.base import Base, Id


class Forecast(Base):
    """What was expected of a series that sells, for `days` local days from `first_day` on; never changed afterwards.

    `week` is the Monday of the scorecard it is for. Units, with six decimals: the mean, quantiles, `at_service` the
    quantile at the service `level`, `usual` the mean day of four weeks before times `days`. `abc` is 0 to 2.
    `severity` of the stock-out risk by the figures alone, and `ends_on`, the day on which the stock would end. The
    facts are those known at `made_at`. A mark says when a week is whole, and whether it was made afterwards.
    """

    __tablename__ = "forecasts"
    product_id: Mapped[int] = mapped_column(Id, ForeignKey("products.id"), primary_key=True)
    location_id: Mapped[int] = mapped_column(Id, ForeignKey("locations.id"), primary_key=True)
    week: Mapped[date] = mapped_column(primary_key=True, index=True)
    first_day: Mapped[date]
    made_at: Mapped[datetime]
    days: Mapped[int]
    abc: Mapped[int]
    level: Mapped[Decimal]
    mean: Mapped[Decimal]
    q50: Mapped[Decimal]
    q80: Mapped[Decimal]
    q95: Mapped[Decimal]
    at_service: Mapped[Decimal]
    usual: Mapped[Decimal]
    severity: Mapped[int]
    ends_on: Mapped[date | None]
