"""A TURN server's credentials, as coturn checks them."""

from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime, timedelta

from bot.web.rooms import IceServers

NOON = datetime(2011, 11, 21, 12, tzinfo=UTC)


def test_without_servers_the_list_is_empty() -> None:
    assert IceServers().of(7, NOON) == []


def test_a_turn_credential_is_the_digest_of_its_expiry_and_member() -> None:
    servers = IceServers(("stun:stun.example:3478",), ("turn:turn.example:3478",), "shared", timedelta(hours=1))
    stun, turn = servers.of(7, NOON)
    assert stun == {"urls": ["stun:stun.example:3478"]}
    assert turn["username"] == f"{int(NOON.timestamp()) + 3600}:7"
    expected = hmac.digest(b"shared", turn["username"].encode(), "sha1")
    assert base64.b64decode(turn["credential"]) == expected


def test_the_known_answer_of_a_fixed_case() -> None:
    # openssl: printf '1321880400:7' | openssl dgst -binary -sha1 -hmac north | base64
    (turn,) = IceServers(turn=("turn:t",), secret="north", life=timedelta(hours=1)).of(7, NOON)
    assert turn["credential"] == "sFwDL2qlAQ1GOwfeG9QwjnPsLvA="


def test_the_secret_is_never_shown() -> None:
    assert "north" not in repr(IceServers(turn=("turn:t",), secret="north"))
