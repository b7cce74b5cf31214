"""Linking: a one-time code from each side makes two identities one person.

A member gets a code on one platform and enters it on the other, is answered there with a second one, and types that
back where they got the first: the same person in the same conversation. So neither side alone can join anything.

A code is 50 random bits, lives ten minutes, works once, and only its hash is kept. Five wrong ones from one person shut
the door for ten minutes. Two people are joined only where nothing can be lost or gained unseen: they share no platform,
at most one has a role above viewer or both have the same with the same reach, and whoever has the role is asked first,
since the other one would act in their name from then on.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.command import Asker, Origin
from bot.chat.nodes import Text
from bot.errors import BadArgument, NotAllowed, Refusal
from bot.ports import Clock
from bot.services.audit import Audit
from bot.storage import authority, locks
from bot.storage import linking as codes
from bot.storage import members as rows
from bot.storage.database import Database
from bot.storage.linking import CodeRow
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
class AnswerBack:
    """Half of it is done: `code` is to be typed where the first one was got, on `platform`, before `expires_at`."""

    code: str
    expires_at: datetime
    platform: str


@dataclass(frozen=True, slots=True)
class AskFirst:
    """Nothing was done yet: somebody called `name` on `platform` would share the authority of `role`."""

    name: str
    platform: str
    role: str


LinkOutcome = Linked | AnswerBack | AskFirst


@dataclass(frozen=True, slots=True)
class _Plan:
    """What joining would do: add an identity to `kept`, or drop a member whose identities become theirs.

    `asked` is the side that is asked first: `entering` or `issuing`; empty where no role is at stake.
    """

    kept: MemberRow
    dropped: MemberRow | None
    asked: str


class Linking:
    """Issues and redeems codes."""

    def __init__(self, *, database: Database, clock: Clock, audit: Audit) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit

    async def issue(self, asker: Asker, origin: Origin) -> tuple[str, datetime]:
        """A new first code of this person, and when it lapses; their earlier ones die."""
        if not asker.member_id:
            raise NotAllowed(_("I do not know you here yet. Get a code where I know you, and enter it here."))
        async with self._database.transaction() as connection:
            return await self._new(connection, asker.member_id, asker.name, origin)

    async def redeem(self, asker: Asker, origin: Origin, code: str, *, confirmed: bool) -> LinkOutcome:
        """Enter a code: the first one on the other platform, or the second one back where the first was got.

        A Refusal where that may not be.
        """
        async with self._database.transaction() as connection:
            await locks.linking(connection)
            outcome = await self._redeem(connection, asker, origin, code, confirmed=confirmed)
        if isinstance(outcome, Refusal):  # raised only now: the wrong try is to be remembered
            raise outcome
        return outcome

    async def _redeem(
        self, connection: AsyncConnection, asker: Asker, origin: Origin, code: str, *, confirmed: bool
    ) -> LinkOutcome | Refusal:
        now, door = self._clock.now(), f"link-tries:{origin.platform}:{origin.person}"
        tries, since = _tries(await rows.mark(connection, door), now)
        if tries >= TRIES:
            return NotAllowed(_("Too many wrong codes. Try again in ten minutes."))
        found = await codes.code(connection, _hash(code), now)
        if found is not None and found.answers:
            first = await codes.answered(connection, found.answers)
            if first is not None and (first.platform, first.external_id) == (origin.platform, origin.person):
                return await self._back(connection, first, found, origin, confirmed=confirmed)
            found = None  # somebody else's answer is a wrong code
        issuer = await rows.by_id(connection, found.member_id) if found else None
        if found is None or issuer is None or not issuer.active:
            tried = json.dumps({"tries": tries + 1, "since": since.isoformat()})
            await rows.set_mark(connection, door, tried)
            return BadArgument(_("This code is wrong, used, or older than ten minutes. Get a new one."), "link")
        if found.platform == origin.platform:
            return BadArgument(_("Enter the code on the other platform, not where you got it."), "link")
        return await self._there(connection, found, issuer, asker, origin, confirmed=confirmed)

    async def _there(
        self,
        connection: AsyncConnection,
        first: CodeRow,
        issuer: MemberRow,
        asker: Asker,
        origin: Origin,
        *,
        confirmed: bool,
    ) -> LinkOutcome | Refusal:
        """The first code was entered on the other platform: answer it with a second one."""
        plan = await self._plan(connection, issuer, origin.platform, origin.person)
        if isinstance(plan, Words):
            return NotAllowed(plan)
        if plan.asked == "entering" and not confirmed:
            return AskFirst(issuer.name, first.platform, plan.kept.role)
        code, expires_at = await self._new(connection, issuer.id, asker.name, origin, first.code_hash)
        return AnswerBack(code, expires_at, first.platform)

    async def _back(
        self, connection: AsyncConnection, first: CodeRow, second: CodeRow, origin: Origin, *, confirmed: bool
    ) -> LinkOutcome | Refusal:
        """The second code came back to who got the first: join the two."""
        if _place(origin) != first.conversation:
            return BadArgument(_("Type this code in the conversation where you got the first one."), "link")
        issuer = await rows.by_id(connection, first.member_id)
        if issuer is None or not issuer.active:
            return NotAllowed(_("Your membership here has ended. An administrator can change that."))
        plan = await self._plan(connection, issuer, second.platform, second.external_id)
        if isinstance(plan, Words):
            return NotAllowed(plan)
        if plan.asked == "issuing" and not confirmed:
            return AskFirst(second.name or second.external_id, second.platform, plan.kept.role)
        await codes.use_codes(connection, [first.code_hash, second.code_hash], self._clock.now())
        await self._join(connection, plan, second)
        return Linked(plan.kept.id)

    async def _join(self, connection: AsyncConnection, plan: _Plan, second: CodeRow) -> None:
        kept, dropped = plan.kept, plan.dropped
        if dropped is None:
            await rows.identify(connection, kept.id, second.platform, second.external_id, self._clock.now())
        else:
            await codes.merge(connection, kept.id, dropped.id)
            if dropped.zone_known and not kept.zone_known:
                changed = {"zone": dropped.zone, "zone_known": True, "next_digest_at": None}
                await rows.change(connection, kept.id, **changed)
        data = {"joined": dropped.id if dropped else None, "name": kept.name, "role": kept.role}
        await self._audit.append(connection, "member.linked", f"member:{kept.id}", data, kept.id, second.platform)

    async def _new(
        self, connection: AsyncConnection, member_id: int, name: str, origin: Origin, answers: str = ""
    ) -> tuple[str, datetime]:
        code = "".join(secrets.choice(_ALPHABET) for _position in range(_LENGTH))
        expires_at = self._clock.now() + LIFE
        values = {
            "code_hash": _hash(code),
            "member_id": member_id,
            "platform": origin.platform,
            "external_id": origin.person,
            "expires_at": expires_at,
            "used_at": None,
            "conversation": _place(origin),
            "answers": answers,
            "name": name[:80],
        }
        await codes.add_code(connection, values)
        return f"{code[:5]}-{code[5:]}", expires_at

    async def _plan(
        self, connection: AsyncConnection, issuer: MemberRow, platform: str, external_id: str
    ) -> _Plan | Words:
        """Who stays and who goes, or why neither may."""
        entering = await rows.by_identity(connection, platform, external_id)
        plan = _plan(issuer, entering, platform)
        if isinstance(plan, _Plan) and plan.dropped is not None and plan.dropped.role != "viewer":
            reach = await authority.scopes(connection, [plan.kept.id, plan.dropped.id])
            if reach.get(plan.kept.id) != reach.get(plan.dropped.id):
                return _("Your two roles reach different places. An administrator has to make them the same first.")
        return plan


def _place(origin: Origin) -> str:
    """Which conversation it is; a person's own page and their private conversation are one."""
    return origin.conversation if origin.conversation_kind == "group" else ""


def _plan(issuer: MemberRow, entering: MemberRow | None, platform: str) -> _Plan | Words:
    above = issuer.role != "viewer"
    if entering is None:
        if platform in issuer.platforms:
            name = Text(issuer.name)
            return _("{name} has an identity here already. An administrator can change that.", name=name)
        return _Plan(issuer, None, "issuing" if above else "")
    if entering.id == issuer.id:
        return _("These two are linked already.")
    if not entering.active:
        return _("Your membership here has ended. An administrator can change that.")
    if set(entering.platforms) & set(issuer.platforms):
        return _("Both of you are linked people already, so I do not join you. An administrator can change that.")
    if "viewer" not in {issuer.role, entering.role} and issuer.role != entering.role:
        return _("You have two different roles. An administrator has to make them the same first.")
    kept, dropped = sorted((issuer, entering), key=_completeness, reverse=True)
    if entering.role == issuer.role:
        return _Plan(kept, dropped, "")
    return _Plan(kept, dropped, "issuing" if above else "entering")


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
