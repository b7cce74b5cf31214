"""Agora's tokens, held to the vectors that Agora itself publishes.

They stand in AgoraIO/Tools, DynamicKey/AgoraDynamicKey/python3/test/AccessToken2Test.py, at commit 131c7dd. What is
compared are the bytes before deflating, because two versions of zlib may deflate the same bytes differently.
"""

from __future__ import annotations

import pytest

from bot.rooms.agora_token import JOIN, PUBLISH_AUDIO, PUBLISH_DATA, PUBLISH_VIDEO, AgoraKey, RtcGrant
from tests.rooms.agora_reader import payload, read_token

CERTIFICATE = "5CFd2fd1755d40ecb72977518be15d3b"
KEY = AgoraKey("970CA35de60c44645bbae8a215061b33", CERTIFICATE)
CHANNEL, UID, ISSUED_AT, SECONDS, SALT = "7d72365eb983485397e3e3f9d460bdda", "2882341273", 1111111, 600, 1

WITH_UID = (
    "007eJxTYBBbsMMnKq7p9Hf/HcIX5kce9b518kCiQgSr5Zrp4X1Tu6UUGCzNDZwdjU1TUs0Mkk1MzExMk5ISUy0SjQxNDcwMk4yN3b8IMEQwMTAw"
    "MoAwBIL4CgzmKeZGxmamqUmWFsYmFqbGluapxqnGaZYpJmYGSSkpiVwMRhYWRsYmhkbmxgDCaiTj"
)
FOR_ANYBODY = (
    "007eJxTYLhzZP08Lxa1Pg57+TcXb/3cZ3wi4V6kbpbOog0G2dOYk20UGCzNDZwdjU1TUs0Mkk1MzExMk5ISUy0SjQxNDcwMk4yN3b8IMEQwMTAw"
    "MoAwBIL4CgzmKeZGxmamqUmWFsYmFqbGluapxqnGaZYpJmYGSSkpiQwMADacImo="
)
OF_SEVERAL_SERVICES = (
    "007eJxTYAh5UWu1drfhsnu9etvupS0v/iFs+3PC/Sbl8gdht55xSusqMFiaGzg7GpumpJoZJJuYmJmYJiUlplokGhmaGpgZJhkbu38RYIhgYmBg"
    "ZGBgYAWSLEAM4jOBSWYwyQImFRjMU8yNjM1MU5MsLYxNLEyNLc1TjVON0yxTTMwMklJSErkYjCwsjIxNDI3MjZmA5kBM4mQoSS0uiS8tTi1iZmBC"
    "MZ40I1mgToSYgCwDAGL1OcI="
)


@pytest.mark.parametrize(("uid", "published"), [(UID, WITH_UID), ("", FOR_ANYBODY)])
def test_a_token_to_join_is_agoras_own_to_the_byte(uid: str, published: str) -> None:
    made = KEY.token(RtcGrant(CHANNEL, uid, {JOIN: SECONDS}), ISSUED_AT, SECONDS, SALT)
    assert payload(made) == payload(published)


def test_a_grant_of_every_privilege_is_agoras_own_to_the_byte() -> None:
    everything = dict.fromkeys((PUBLISH_DATA, PUBLISH_VIDEO, PUBLISH_AUDIO, JOIN), SECONDS)
    packed = RtcGrant(CHANNEL, UID, everything).packed()
    assert payload(OF_SEVERAL_SERVICES)[2 + 32 + 2 + 32 + 14 :].startswith(packed)  # past signature, app and times


def test_a_published_token_is_read_and_its_signature_holds() -> None:
    read = read_token(WITH_UID, CERTIFICATE)
    assert (read.app_id, read.channel, read.uid) == (KEY.app_id, CHANNEL, UID)
    assert (read.issued_at, read.seconds, read.salt, read.privileges) == (ISSUED_AT, SECONDS, SALT, {JOIN: SECONDS})


def test_another_certificate_signs_otherwise() -> None:
    made = AgoraKey(KEY.app_id, "0" * 32).token(RtcGrant(CHANNEL, UID, {JOIN: 600}), ISSUED_AT, 600, SALT)
    with pytest.raises(AssertionError):
        read_token(made, CERTIFICATE)


def test_a_key_never_shows_its_certificate() -> None:
    assert CERTIFICATE not in repr(KEY)
