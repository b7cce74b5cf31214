"""What stands in a row: read strictly, money never by way of a float, instants never without an offset."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from babel.numbers import list_currencies
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
)

from bot.domain.money import Money, exponent
from bot.services.ingest import values
from bot.services.ingest.values import Bad
from bot.words import Words, _

MOST_UNITS = 10_000_000  # of one row
YEARS = range(2000, 2101)

_AMOUNT = r"^\d{1,9}(\.\d{1,4})?$"
_CURRENCY = r"^[A-Z]{3}$"
_INSTANT = r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)"
_CURRENCIES = frozenset(list_currencies())
# A database keeps no NUL, and no name of ours has other controls in it.
_PRINTED = r"^[^\u0000-\u001f\u007f]+$"


class Unfit(ValueError):
    """A value that may not stand there; `said` is why. It is a ValueError, as pydantic takes no other."""

    def __init__(self, said: Words) -> None:
        super().__init__(str(said))
        self.said = said


def _sku(text: str) -> str:
    found = values.sku(text)
    if isinstance(found, Bad):
        raise ValueError(found.reason)  # noqa: TRY004  # what pydantic takes for a fault of the value
    return found


def _amount(given: object, info: ValidationInfo) -> Money:
    """`"12.50"` in the organisation's currency, or `{"amount": "12.50", "currency": "EUR"}`."""
    text, currency = given, info.context["currency"] if info.context else ""
    if isinstance(given, dict) and given.keys() == {"amount", "currency"}:
        text, currency = given["amount"], given["currency"]
    if not isinstance(text, str) or not re.fullmatch(_AMOUNT, text, re.ASCII):
        raise Unfit(_('should be text such as "12.50", or an object of amount and currency'))
    if not isinstance(currency, str) or currency not in _CURRENCIES:
        raise Unfit(_("its currency is no ISO 4217 code"))
    amount = Decimal(text)
    if amount != amount.quantize(Decimal(1).scaleb(-exponent(currency))):
        raise Unfit(_("has more decimals than {currency}", currency=currency))
    return Money(amount, currency)


def _whole(given: object) -> object:
    """JSON has one kind of number, and JSON Schema calls 2.0 an integer; a huge exponent is not written out."""
    if isinstance(given, Decimal) and abs(given) <= MOST_UNITS and given == given.to_integral_value():
        return int(given)
    return given


def _instant(given: object) -> datetime:
    """RFC 3339: date, time and offset."""
    if not isinstance(given, str) or not re.fullmatch(_INSTANT, given, re.ASCII):
        raise Unfit(_("should be an instant with an offset, such as 2026-11-20T09:30:00+08:00"))
    try:
        at = datetime.fromisoformat(given.upper())
    except ValueError as error:
        raise Unfit(_("is no date and time that there is")) from error
    if at.year not in YEARS:
        raise Unfit(_("lies outside of {first} to {last}", first=str(YEARS[0]), last=str(YEARS[-1])))
    return at


def _day(given: object) -> date:
    if not isinstance(given, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", given, re.ASCII):
        raise Unfit(_("should be a date such as 2026-11-20"))
    try:
        on = date.fromisoformat(given)
    except ValueError as error:
        raise Unfit(_("is no date that there is")) from error
    if on.year not in YEARS:
        raise Unfit(_("lies outside of {first} to {last}", first=str(YEARS[0]), last=str(YEARS[-1])))
    return on


Id = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=200, pattern=_PRINTED)]
Code = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=100, pattern=_PRINTED)]
Sku = Annotated[Code, AfterValidator(_sku)]
# An id, so that no name and no mail address gets in.
Buyer = Annotated[str, StringConstraints(strict=True, max_length=100, pattern=r"^[A-Za-z0-9_.:-]*$")]
Units = Annotated[int, Field(strict=True, ge=0, le=MOST_UNITS), BeforeValidator(_whole)]
Some = Annotated[int, Field(strict=True, ge=1, le=MOST_UNITS), BeforeValidator(_whole)]
Amount = Annotated[
    Money,
    PlainValidator(_amount),
    WithJsonSchema(
        {
            "title": "Amount",
            "anyOf": [
                {"type": "string", "pattern": _AMOUNT},
                {
                    "type": "object",
                    "properties": {
                        "amount": {"type": "string", "pattern": _AMOUNT},
                        "currency": {"type": "string", "pattern": _CURRENCY},
                    },
                    "required": ["amount", "currency"],
                    "additionalProperties": False,
                },
            ],
        }
    ),
]
Instant = Annotated[datetime, PlainValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
Day = Annotated[date, PlainValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
