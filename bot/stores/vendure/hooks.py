"""What the store's plugin (deploy/vendure/stocktide.js) calls to say, and telling it where to call.

Only ids are said, for whoever follows a delivery reads the store again; so the order of deliveries does not matter.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Final

from bot.errors import Declined, Unanswered, Unreached
from bot.ports import Delivery
from bot.stores.signed import require_signed
from bot.stores.vendure.client import Admin
from bot.words import _

SIGNATURE: Final = "x-stocktide-signature"
ADDRESS: Final = "stocktide.address"  # of the store's settings
SUBJECTS: Final = ("orders", "variants", "products")
_WITHOUT = _("the store has no plugin of ours; see docs/stores/vendure.md")


def sign(body: bytes, secret: str) -> str:
    """The signature that belongs to a body."""
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


def opened(headers: Mapping[str, str], body: bytes, *secrets: str) -> Delivery | None:
    """A delivery as `HookedFeed.open` gives it; None where it names nothing that we read."""
    require_signed(headers.get(SIGNATURE, ""), body, sign, secrets)
    try:
        told = json.loads(body)
        said: dict[str, object] = {subject: _ids(told[subject]) for subject in SUBJECTS if told.get(subject)}
    except (ValueError, TypeError, AttributeError):
        return None
    if not said:
        return None
    name = str(told.get("id") or hashlib.sha256(body).hexdigest())
    return Delivery(name, str(told.get("topic", "")), said)


def _ids(told: object) -> list[str]:
    if not isinstance(told, list):
        raise TypeError("no list of ids")
    return [str(each) for each in told]


async def subscribed(admin: Admin, address: str, secret: str) -> tuple[str, ...]:
    """See to it that the plugin calls the address; what it tells of, where it called another or none."""
    if not secret:
        raise Declined(_("set hook_secret: what the store signs its calls to us with"))
    if await _address(admin) == address:
        return ()
    try:
        told = (await admin.tell("Subscribe", key=ADDRESS, value=address))["setSettingsStoreValue"]
    except Unanswered as error:  # telling it again changes nothing
        raise Unreached(error.said) from error
    if not told["result"]:
        raise Declined(_("the store takes no address: {said}", said=str(told["error"])[:300]))
    if await _address(admin) != address:
        raise Declined(_("the store took the address and kept another"))
    return SUBJECTS


async def _address(admin: Admin) -> str:
    """Where the plugin calls; Declined where there is none."""
    try:
        told = await admin.tell("Hooks", key=ADDRESS)  # once: what is not there will not be there a moment later
    except Unanswered as error:
        if "not registered" in error.detail:
            raise Declined(_WITHOUT) from None
        raise Unreached(error.said) from error
    return str(told["getSettingsStoreValue"] or "")
