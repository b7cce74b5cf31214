"""The policy as a document that people edit: read from TOML with every fault listed, and written back.

Amounts stand in whole or decimal units of their currency, as text or number; a figure left out has its default.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.domain.money import Money, exponent
from bot.domain.policy import MOST_PEOPLE, Band, Policy, RoleLimit, default_bands
from bot.errors import Fault, SettingsError
from bot.settings import DECIDING_ROLES

MOST = 10**12  # of any currency
_HEAD = "# The policy: who may approve what. Amounts are in whole units; see docs/approvals.md.\n"

Amount = Annotated[Decimal, Field(ge=0, le=MOST)]
Code = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Band(_Part):
    up_to: Amount | None = Field(None, description="a total such as '500'; the last band has none")
    people: int = Field(ge=1, le=MOST_PEOPLE, description=f"1 to {MOST_PEOPLE} people")
    requester: bool = Field(
        default=False, description="true or false: may the requester be one, if self_approval is on"
    )


class _Limit(_Part):
    per_request: Amount = Field(description="an amount such as '5000'")
    per_day: Amount | None = Field(None, description="an amount such as '20000', or leave it out")
    per_month: Amount | None = Field(None, description="an amount such as '100000', or leave it out")


class _Careful(_Part):
    new_supplier_days: int = Field(90, ge=0, le=3650, description="days such as 90; 0: never new")
    quantity_over: Decimal = Field(Decimal(3), gt=0, le=1000, description="times the 90-day mean need, such as '3'")
    price_over: Decimal = Field(Decimal("0.02"), ge=0, le=100, description="a share above the quote, such as '0.02'")
    rate_hours: int = Field(24, ge=0, le=720, description="hours such as 24")


class _Promotions(_Part):
    deepest_discount: Decimal = Field(Decimal("0.5"), ge=0, le=1, description="a share of the price, such as '0.5'")
    least_margin: Decimal = Field(Decimal("0.05"), ge=-1, le=10, description="a share of the cost, such as '0.05'")
    skus: int = Field(20, ge=1, le=1000, description="SKUs in one promotion, such as 20")
    catalogue_share: Decimal = Field(Decimal("0.05"), ge=0, le=1, description="a share of the SKUs, such as '0.05'")


class _Expiry(_Part):
    purchase_hours: int = Field(24, ge=1, le=720, description="hours, 1 to 720")
    transfer_hours: int = Field(24, ge=1, le=720, description="hours, 1 to 720")
    promotion_hours: int = Field(4, ge=1, le=720, description="hours, 1 to 720")


class _Routing(_Part):
    urgent_minutes: int = Field(30, ge=1, le=10_080, description="minutes such as 30")
    minutes: int = Field(120, ge=1, le=10_080, description="minutes such as 120")


class _Document(_Part):
    currency: Code = Field(description="the organisation's currency, such as 'USD'")
    self_approval: bool = Field(default=False, description="true or false")
    step_up_above: Amount | None = Field(None, description="a total such as '10000', or leave it out for none")
    delegation_days: int = Field(14, ge=0, le=14, description="days, at most 14")
    split_days: int = Field(7, ge=0, le=90, description="days such as 7")
    bands: list[_Band] = Field(default_factory=list, description="[[bands]] with up_to and people")
    limits: dict[str, dict[Code, _Limit]] = Field(
        default_factory=dict, description="[limits.approver.USD] with per_request"
    )
    careful: _Careful = _Careful()
    promotions: _Promotions = _Promotions()
    expiry: _Expiry = _Expiry()
    routing: _Routing = _Routing()


def read_policy(text: str, currency: str) -> Policy:
    """The policy of a TOML text; SettingsError with every fault. `currency` is the organisation's."""
    try:
        data = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            [Fault("policy", f"is not TOML: {error}", "text needs quotes, tables stand once")]
        ) from None
    return of_document(data, currency)


def of_document(data: Mapping[str, Any], currency: str = "") -> Policy:
    """The policy of a document; SettingsError with every fault."""
    try:
        document = _Document.model_validate(data)
    except ValidationError as error:
        raise SettingsError([_fault(item) for item in error.errors()]) from None
    if faults := [*_combinations(document, currency)]:
        raise SettingsError(faults)
    return _policy(document)


def _policy(document: _Document) -> Policy:
    own, careful, promotions = document.currency, document.careful, document.promotions
    bands = tuple(Band(_minor(band.up_to, own), band.people, band.requester) for band in document.bands)
    limits = (
        RoleLimit(
            role, code, _minor(each.per_request, code) or 0, _minor(each.per_day, code), _minor(each.per_month, code)
        )
        for role, of_role in sorted(document.limits.items())
        for code, each in sorted(of_role.items())
    )
    return Policy(
        currency=own,
        limits=tuple(limits),
        bands=bands or default_bands(own),
        self_approval=document.self_approval,
        new_supplier_days=careful.new_supplier_days,
        quantity_over=careful.quantity_over,
        price_over=careful.price_over,
        rate_hours=careful.rate_hours,
        deepest_discount=promotions.deepest_discount,
        least_margin=promotions.least_margin,
        promotion_skus=promotions.skus,
        catalogue_share=promotions.catalogue_share,
        purchase_hours=document.expiry.purchase_hours,
        transfer_hours=document.expiry.transfer_hours,
        promotion_hours=document.expiry.promotion_hours,
        step_up_above=_minor(document.step_up_above, own),
        delegation_days=document.delegation_days,
        split_days=document.split_days,
        urgent_wait_minutes=document.routing.urgent_minutes,
        wait_minutes=document.routing.minutes,
    )


def document_of(policy: Policy) -> dict[str, Any]:
    """The policy as plain JSON: amounts and shares as text."""
    limits: dict[str, dict[str, dict[str, str]]] = {}
    for each in policy.limits:
        amounts = {"per_request": each.per_request, "per_day": each.per_day, "per_month": each.per_month}
        kept = {name: _major(minor, each.currency) for name, minor in amounts.items() if minor is not None}
        limits.setdefault(each.role, {})[each.currency] = kept
    document: dict[str, Any] = {"currency": policy.currency, "self_approval": policy.self_approval}
    if policy.step_up_above is not None:
        document["step_up_above"] = _major(policy.step_up_above, policy.currency)
    return document | {
        "delegation_days": policy.delegation_days,
        "split_days": policy.split_days,
        "bands": [_band(band, policy.currency) for band in policy.bands],
        "limits": limits,
        "careful": {
            "new_supplier_days": policy.new_supplier_days,
            "quantity_over": str(policy.quantity_over),
            "price_over": str(policy.price_over),
            "rate_hours": policy.rate_hours,
        },
        "promotions": {
            "deepest_discount": str(policy.deepest_discount),
            "least_margin": str(policy.least_margin),
            "skus": policy.promotion_skus,
            "catalogue_share": str(policy.catalogue_share),
        },
        "expiry": {
            "purchase_hours": policy.purchase_hours,
            "transfer_hours": policy.transfer_hours,
            "promotion_hours": policy.promotion_hours,
        },
        "routing": {"urgent_minutes": policy.urgent_wait_minutes, "minutes": policy.wait_minutes},
    }


def write_policy(policy: Policy) -> str:
    """The policy as TOML; `read_policy` gives it back."""
    return _HEAD + "".join(_tables(document_of(policy), ""))


def _tables(table: Mapping[str, Any], path: str) -> Iterator[str]:
    plain = {key: value for key, value in table.items() if not isinstance(value, dict | list)}
    if path and plain:
        yield f"\n[{path}]\n"
    for key, value in plain.items():
        yield f"{key} = {_value(value)}\n"
    for key, value in table.items():
        here = f"{path}.{key}" if path else key
        if isinstance(value, dict):
            yield from _tables(value, here)
        elif isinstance(value, list):
            for item in value:
                yield f"\n[[{here}]]\n"
                yield from (f"{name} = {_value(inner)}\n" for name, inner in item.items())


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else f'"{value}"'


def _band(band: Band, currency: str) -> dict[str, Any]:
    end = {} if band.up_to is None else {"up_to": _major(band.up_to, currency)}
    return {**end, "people": band.people, "requester": band.requester}


def _minor(amount: Decimal | None, currency: str) -> int | None:
    return None if amount is None else int(amount.scaleb(exponent(currency)))


def _major(minor: int, currency: str) -> str:
    amount = Money.of_minor(minor, currency).amount
    return str(int(amount)) if amount == int(amount) else str(amount)


def _combinations(document: _Document, currency: str) -> Iterator[Fault]:
    if currency and document.currency != currency:
        yield Fault("currency", f"is {document.currency}", f"write the organisation's: '{currency}'")
    yield from _band_faults(document.bands)
    for role, limits in document.limits.items():
        if role not in DECIDING_ROLES:
            yield Fault(f"limits.{role}", "may be given no limit", f"write one of {', '.join(DECIDING_ROLES)}")
        for code, limit in limits.items():
            yield from _fractions(f"limits.{role}.{code}", code, limit.model_dump())
    yield from _fractions("policy", document.currency, {"step_up_above": document.step_up_above})
    for number, band in enumerate(document.bands):
        yield from _fractions(f"bands.{number}", document.currency, {"up_to": band.up_to})


def _band_faults(bands: list[_Band]) -> Iterator[Fault]:
    ends = [band.up_to for band in bands]
    if bands and ends[-1] is not None:
        yield Fault("bands", "the last one has an end", "leave its up_to out: it holds for everything above")
    known = [end for end in ends[:-1] if end is not None]
    if len(known) != len(ends[:-1]) or known != sorted(set(known)):
        yield Fault("bands", "do not rise", "each up_to is larger than the one before; only the last has none")
    people = [band.people for band in bands]
    if people != sorted(people):
        yield Fault("bands", "ask for fewer people as totals rise", "write people in rising order")


def _fractions(where: str, currency: str, amounts: Mapping[str, Decimal | None]) -> Iterator[Fault]:
    for name, amount in amounts.items():
        if amount is not None and amount != amount.quantize(Decimal(1).scaleb(-exponent(currency))):
            yield Fault(f"{where}.{name}", f"{amount} is no amount in {currency}", "leave out the last decimals")


def _fault(item: Mapping[str, Any]) -> Fault:
    steps = [str(step) for step in item["loc"] if step != "[key]"]
    key = ".".join(steps) or "policy"
    if item["type"] == "extra_forbidden":
        close = difflib.get_close_matches(steps[-1], list(_known()), 1)
        return Fault(key, "is not part of a policy", f"did you mean {close[0]}?" if close else "take it out")
    message = re.sub(r"^Value error, ", "", str(item["msg"]))
    text = _known().get(steps[-1] if steps else "", "")
    return Fault(key, message[:1].lower() + message[1:], f"write {text}" if text else "")


def _known() -> dict[str, str]:
    """Every key of the document and what to write there."""
    found: dict[str, str] = {}
    for part in (_Document, _Band, _Limit, _Careful, _Promotions, _Expiry, _Routing):
        found |= {name: field.description or "" for name, field in part.model_fields.items()}
    return found
