"""Who may draft, submit, change and call off requests. Operators draft, buyers submit; whoever only reads does neither.

A role may be limited to locations and suppliers. The person is authorised, never the chat, and every refusal is kept in
the audit log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.cards import labels
from bot.chat.command import Asker
from bot.chat.nodes import Text
from bot.domain.views import RequestKind
from bot.errors import NotAllowed
from bot.services.audit import Audit
from bot.storage import authority
from bot.storage.requests import RequestRow
from bot.words import Words, _

Doing = Literal["draft", "submit", "edit", "cancel"]

_DRAFTS = frozenset({"operator", "buyer", "approver", "admin"})
_SUBMITS = frozenset({"buyer", "approver"})
_PROMOTES = frozenset({"buyer", "approver", "promo_manager"})


@dataclass(frozen=True, slots=True)
class Matter:
    """What somebody wants to touch: its kind, where the goods go, who sends them, and the audit log's `subject`."""

    kind: RequestKind
    location_id: int
    supplier_id: int | None = None
    subject: str = "requests"
    state: str = "draft"
    requested_by: int | None = None

    @classmethod
    def of(cls, held: RequestRow) -> Matter:
        """A request that stands."""
        return cls(held.kind, held.location_id, held.supplier_id, f"request:{held.id}", held.state, held.requested_by)


async def refused(
    connection: AsyncConnection, audit: Audit, matter: Matter, doing: Doing, asker: Asker, platform: str
) -> NotAllowed | None:
    """Why this person may not, written to the audit log; None where they may. Raise it after the transaction."""
    role = await authority.role_of(connection, asker.member_id)
    reason, words = "", Words("")
    if role is None:
        reason, words = "stranger", _("I do not know you yet; an administrator can make you a member.")
    elif not _may(role, matter, doing, asker.member_id):
        reason, words = "role", _words(role, doing)
    elif not await _in_scope(connection, matter, asker.member_id):
        reason, words = "scope", _("That lies outside your locations and suppliers.")
    if not reason:
        return None
    data = {"doing": doing, "objection": reason, "role": role or "", "name": asker.name}
    member_id = asker.member_id if role is not None else None
    await audit.append(connection, "request.refused", matter.subject, data, member_id, platform)
    return NotAllowed(words)


async def may_submit(connection: AsyncConnection, member_id: int, kind: RequestKind) -> bool:
    """Whether the member's role submits requests of the kind."""
    role = await authority.role_of(connection, member_id)
    return role in (_PROMOTES if kind == "promotion" else _SUBMITS)


def _may(role: str, matter: Matter, doing: Doing, member_id: int) -> bool:
    submits = _PROMOTES if matter.kind == "promotion" else _SUBMITS
    match doing:
        case "draft":
            return role in _DRAFTS
        case "submit":
            return role in submits
        case "edit":
            return role in submits or (matter.state == "draft" and role in _DRAFTS)
        case "cancel":
            return role in submits or (role in _DRAFTS and member_id == matter.requested_by)


def _words(role: str, doing: Doing) -> Words:
    who = labels.ROLES.get(role, Text(role))
    match doing:
        case "draft":
            return _("As {role} you may read, but not draft orders. Ask an operator or a buyer.", role=who)
        case "submit":
            return _("As {role} you may not submit a request. Ask a buyer.", role=who)
        case "edit":
            return _("As {role} you may not change a request that waits for approval. Ask a buyer.", role=who)
        case "cancel":
            return _("As {role} you may not cancel this request. Ask a buyer, or whoever asked for it.", role=who)


async def _in_scope(connection: AsyncConnection, matter: Matter, member_id: int) -> bool:
    """Whether the member's role reaches where the goods go and, of a purchase, its supplier."""
    reach = (await authority.scopes(connection, [member_id])).get(member_id, {})
    places, suppliers = reach.get("location"), reach.get("supplier")
    if places and (await authority.location_codes(connection)).get(matter.location_id) not in places:
        return False
    if not suppliers or matter.supplier_id is None:
        return True
    codes = await authority.supplier_codes(connection, [matter.supplier_id])
    return codes.get(matter.supplier_id) in suppliers
