"""Agora's AccessToken2, "007": what lets one person into one channel, as what, and for how long.

The form is that of Agora's own libraries (github.com/AgoraIO/Tools, DynamicKey). Integers are little-endian; a string
is its length in 16 bits and its bytes. The signing key is HMAC-SHA256(salt, HMAC-SHA256(issued_at, certificate)).
What is sent: "007" and the base64 of the deflated signature and content. Every expiry counts seconds from `issued_at`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

VERSION = "007"
LONGEST = 24 * 60 * 60  # seconds; Agora takes no token that is good for longer

_RTC = 1
JOIN, PUBLISH_AUDIO, PUBLISH_VIDEO, PUBLISH_DATA = 1, 2, 3, 4


@dataclass(frozen=True, slots=True)
class RtcGrant:
    """What is granted in one channel: seconds from the token's issue, by privilege.

    `uid` is a number from 1 to 2**32 - 1 in digits, or empty for anybody.
    """

    channel: str
    uid: str
    privileges: Mapping[int, int]

    def packed(self) -> bytes:
        """The service's part of a token."""
        pairs = (struct.pack("<HI", privilege, seconds) for privilege, seconds in sorted(self.privileges.items()))
        head = struct.pack("<HH", _RTC, len(self.privileges))
        return head + b"".join(pairs) + _string(self.channel.encode()) + _string(self.uid.encode())


@dataclass(frozen=True, slots=True)
class AgoraKey:
    """An app's id and its certificate, each 32 hexadecimal digits as the console shows them."""

    app_id: str
    certificate: str = field(repr=False)

    def token(self, grant: RtcGrant, issued_at: int, seconds: int, salt: int) -> str:
        """A token good for `seconds` from `issued_at`, in seconds since 1970; `salt` is a number from 1 to 99999999."""
        head = struct.pack("<IIIH", issued_at, seconds, salt, 1)
        content = _string(self.app_id.encode()) + head + grant.packed()
        key = _hmac(struct.pack("<I", salt), _hmac(struct.pack("<I", issued_at), self.certificate.encode()))
        return VERSION + base64.b64encode(zlib.compress(_string(_hmac(key, content)) + content)).decode()


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def _string(value: bytes) -> bytes:
    return struct.pack("<H", len(value)) + value
