"""Linking: a one-time code, got on one platform and entered on another, makes two identities one person.

A code is 50 random bits, lives ten minutes, works once, and only its hash is kept. Five wrong ones from one person shut
the door for ten minutes. Two people are joined only where nothing can be lost or gained unseen: they share no platform,
at most one has a role above viewer, and where the person who enters the code is the one with the role, they are asked
first, since whoever sent them the code would act in their name from then on.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.command import Asker
from bot.errors import BadArgument, NotAllowed, Refusal
from bot.ports import Clock
from bot.services.audit import Audit
from bot.storage import locks
from bot.storage import members as rows
from bot.storage.database import Database
from bot.storage.members import MemberRow
from bot.words import Words, _

LIFE = timedelta(minutes=10)
TRIES = 5
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # 32 signs, none of which is mistaken for another
_LENGTH = 10


@dataclass(frozen=True, slots=True)
class Linked:
    """Two identities are one person now: `member_id`."""

    member_id: int


@dataclass(frozen=True, slots=True)
class AskFirst:
    """Nothing was done yet: somebody called `name` on `platform` would share the authority of `role`."""

    name: str
    platform: str
    role: str


LinkOutcome = Linked | AskFirst


@dataclass(frozen=True, slots=True)
class _Plan:
    """What entering a code would do: add an identity to `kept`, or drop a member whose identities become theirs."""

    kept: MemberRow
    dropped: MemberRow | None
    ask: bool


class Linking:
    """Issues and redeems codes."""

    def __init__(self, *, database: Database, clock: Clock, audit: Audit) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit

    async def issue(self, asker: Asker, platform: str, external_id: str) -> tuple[str, datetime]:
        """A new code of this person, and when it lapses; their earlier ones die."""
        if not asker.member_id:
            raise NotAllowed(_("I do not know you here yet. Get a code where I know you, and enter it here."))
        code = "".join(secrets.choice(_ALPHABET) for _position in range(_LENGTH))
        now = self._clock.now()
        values = {
            "code_hash": _hash(code),
            "member_id": asker.member_id,
            "platform": platform,
            "external_id": external_id,
            "expires_at": now + LIFE,
            "used_at": None,
        }
        async with self._database.transaction() as connection:
            await rows.add_code(connection, values)
        return f"{code[:5]}-{code[5:]}", now + LIFE

    async def redeem(self, platform: str, external_id: str, code: str, *, confirmed: bool) -> LinkOutcome:
        """Join the person who enters `code` with the one who got it; a Refusal where that may not be."""
        async with self._database.transaction() as connection:
            await locks.linking(connection)
            outcome = await self._redeem(connection, platform, external_id, code, confirmed=confirmed)
        if isinstance(outcome, Refusal):  # raised only now: the wrong try is to be remembered
            raise outcome
        return outcome

    async def _redeem(
        self, connection: AsyncConnection, platform: str, external_id: str, code: str, *, confirmed: bool
    ) -> LinkOutcome | Refusal:
        now, door = self._clock.now(), f"link-tries:{platform}:{external_id}"
        tries, since = _tries(await rows.mark(connection, door), now)
        if tries >= TRIES:
            return NotAllowed(_("Too many wrong codes. Try again in ten minutes."))
        code_hash = _hash(code)
        found = await rows.code(connection, code_hash, now)
        issuer = await rows.by_id(connection, found[0]) if found else None
        if found is None or issuer is None or not issuer.active:
            tried = json.dumps({"tries": tries + 1, "since": since.isoformat()})
            await rows.set_mark(connection, door, tried)
            return BadArgument(_("This code is wrong, used, or older than ten minutes. Get a new one."), "link")
        if found[1] == platform:
            return BadArgument(_("Enter the code on the other platform, not where you got it."), "link")
        plan = _plan(issuer, await rows.by_identity(connection, platform, external_id), platform)
        if isinstance(plan, Words):
            return NotAllowed(plan)
        if plan.ask and not confirmed:
            return AskFirst(issuer.name, found[1], plan.kept.role)
        await rows.use_code(connection, code_hash, now)
        await self._join(connection, plan, platform, external_id)
        return Linked(plan.kept.id)

    async def _join(self, connection: AsyncConnection, plan: _Plan, platform: str, external_id: str) -> None:
        kept, dropped = plan.kept, plan.dropped
        if dropped is None:
            await rows.identify(connection, kept.id, platform, external_id, self._clock.now())
        else:
            await rows.join(connection, kept.id, dropped.id)
            if dropped.zone_known and not kept.zone_known:
                changed = {"zone": dropped.zone, "zone_known": True, "next_digest_at": None}
                await rows.change(connection, kept.id, **changed)
        data = {"joined": dropped.id if dropped else None, "name": kept.name, "role": kept.role}
        await self._audit.append(connection, "member.linked", f"member:{kept.id}", data, kept.id, platform)


def _plan(issuer: MemberRow, entering: MemberRow | None, platform: str) -> _Plan | Words:
    """Who stays and who goes, or why neither may."""
    if entering is None:
        if platform in issuer.platforms:
            return _("{name} has an identity here already. An administrator can change that.", name=issuer.name)
        return _Plan(issuer, None, ask=False)
    if entering.id == issuer.id:
        return _("These two are linked already.")
    if not entering.active:
        return _("Your membership here has ended. An administrator can change that.")
    if set(entering.platforms) & set(issuer.platforms):
        return _("Both of you are linked people already, so I do not join you. An administrator can change that.")
    if "viewer" not in {issuer.role, entering.role} and issuer.role != entering.role:
        return _("You have two different roles. An administrator has to make them the same first.")
    kept, dropped = sorted((issuer, entering), key=_completeness, reverse=True)
    return _Plan(kept, dropped, ask=issuer.role == "viewer" and entering.role != "viewer")


def _completeness(row: MemberRow) -> tuple[bool, int, bool, bool, float]:
    """How much we know of a member; of two alike the older one stays."""
    return row.role != "viewer", len(row.platforms), row.zone_known, bool(row.country), -row.created_at.timestamp()


def _hash(code: str) -> str:
    plain = "".join(sign for sign in code.upper() if sign in _ALPHABET)
    return hashlib.sha256(f"stocktide link {plain}".encode()).hexdigest()


def _tries(mark: str | None, now: datetime) -> tuple[int, datetime]:
    """Wrong tries of late, and since when they are counted."""
    if mark is None:
        return 0, now
    told = json.loads(mark)
    since = datetime.fromisoformat(told["since"])
    return (told["tries"], since) if now - since < LIFE else (0, now)
