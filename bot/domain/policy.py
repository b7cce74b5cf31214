"""The policy as data, and what it asks of one request: how many people, why, and until when. Pure rules.

Amounts of bands and of the step-up are minor units of `Policy.currency`, the organisation's; limits are minor units of
their own currency. The defaults are those of docs/approvals.md.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal

from bot.domain.money import Money, exponent
from bot.domain.views import RequestKind

ReasonKind = Literal[
    "band", "split", "new_supplier", "quantity", "price", "rate_stale", "rate_unknown", "others_unknown",
    "catalogue", "below_cost", "depth", "margin", "sku_cap", "no_end",
]  # fmt: skip
FORBIDDING: frozenset[ReasonKind] = frozenset({"depth", "margin", "sku_cap", "no_end"})  # nobody may approve these
CAREFUL = 2  # people, where a threshold is passed
MOST_PEOPLE = 5


@dataclass(frozen=True, slots=True)
class RoleLimit:
    """The most that people of a role may approve in a currency, in its minor units.

    A day is any 24 hours and a month any 30 days, so that no change of zone gains anything; None: no bound but those of
    the other periods.
    """

    role: str
    currency: str
    per_request: int
    per_day: int | None = None
    per_month: int | None = None


@dataclass(frozen=True, slots=True)
class Band:
    """Totals up to `up_to` minor units (None: any) need `people`; `requester` may be one of them where the policy turns
    self-approval on. Where two or more are needed, who edited last is none of them either.
    """

    up_to: int | None
    people: int
    requester: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may decide how much. Every field is compared by `bot.domain.loosening`."""

    currency: str
    limits: tuple[RoleLimit, ...] = ()
    bands: tuple[Band, ...] = ()  # ascending, the last without an end
    self_approval: bool = False
    new_supplier_days: int = 90  # since it was added, while nothing was ordered from it; 0: never new
    quantity_over: Decimal = Decimal(3)  # times the mean need of 90 days
    price_over: Decimal = Decimal("0.02")  # above the route's quote, a share
    rate_hours: int = 24  # an older exchange rate is stale
    deepest_discount: Decimal = Decimal("0.5")  # of the price
    least_margin: Decimal = Decimal("0.05")  # the floor price is landed cost x (1 + this)
    promotion_skus: int = 20  # in one promotion
    catalogue_share: Decimal = Decimal("0.05")  # of the SKUs for sale; more needs two
    purchase_hours: int = 24
    transfer_hours: int = 24
    promotion_hours: int = 4
    step_up_above: int | None = None  # totals above it are restated with a one-time code; None: none are
    delegation_days: int = 14
    split_days: int = 7
    urgent_wait_minutes: int = 30
    wait_minutes: int = 120

    def limit(self, role: str, currency: str) -> RoleLimit | None:
        """The limit of a role in a currency; None: no authority in it."""
        return next((each for each in self.limits if (each.role, each.currency) == (role, currency)), None)

    def band(self, minor: int | None) -> Band:
        """The band of a total; an unknown one (None) falls into the last."""
        fits = (band for band in self.bands if band.up_to is None or (minor is not None and minor <= band.up_to))
        return next(fits, self.bands[-1])


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version of the policy as shown.

    `state` is proposed, active, replaced or refused; `loosens` what it allows that the one before did not; names are
    empty where it was Stocktide itself, or nobody yet.
    """

    number: int
    state: str
    loosens: tuple[str, ...]
    note: str
    proposed_by: str
    proposed_at: datetime
    decided_by: str
    decided_at: datetime | None


def default_bands(currency: str) -> tuple[Band, ...]:
    """Up to 500 one person, who may be the requester if the policy says so; up to 5,000 one other; above two others."""
    unit = 10 ** exponent(currency)
    return (Band(500 * unit, 1, requester=True), Band(5_000 * unit, 1), Band(None, CAREFUL))


def default_policy(currency: str, limits: Sequence[RoleLimit] = (), hours: int = 24) -> Policy:
    """The policy of an organisation that has set none; `hours` is how long purchases and transfers wait."""
    return Policy(
        currency=currency,
        limits=tuple(sorted(limits, key=lambda each: (each.role, each.currency))),
        bands=default_bands(currency),
        step_up_above=10_000 * 10 ** exponent(currency),
        purchase_hours=hours,
        transfer_hours=hours,
    )


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a request needs more than one person, or may not be approved at all; `facts` are plain JSON for the words."""

    kind: ReasonKind
    facts: Mapping[str, Any] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Plain JSON, as it is kept in `detail["reasons"]`."""
        return {"kind": self.kind, "facts": dict(self.facts)}


@dataclass(frozen=True, slots=True)
class LineFacts:
    """One line as it is judged: units, money in minor units; None where a figure is not known."""

    product: str
    quantity: int
    unit_cost: int
    need_90: Decimal | None = None
    quote: int | None = None


@dataclass(frozen=True, slots=True)
class PromotionFacts:
    """A promotion as it is judged: `depth` is a share of the price, `share` one of the catalogue; minor units."""

    depth: Decimal
    price: int
    unit_cost: int
    share: Decimal
    ends: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """A request as it is judged.

    `total` is in minor units of the policy's currency, None where no rate is known; `others` is what the same supplier
    was asked for besides within the split window (None where some of it has no rate), and `other_count` in how many
    orders.
    """

    kind: RequestKind
    total: int | None
    others: int | None = 0
    other_count: int = 0
    new_supplier: bool = False
    rate_stale: bool = False
    lines: tuple[LineFacts, ...] = ()
    promotion: PromotionFacts | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """How many people must approve, why, what forbids it, and whether the requester may be the one."""

    needs: int
    reasons: tuple[Reason, ...]
    forbidden: tuple[Reason, ...]
    requester_may: bool


def judge(policy: Policy, facts: Facts) -> Judgement:
    """What the policy asks of a request."""
    together = None if facts.total is None or facts.others is None else facts.total + facts.others
    band = policy.band(together)
    reasons = [*_of_total(policy, facts, band), *_of_lines(policy, facts.lines)]
    if facts.new_supplier:
        reasons.append(Reason("new_supplier"))
    if facts.total is None:
        reasons.append(Reason("rate_unknown"))
    elif facts.others is None:
        reasons.append(Reason("others_unknown"))
    elif facts.rate_stale:
        reasons.append(Reason("rate_stale", {"hours": policy.rate_hours}))
    reasons += _of_promotion(policy, facts)
    forbidden = tuple(reason for reason in reasons if reason.kind in FORBIDDING)
    careful = tuple(reason for reason in reasons if reason.kind not in FORBIDDING)
    needs = max(band.people, CAREFUL if any(reason.kind not in {"band", "split"} for reason in careful) else 1)
    return Judgement(needs, careful, forbidden, policy.self_approval and band.requester and needs == 1)


def _of_total(policy: Policy, facts: Facts, band: Band) -> list[Reason]:
    if facts.total is None or facts.others is None or band.people == 1:
        return []
    alone = policy.band(facts.total)
    if alone.people < band.people:
        sum_minor = facts.total + facts.others
        return [Reason("split", {"sum_minor": sum_minor, "count": facts.other_count + 1, "days": policy.split_days})]
    below = max((each.up_to for each in policy.bands if each.up_to is not None and each.up_to < facts.total), default=0)
    return [Reason("band", {"above_minor": below})]


def _of_lines(policy: Policy, lines: Sequence[LineFacts]) -> list[Reason]:
    found = []
    for line in lines:
        if line.need_90 is not None and line.quantity > policy.quantity_over * line.need_90:
            facts = {"product": line.product, "quantity": line.quantity, "need": str(line.need_90)}
            found.append(Reason("quantity", {**facts, "times": str(policy.quantity_over)}))
        if line.quote is not None and line.unit_cost > line.quote * (1 + policy.price_over):
            facts = {"product": line.product, "cost_minor": line.unit_cost, "quote_minor": line.quote}
            found.append(Reason("price", facts))
    return found


def _of_promotion(policy: Policy, facts: Facts) -> list[Reason]:
    if facts.kind != "promotion":
        return []
    found, terms = [], facts.promotion
    if terms is None or not terms.ends:
        found.append(Reason("no_end"))
    if len(facts.lines) > policy.promotion_skus:
        found.append(Reason("sku_cap", {"count": len(facts.lines), "most": policy.promotion_skus}))
    if terms is None:
        return found
    if terms.depth > policy.deepest_discount:
        found.append(Reason("depth", {"depth": str(terms.depth), "most": str(policy.deepest_discount)}))
    floor = floor_price(policy, terms.unit_cost)
    if terms.price < floor:
        found.append(Reason("margin", {"price_minor": terms.price, "floor_minor": floor}))
    if terms.share > policy.catalogue_share:
        found.append(Reason("catalogue", {"share": str(terms.share), "most": str(policy.catalogue_share)}))
    if terms.price < terms.unit_cost:
        found.append(Reason("below_cost", {"price_minor": terms.price, "cost_minor": terms.unit_cost}))
    return found


def floor_price(policy: Policy, unit_cost: int) -> int:
    """The lowest price of a promotion: landed cost x (1 + least margin), rounded up to a minor unit."""
    return math.ceil(unit_cost * (1 + policy.least_margin))


def lapses_at(policy: Policy, kind: RequestKind, at: datetime, quote_until: datetime | None = None) -> datetime:
    """When a request submitted at `at` lapses: after the hours of its kind, or with the quote if that is sooner."""
    hours = {
        "purchase_order": policy.purchase_hours,
        "transfer": policy.transfer_hours,
        "promotion": policy.promotion_hours,
    }
    end = at + timedelta(hours=hours[kind])
    return end if quote_until is None else min(end, quote_until)


@dataclass(frozen=True, slots=True)
class Shown:
    """What an approval binds: everything that whoever approves relies on, as plain values."""

    kind: RequestKind
    total: Money
    supplier: int | None
    location: int
    from_location: int | None
    mode: str
    lines: tuple[tuple[int, int, int], ...]  # product, units, unit cost in minor units
    rate: str  # the rate used and its day; empty in the organisation's own currency
    policy: int  # its version
    terms: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))  # of a promotion


def digest(shown: Shown) -> str:
    """The hash that an approval is bound to: SHA-256 over sorted JSON without spaces."""
    content = {
        "kind": shown.kind,
        "total": [shown.total.minor, shown.total.currency],
        "supplier": shown.supplier,
        "places": [shown.from_location, shown.location],
        "mode": shown.mode,
        "lines": sorted(shown.lines),
        "rate": shown.rate,
        "policy": shown.policy,
        "terms": dict(shown.terms),
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
