"""Deliveries of WooCommerce's webhooks: the signature, and seeing to it that the shop goes on calling."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping

from bot.errors import Declined
from bot.ports import Delivery
from bot.stores.saying import says
from bot.stores.signed import require_signed
from bot.stores.woocommerce.api import Api, Row
from bot.words import _

_KNOWN = ("order", "product")
_EVENTS = ("created", "updated", "deleted", "restored")
TOPICS = tuple(f"{about}.{event}" for about in _KNOWN for event in _EVENTS)
_PING = re.compile(rb"webhook_id=\d+")


def sign(body: bytes, secret: str) -> str:
    """The signature that belongs to a body, as X-WC-Webhook-Signature holds it."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def opened(headers: Mapping[str, str], body: bytes, *secrets: str) -> Delivery | None:
    """A delivery as `HookedFeed.open` gives it.

    WooCommerce makes up the delivery's id of the webhook and the second, so that two orders of one second share it:
    the body is part of ours. A webhook whose owner lost his rights delivers an error instead of a record; that, like
    the ping, says nothing.
    """
    given = headers.get("x-wc-webhook-signature", "")
    if not given and _PING.fullmatch(body.strip()):
        return None
    require_signed(given, body, sign, secrets)
    topic = headers.get("x-wc-webhook-topic", "")
    about, _, event = topic.partition(".")
    try:
        told = json.loads(body)
    except ValueError:
        return None
    number = told.get("id") if isinstance(told, dict) else None
    if about not in _KNOWN or not isinstance(number, int):
        return None
    known = f"{headers.get('x-wc-webhook-delivery-id', '')}.{hashlib.sha256(body).hexdigest()[:32]}"
    return Delivery(known, topic, {"about": about, "event": event, "id": number})


async def subscribed(api: Api, address: str, secret: str) -> tuple[str, ...]:
    """See to it that each topic calls the address, signed with the secret; the topics that were missing.

    The shop disables a webhook whose deliveries failed more than five times in a row. One that somebody paused is left
    alone. A secret cannot be read, so the name holds a mark of it.
    """
    if not secret:
        raise Declined(_("set hook_secret: what the store signs its calls to us with"))
    mark = hmac.new(secret.encode(), address.encode(), hashlib.sha256).hexdigest()[:8]
    ours = await _ours(api, address)
    missing = [topic for topic in TOPICS if not _serves(ours, topic, mark)]
    if not missing:
        return ()
    create, update = [], []
    for topic in missing:
        wanted = {"name": f"Stocktide {topic} {mark}", "status": "active", "secret": secret}
        known = next((hook for hook in ours if hook.get("topic") == topic), None)
        if known:
            update.append({**wanted, "id": known["id"]})
        else:
            create.append({**wanted, "topic": topic, "delivery_url": address})
    refused = await api.batch("/webhooks", create, update)
    stands = await _ours(api, address)
    without = [topic for topic in missing if not _serves(stands, topic, mark)]
    if without:
        reason = says("; ".join(refused)) if refused else _("it keeps them off")
        raise Declined(_("the store does not call for {topics}: {reason}", topics=", ".join(without), reason=reason))
    return tuple(missing)


async def _ours(api: Api, address: str) -> list[Row]:
    hooks = await api.all("/webhooks", status="all", _fields="id,name,status,topic,delivery_url")
    return [hook for hook in hooks if hook.get("delivery_url") == address]


def _serves(hooks: list[Row], topic: str, mark: str) -> bool:
    """Whether a webhook of the topic is active with our secret, or was paused by somebody."""
    of = [hook for hook in hooks if hook.get("topic") == topic]
    return any(
        hook.get("status") == "paused" or (hook.get("status") == "active" and str(hook.get("name", "")).endswith(mark))
        for hook in of
    )
