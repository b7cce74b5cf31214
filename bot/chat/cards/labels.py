"""The words of the trade that cards share: kinds, states, roles, platforms, numbers of cases and requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from bot.chat.nodes import Action, Amount, Badge, Bold, Code, Day, Inline, Number, Span, Text, Tone
from bot.domain.approval import ScopeKind
from bot.domain.money import Money
from bot.domain.told import ToldAge
from bot.domain.views import Arrival, CaseKind, CaseState, RequestKind, RequestState, Topic
from bot.words import Words, _, n_

NONE = Text("–")  # an unknown figure: never zero, and no table cell may be empty

KINDS: Mapping[CaseKind, tuple[Words, Tone]] = {
    "stockout_risk": (_("Stock-out risk"), "bad"),
    "surge": (_("Sales surge"), "warn"),
    "slump": (_("Sales slump"), "warn"),
    "slow_mover": (_("Slow mover"), "warn"),
    "overstock": (_("Overstock"), "warn"),
    "late_inbound": (_("Late arrival"), "bad"),
    "data_stale": (_("Stale data"), "warn"),
}

STATES: Mapping[CaseState, Words] = {
    "open": _("open"),
    "acknowledged": _("seen"),
    "acting": _("being acted on"),
    "resolved": _("resolved"),
}

REQUEST_KINDS: Mapping[RequestKind, Words] = {
    "purchase_order": _("Purchase"),
    "transfer": _("Transfer"),
    "promotion": _("Clearance promotion"),
}

REQUEST_STATES: Mapping[RequestState, tuple[Words, Tone]] = {
    "draft": (_("draft"), "plain"),
    "pending": (_("waiting for approval"), "warn"),
    "approved": (_("approved"), "good"),
    "executing": (_("being carried out"), "good"),
    "done": (_("done"), "good"),
    "rejected": (_("rejected"), "bad"),
    "expired": (_("expired"), "plain"),
    "cancelled": (_("cancelled"), "plain"),
    "failed": (_("failed"), "bad"),
}

TOPICS: Mapping[Topic, Words] = {
    "restock": _("stock-out risks"),
    "surge": _("sales surges"),
    "slump": _("sales slumps"),
    "slow": _("slow and excess stock"),
    "late": _("late arrivals"),
    "stale": _("stale data"),
    "requests": _("requests and decisions"),
    "scorecard": _("the weekly scorecard"),
}

ROLES: Mapping[str, Words] = {
    "viewer": _("viewer"),
    "operator": _("operator"),
    "buyer": _("buyer"),
    "approver": _("approver"),
    "promo_manager": _("promotion manager"),
    "auditor": _("auditor"),
    "admin": _("administrator"),
}

MODES: Mapping[str, Words] = {
    "sea": _("by sea"),
    "air": _("by air"),
    "road": _("by road"),
    "rail": _("by rail"),
    "courier": _("by courier"),
}

SCOPES: Mapping[ScopeKind, Words] = {
    "location": _("location"),
    "supplier": _("supplier"),
    "store": _("store"),
}

PLATFORMS: Mapping[str, str] = {"slack": "Slack", "telegram": "Telegram"}


def platform_name(platform: str) -> Inline:
    """A platform's own name; anything else is the command line."""
    if platform == "web":
        return _("the board")
    return Text(PLATFORMS[platform]) if platform in PLATFORMS else _("the command line")


def role_words(role: str) -> Inline:
    """A role's name; a dash for nobody's."""
    return ROLES.get(role, Text(role) if role else NONE)


def listing(parts: Sequence[Inline], separator: Words | None = None) -> Inline:
    """Words side by side, parted as the reader's language parts them (by default with commas)."""
    between = separator or _(", ")
    joined: list[Inline] = []
    for part in parts:
        joined += [between, part] if joined else [part]
    return Span(tuple(joined))


def kind_badge(kind: CaseKind) -> Badge:
    """The kind of a case, with its tone."""
    label, tone = KINDS[kind]
    return Badge(label, tone)


def case_code(case_id: int) -> str:
    """A case as one writes it."""
    return f"C-{case_id}"


def board_button(page: str) -> Action:
    """Leads to a page of the board: a product, a case, a request, or one of the pages by name."""
    return Action(_("Board"), "board", (page,))


def request_code(request_id: int, version: int | None = None) -> str:
    """A request as one writes it; a button adds the version that it was shown with."""
    return f"R-{request_id}" + (f"@{version}" if version is not None else "")


def product(sku: str, name: str) -> Inline:
    """A product's code and name."""
    return Span((Code(sku), Text(f" {name}"))) if name else Code(sku)


def units(count: int | None) -> Inline:
    """A number of units."""
    return NONE if count is None else n_("{count} unit", "{count} units", count)


def days(count: Decimal | int | None) -> Inline:
    """A length in days, with one decimal below ten."""
    if count is None:
        return NONE
    if count == int(count) or count >= 10:
        whole = round(count)
        return n_("{count} day", "{count} days", whole)
    return _("{days} days", days=Number(Decimal(count), 1))


def per_day(rate: Decimal | None) -> Inline:
    """Units a day; small rates keep two decimals, so that a slow seller is not shown as nothing."""
    if rate is None:
        return NONE
    return _("{rate} a day", rate=rate_number(rate))


def rate_number(rate: Decimal) -> Number:
    """A rate with as many decimals as tell something."""
    return Number(rate, 0 if rate >= 100 else 1 if rate >= 10 else 2)


def count(value: int | None) -> Inline:
    """A bare figure of a table whose title names the unit."""
    return NONE if value is None else Number(value)


def short_days(value: Decimal | None) -> Inline:
    """A bare number of days of a table."""
    return NONE if value is None else Number(value, 0 if value >= 10 else 1)


def share(value: Decimal | None) -> Inline:
    """A percentage."""
    return NONE if value is None else Number(value, 1, share=True)


def amount(money: Money | None) -> Inline:
    """Money."""
    return NONE if money is None else Amount(money)


def age_band(first: int, last: int | None) -> Words:
    """An age of stock in days."""
    if last is None:
        return _("{days} days and more", days=Number(first))
    return _("{first}–{last} days", first=Number(first), last=Number(last))


def told_age(age: ToldAge) -> Words:
    """What a store says of the age of stock and of its next fees there."""
    units = n_("{count} unit over 180 days", "{count} units over 180 days", age.over(180))
    if age.expected is None:
        return _("{store} says: {units}", store=Text(age.store), units=units)
    return _(
        "{store} says: {units}, estimated fees {fees}", store=Text(age.store), units=units, fees=Amount(age.expected)
    )


def arrival(coming: Arrival | None, gap_days: int | None = None) -> Inline:
    """Goods on their way: how many, when, and how long the shelf is empty before them."""
    if coming is None:
        return _("nothing on its way")
    parts: list[Inline] = [_("{units} on {day}", units=units(coming.quantity), day=Day(coming.on))]
    if coming.late:
        parts += [Text(" "), Badge(_("late"), "bad")]
    if gap_days is not None and gap_days > 0:
        parts += [Text(" · "), Bold(n_("{count} day too late", "{count} days too late", gap_days))]
    return Span(tuple(parts))
