"""calls.* and the call block through slack_sdk: what works, and every refusal by its code."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from tests.sandbox.conftest import Town

URL = "https://stock.example/rooms/k1"
WANG = {"external_id": "m7", "display_name": "Wang"}


async def listed(town: Town, **changes: Any) -> str:
    given = {"external_unique_id": "k1", "join_url": URL, "created_by": town.mei.id, "title": "Tea", **changes}
    return str((await town.web().calls_add(**given))["call"]["id"])


async def refusal(doing: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        await doing
    return str(caught.value.response["error"])


async def test_a_call_is_listed_joined_left_and_ended(town: Town) -> None:
    web, call = town.web(), await listed(town, date_start=1_321_880_400)
    shown = town.sandbox.slack.world.calls[call]
    assert (shown.title, shown.url, shown.at.timestamp()) == ("Tea", URL, 1_321_880_400)
    await web.calls_participants_add(id=call, users=[{"slack_id": town.jonas.id}, WANG])
    assert shown.people == {town.jonas.id: {"slack_id": town.jonas.id}, "m7": WANG}
    await web.calls_participants_remove(id=call, users=[WANG])
    assert list(shown.people) == [town.jonas.id]
    await web.calls_end(id=call, duration=1800)
    assert shown.seconds == 1800


async def test_the_same_unique_id_is_the_same_call(town: Town) -> None:
    assert await listed(town) == await listed(town, title="Coffee")
    assert len(town.sandbox.slack.world.calls) == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"external_unique_id": ""}, "missing_argument"),
        ({"join_url": ""}, "missing_argument"),
        ({"join_url": "javascript:alert(1)"}, "invalid_arguments"),
        ({"join_url": "https:///nowhere"}, "invalid_arguments"),
        ({"created_by": None}, "invalid_created_by"),
        ({"created_by": "U0NOBODY"}, "invalid_created_by"),
        ({"date_start": "soon"}, "invalid_start_time"),
        ({"users": [{"slack_id": "U0NOBODY"}]}, "user_not_found"),
        ({"colour": "red"}, "invalid_arguments"),
    ],
)
async def test_a_call_at_fault_is_refused_by_its_code(town: Town, changes: dict[str, Any], code: str) -> None:
    given = {"external_unique_id": "k1", "join_url": URL, "created_by": town.mei.id, **changes}
    assert await refusal(town.web().calls_add(**given)) == code
    assert town.sandbox.slack.world.calls == {}


@pytest.mark.parametrize(
    ("users", "code"),
    [
        ([], "missing_argument"),
        ("mei", "invalid_arguments"),
        ([{"slack_id": "U0NOBODY"}], "user_not_found"),
        ([{"external_id": "m7"}], "invalid_arguments"),
        ([{**WANG, "slack_id": "U1"}], "invalid_arguments"),
        ([{**WANG, "display_name": ""}], "invalid_arguments"),
    ],
)
async def test_people_at_fault_are_refused_by_their_code(town: Town, users: Any, code: str) -> None:
    call = await listed(town)
    assert await refusal(town.web().api_call("calls.participants.add", json={"id": call, "users": users})) == code


async def test_whoever_is_out_of_place_is_told_beside_a_success_and_nobody_is_moved(town: Town) -> None:
    web, call = town.web(), await listed(town)
    await web.calls_participants_add(id=call, users=[WANG])
    answer = await web.calls_participants_add(id=call, users=[WANG, {"slack_id": town.mei.id}])
    assert (answer["ok"], answer["error"]) == (True, "bad_users")
    answer = await web.calls_participants_remove(id=call, users=[WANG, {"slack_id": town.mei.id}])
    assert (answer["ok"], answer["error"]) == (True, "bad_users")
    assert list(town.sandbox.slack.world.calls[call].people) == ["m7"]


async def test_a_call_that_is_over_or_unknown_takes_nobody(town: Town) -> None:
    web, call = town.web(), await listed(town)
    assert await refusal(web.calls_end(id="R0NONE")) == "invalid_call_id"
    assert await refusal(web.calls_end(id=call, duration=-1)) == "invalid_arguments"
    await web.calls_end(id=call)
    assert (await web.calls_end(id=call, duration=5))["error"] == "inactive_call"
    assert town.sandbox.slack.world.calls[call].seconds == 0
    assert await refusal(web.calls_participants_add(id=call, users=[WANG])) == "inactive_call"
    assert await refusal(web.calls_participants_remove(id="R0NONE", users=[WANG])) == "invalid_call_id"


async def test_nothing_of_it_works_without_the_scope(town: Town) -> None:
    town.sandbox.slack.world.scopes.discard("calls:write")
    web = town.web()
    for doing in (
        web.calls_add(external_unique_id="k1", join_url=URL, created_by=town.mei.id),
        web.calls_end(id="R1"),
        web.calls_participants_add(id="R1", users=[WANG]),
        web.calls_participants_remove(id="R1", users=[WANG]),
    ):
        assert await refusal(doing) == "missing_scope"


async def test_a_call_block_names_a_listed_call(town: Town) -> None:
    web, room, call = town.web(), town.channel.id, await listed(town)
    posted = await web.chat_postMessage(channel=room, text="t", blocks=[{"type": "call", "call_id": call}])
    message = town.sandbox.slack.world.message(room, posted["ts"])
    assert town.sandbox.slack.text_for("UTC", message) == "[call: Tea]"
    for wrong in (
        {"type": "call", "call_id": "R0NONE"},
        {"type": "call"},
        {"type": "call", "call_id": call, "url": "x"},
    ):
        assert await refusal(web.chat_postMessage(channel=room, text="t", blocks=[wrong])) == "invalid_blocks"
    home = {"type": "home", "blocks": [{"type": "call", "call_id": call}]}
    assert await refusal(web.views_publish(user_id=town.mei.id, view=home)) == "invalid_blocks"
