"""What a Medusa shop calls to say, by the subscriber of deploy/medusa: Medusa itself signs no calls."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping

from bot.ports import Delivery
from bot.stores.signed import require_signed

SIGNATURE = "x-stocktide-signature"
_ABOUT = ("order.", "order-edit.")


def sign(body: bytes, secret: str) -> str:
    """The signature that belongs to a body, as the subscriber's header holds it."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def opened(headers: Mapping[str, str], body: bytes, *secrets: str) -> Delivery | None:
    """A delivery as `HookedFeed.open` gives it; None for events of other things than orders.

    When it was sent is not looked at: an old one, sent again, makes us read the order again and no more.
    """
    require_signed(headers.get(SIGNATURE, ""), body, sign, secrets)
    try:
        told = json.loads(body)
    except ValueError:
        return None
    parts = [told.get(name) for name in ("id", "event", "order")] if isinstance(told, dict) else []
    said = [each for each in parts if isinstance(each, str) and each]
    if len(said) < 3 or not said[1].startswith(_ABOUT):
        return None
    return Delivery(said[0], said[1], {"order": said[2]})
