"""Agora: a page of your own runs its web SDK, and our tokens let people into a channel."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.errors import Declined
from bot.ports import Admission, Check, Guest, OpenRoom, RoomPlan
from bot.rooms.agora_token import JOIN, LONGEST, PUBLISH_AUDIO, PUBLISH_DATA, PUBLISH_VIDEO, AgoraKey, RtcGrant
from bot.rooms.links import filled
from bot.words import _

_LARGEST_UID = 2**32 - 1


@dataclass(frozen=True, slots=True)
class AgoraOptions:
    """An app of Agora's. `page` is a template with {app_id}, {channel}, {uid} and, after the #, {token}.

    `minutes` is how long a link lasts. Agora drops people when their token ends, so it must cover the whole talk.
    """

    app_id: str
    certificate: str = field(repr=False)
    page: str
    minutes: int
    cap: int


class AgoraRooms:
    """Makes tokens; Agora makes a channel when the first person joins, and forgets it when the last one leaves."""

    name = "agora"

    def __init__(self, options: AgoraOptions) -> None:
        self.cap = options.cap
        self._options = options
        self._key = AgoraKey(options.app_id, options.certificate)

    async def open(self, plan: RoomPlan) -> OpenRoom:
        """Nothing is made outside: the channel is the room's key."""
        return OpenRoom(plan.key, plan.title, min(plan.cap, self.cap))

    async def admit(self, room: OpenRoom, guest: Guest, now: datetime) -> Admission:
        """A link whose token holds the channel, the person and what they may send; a viewer may only join."""
        if not 1 <= guest.member_id <= _LARGEST_UID:
            raise Declined(
                _(
                    "Agora knows people by numbers from 1 to {most}, not {member_id}",
                    most=_LARGEST_UID,
                    member_id=guest.member_id,
                )
            )
        seconds = min(self._options.minutes * 60, LONGEST)
        allowed = (JOIN,) if guest.role == "viewer" else (JOIN, PUBLISH_AUDIO, PUBLISH_VIDEO, PUBLISH_DATA)
        uid = str(guest.member_id)
        grant = RtcGrant(room.key, uid, dict.fromkeys(allowed, seconds))
        token = self._key.token(grant, int(now.timestamp()), seconds, secrets.randbelow(99999999) + 1)
        url = filled(self._options.page, app_id=self._options.app_id, channel=room.key, uid=uid, token=token)
        return Admission(url, now + timedelta(seconds=seconds), personal=True)

    async def close(self, room: OpenRoom) -> None:
        """Nothing can be done with an app's certificate alone: people fall out when their tokens end."""

    async def check(self) -> tuple[Check, ...]:
        """Say what cannot be tried from here: Agora has no call that tries a certificate."""
        name = _("rooms agora")
        return (
            Check(
                name,
                "ok",
                _(
                    "tokens for app {app_id}, good for {minutes} minutes",
                    app_id=self._options.app_id,
                    minutes=self._options.minutes,
                ),
            ),
            Check(
                name,
                "warn",
                _("Agora holds viewers back from sending only with co-host authentication turned on"),
                _("turn it on in Agora's console, and let your page join in the live broadcasting profile"),
            ),
        )
