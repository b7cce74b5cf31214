"""What the settings choose, in the terms of the services."""

from __future__ import annotations

from decimal import Decimal

from bot.domain.ageing import AgeingSettings
from bot.domain.calendar import CalendarSettings, Closures, Written
from bot.domain.classes import ClassRule
from bot.domain.money import Money
from bot.domain.policy import Policy, RoleLimit, default_policy
from bot.domain.replenishment import ReplenishmentSettings
from bot.domain.uplift import Peaks
from bot.domain.watch import WatchSettings
from bot.services.ingest import IngestSettings
from bot.services.settings import AgeFee, ServiceSettings
from bot.settings import Settings


def ingest_settings(settings: Settings) -> IngestSettings:
    """What imports need to know."""
    return IngestSettings(
        currency=settings.organisation.currency,
        sales_limit_hours=settings.watch.sales_stale_hours,
        stock_limit_hours=settings.watch.stock_stale_hours,
    )


def calendar_settings(settings: Settings) -> CalendarSettings:
    """The calendar with what is written over it."""
    part = settings.calendar
    return CalendarSettings(
        uplifts={key: float(size) for key, size in part.uplifts.items()},
        written=tuple(
            Written(
                line.key,
                line.first,
                line.last,
                line.name,
                line.kind,
                None if line.countries is None else frozenset(line.countries),
                None if line.uplift is None else float(line.uplift),
                line.source,
            )
            for line in part.events
        ),
        closed_before=part.closed_before_days,
        closed_after=part.closed_after_days,
        production_share=float(part.production_share),
    )


def service_settings(settings: Settings) -> ServiceSettings:
    """What the other services need to know; figures that have no setting keep their defaults."""
    watch, organisation = settings.watch, settings.organisation
    high, middle, low = (float(level) for level in watch.service_levels)
    idle = AgeingSettings().slow_idle_days
    calendar = calendar_settings(settings)
    return ServiceSettings(
        watch=WatchSettings(
            replenishment=ReplenishmentSettings(
                service_levels=(high, middle, low),
                classes=tuple(
                    ClassRule(
                        name,
                        None if own.service is None else float(own.service),
                        None if own.review_days is None else float(own.review_days),
                    )
                    for name, own in watch.classes.items()
                ),
                assumed_lead_time_days=float(watch.lead_time_days),
                assumed_lead_time_sd=float(watch.lead_time_sd_days),
            ),
            ageing=AgeingSettings(
                slow_idle_days=(min(idle[0], watch.slow_days), watch.slow_days, max(idle[2], watch.slow_days)),
                slow_cover_days=float(watch.cover_limit_days),
                carrying_rate=float(watch.carrying_cost),
            ),
        ),
        organisation_currency=organisation.currency,
        default_zone=organisation.zone,
        default_language=organisation.language,
        rates=organisation.rates,
        target_days=watch.target_days,
        fees=tuple(
            AgeFee(tier.location, tier.age_days, Money.rounded(tier.fee, tier.currency), tier.since, tier.source)
            for tier in settings.storage.fees
        ),
        alerts_individual=watch.alerts_individual,
        least_minor=Money.rounded(watch.least_money, organisation.currency).minor,
        scan_at=watch.scan_at,
        scorecard_at=watch.scorecard_at,
        sales_stale_hours=watch.sales_stale_hours,
        stock_stale_hours=watch.stock_stale_hours,
        audit_post_to=settings.audit.post_to,
        audit_post_at=settings.audit.post_at,
        calendar=calendar,
        closures=Closures(calendar),
        peaks=Peaks(calendar),
    )


def first_policy(settings: Settings) -> Policy:
    """The policy of a database that has none yet; from then on the database's is the one in force."""
    limits = (
        RoleLimit(role, currency, Money.rounded(Decimal(whole), currency).minor)
        for role, by_currency in settings.approval.limits.items()
        for currency, whole in by_currency.items()
    )
    return default_policy(settings.organisation.currency, tuple(limits), settings.approval.expire_hours)
