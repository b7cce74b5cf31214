"""Who may report on orders: a buyer or approver what becomes of them, an operator too what has arrived."""

from __future__ import annotations

from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.cards import labels
from bot.chat.command import Asker
from bot.chat.nodes import Bold, Code, Text
from bot.domain.views import RequestView
from bot.errors import NotAllowed, Refusal
from bot.services.audit import Audit
from bot.storage import authority, orders
from bot.storage.requests import RequestRow
from bot.words import Words, _

Doing = Literal["advance", "receive"]

_ROLES: dict[Doing, frozenset[str]] = {
    "advance": frozenset({"buyer", "approver", "admin"}),
    "receive": frozenset({"operator", "buyer", "approver", "admin"}),
}


async def refused(
    connection: AsyncConnection, audit: Audit, held: RequestRow, doing: Doing, asker: Asker, platform: str
) -> Refusal | None:
    """Why this person may not, written to the audit log; None where they may. Raise it after the transaction."""
    role = await authority.role_of(connection, asker.member_id)
    reason, words = "", Words("")
    if role is None:
        reason, words = "stranger", _("I do not know you yet; an administrator can make you a member.")
    elif role not in _ROLES[doing]:
        reason = "role"
        who = labels.ROLES.get(role, Text(role))
        words = (
            _("As {role} you may read, but not report what arrives. Ask an operator or a buyer.", role=who)
            if doing == "receive"
            else _("As {role} you may not report what becomes of an order. Ask a buyer.", role=who)
        )
    elif not await _in_scope(connection, held, asker.member_id):
        reason, words = "scope", _("{request} lies outside your locations and suppliers.", request=_code(held.id))
    if not reason:
        return None
    data = {"doing": doing, "objection": reason, "role": role or "", "name": asker.name}
    member_id = asker.member_id if role is not None else None
    await audit.append(connection, "order.refused", f"request:{held.id}", data, member_id, platform)
    return NotAllowed(words)


async def _in_scope(connection: AsyncConnection, held: RequestRow, member_id: int) -> bool:
    """Whether the member's role reaches where the goods go and, of a purchase, its supplier."""
    reach = (await authority.scopes(connection, [member_id])).get(member_id, {})
    facts = await orders.facts_of(connection, held.id)
    places = reach.get("location")
    suppliers = reach.get("supplier") if held.kind == "purchase_order" else None
    return (not places or facts.place_code in places) and (not suppliers or facts.supplier_code in suppliers)


def unfit(view: RequestView) -> Words | None:
    """Why there is nothing to report on a request; None where it is an order under way or done."""
    code = _code(view.id)
    if view.kind == "promotion":
        return _("{request} is a promotion: there is nothing to order.", request=code)
    match view.state:
        case "executing" | "done":
            return None
        case "draft" | "pending":
            return _("{request} is not approved yet, so nothing is ordered.", request=code)
        case "approved":
            return _("{request} is approved, but has not been sent yet. Try again in a moment.", request=code)
        case _:
            return _(
                "{request} is {state}: nothing was ordered.",
                request=code,
                state=labels.REQUEST_STATES[view.state][0],
            )


def _code(request_id: int) -> Bold:
    return Bold(Code(labels.request_code(request_id)))
