"""Members: one person each, with an identity on every platform that they use."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.cards import labels
from bot.chat.command import Asker, Origin, Role
from bot.chat.nodes import Text
from bot.chat.parsing import plain
from bot.domain.approval import ScopeKind
from bot.domain.localtime import is_awake, next_awake
from bot.domain.views import MemberView
from bot.errors import BadArgument, Refusal, UnknownReference
from bot.language import nearest_language
from bot.ports import Clock, Profile
from bot.services.audit import Audit
from bot.services.daysoff import DaysOff
from bot.services.linking import Linking, LinkOutcome
from bot.storage import authority
from bot.storage import members as rows
from bot.storage.database import Database
from bot.storage.members import MemberRow
from bot.words import _

EVERYWHERE = frozenset({"slack", "telegram", "terminal"})


class Members:
    """Knows people, makes newcomers viewers, keeps their settings, and joins their identities.

    `admit` are the platforms whose people become viewers by speaking to us. On the others an unknown person stays a
    stranger until they link, or an administrator adds them.
    """

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        audit: Audit,
        default_zone: str = "UTC",
        default_language: str = "en",
        admit: frozenset[str] = EVERYWHERE,
    ) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._zone = default_zone
        self._language = default_language
        self._admit = admit
        self._linking = Linking(database=database, clock=clock, audit=audit)
        self.days_off = DaysOff()

    async def known(self, platform: str, external_id: str) -> bool:
        """Whether somebody has that identity; the platform need be asked for the profile of the others alone."""
        async with self._database.reading() as connection:
            return await rows.by_identity(connection, platform, external_id) is not None

    async def of(self, platform: str, external_id: str, profile: Profile) -> Asker:
        """The person behind an identity, made a viewer when first seen.

        A zone in the profile is what the platform says now, and is followed: people travel. A deactivated person,
        and an unknown one where nobody is admitted by speaking alone, has the member id 0.
        """
        async with self._database.reading() as connection:
            found = await rows.by_identity(connection, platform, external_id)
        if found is None and platform in self._admit:
            found = await self._newcomer(platform, external_id, profile)
        if found is not None and found.active:
            return asker_of(await self._followed(found, profile.zone))
        language = nearest_language(profile.language) if profile.language else self._language
        return Asker(0, profile.name, "viewer", language, zone_of(profile.zone, self._zone))

    async def _newcomer(self, platform: str, external_id: str, profile: Profile) -> MemberRow | None:
        try:
            async with self._database.transaction() as connection:
                await self._make_viewer(connection, platform, external_id, profile)
        except IntegrityError:
            pass  # two events of one newcomer arrived at once; the other one made them a member
        async with self._database.reading() as connection:
            return await rows.by_identity(connection, platform, external_id)

    async def _followed(self, row: MemberRow, zone: str) -> MemberRow:
        if zone == row.zone or not _is_zone(zone):
            return row
        async with self._database.transaction() as connection:
            await rows.change(connection, row.id, zone=zone, zone_known=True, next_digest_at=None)
        return replace(row, zone=zone, zone_known=True)

    async def _make_viewer(
        self, connection: AsyncConnection, platform: str, external_id: str, profile: Profile
    ) -> None:
        now = self._clock.now()
        zone = profile.zone if _is_zone(profile.zone) else ""
        if await rows.by_identity(connection, platform, external_id) is not None:
            return
        member_id = await rows.add(
            connection,
            name=await rows.free_name(connection, profile.name.strip()[:80] or f"{platform} {external_id}"),
            role="viewer",
            zone=zone or self._zone,
            zone_known=bool(zone),
            language=nearest_language(profile.language) if profile.language else self._language,
            preferred_platform=platform,
            created_at=now,
        )
        await rows.identify_new(connection, member_id, platform, external_id, now, profile.handle)
        await self._audit.append(
            connection, "member.seen", f"member:{member_id}", {"role": "viewer"}, member_id, platform
        )

    async def asker(self, member_id: int) -> Asker:
        """A member as one who asks; UnknownReference where there is none."""
        async with self._database.reading() as connection:
            return asker_of(_need(await rows.by_id(connection, member_id)))

    async def get(self, member_id: int) -> MemberView:
        """A member as shown; UnknownReference where there is none."""
        async with self._database.reading() as connection:
            return self._view(_need(await rows.by_id(connection, member_id)), self._clock.now())

    async def everyone(self) -> tuple[MemberView, ...]:
        """Every active member, those at work first, then by who is back soonest."""
        async with self._database.reading() as connection:
            found = await rows.active(connection)
        now = self._clock.now()
        views = [self._view(row, now) for row in found]
        return tuple(sorted(views, key=lambda view: (not view.awake, view.awake_from or now, view.name)))

    async def ask_zone(self, member_id: int) -> bool:
        """Whether to ask a person for their time zone now: it is not known, and was never asked for."""
        async with self._database.transaction() as connection:
            found = await rows.by_id(connection, member_id)
            if found is None or found.zone_known or not found.active:
                return False
            return await rows.first_mark(connection, f"zone-asked:{member_id}")

    async def update(
        self,
        member_id: int,
        *,
        zone: str | None = None,
        language: str | None = None,
        hours: tuple[time, time] | None = None,
        country: str | None = None,
        workdays: str | None = None,
    ) -> MemberView:
        """Change a person's own settings; BadArgument where a value makes no sense.

        `workdays` are ISO weekdays such as 12345. The next digest is left to be computed anew (null).
        """
        values: dict[str, Any] = {"next_digest_at": None}
        if zone is not None:
            values |= {"zone": _zone_name(zone), "zone_known": True}
        if language is not None:
            values["language"] = language
        if hours is not None:
            values |= {"working_from": hours[0], "working_to": hours[1]}
        if country is not None:
            values["country"] = self._country(country)
        if workdays is not None:
            values["workdays"] = _workdays(workdays)
        async with self._database.transaction() as connection:
            _need(await rows.by_id(connection, member_id))
            await rows.change(connection, member_id, **values)
        return await self.get(member_id)

    async def issue_code(self, asker: Asker, origin: Origin) -> tuple[str, datetime]:
        """A one-time code that begins to join another platform's identity to this person, and when it lapses."""
        return await self._linking.issue(asker, origin)

    async def redeem(self, asker: Asker, origin: Origin, code: str, *, confirmed: bool = False) -> LinkOutcome:
        """Enter a code of another platform, there and then back; see `bot.services.linking`."""
        return await self._linking.redeem(asker, origin, code, confirmed=confirmed)

    async def add(
        self,
        name: str,
        *,
        role: Role = "viewer",
        zone: str | None = None,
        language: str = "en",
        country: str = "",
        identities: Mapping[str, str] | None = None,
    ) -> MemberView:
        """Add a person; Refusal where the name or an identity is taken."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            if await rows.by_name(connection, name) is not None:
                raise Refusal(_("There is a member called {name} already.", name=name))
            member_id = await rows.add(
                connection,
                name=name,
                role=role,
                zone=_zone_name(zone) if zone else self._zone,
                zone_known=bool(zone),
                language=nearest_language(language),
                country=self._country(country),
                created_at=now,
            )
            for platform, external_id in (identities or {}).items():
                if not await rows.identify(connection, member_id, platform, external_id, now):
                    raise Refusal(_("Somebody else is {id} on {platform} already.", id=external_id, platform=platform))
            await self._audit.append(connection, "member.added", f"member:{member_id}", {"name": name, "role": role})
        return await self.get(member_id)

    async def set_role(self, name: str, role: Role) -> None:
        """Give a person a role; UnknownReference where there is no such name."""
        async with self._database.transaction() as connection:
            found = _need(await rows.by_name(connection, name))
            await rows.change(connection, found.id, role=role)
            data = {"before": found.role, "after": role}
            await self._audit.append(connection, "member.role", f"member:{found.id}", data)

    async def scopes(self, name: str) -> tuple[tuple[str, str], ...]:
        """The (kind, code) that a person's role is limited to; none: it reaches everywhere."""
        async with self._database.reading() as connection:
            found = _need(await rows.by_name(connection, name))
            kinds = (await authority.scopes(connection, [found.id])).get(found.id, {})
        return tuple(sorted((kind, code) for kind, codes in kinds.items() for code in codes))

    async def add_scope(self, name: str, kind: ScopeKind, code: str) -> bool:
        """Limit a person's role to one location, supplier or store more; false where it was so already.

        UnknownReference where there is no such person, location or supplier.
        """
        async with self._database.transaction() as connection:
            found = _need(await rows.by_name(connection, name))
            known = await _codes(connection, kind)
            if known is not None and code not in known:
                listed = Text(", ".join(sorted(known)[:10]) or "–")
                what = labels.SCOPES[kind]
                raise UnknownReference(_("There is no such {kind}; known are {codes}.", kind=what, codes=listed))
            added = await authority.add_scope(connection, found.id, kind, code)
            if added:
                data = {"kind": kind, "code": code}
                await self._audit.append(connection, "member.scope_added", f"member:{found.id}", data)
        return added

    async def drop_scope(self, name: str, kind: ScopeKind, code: str) -> bool:
        """Take one code out of a person's scope; false where it was not in it. With none left it reaches everywhere."""
        async with self._database.transaction() as connection:
            found = _need(await rows.by_name(connection, name))
            gone = await authority.drop_scope(connection, found.id, kind, code)
            if gone:
                data = {"kind": kind, "code": code}
                await self._audit.append(connection, "member.scope_dropped", f"member:{found.id}", data)
        return gone

    async def named(self, name: str, origin: Origin | None = None) -> MemberView:
        """The active member of that name, in any case; UnknownReference with the known names otherwise.

        An @ before the name means first whom the platform of `origin` knows so.
        """
        if origin is not None and (member_id := await self._mentioned(name.strip(), origin)) is not None:
            return await self.get(member_id)
        everyone = await self.everyone()
        found = matching(everyone, name)
        if len(found) != 1:
            names = Text(", ".join(member.name for member in (found or everyone)[:10]))
            asked = Text(name.strip()[:80])
            raise UnknownReference(_("Which member is {name}? I know {names}.", name=asked, names=names))
        return found[0]

    async def _mentioned(self, word: str, origin: Origin) -> int | None:
        if not word.startswith("@"):
            return None
        people = {plain(shown): person for shown, person in origin.mentions.items()}
        async with self._database.reading() as connection:
            return await rows.by_mention(connection, origin.platform, people.get(word, word[1:]))

    def _country(self, country: str) -> str:
        code = country.strip().upper()
        if code and not self.days_off.knows(code):
            raise BadArgument(_("{text} is no country code I have holidays for; write CN or DE.", text=country), "me")
        return code

    def _view(self, row: MemberRow, now: datetime) -> MemberView:
        zone, days = zone_of(row.zone, self._zone), working_days(row.workdays)
        off: Container[date] = self.days_off.of(row.country) if row.country else frozenset()
        awake = is_awake(zone, row.working_from, row.working_to, days, now, off)
        return MemberView(
            id=row.id,
            name=row.name,
            role=row.role,
            zone=zone.key,
            zone_known=row.zone_known,
            language=row.language,
            country=row.country,
            working_from=row.working_from,
            working_to=row.working_to,
            workdays=row.workdays,
            digest_at=row.digest_at,
            platforms=row.platforms,
            awake=awake,
            awake_from=None if awake else next_awake(zone, row.working_from, row.working_to, days, now, off),
        )


def matching(everyone: Sequence[MemberView], name: str) -> list[MemberView]:
    """Those of that very name, in any case, or else those whose name begins so."""
    wanted = name.strip().removeprefix("@").casefold()
    same = [member for member in everyone if member.name.casefold() == wanted]
    return same or [member for member in everyone if member.name.casefold().startswith(wanted) and wanted]


async def _codes(connection: AsyncConnection, kind: ScopeKind) -> set[str] | None:
    """Every code of a kind; None for stores, which are known by the settings alone."""
    if kind == "location":
        return set((await authority.location_codes(connection)).values())
    return set((await authority.supplier_codes(connection)).values()) if kind == "supplier" else None


def working_days(workdays: str) -> frozenset[int]:
    """ISO weekdays such as 12345 as `bot.domain.localtime` counts them: Monday is 0."""
    return frozenset(int(day) - 1 for day in workdays)


def _workdays(text: str) -> str:
    days = "".join(sorted(set(text)))
    if not days or set(days) - set("1234567"):
        raise BadArgument(_("Working days are written {example}: Monday is 1, Sunday is 7.", example="12345"), "me")
    return days


def _zone_name(text: str) -> str:
    """An IANA name, or the last part of one alone (`berlin`)."""
    if _is_zone(text):
        return text
    raise BadArgument(_("{text} is no time zone I know; write one such as Asia/Shanghai.", text=text), "me")


def _is_zone(text: str) -> bool:
    if not text:
        return False
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        return False
    return True


def zone_of(name: str, default: str) -> ZoneInfo:
    """A member's zone, or the default one where the name is none (any more)."""
    return ZoneInfo(name if _is_zone(name) else default)


def asker_of(row: MemberRow) -> Asker:
    """A member as one who asks."""
    return Asker(row.id, row.name, row.role, row.language, zone_of(row.zone, "UTC"))


def _need(row: MemberRow | None) -> MemberRow:
    if row is None:
        raise UnknownReference(_("There is no such member."))
    return row
