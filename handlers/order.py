"""`order REQUEST [confirmed|shipped|arrives|close] ...`: what becomes of an order that was sent."""

from __future__ import annotations

from typing import Literal

from bot.chat.arguments import RequestRef, Rest
from bot.chat.cards import arrives_form, progress_card, request_card
from bot.chat.command import Command
from bot.chat.forms import Form
from bot.chat.nodes import Message
from bot.chat.orderwords import read_arrival, read_order
from bot.services import Invocation
from bot.services.orders import Report
from bot.words import _


async def order(
    call: Invocation,
    request: RequestRef,
    step: Literal["confirmed", "shipped", "arrives", "close"] | None = None,
    value: Rest | None = None,
) -> Message | Form:
    """The order alone; or a report on it, such as `order R-12 confirmed SB-77 arrives 2011-12-20`."""
    if step is None:
        return request_card(await call.services.requests.get(request.id), call.page)
    today = call.now.astimezone(call.asker.zone).date()
    if step == "arrives":
        if value is None:
            return arrives_form(await call.services.requests.get(request.id))
        said = read_arrival(value, today)
    else:
        said = read_order(value, today)
    report = Report(step, said.reference, said.arrives)
    progress = await call.services.orders.report(request.id, report, call.asker, call.origin.platform)
    return progress_card(progress.request, already=progress.already)


COMMAND = Command("order", order, summary=_("Follow an order: confirmed, shipped, a new date"), audience="asker")
