"""`receive REQUEST [SKU=120 ...] [on DATE]`: goods of an order have arrived; without lines all that is open."""

from __future__ import annotations

from typing import Literal

from bot.chat.arguments import RequestRef, Rest
from bot.chat.cards import receive_form, received_card
from bot.chat.command import Command
from bot.chat.forms import Form
from bot.chat.nodes import Message
from bot.chat.orderwords import read_delivery
from bot.services import Invocation
from bot.services.receiving import Delivery
from bot.words import _


async def receive(call: Invocation, request: RequestRef, value: Literal["some"] | Rest | None = None) -> Message | Form:
    """What was counted in; `some` asks for the units of each line."""
    if value == "some":
        return receive_form(await call.services.requests.get(request.id))
    said = read_delivery(value if isinstance(value, Rest) else None, call.now.astimezone(call.asker.zone).date())
    received = await call.services.receiving.receive(
        request.id,
        request.version,
        Delivery(said.units, said.on, said.again),
        call.asker,
        call.origin.platform,
        call.origin.event,
    )
    return received_card(
        received.request, received.units, received.over, already=received.already, repeated=received.repeated
    )


COMMAND = Command("receive", receive, summary=_("Say what has arrived of an order"), audience="asker")
