"""Video calls listed in Slack: registered over HTTP, shown in a message, and told of twice without harm."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from bot.chat.nodes import Call, Message, Paragraph
from bot.errors import (
    ConversationGone,
    MessageGone,
    PayloadRefused,
    PlatformError,
    RateLimited,
    TokenRefused,
    Uncertain,
    Unreachable,
)
from bot.ports import CallNotice, CallPerson, Target
from bot.words import _
from tests.platforms.slack.office import Office

NINE = datetime(2011, 11, 21, 9, tzinfo=UTC)
WANG = CallPerson("", "m7", "Wang <!channel>")
KIM = CallPerson("", "m8", "Kim")


def notice(host: str = "", **changes: str) -> CallNotice:
    given = CallNotice("k1", "Tea <!channel>\nand more", "https://stock.example/rooms/k1", NINE, host)
    return dataclasses.replace(given, **changes)  # type: ignore[arg-type]  # texts alone


def person(office: Office) -> CallPerson:
    return CallPerson(office.jonas.id, "m2", "Jonas")


def card(call: str) -> Message:
    return Message(_("Tea"), (Paragraph(_("Tea")), Call((("telegram", "T1"), ("slack", call)))))


async def test_a_call_is_listed_under_its_opener_and_shown_in_a_message(office: Office) -> None:
    call = await office.platform.add_call(notice(office.mei.id))
    listed = office.slack.world.calls[call]
    assert (listed.creator, listed.url, listed.at) == (office.mei.id, "https://stock.example/rooms/k1", NINE)
    assert "\n" not in listed.title
    ref = await office.platform.post(Target(office.room.id, "group"), card(call), office.reader)
    shown = office.slack.world.message(office.room.id, ref.message_id)
    assert [block["type"] for block in shown.blocks] == ["rich_text", "call"]
    assert "[call: Tea" in office.slack.text_for("UTC", shown)
    await office.platform.edit(ref, card(call), office.reader)


async def test_without_an_opener_it_is_the_bots_own(office: Office) -> None:
    call = await office.platform.add_call(notice())
    assert office.slack.world.calls[call].creator == office.slack.bot.id


async def test_a_call_listed_twice_is_one_call(office: Office) -> None:
    assert await office.platform.add_call(notice()) == await office.platform.add_call(notice())
    assert len(office.slack.world.calls) == 1


async def test_people_come_and_go_and_saying_it_twice_changes_nothing(office: Office) -> None:
    call = await office.platform.add_call(notice())
    listed = office.slack.world.calls[call]
    await office.platform.call_people(call, [person(office), WANG], [])
    await office.platform.call_people(call, [person(office), WANG, KIM], [])
    assert set(listed.people) == {office.jonas.id, "m7", "m8"}
    assert listed.people["m7"] == {"external_id": "m7", "display_name": "Wang <!channel>"}
    await office.platform.call_people(call, [], [WANG])
    await office.platform.call_people(call, [], [WANG, KIM])
    assert set(listed.people) == {office.jonas.id}
    asked = len(office.sandbox.record.calls("slack", "calls.participants.add"))
    await office.platform.call_people(call, [], [])
    assert len(office.sandbox.record.calls("slack", "calls.participants.add")) == asked


async def test_a_call_ends_once_and_ending_it_again_or_never_having_begun_is_no_error(office: Office) -> None:
    call = await office.platform.add_call(notice())
    await office.platform.end_call(call, 1800)
    await office.platform.end_call(call, 5)
    await office.platform.end_call("R0NONE", 5)
    assert office.slack.world.calls[call].seconds == 1800


async def test_nobody_joins_what_is_over_or_unknown(office: Office) -> None:
    call = await office.platform.add_call(notice())
    await office.platform.end_call(call, 1)
    for gone in (call, "R0NONE"):
        with pytest.raises(MessageGone):
            await office.platform.call_people(gone, [WANG], [])


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("429:7", RateLimited),
        ("500", Uncertain),
        ("drop_before_applying", Uncertain),
        ("drop_after_reading", Uncertain),
        ("error:not_authorized", ConversationGone),
        ("error:user_not_found", ConversationGone),
        ("error:service_unavailable", Unreachable),
        ("error:invalid_start_time", PayloadRefused),
        ("error:not_implemented", PlatformError),
        ("error:missing_scope", TokenRefused),
    ],
)
async def test_a_failure_is_told_in_our_own_errors(office: Office, mode: str, kind: type[PlatformError]) -> None:
    office.slack.fail_next("calls.add", mode)
    with pytest.raises(kind) as caught:
        await office.platform.add_call(notice())
    assert type(caught.value) is kind
    assert await office.platform.add_call(notice())
    assert len(office.slack.world.calls) == 1


async def test_a_stranger_as_host_and_a_stranger_as_guest_are_refused(office: Office) -> None:
    with pytest.raises(PayloadRefused):
        await office.platform.add_call(notice("U0NOBODY"))
    call = await office.platform.add_call(notice())
    with pytest.raises(ConversationGone):
        await office.platform.call_people(call, [CallPerson("U0NOBODY", "m1", "Nobody")], [])


async def test_without_the_scope_nothing_is_listed_and_the_check_names_it(office: Office) -> None:
    office.slack.world.scopes.discard("calls:write")
    with pytest.raises(TokenRefused, match="calls:write"):
        await office.platform.add_call(notice())
    with pytest.raises(TokenRefused):
        await office.platform.end_call("R1", 1)
    scopes = next(line for line in await office.platform.check() if line.name == "slack scopes")
    assert (scopes.verdict, scopes.detail) == ("fail", "missing calls:write")


async def test_a_message_without_an_id_for_slack_and_a_home_page_show_no_call(office: Office) -> None:
    call = await office.platform.add_call(notice())
    elsewhere = Message(_("Tea"), (Paragraph(_("Tea")), Call((("telegram", "T1"),))))
    ref = await office.platform.post(Target(office.room.id, "group"), elsewhere, office.reader)
    assert [b["type"] for b in office.slack.world.message(office.room.id, ref.message_id).blocks] == ["rich_text"]
    await office.platform.post(Target(office.mei.id, "home"), card(call), office.reader)
    home = office.slack.home(office.mei.id)
    assert home is not None
    assert [block["type"] for block in home.content["blocks"]] == ["rich_text"]


async def test_the_length_of_a_call_and_its_title_are_held_to_what_slack_takes(office: Office) -> None:
    call = await office.platform.add_call(notice(title="界" * 5000))
    assert len(office.slack.world.calls[call].title) == 200
    assert office.slack.world.calls[await office.platform.add_call(notice(title=" \n", key="k2"))].title == "k2"
    await office.platform.end_call(call, int(timedelta(days=-1).total_seconds()))
    assert office.slack.world.calls[call].seconds == 0
