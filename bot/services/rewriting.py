"""What changing a request means: which words may be written, and what its lines become; pure but for its arguments."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from bot.chat.cards.labels import MODES
from bot.chat.nodes import Code, Text
from bot.domain.sourcing import Offer
from bot.errors import BadArgument
from bot.services.drafting import Proposal, container_facts
from bot.services.joining import OVERSTOCKED
from bot.services.planning import Plan, listed
from bot.services.requests import Change
from bot.storage.requests import DraftLine, LineRow, RequestRow
from bot.storage.suppliers import SupplierRow
from bot.words import Words, _

LONGEST = timedelta(days=730)
MOST = 10_000_000  # units of one line
_TOLD = 5  # faults named at once
_TERMS = (  # of a route
    "quote_minor", "lead_time_days", "lead_time_sd_days", "minimum_order", "pack_size", "in_time", "arrives_on",
)  # fmt: skip
_DAY = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")


@dataclass(slots=True)
class Wishes:
    """What is to become different: units by product, a supplier's code, a date, a mode; `faults` name the bad words."""

    units: dict[int, int] = field(default_factory=dict)
    supplier: SupplierRow | None = None
    on: date | None = None
    mode: str = ""
    faults: list[Words] = field(default_factory=list)


def read(
    values: Mapping[str, str],
    held: RequestRow,
    lines: Sequence[LineRow],
    names: Mapping[int, str],
    suppliers: Sequence[SupplierRow],
    today: date,
) -> Wishes:
    """The words `name=value` as wishes; a word that cannot be done becomes a fault, the others still count."""
    wishes = Wishes()
    products = {names[line.product_id].casefold(): line.product_id for line in lines}
    products |= {f"line{number}": line.product_id for number, line in enumerate(lines, 1)}
    for name, value in values.items():
        match name:
            case "supplier" | "mode" if held.kind == "transfer":
                wishes.faults.append(_("{name}: a transfer has none.", name=Code(name)))
            case "supplier":
                _supplier(wishes, value, suppliers)
            case "date":
                _date(wishes, value, today)
            case "mode":
                wishes.mode = value.casefold()
            case _ if name in products:
                _units(wishes, name, value, products[name])
            case _:
                wishes.faults.append(
                    _("{name} is no product of this request, nor one of {others}.",
                      name=Code(name[:40]), others=Code("supplier date mode"))
                )  # fmt: skip
    return wishes


def _supplier(wishes: Wishes, value: str, suppliers: Sequence[SupplierRow]) -> None:
    wanted = value.casefold()
    wishes.supplier = next((one for one in suppliers if wanted in {one.code.casefold(), one.name.casefold()}), None)
    if wishes.supplier is None:
        known = Text(listed([one.code for one in suppliers], 8))
        words = _("supplier: nobody is called {text}. Suppliers: {known}.", text=Code(value[:40]), known=known)
        wishes.faults.append(words)


def _date(wishes: Wishes, value: str, today: date) -> None:
    match = _DAY.fullmatch(value)
    try:
        wishes.on = date(*(int(part) for part in match.groups())) if match else None
    except ValueError:
        wishes.on = None
    if wishes.on is None:
        example = Code((today + timedelta(days=30)).isoformat())
        words = _("date: {text} is no day; write {example}.", text=Code(value[:40]), example=example)
        wishes.faults.append(words)
    elif not today <= wishes.on <= today + LONGEST:
        wishes.faults.append(_("date: {text} must lie between today and two years from now.", text=Code(value[:40])))


def _units(wishes: Wishes, name: str, value: str, product_id: int) -> None:
    digits = value.replace(",", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 9 and int(digits) <= MOST):
        wishes.faults.append(
            _("{name}: {text} is no number of units; write {example}, or {none} to take it out.",
              name=Code(name[:40]), text=Code(value[:40]), example=Code("240"), none=Code("0"))
        )  # fmt: skip
        return
    wishes.units[product_id] = int(digits)


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A request as it is to be: its lines, what differs, and the columns that change with them."""

    lines: tuple[DraftLine, ...]
    changes: tuple[Change, ...]
    values: Mapping[str, object]


def rewrite(
    held: RequestRow,
    lines: Sequence[LineRow],
    names: Mapping[int, str],
    wishes: Wishes,
    supplier_code: str,
    figures: Plan | None,
) -> Rewrite:
    """Carry the wishes out; BadArgument names every fault. `figures` are needed where the route changes."""
    faults = list(wishes.faults)
    routed = _routes(held, lines, names, wishes, figures, faults) if figures is not None else {}
    changes = _of_route(held, wishes, supplier_code, routed, figures)
    kept: list[DraftLine] = []
    fresh: list[Proposal] = []
    for line in lines:
        sku, units = names[line.product_id], wishes.units.get(line.product_id, line.quantity)
        if units != line.quantity:
            changes.append(Change(sku, str(line.quantity), str(units)))
        if not units:
            continue
        wish = None
        if figures is not None and line.product_id in routed:
            wish = _bought(figures, held, line, routed[line.product_id], units)
            if wish is None:
                faults.append(_("{sku}: no price is known on that route.", sku=Code(sku)))
                continue
            fresh.append(wish)
        kept.append(_line(line, units, wish))
        if units != line.quantity or wish is not None:
            faults += _lot(sku, units, kept[-1].detail or {})
    values = {} if figures is None or not fresh else _route_columns(figures, fresh)
    on = wishes.on or max((one.expected_on for one in fresh), default=held.expected_on)
    if on is not None and on != held.expected_on:
        changes.append(Change("date", held.expected_on.isoformat() if held.expected_on else "", on.isoformat()))
        values["expected_on"] = on
    if not faults and not kept:
        faults.append(_("Nothing would be left of it; cancel it instead."))
    if faults:
        raise BadArgument(_together(faults[:_TOLD]), "edit")
    return Rewrite(tuple(kept), tuple(changes), values)


def _of_route(
    held: RequestRow, wishes: Wishes, supplier_code: str, routed: Mapping[int, Offer], figures: Plan | None
) -> list[Change]:
    """What another supplier or mode makes different; all lines have the same."""
    offer = next(iter(routed.values()), None)
    if offer is None or figures is None:
        return []
    changes = []
    if wishes.supplier is not None and wishes.supplier.id != held.supplier_id:
        changes.append(Change("supplier", supplier_code, wishes.supplier.code))
    if figures.mode(offer) != held.mode:
        changes.append(Change("mode", held.mode, figures.mode(offer)))
    return changes


def _bought(figures: Plan, held: RequestRow, line: LineRow, offer: Offer, units: int) -> Proposal | None:
    row = figures.row(line.product_id, held.location_id)
    return None if row is None else figures.drafting.purchase(figures.need(row, None), offer, units)


def _line(line: LineRow, units: int, wish: Proposal | None) -> DraftLine:
    """The line of so many units; on another route with its price and terms, and the need it answers as it was."""
    if wish is None:
        return DraftLine(line.product_id, units, line.unit_cost_minor, line.case_id, line.detail)
    terms = {key: (wish.line.detail or {})[key] for key in _TERMS}
    return DraftLine(line.product_id, units, wish.line.unit_cost_minor, line.case_id, {**line.detail, **terms})


def _route_columns(figures: Plan, fresh: Sequence[Proposal]) -> dict[str, object]:
    way = fresh[0].way
    least = figures.drafting.least_total(way)
    return {
        "supplier_id": way.supplier_id,
        "mode": way.mode,
        "currency": way.currency,
        "detail": {"least_total_minor": least, OVERSTOCKED: [], **container_facts(fresh)},
    }


def _routes(
    held: RequestRow,
    lines: Sequence[LineRow],
    names: Mapping[int, str],
    wishes: Wishes,
    figures: Plan,
    faults: list[Words],
) -> dict[int, Offer]:
    """The route of each line with the wanted supplier or mode, one mode and currency for all; none without a wish."""
    if wishes.supplier is None and not wishes.mode:
        return {}
    supplier_id = held.supplier_id if wishes.supplier is None else wishes.supplier.id
    wanted = [line for line in lines if wishes.units.get(line.product_id, line.quantity)]
    open_to = {line.product_id: _offers(figures, line, held, supplier_id) for line in wanted}
    unserved = [names[product] for product, offers in open_to.items() if not offers]
    if unserved:
        faults.append(_("supplier: it does not deliver {skus} there.", skus=Text(listed(unserved))))
        return {}
    modes = set.intersection(*({figures.mode(one) for one in offers} for offers in open_to.values()))
    mode = wishes.mode or (held.mode if held.mode in modes else min(modes, default=""))
    if mode not in modes:
        known = Text(", ".join(sorted(modes)) or "–")
        faults.append(_("mode: not every product can come {mode}; these are possible: {known}.",
                        mode=MODES.get(mode, Text(mode[:20])), known=known))  # fmt: skip
        return {}
    found = {
        product: min((one for one in offers if figures.mode(one) == mode), key=lambda one: one.lead_time_days)
        for product, offers in open_to.items()
    }
    if len({figures.taken.market.routes.currency[one.route] for one in found.values()}) > 1:
        faults.append(_("supplier: these products are priced in different currencies; order them separately."))
        return {}
    return found


def _offers(figures: Plan, line: LineRow, held: RequestRow, supplier_id: int | None) -> list[Offer]:
    row = figures.row(line.product_id, held.location_id)
    return [] if row is None else figures.offers(row, supplier_id)


def _lot(sku: str, units: int, detail: Mapping[str, object]) -> list[Words]:
    """Why a line cannot be of so many units: the route's minimum and packs, or what the sender has."""
    pack, least, has = (detail.get(key) for key in ("pack_size", "minimum_order", "donor_available"))
    pack, least = pack if isinstance(pack, int) else 1, least if isinstance(least, int) else 1
    if isinstance(has, int) and units > has:
        return [_("{sku}: only {units} are there to be moved.", sku=Code(sku), units=has)]
    if units >= least and units % pack == 0:
        return []
    fits = -(-max(units, least) // pack) * pack
    return [
        _("{sku}: the supplier takes at least {least}, in packs of {pack}; write {example}.",
          sku=Code(sku), least=least, pack=pack, example=Code(str(fits)))
    ]  # fmt: skip


def _together(faults: Sequence[Words]) -> Words:
    """Several sentences as one."""
    first, *rest = faults
    return _("{first} {rest}", first=first, rest=_together(rest)) if rest else first
