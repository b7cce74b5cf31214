"""One-time codes (RFC 6238) for decisions over the policy's threshold: enrolled in private, each good once.

A code is six digits of a 30 s step; the step before and the one after are taken too, for clocks differ. Five wrong ones
on end lock a generator for a quarter of an hour.
"""

from __future__ import annotations

import hmac
import io
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pyotp
import segno
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.nodes import Code, Instant
from bot.domain.views import RequestView
from bot.errors import NotAllowed, Refusal
from bot.ports import Clock
from bot.services.audit import Audit
from bot.storage import authenticators as rows
from bot.storage import locks
from bot.storage.authenticators import AuthenticatorRow
from bot.storage.database import Database
from bot.words import Words, _

STEP = 30  # seconds
WINDOW = 1  # steps before and after
MOST_WRONG = 5
LOCKED = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Proof:
    """What was restated for a decision over the threshold, as typed; the code is shown in no log."""

    total: str
    supplier: str
    code: str = field(repr=False)


class StepUp(Refusal):
    """The decision needs a proof: the total and supplier restated, and a one-time code."""

    def __init__(self, request: RequestView) -> None:
        super().__init__(_("To approve that much, restate the total and supplier, and give a one-time code."))
        self.request = request


@dataclass(frozen=True, slots=True, repr=False)
class Enrolment:
    """A new generator: its secret, the link that an authenticator app opens, and the link as a picture (PNG)."""

    secret: str
    link: str
    png: bytes


class Authenticators:
    """Enrols members' generators and takes their codes; `issuer` is the name that their apps show."""

    def __init__(self, *, database: Database, clock: Clock, audit: Audit, issuer: str) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._issuer = issuer

    async def begin(self, member_id: int, name: str, platform: str) -> Enrolment:
        """A new generator, in force once confirmed; Refusal where there is a confirmed one already."""
        secret = pyotp.random_base32()
        async with self._database.transaction() as connection:
            await locks.members(connection, [member_id])
            held = await rows.row(connection, member_id)
            if held is not None and held.confirmed_at is not None:
                raise Refusal(_("You have an authenticator already; an administrator can reset it."))
            await rows.put(connection, member_id, secret, self._clock.now())
            await self._audit.append(connection, "authenticator.begun", f"member:{member_id}", {}, member_id, platform)
        link = pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=self._issuer)
        picture = io.BytesIO()
        segno.make(link, error="m").save(picture, kind="png", scale=6, border=4)
        return Enrolment(secret, link, picture.getvalue())

    async def confirm(self, member_id: int, code: str, platform: str) -> None:
        """Put a new generator in force by its first code; Refusal where the code is wrong."""
        async with self._database.transaction() as connection:
            await locks.members(connection, [member_id])
            held = await rows.row(connection, member_id)
            if held is None:
                raise Refusal(_("You have no authenticator yet; {command} makes one.", command=Code("authenticator")))
            if held.confirmed_at is not None:
                raise Refusal(_("Your authenticator works already."))
            wrong = await self._taken(connection, held, code)
            if wrong is None:
                await rows.change(connection, member_id, confirmed_at=self._clock.now())
            action = "authenticator.confirmed" if wrong is None else "authenticator.wrong"
            await self._audit.append(connection, action, f"member:{member_id}", {}, member_id, platform)
        if wrong is not None:  # raised only now: the count of wrong codes is to be kept
            raise NotAllowed(wrong)

    async def reset(self, member_id: int, by: int | None = None, platform: str = "") -> bool:
        """Forget a member's generator, so that they can enrol anew; false where they have none."""
        async with self._database.transaction() as connection:
            await locks.members(connection, [member_id])
            if not await rows.remove(connection, member_id):
                return False
            await self._audit.append(connection, "authenticator.reset", f"member:{member_id}", {}, by, platform)
        return True

    async def enrolled(self, connection: AsyncConnection, member_id: int) -> bool:
        """Whether a member has a generator in force."""
        held = await rows.row(connection, member_id)
        return held is not None and held.confirmed_at is not None

    async def take(self, connection: AsyncConnection, member_id: int, code: str) -> Words | None:
        """Use a code up in the caller's transaction, which holds the member; why it is not taken, or None."""
        held = await rows.row(connection, member_id)
        if held is None or held.confirmed_at is None:
            return no_authenticator()
        return await self._taken(connection, held, code)

    async def _taken(self, connection: AsyncConnection, held: AuthenticatorRow, code: str) -> Words | None:
        now = self._clock.now()
        if held.locked_until is not None and held.locked_until > now:
            return _("Too many wrong codes; try again after {at}.", at=Instant(held.locked_until, "time"))
        step = step_of(held.secret, code, now, held.last_step)
        if step is not None:
            await rows.change(connection, held.member_id, last_step=step, failures=0, locked_until=None)
            return None
        failures = held.failures + 1
        if failures >= MOST_WRONG:
            await rows.change(connection, held.member_id, failures=0, locked_until=now + LOCKED)
            return _("Too many wrong codes; try again after {at}.", at=Instant(now + LOCKED, "time"))
        await rows.change(connection, held.member_id, failures=failures)
        return _("That code is wrong, or was used before; wait for the next one and try again.")


def no_authenticator() -> Words:
    """What to say to somebody who has no generator in force."""
    return _(
        "To approve that much you need an authenticator app. In a private chat with me, {command} sets it up.",
        command=Code("authenticator"),
    )


def step_of(secret: str, code: str, at: datetime, last_step: int) -> int | None:
    """The step whose code it is, where it lies within the window around `at` and after `last_step`; None otherwise."""
    typed = "".join(unicodedata.normalize("NFKC", code).split())
    if not typed.isascii():
        return None
    generator, now = pyotp.TOTP(secret, interval=STEP), int(at.timestamp()) // STEP
    for step in range(now - WINDOW, now + WINDOW + 1):
        if step > last_step and hmac.compare_digest(generator.generate_otp(step), typed):
            return step
    return None
