"""What the policy asks of requests as they stand now: how many people, why, until when, and the hash of what is shown.

Set-based: hundreds of requests take a handful of queries.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.policy import (
    Facts,
    LineFacts,
    Policy,
    PromotionFacts,
    Reason,
    Shown,
    digest,
    judge,
    lapses_at,
)
from bot.ports import Clock
from bot.services.exchange import Exchange
from bot.services.policies import InForce, Policies
from bot.services.rates import exchange_at
from bot.services.settings import ServiceSettings
from bot.storage import requests as request_rows
from bot.storage import rulings as rows
from bot.storage.requests import LineRow, RequestRow

_TERMS = (  # of a promotion; all are bound
    "price_minor", "promo_price_minor", "depth", "ends_at", "ends_on", "store", "means", "code", "share",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a request needs: `needs` people for `reasons`, before `expires_at`; `digest` is bound by each approval.

    `forbidden` says why nobody may approve it. `total` is in minor units of the organisation's currency, None where no
    rate is known; `rate` the rate used and its day, empty where none is needed.
    """

    needs: int
    reasons: tuple[Reason, ...]
    expires_at: datetime
    digest: str
    in_force: InForce
    forbidden: tuple[Reason, ...] = ()
    requester_may: bool = False
    total: int | None = None
    rate: str = ""
    lines: tuple[tuple[str, int, int], ...] = ()  # SKU, units, unit cost in minor units

    def facts(self) -> dict[str, Any]:
        """What a request keeps of its ruling in its detail, as plain JSON."""
        return {
            "reasons": [reason.plain() for reason in (*self.forbidden, *self.reasons)],
            "shown": {
                "digest": self.digest,
                "policy": self.in_force.version,
                "rate": self.rate,
                "currency": self.in_force.policy.currency,
            },
        }


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """What lies around the requests that are ruled."""

    exchange: Exchange
    in_force: InForce
    lines: Mapping[int, Sequence[LineRow]]
    skus: Mapping[int, str]
    supplies: Mapping[int, Sequence[tuple[int, int | None]]]  # supplier -> (request, its total in our currency)
    new: Collection[int]
    products: int
    now: datetime


class Rulings:
    """Rules requests by the policy in force and the rates of now."""

    def __init__(self, *, clock: Clock, policies: Policies, settings: ServiceSettings) -> None:
        self._clock = clock
        self._policies = policies
        self._settings = settings

    async def rule(self, connection: AsyncConnection, ids: Collection[int]) -> dict[int, Ruling]:
        """The ruling of each request, in whatever state it is."""
        found = await request_rows.rows_of(connection, ids)
        return await self.rule_rows(connection, list(found.values()))

    async def rule_rows(self, connection: AsyncConnection, held: Sequence[RequestRow]) -> dict[int, Ruling]:
        """As `rule`, for requests that were read."""
        if not held:
            return {}
        around = await self._surroundings(connection, held)
        return {request.id: _ruling(request, around) for request in held}

    async def _surroundings(self, connection: AsyncConnection, held: Sequence[RequestRow]) -> _Surroundings:
        now = self._clock.now()
        in_force = await self._policies.current(connection)
        policy = in_force.policy
        ids = [request.id for request in held]
        lines = await request_rows.lines(connection, ids)
        skus = await request_rows.skus(connection, {line.product_id for each in lines.values() for line in each})
        suppliers = {request.supplier_id for request in held if request.supplier_id is not None}
        since = now - timedelta(days=policy.split_days)
        orders = await rows.purchases(connection, suppliers, since, ids) if suppliers else []
        currencies = {request.total.currency for request in held} | {order.currency for order in orders}
        exchange = await self._exchange(connection, currencies, policy, now)
        supplies: dict[int, list[tuple[int, int | None]]] = {}
        for order in orders:
            own = (order.request_id, _own(exchange, policy, order.total_minor, order.currency))
            supplies.setdefault(order.supplier_id, []).append(own)
        added_after = now - timedelta(days=policy.new_supplier_days)
        watched = suppliers if policy.new_supplier_days else set()
        new = await rows.new_suppliers(connection, watched, added_after)
        promotions = any(request.kind == "promotion" for request in held)
        products = await rows.products_for_sale(connection) if promotions else 0
        return _Surroundings(exchange, in_force, lines, skus, supplies, new, products, now)

    async def _exchange(
        self, connection: AsyncConnection, currencies: Collection[str], policy: Policy, now: datetime
    ) -> Exchange:
        """The rates of now; nothing is read where everything is in the organisation's own currency."""
        own = self._settings.organisation_currency
        if set(currencies) <= {own} and policy.currency == own:
            return Exchange(own, {})
        return await exchange_at(connection, self._settings, now)


def _ruling(request: RequestRow, around: _Surroundings) -> Ruling:
    policy, lines = around.in_force.policy, around.lines[request.id]
    currency, exchange = request.total.currency, around.exchange
    total = _own(exchange, policy, request.total.minor, currency)
    others = _others(request, around)
    facts = Facts(
        kind=request.kind,
        total=total,
        others=_sum([minor for _request, minor in others]),
        other_count=len(others),
        new_supplier=request.kind == "purchase_order" and request.supplier_id in around.new,
        rate_stale=_stale(exchange, policy, currency, around.now),
        lines=tuple(_line(request, line, around.skus) for line in lines),
        promotion=_promotion(request, lines, around.products),
    )
    judged = judge(policy, facts)
    rate = _rate(exchange, currency)
    return Ruling(
        needs=judged.needs,
        reasons=judged.reasons,
        expires_at=lapses_at(policy, request.kind, around.now, _quote_until(request, lines)),
        digest=digest(_shown(request, lines, rate, around.in_force.version)),
        forbidden=judged.forbidden,
        requester_may=judged.requester_may,
        total=total,
        rate=rate,
        in_force=around.in_force,
        lines=tuple((around.skus[line.product_id], line.quantity, line.unit_cost_minor) for line in lines),
    )


def _others(request: RequestRow, around: _Surroundings) -> list[tuple[int, int | None]]:
    """The supplier's other purchases of the split window."""
    if request.kind != "purchase_order" or request.supplier_id is None:
        return []
    return [order for order in around.supplies.get(request.supplier_id, ()) if order[0] != request.id]


def _sum(amounts: Sequence[int | None]) -> int | None:
    """All of them together; None where one cannot be told."""
    known = [minor for minor in amounts if minor is not None]
    return sum(known) if len(known) == len(amounts) else None


def _own(exchange: Exchange, policy: Policy, minor: int, currency: str) -> int | None:
    """An amount in the policy's currency; None where it cannot be told."""
    if currency == policy.currency:
        return minor
    return exchange.minor(minor, currency) if exchange.currency == policy.currency else None


def _stale(exchange: Exchange, policy: Policy, currency: str, at: datetime) -> bool:
    """Whether the rate is older than the policy takes; one typed by hand has no age."""
    if currency == policy.currency:
        return False
    age = exchange.age(currency, at)
    return age is None or age > timedelta(hours=policy.rate_hours)


def _rate(exchange: Exchange, currency: str) -> str:
    if currency == exchange.currency:
        return ""
    quote = exchange.quote(currency)
    return "" if quote is None else f"{quote.rate.normalize():f} {quote.day or ''}".strip()


def _line(request: RequestRow, line: LineRow, skus: Mapping[int, str]) -> LineFacts:
    bought = request.kind == "purchase_order"
    quote = line.detail.get("quote_minor")
    return LineFacts(
        skus.get(line.product_id, ""),
        line.quantity,
        line.unit_cost_minor,
        _decimal(line.detail.get("need_90")) if bought else None,
        quote if bought and isinstance(quote, int) and quote > 0 else None,
    )


def _promotion(request: RequestRow, lines: Sequence[LineRow], products: int) -> PromotionFacts | None:
    if request.kind != "promotion" or not lines:
        return None
    terms = {**lines[0].detail, **request.detail}
    before, after = terms.get("price_minor"), terms.get("promo_price_minor")
    if not isinstance(before, int) or not isinstance(after, int) or before <= 0:
        return None
    share = _decimal(terms.get("share"))  # of a discount: what a buyer pays after it is rounded down
    touched = Decimal(len(lines)) / max(products, 1)
    return PromotionFacts(
        depth=share if share is not None else (1 - Decimal(after) / before).quantize(Decimal("0.0001")),
        price=after,
        unit_cost=max(line.unit_cost_minor for line in lines),
        share=max(touched, _decimal(terms.get("catalogue_share")) or Decimal(0)),
        ends=bool(terms.get("ends_at") or terms.get("ends_on")),
    )


def _quote_until(request: RequestRow, lines: Sequence[LineRow]) -> datetime | None:
    """Until when the supplier's quote holds, the shortest of the lines'; an aware ISO instant in `quote_until`."""
    texts = [request.detail.get("quote_until"), *(line.detail.get("quote_until") for line in lines)]
    return min((datetime.fromisoformat(text) for text in texts if isinstance(text, str)), default=None)


def _shown(request: RequestRow, lines: Sequence[LineRow], rate: str, policy: int) -> Shown:
    terms = {**(lines[0].detail if lines else {}), **request.detail} if request.kind == "promotion" else {}
    return Shown(
        kind=request.kind,
        total=request.total,
        supplier=request.supplier_id,
        location=request.location_id,
        from_location=request.from_location_id,
        mode=request.mode,
        lines=tuple((line.product_id, line.quantity, line.unit_cost_minor) for line in lines),
        rate=rate,
        policy=policy,
        terms={name: terms[name] for name in _TERMS if name in terms},
    )


def _decimal(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        found = Decimal(value)
    except InvalidOperation:
        return None
    return found if found.is_finite() else None
