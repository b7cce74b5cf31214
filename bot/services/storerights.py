"""Who may say what a store's codes and places are, and set off its readings."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.command import Asker
from bot.errors import NotAllowed
from bot.storage import authority
from bot.words import _

_TEND = frozenset({"operator", "buyer", "approver", "promo_manager", "admin"})


async def require_tending(connection: AsyncConnection, asker: Asker) -> None:
    """Read a store, and say which product a variant is; NotAllowed for those who only read."""
    if await authority.role_of(connection, asker.member_id) not in _TEND:
        raise NotAllowed(_("Your role only reads; an administrator can make you an operator."))


async def require_admin(connection: AsyncConnection, asker: Asker) -> None:
    """Say which location a place is, and try credentials; NotAllowed for all but administrators."""
    if await authority.role_of(connection, asker.member_id) != "admin":
        raise NotAllowed(_("Only administrators may do this."))
