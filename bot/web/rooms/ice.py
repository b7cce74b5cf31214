"""Addresses by which two browsers find each other, with a TURN server's time-limited credentials."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class IceServers:
    """STUN and TURN servers; with none, browsers on one network still meet.

    `secret` is the one shared with the TURN server (coturn's `static-auth-secret`).
    """

    stun: tuple[str, ...] = ()  # stun:host:port
    turn: tuple[str, ...] = ()  # turn:host:port?transport=udp
    secret: str = field(default="", repr=False)
    life: timedelta = timedelta(hours=4)

    def of(self, member_id: int, now: datetime) -> list[dict[str, Any]]:
        """The list that RTCPeerConnection takes, for one member."""
        found: list[dict[str, Any]] = []
        if self.stun:
            found.append({"urls": list(self.stun)})
        if self.turn:
            username = f"{int((now + self.life).timestamp())}:{member_id}"
            # TURN servers know no other digest: draft-uberti-behave-turn-rest, section 2.2.
            digest = hmac.new(self.secret.encode(), username.encode(), hashlib.sha1).digest()
            found.append(
                {"urls": list(self.turn), "username": username, "credential": base64.b64encode(digest).decode()}
            )
        return found
