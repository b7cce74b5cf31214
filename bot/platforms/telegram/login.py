"""Telegram's word for a person: the parameters it signs when somebody presses a login button.

The signature is HMAC-SHA-256 over every parameter but `hash`, one `key=value` line each in the order of their keys,
under the SHA-256 of the bot's token.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

MAX_AGE = timedelta(minutes=5)

_HASH = re.compile(r"[0-9a-f]{64}")
_KEY = re.compile(r"[a-z_]{1,64}")
_NUMBER = re.compile(r"[1-9][0-9]{0,18}")
_AHEAD = timedelta(minutes=1)  # Telegram's clock may be ahead of ours
_MOST = 32  # parameters


def vouched(query: Mapping[str, str], token: str, now: datetime) -> str | None:
    """The id of the person whom Telegram signed `query` for at most MAX_AGE ago; None otherwise.

    `query` holds Telegram's parameters alone: one that it did not send spoils the signature.
    """
    given = dict(query)
    signature = given.pop("hash", "")
    if not _HASH.fullmatch(signature) or not _sound(given):
        return None
    if not hmac.compare_digest(sign(given, token), signature):
        return None
    stamp, person = given.get("auth_date", ""), given.get("id", "")
    if not (_NUMBER.fullmatch(stamp) and _NUMBER.fullmatch(person)):
        return None
    age = now.timestamp() - int(stamp)
    return person if -_AHEAD.total_seconds() <= age <= MAX_AGE.total_seconds() else None


def sign(fields: Mapping[str, str], token: str) -> str:
    """The signature of parameters, as Telegram makes it."""
    lines = "\n".join(f"{key}={fields[key]}" for key in sorted(fields))
    return hmac.new(hashlib.sha256(token.encode()).digest(), lines.encode(errors="surrogatepass"), "sha256").hexdigest()


def _sound(fields: Mapping[str, str]) -> bool:
    """Whether the lines are read in one way only: a line break in a value would be a line of its own."""
    return len(fields) <= _MOST and all(_KEY.fullmatch(key) and "\n" not in value for key, value in fields.items())
