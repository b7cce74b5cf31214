"""Whether a person restated a total and a supplier: leniently in form, exactly in substance."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

from bot.domain.money import Money

_SIGNS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "£": frozenset({"GBP"}),
        "€": frozenset({"EUR"}),
        "$": frozenset({"USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "TWD"}),
        "¥": frozenset({"CNY", "JPY"}),
        "元": frozenset({"CNY", "TWD", "HKD"}),
        "块": frozenset({"CNY"}),
        "円": frozenset({"JPY"}),
    }
)
_LONGEST = 60  # characters


def total_matches(text: str, total: Money) -> bool:
    """Whether `text` names the total: `5,120.00`, `GBP 5120`, `£5,120`, `5.120,00 €`, `5 120`.

    Groups and decimals may be set off as anywhere in the world; a currency may be left out, but none other named.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    if not plain or len(plain) > _LONGEST:
        return False
    code = re.search(r"[A-Za-z]+", plain)
    if code is not None and code[0].upper() != total.currency:
        return False
    if any(sign in plain and total.currency not in meant for sign, meant in _SIGNS.items()):
        return False
    digits = re.sub(r"[A-Za-z\s'’" + re.escape("".join(_SIGNS)) + "]", "", plain)
    if not re.fullmatch(r"[0-9][0-9.,]*", digits):
        return False
    return total.amount in _readings(digits)


def _readings(digits: str) -> set[Decimal]:
    """The amounts that digits with dots and commas may mean: either sign sets off groups, the other the decimals."""
    found = set()
    for group, point in ((",", "."), (".", ",")):
        whole, _, rest = digits.partition(point)
        if point in rest or group in rest:
            continue
        sign = re.escape(group)
        if group in whole and not re.fullmatch(rf"[0-9]{{1,3}}(?:{sign}[0-9]{{2,3}})*{sign}[0-9]{{3}}", whole):
            continue
        try:
            found.add(Decimal(whole.replace(group, "") + (f".{rest}" if rest else "")))
        except InvalidOperation:
            continue
    return found


def supplier_matches(text: str, code: str, name: str) -> bool:
    """Whether `text` names the supplier by code or whole name, in any case and width."""
    said = _folded(text)
    return bool(said) and said in {_folded(code), _folded(name)}


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
