"""Takes an Agora token apart and proves its signature, apart from the code that makes one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import zlib
from dataclasses import dataclass


@dataclass(frozen=True)
class ReadToken:
    """What stands in a token with one RTC service."""

    app_id: str
    issued_at: int
    seconds: int
    salt: int
    privileges: dict[int, int]
    channel: str
    uid: str


def payload(token: str) -> bytes:
    """The bytes behind version, base64 and deflate."""
    assert token[:3] == "007"
    return zlib.decompress(base64.b64decode(token[3:], validate=True))


def read_token(token: str, certificate: str) -> ReadToken:
    """The content of a token that the certificate signed."""
    signature, rest = _string(payload(token))
    app_id, content = _string(rest)
    issued_at, seconds, salt, services, kind, count = struct.unpack_from("<IIIHHH", content)
    assert (services, kind) == (1, 1)
    inner = hmac.new(struct.pack("<I", issued_at), certificate.encode(), hashlib.sha256).digest()
    key = hmac.new(struct.pack("<I", salt), inner, hashlib.sha256).digest()
    assert signature == hmac.new(key, rest, hashlib.sha256).digest()
    pairs = content[18 : 18 + 6 * count]
    privileges = dict(struct.iter_unpack("<HI", pairs))
    channel, content = _string(content[18 + 6 * count :])
    uid, content = _string(content)
    assert not content
    return ReadToken(app_id.decode(), issued_at, seconds, salt, privileges, channel.decode(), uid.decode())


def _string(value: bytes) -> tuple[bytes, bytes]:
    (length,) = struct.unpack_from("<H", value)
    return value[2 : 2 + length], value[2 + length :]
