"""What `stocktide check` says of a store: address, credentials, channel, and what the role may read there.

Rights are tried, not asked for: an API key may not even ask whose it is.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.errors import OutsideError
from bot.ports import Check
from bot.stores.vendure.client import Admin, Forbidden
from bot.words import _

GRANT = _("grant this permission to the role in the channel")


async def checked(name: str, admin: Admin, lists: Mapping[str, str]) -> tuple[Check, ...]:
    """One line; `lists` are operations that must answer, by the permission that each takes."""
    line = _("store {name}", name=name)
    remedy = _("look at [stores.connected.{name}]: url, token, or user and secret, options.channel", name=name)
    try:
        terms, _at = await admin.terms()
        for right, operation in lists.items():
            try:
                await admin.ask(operation, skip=0, take=1, filter=None)
            except Forbidden:
                return (Check(line, "fail", _("its role may not {right}", right=right), GRANT),)
    except OutsideError as error:
        return (Check(line, "fail", error.said, remedy),)
    return (Check(line, "ok", _("answers at {url}, sells in {currency}", url=admin.url, currency=terms.currency)),)
