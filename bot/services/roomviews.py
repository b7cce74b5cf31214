"""Rooms as they are shown, put together from what the tables say."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import cast
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.arguments import Sku
from bot.domain.meeting import Hours, best_slot, hurt, slot
from bot.domain.roomviews import (
    Attendance,
    Minutes,
    Noted,
    RoomNoteKind,
    RoomPerson,
    RoomState,
    RoomView,
    StockBrief,
)
from bot.domain.views import MemberView, StockReport
from bot.ports import Clock
from bot.services.catalogue import Catalogue
from bot.services.members import Members, working_days
from bot.services.sessions import Address
from bot.storage import cases as case_rows
from bot.storage import requests as request_rows
from bot.storage import rooms as rows
from bot.storage.database import Database
from bot.storage.rooms import RoomRow, Stay

LISTED = 3  # cases and requests on a card
LENGTH = timedelta(minutes=30)  # of a meeting, where its hour is weighed


@dataclass(frozen=True, slots=True)
class Around:
    """What a room's view shows that no room changes: how its product stands, and every active member."""

    brief: StockBrief | None
    everyone: tuple[MemberView, ...]


class RoomViews:
    """Gathers what a card, a seat and the minutes need."""

    def __init__(
        self, *, database: Database, clock: Clock, members: Members, catalogue: Catalogue, address: Address
    ) -> None:
        self._database = database
        self._clock = clock
        self._members = members
        self._catalogue = catalogue
        self._address = address

    def hours(self, member: MemberView) -> Hours:
        """A member's working hours with their days off."""
        off = self._members.days_off.of(member.country) if member.country else frozenset()
        return Hours(
            member.id,
            ZoneInfo(member.zone),
            member.working_from,
            member.working_to,
            working_days(member.workdays),
            off,
        )

    def better(self, people: Collection[MemberView], wished: datetime) -> datetime | None:
        """An hour that hurts these people clearly less than the wished one; None where the wished one will do."""
        hours = [self.hours(person) for person in people]
        best = best_slot(hours, wished, self._clock.now(), LENGTH)
        return best.at if best.cost < slot(hours, wished, LENGTH).cost - 1e-6 else None

    async def view(self, room: RoomRow) -> RoomView:
        """The room as it is now."""
        around = await self.around(product_of(room))
        async with self._database.reading() as connection:
            return await self.within(connection, room, around)

    async def around(self, product: Sku | None) -> Around:
        """What surrounds a room about a product, or about none."""
        brief = None if product is None else _brief(await self._catalogue.stock_report(product))
        return Around(brief, await self._members.everyone())

    async def within(self, connection: AsyncConnection, room: RoomRow, around: Around) -> RoomView:
        """The room as a transaction sees it, which may not be over yet."""
        guests = await rows.guests(connection, room.id)
        stays = await rows.stays(connection, room.id)
        case_ids = [] if room.product_id is None else await case_rows.of_products(connection, [room.product_id])
        cases = await case_rows.views(connection, case_ids[:LISTED])
        requests = {}
        if room.product_id is not None:
            ids = (await rows.requests_of(connection, room.product_id))[:LISTED]
            requests = await request_rows.views(connection, ids)
        inside = {stay.member_id for stay in stays if stay.left_at is None and room.ended_at is None}
        everyone = around.everyone
        roles = {guest.member_id: guest.role for guest in guests}
        invited = {guest.member_id for guest in guests if guest.invited}
        wanted = (invited | inside | {room.opened_by}) if invited else {member.id for member in everyone}
        state = _state(room, self._clock.now())
        shown = [member for member in everyone if member.id in wanted]
        people = [
            RoomPerson(
                member,
                roles.get(member.id, "member"),
                member.id in invited,
                member.id in inside,
                hurt(self.hours(member), room.starts_at, LENGTH),
            )
            for member in shown
        ]
        return RoomView(
            id=room.id,
            key=room.key,
            state=state,
            provider=room.provider,
            title=room.title,
            topic=room.topic,
            sku=room.sku,
            name=room.name,
            cap=room.cap,
            recording=room.recording,
            host=room.host,
            starts_at=room.starts_at,
            ended_at=room.ended_at,
            people=tuple(sorted(people, key=lambda person: (not person.inside, not person.invited))),
            brief=around.brief,
            cases=tuple(cases[case_id] for case_id in case_ids[:LISTED]),
            requests=tuple(requests.values()),
            calls=tuple(sorted(room.calls.items())),
            better=self.better(shown, room.starts_at) if state == "proposed" else None,
            login=self._address.login(f"/rooms/{room.key}") if room.provider == "embedded" else "",
        )

    async def notes(self, room: RoomRow) -> tuple[Noted, ...]:
        """What the minutes hold so far."""
        async with self._database.reading() as connection:
            found = await rows.notes(connection, room.id)
        return tuple(Noted(cast("RoomNoteKind", note.kind), note.text, note.name, note.at) for note in found)

    async def minutes(self, room: RoomRow) -> Minutes:
        """What came of an ended room."""
        ended = room.ended_at or self._clock.now()
        async with self._database.reading() as connection:
            stays = await rows.stays(connection, room.id)
            guests = await rows.guests(connection, room.id)
            began = min((stay.joined_at for stay in stays), default=room.starts_at)
            decided = []
            if room.product_id is not None:
                ids = await rows.requests_of(connection, room.product_id, since=began)
                found = await request_rows.views(connection, ids)
                decided = [
                    request
                    for request in found.values()
                    if any(began <= vote.at <= ended for vote in request.votes)
                    or (request.decided_at is not None and began <= request.decided_at <= ended)
                ]
        came = {stay.member_id for stay in stays}
        names = {member.id: member.name for member in await self._members.everyone()}
        absent = [guest.member_id for guest in guests if guest.invited and guest.member_id not in came]
        return Minutes(
            room_id=room.id,
            title=room.title,
            sku=room.sku,
            began_at=began,
            ended_at=ended,
            attended=_attended(stays, ended),
            absent=tuple(names[member_id] for member_id in absent if member_id in names),
            notes=await self.notes(room),
            decided=tuple(decided),
        )


def product_of(room: RoomRow) -> Sku | None:
    """The product that a room is about."""
    return None if room.product_id is None else Sku(room.product_id, room.sku, room.name)


def _state(room: RoomRow, now: datetime) -> RoomState:
    if room.ended_at is not None:
        return "ended"
    if not room.agreed:
        return "proposed"
    return "planned" if room.starts_at > now else "open"


def _brief(report: StockReport) -> StockBrief:
    lines = report.lines
    dated = [(line.stockout_on, line) for line in lines if line.stockout_on is not None]
    first = min(dated, key=lambda pair: pair[0], default=None)
    return StockBrief(
        on_hand=sum(line.on_hand for line in lines),
        incoming=sum(line.incoming for line in lines),
        per_day=sum((line.per_day for line in lines), Decimal(0)),
        stockout_on=first[0] if first else None,
        stockout_place=(first[1].location_name or first[1].location) if first else "",
    )


def _attended(stays: Sequence[Stay], ended: datetime) -> tuple[Attendance, ...]:
    """Who was there for how long; where two stays of one person overlap, the time counts once."""
    found: dict[int, Attendance] = {}
    until: dict[int, datetime] = {}
    for stay in stays:  # the first one first
        since = max(stay.joined_at, until.get(stay.member_id, stay.joined_at))
        until[stay.member_id] = max(since, stay.left_at or ended)
        known = found.get(stay.member_id, Attendance(stay.name, timedelta(0)))
        found[stay.member_id] = replace(known, stayed=known.stayed + (until[stay.member_id] - since))
    return tuple(sorted(found.values(), key=lambda one: (-one.stayed, one.name)))
