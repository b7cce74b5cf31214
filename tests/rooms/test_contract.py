"""What every video provider promises, whoever it is."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import timedelta
from typing import get_args

import pytest
import structlog

from bot.errors import Declined, OutsideError, Unanswered, Unreached
from bot.ports import RoomRole
from bot.rooms import ROOMS
from bot.rooms.calling import Answer
from bot.settings import Settings
from bot.settings.rooms import NEEDED, RoomsPart
from bot.words import verbatim
from tests.rooms.faults import Fault, Faults
from tests.rooms.kit import AWAY, ROOM_KEY, STANDS, Stand, guest, nobody, plan

ROLES: tuple[RoomRole, ...] = get_args(RoomRole)


def steered(stand: Stand) -> Faults:
    """The faults of a stand that has a server."""
    assert stand.faults is not None
    return stand.faults


def reprs(thing: object) -> Iterator[str]:
    """How a thing of ours prints, and everything of ours that it keeps."""
    yield repr(thing)
    names = [one.name for one in fields(thing)] if is_dataclass(thing) else list(getattr(thing, "__dict__", ()))
    for kept in (getattr(thing, name) for name in names):
        if type(kept).__module__.startswith("bot."):
            yield from reprs(kept)


def test_an_answer_never_prints_what_it_was_told() -> None:
    assert "canary" not in repr(
        Answer(201, {"start_url": "https://zoom.us/s/1?zak=canary"}, verbatim("Zoom answered 201"))
    )


def test_every_provider_is_covered_and_may_be_chosen() -> None:
    assert set(STANDS) == set(ROOMS) == set(NEEDED)
    assert set(get_args(RoomsPart.model_fields["provider"].annotation)) == set(ROOMS)
    assert Settings.model_fields["rooms"].default.provider == "embedded"


async def test_a_provider_goes_by_its_name_in_the_registry(stand: Stand) -> None:
    assert stand.provider.name in ROOMS
    assert stand.provider.cap == 6


async def test_a_room_is_opened_entered_in_each_role_and_closed_twice(stand: Stand) -> None:
    room = await stand.provider.open(plan(stand.clock))
    assert (room.key, room.cap) == (ROOM_KEY, 4)
    for role in ROLES:
        admission = await stand.provider.admit(room, guest(role), stand.clock.now())
        assert admission.url.startswith(("https://", "http://127.0.0.1:"))
        assert admission.personal == (not room.url)
    await stand.provider.close(room)
    assert stand.made() == 0
    await stand.provider.close(room)


async def test_a_room_never_holds_more_than_its_provider_does(stand: Stand) -> None:
    assert (await stand.provider.open(plan(stand.clock, cap=500))).cap == stand.provider.cap


async def test_a_personal_link_holds_its_role_and_another_role_needs_another_link(stand: Stand) -> None:
    room = await stand.provider.open(plan(stand.clock))
    links = {role: await stand.provider.admit(room, guest(role), stand.clock.now()) for role in ROLES}
    if stand.binds is None:
        assert {link.url for link in links.values()} == {room.url}
        return
    bound = {role: stand.binds(link) for role, link in links.items()}
    held = {"agora": {"host": "member", "cohost": "member"}, "jitsi": {"viewer": "member"}}  # what they cannot tell
    usual = {"host": "host", "cohost": "host", "member": "member", "viewer": "viewer"}
    assert bound == usual | held.get(stand.provider.name, {})


async def test_a_personal_link_ends_and_a_common_one_lasts(stand: Stand) -> None:
    room, now = await stand.provider.open(plan(stand.clock)), stand.clock.now()
    admission = await stand.provider.admit(room, guest("member"), now)
    if not admission.personal:
        assert admission.expires_at is None
        return
    assert admission.expires_at is not None
    longest = 60 if stand.provider.name == "agora" else 15  # Agora drops people when their token ends
    assert now < admission.expires_at <= now + timedelta(minutes=longest)


async def test_two_people_get_two_personal_links(stand: Stand) -> None:
    room, now = await stand.provider.open(plan(stand.clock)), stand.clock.now()
    one, other = [await stand.provider.admit(room, guest("member", number), now) for number in (7, 8)]
    assert (one.url != other.url) == one.personal


async def test_a_check_of_good_settings_fails_nothing_and_leaves_no_room_behind(stand: Stand) -> None:
    lines = await stand.provider.check()
    assert lines[0].verdict == "ok"
    assert "fail" not in {line.verdict for line in lines}
    assert all(line.remedy for line in lines if line.verdict == "warn")
    assert stand.made() == 0


async def test_no_secret_shows_in_what_is_printed_or_logged(
    stand: Stand, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)  # of every library too
    with structlog.testing.capture_logs() as logged:
        room = await stand.provider.open(plan(stand.clock))
        admission = await stand.provider.admit(room, guest("host"), stand.clock.now())
        checks = await stand.provider.check()
        await stand.provider.close(room)
    printed = capsys.readouterr()
    shown = " ".join(
        [repr(room), repr(admission), *map(repr, checks), *reprs(stand.provider), str(logged), caplog.text]
    )
    for secret in (*stand.secrets, *([admission.url] if admission.personal else [])):
        assert secret not in shown + printed.out + printed.err
    assert not any(secret in admission.url for secret in stand.secrets)


@pytest.mark.parametrize("fault", ["drop", (500, {}), (502, {})], ids=str)
async def test_what_was_sent_and_not_answered_may_have_happened(called: Stand, fault: Fault) -> None:
    steered(called).queue.append(fault)
    with pytest.raises(Unanswered):
        await called.provider.open(plan(called.clock))


async def test_a_server_that_keeps_silent_is_not_waited_for(called: Stand) -> None:
    steered(called).queue += ["silent", "silent"]
    hasty = called.remake(seconds=0.2)
    with pytest.raises(Unanswered, match="ReadTimeout"):
        await hasty.open(plan(called.clock))
    assert (await hasty.check())[0].verdict == "fail"


@pytest.mark.parametrize("status", [429, 503])
async def test_a_server_that_is_busy_says_when_to_come_again(called: Stand, status: int) -> None:
    room = await called.provider.open(plan(called.clock))
    steered(called).queue += [(status, {"Retry-After": "7"})] * 2
    with pytest.raises(Unreached) as caught:
        await called.provider.close(room)
    assert caught.value.retry_after == 7
    with pytest.raises(Unreached):
        await called.provider.open(plan(called.clock))
    assert called.made() == 1


@pytest.mark.parametrize("status", [400, 403, 404, 418])
async def test_a_refusal_is_declined_in_few_words_and_without_a_secret(called: Stand, status: int) -> None:
    room = await called.provider.open(plan(called.clock))
    for call in (called.provider.open(plan(called.clock)), called.provider.close(room)):
        steered(called).queue.append((status, {}))
        with pytest.raises(Declined) as caught:
            await call
        assert str(status) in caught.value.detail
        assert len(caught.value.detail) < 300
        assert not any(secret in repr(caught.value) + caught.value.detail for secret in called.secrets)
        assert "eyJ" not in caught.value.detail
        assert "://" not in caught.value.detail


async def test_nobody_is_followed_elsewhere(called: Stand) -> None:
    steered(called).queue.append("redirect")
    with pytest.raises(Declined, match="sent us elsewhere"):
        await called.provider.open(plan(called.clock))


async def test_a_server_that_is_not_there_was_not_reached(called: Stand) -> None:
    away = called.remake(**{AWAY[called.provider.name]: nobody()})
    room = await called.provider.open(plan(called.clock))
    for call in (away.open(plan(called.clock)), away.close(room)):
        with pytest.raises(Unreached, match="was not reached"):
            await call
    (line,) = await away.check()
    assert line.verdict == "fail"
    assert line.remedy


async def test_every_fault_of_a_server_is_told_by_the_check(called: Stand) -> None:
    faults: list[Fault] = ["drop", "redirect", (500, {}), (429, {}), (403, {})]
    for fault in faults:
        steered(called).queue.append(fault)
        lines = await called.provider.check()
        assert "fail" in {line.verdict for line in lines}, fault
        assert not any(secret in json.dumps([repr(line) for line in lines]) for secret in called.secrets)


async def test_nothing_is_sent_twice_by_a_provider(called: Stand) -> None:
    faults: list[Fault] = ["drop", (500, {}), (429, {}), (400, {})]
    for fault in faults:
        steered(called).queue.append(fault)
        with pytest.raises(OutsideError):
            await called.provider.open(plan(called.clock))
        assert not steered(called).queue
    assert called.made() == 0
