"""Modals in the sandbox's Slack: what its client shows, refuses and hands in, and what the app's answer does."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

import pytest
from slack_sdk.errors import SlackApiError

from bot.sandbox.slack.modals import Unfilled
from bot.sandbox.slack.world import NoSuch, SlackView
from tests.sandbox.conftest import Town
from tests.sandbox.receiver import Receiver, receiving


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def option(value: str) -> dict[str, Any]:
    return {"text": plain(value.title()), "value": value}


def field(name: str, element: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "input", "block_id": name, "label": plain(name), "element": {"action_id": "x", **element}, **more}


def modal(**changes: Any) -> dict[str, Any]:
    """A modal with a field of each kind that a form needs."""
    number = {"type": "number_input", "is_decimal_allowed": False, "min_value": "0", "max_value": "500"}
    blocks = [
        field("count", {**number, "initial_value": "240"}),
        field("note", {"type": "plain_text_input", "max_length": 5}, optional=True),
        field("day", {"type": "datepicker", "initial_date": "2011-12-20"}),
        field(
            "mode",
            {"type": "static_select", "options": [option("sea"), option("air")], "initial_option": option("sea")},
        ),
    ]
    return {"type": "modal", "title": plain("Edit"), "submit": plain("Save"), "blocks": blocks, **changes}


async def opened(town: Town, view: dict[str, Any] | None = None) -> SlackView:
    """A modal that Mei has before her."""
    trigger = town.sandbox.slack.world.trigger(town.mei.id)
    await town.web().views_open(trigger_id=trigger, view=view or modal())
    found = town.sandbox.slack.modal(town.mei.id)
    assert found is not None
    return found


def payload(receiver: Receiver, index: int = -1) -> dict[str, Any]:
    """What was posted to the app."""
    found: dict[str, Any] = json.loads(parse_qs(receiver.got[index][1].decode())["payload"][0])
    return found


async def test_a_modal_is_handed_in_with_what_stood_there_and_what_was_typed(town: Town) -> None:
    slack = town.sandbox.slack
    async with receiving() as receiver:
        slack.use_http(receiver.url)
        view = await opened(town, modal(private_metadata="tok3n", callback_id="edit"))
        sent = slack.fill_in(town.mei.id, view.id, {"count": "300", "mode": "air"})
        assert (await sent.settled()).state == "acknowledged"
        told = payload(receiver)
        assert (told["type"], told["user"]["id"]) == ("view_submission", town.mei.id)
        assert (told["view"]["private_metadata"], told["view"]["callback_id"]) == ("tok3n", "edit")
        assert "response_url" not in told
        assert told["view"]["state"]["values"] == {
            "count": {"x": {"type": "number_input", "value": "300"}},
            "note": {"x": {"type": "plain_text_input", "value": None}},
            "day": {"x": {"type": "datepicker", "selected_date": "2011-12-20"}},
            "mode": {"x": {"type": "static_select", "selected_option": option("air") | {"text": plain("Air")}}},
        }
        assert slack.modal(town.mei.id) is None
        # Its trigger opens the next one.
        await town.web().views_open(trigger_id=told["trigger_id"], view=modal())


@pytest.mark.parametrize(
    ("typed", "where"),
    [
        ({"count": ""}, "count"),
        ({"count": "-1"}, "count"),
        ({"count": "501"}, "count"),
        ({"count": "1.5"}, "count"),
        ({"count": "many"}, "count"),
        ({"note": "longer"}, "note"),
        ({"day": "20.12.2011"}, "day"),
        ({"mode": "rocket"}, "mode"),
        ({"stranger": "x"}, "stranger"),
    ],
)
async def test_slacks_client_does_not_let_go_of_what_is_wrong(town: Town, typed: dict[str, str], where: str) -> None:
    view = await opened(town)
    with pytest.raises(Unfilled) as refused:
        town.sandbox.slack.fill_in(town.mei.id, view.id, typed)
    assert list(refused.value.faults) == [where]


async def test_raw_values_are_handed_in_unjudged_so_that_tests_can_send_what_no_client_would(town: Town) -> None:
    slack = town.sandbox.slack
    async with receiving() as receiver:
        slack.use_http(receiver.url)
        view = await opened(town)
        await slack.submit_view(
            town.mei.id, view.id, {"count": {"x": {"type": "number_input", "value": "many"}}}
        ).settled()
        assert payload(receiver)["view"]["state"]["values"]["count"]["x"]["value"] == "many"
    with pytest.raises(NoSuch):
        slack.submit_view(town.jonas.id, view.id, {})


@pytest.mark.parametrize(
    ("answer", "left", "errors"),
    [
        (200, 1, {}),
        ({"response_action": "clear"}, 0, {}),
        ({"response_action": "errors", "errors": {"count": "Too many."}}, 2, {"count": "Too many."}),
        ({"response_action": "update", "view": modal(title=plain("Next"))}, 2, {}),
        (500, 2, {"": "We had some trouble connecting. Try again?"}),
    ],
)
async def test_the_apps_answer_decides_what_becomes_of_the_modal(
    town: Town, answer: int | dict[str, Any], left: int, errors: dict[str, str]
) -> None:
    slack = town.sandbox.slack
    async with receiving() as receiver:
        slack.use_http(receiver.url)
        receiver.answers.append(answer)
        await opened(town)
        view = await opened(town)
        await slack.fill_in(town.mei.id, view.id, {}).settled()
        assert (len(slack.world.views), view.errors) == (left, errors)
        assert (view.content["title"]["text"] == "Next") == (isinstance(answer, dict) and "view" in answer)


async def test_a_modal_that_is_closed_tells_the_app_nothing(town: Town) -> None:
    slack = town.sandbox.slack
    view = await opened(town)
    with pytest.raises(NoSuch):
        slack.close_view(town.jonas.id, view.id)
    slack.close_view(town.mei.id, view.id)
    assert slack.modal(town.mei.id) is None
    assert slack.courier.deliveries == []


@pytest.mark.parametrize(
    ("view", "error"),
    [
        (modal(title=plain("x" * 25)), "invalid_arguments"),
        (modal(submit=None), "invalid_arguments"),
        (modal(private_metadata="x" * 3001), "invalid_arguments"),
        (modal(blocks=[]), ""),
        (modal(blocks=[field("a", {"type": "plain_text_input"})] * 2), "invalid_blocks"),
        (modal(blocks=[field("a", {"type": "number_input"})]), "invalid_blocks"),
        (modal(blocks=[field("a", {"type": "static_select", "options": []})]), "invalid_blocks"),
        (
            modal(
                blocks=[field("a", {"type": "static_select", "options": [option("a")], "initial_option": option("b")})]
            ),
            "invalid_blocks",
        ),
        (modal(blocks=[{"type": "divider"}] * 101), "invalid_blocks"),
        (modal(blocks=[field("a", {"type": "plain_text_input", "initial_value": "x" * 250_000})]), "view_too_large"),
    ],
)
async def test_a_modal_that_slack_would_refuse_is_refused(town: Town, view: dict[str, Any], error: str) -> None:
    trigger = town.sandbox.slack.world.trigger(town.mei.id)
    if not error:
        await town.web().views_open(trigger_id=trigger, view=view)
        return
    with pytest.raises(SlackApiError, match=error):
        await town.web().views_open(trigger_id=trigger, view=view)
    assert town.sandbox.slack.modal(town.mei.id) is None


async def test_deliveries_change_from_http_to_sockets_and_back(town: Town) -> None:
    slack = town.sandbox.slack
    async with receiving() as receiver:
        slack.use_http(receiver.url)
        assert (await slack.command(town.mei.id, town.channel.id, "/stock").settled()).state == "acknowledged"
        slack.use_sockets()
        sent = await slack.command(town.mei.id, town.channel.id, "/stock").settled()
        assert (sent.state, sent.attempts[0].outcome) == ("failed", "connection_failed"), "nobody is connected"
        slack.use_http(receiver.url)
        assert (await slack.command(town.mei.id, town.channel.id, "/stock").settled()).state == "acknowledged"
        assert len(receiver.got) == 2
