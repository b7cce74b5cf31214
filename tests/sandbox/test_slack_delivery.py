"""What people do reaches the bot: over sockets and over signed HTTP, in time, again, or not at all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import httpx
import pytest
from slack_sdk.signature import SignatureVerifier
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.sandbox.slack.world import NoSuch
from tests.sandbox.conftest import Town
from tests.sandbox.receiver import receiving


class Listener:
    """Keeps every envelope and acknowledges it, unless told to be deaf."""

    def __init__(self) -> None:
        self.got: list[SocketModeRequest] = []
        self.deaf = 0
        self.payload: dict[str, Any] | None = None

    async def __call__(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        self.got.append(request)
        if self.deaf:
            self.deaf -= 1
            return
        await client.send_socket_mode_response(SocketModeResponse(request.envelope_id, self.payload))


@asynccontextmanager
async def connected(town: Town) -> AsyncIterator[Listener]:
    listener = Listener()
    client = SocketModeClient(app_token=town.sandbox.slack.world.app_token, web_client=town.web())
    client.socket_mode_request_listeners.append(listener)
    await client.connect()  # type: ignore[no-untyped-call]  # slack_sdk leaves it untyped
    try:
        await town.sandbox.pulse.until(lambda: town.sandbox.slack.courier.links)
        yield listener
    finally:
        await client.close()  # type: ignore[no-untyped-call]  # as above


def button(action_id: str = "go") -> list[dict[str, Any]]:
    text = {"type": "plain_text", "text": "Go"}
    return [{"type": "actions", "elements": [{"type": "button", "text": text, "action_id": action_id, "value": "v1"}]}]


async def test_a_command_arrives_and_its_acknowledgement_may_answer(town: Town) -> None:
    async with connected(town) as listener:
        listener.payload = {"text": "here", "response_type": "in_channel"}
        sent = await town.sandbox.slack.command(town.mei.id, town.channel.id, "/stock", "85123A").settled()
        assert sent.state == "acknowledged"
        (request,) = listener.got
        assert request.type == "slash_commands"
        assert (request.payload["command"], request.payload["text"]) == ("/stock", "85123A")
        await town.sandbox.pulse.until(lambda: town.channel.messages)
        assert [message.text for message in town.sandbox.slack.visible(town.jonas.id, town.channel.id)] == ["here"]


async def test_a_press_carries_the_message_and_the_button(town: Town) -> None:
    posted = await town.web().chat_postMessage(channel=town.channel.id, text="x", blocks=button())
    async with connected(town) as listener:
        await town.sandbox.slack.press(town.jonas.id, town.channel.id, posted["ts"], "v1").settled()
        payload = listener.got[0].payload
        assert payload["type"] == "block_actions"
        assert payload["user"]["id"] == town.jonas.id
        assert payload["message"]["ts"] == posted["ts"]
        assert (payload["actions"][0]["action_id"], payload["actions"][0]["value"]) == ("go", "v1")


async def test_home_mention_and_joining_are_heard_and_other_talk_is_not(town: Town) -> None:
    slack = town.sandbox.slack
    async with connected(town) as listener:
        slack.open_home(town.mei.id)
        slack.say(town.mei.id, town.channel.id, "just talking")
        slack.say(town.mei.id, town.channel.id, f"<@{slack.bot.id}> stock 85123A")
        slack.say(town.mei.id, slack.world.direct(town.mei.id).id, "stock 85123A")
        slack.remove_bot(town.channel.id)
        slack.add_bot(town.channel.id)
        slack.move(town.mei.id, zone="America/Chicago")
        await town.sandbox.pulse.until(
            lambda: (
                len(slack.courier.deliveries) == 6
                and all(sent.state == "acknowledged" for sent in slack.courier.deliveries)
            )
        )
        kinds = [sent.payload["event"]["type"] for sent in slack.courier.deliveries]
        assert kinds == [
            "app_home_opened", "app_mention", "message", "channel_left", "member_joined_channel", "user_change",
        ]  # fmt: skip
        ids = {request.payload["event_id"] for request in listener.got}
        assert len(ids) == 6


async def test_an_event_not_acknowledged_comes_again_with_the_same_id(town: Town) -> None:
    slack = town.sandbox.slack
    slack.courier.ack_seconds = 0.1
    async with connected(town) as listener:
        listener.deaf = 3
        sent = slack.open_home(town.mei.id)
        assert sent is not None
        await town.sandbox.pulse.until(lambda: len(sent.attempts) == 2)
        town.clock.push(timedelta(minutes=1))
        await town.sandbox.pulse.until(lambda: len(sent.attempts) == 3)
        town.clock.push(timedelta(minutes=5))
        await town.sandbox.pulse.until(lambda: sent.state == "acknowledged")
        assert [attempt.outcome for attempt in sent.attempts] == ["timeout", "timeout", "timeout", "acknowledged"]
        assert [request.retry_attempt for request in listener.got] == [0, 1, 2, 3]
        assert {request.payload["event_id"] for request in listener.got} == {sent.payload["event_id"]}
        await slack.courier.redeliver(sent)
        assert len(listener.got) == 5


async def test_a_command_not_acknowledged_fails_before_the_person_and_is_not_repeated(town: Town) -> None:
    slack = town.sandbox.slack
    slack.courier.ack_seconds = 0.1
    async with connected(town) as listener:
        listener.deaf = 1
        sent = await slack.command(town.mei.id, town.channel.id, "/stock").settled()
        assert (sent.state, sent.due) == ("failed", None)
        (notice,) = await town.sandbox.pulse.until(lambda: town.sandbox.record.sights("slack", "notice"))
        assert (notice.viewer, notice.text) == (town.mei.id, '/stock failed with the error "operation_timeout"')


async def test_a_client_connects_anew_when_the_connection_is_refreshed(town: Town) -> None:
    courier = town.sandbox.slack.courier
    async with connected(town) as listener:
        first = courier.links[0]
        await town.sandbox.slack.refresh_sockets()
        await town.sandbox.pulse.until(lambda: courier.links and first not in courier.links, 10)
        await town.sandbox.slack.command(town.mei.id, town.channel.id, "/stock").settled()
        assert [request.type for request in listener.got] == ["slash_commands"]


async def test_http_deliveries_are_signed_and_retried_with_their_reason(town: Town) -> None:
    slack = town.sandbox.slack
    verifier = SignatureVerifier(slack.world.signing_secret)
    async with receiving() as receiver:
        slack.use_http(receiver.url)
        receiver.answers = [500, 200]
        sent = slack.open_home(town.mei.id)
        assert sent is not None
        await town.sandbox.pulse.until(lambda: sent.state == "acknowledged")
        (first, body), (second, _) = receiver.got
        assert verifier.is_valid_request(body, first)
        assert not verifier.is_valid_request(body + b" ", first)
        assert json.loads(body)["event"]["type"] == "app_home_opened"
        assert "x-slack-retry-num" not in first
        assert (second["x-slack-retry-num"], second["x-slack-retry-reason"]) == ("1", "http_error")

        receiver.answers = [{"text": "in time"}]
        await slack.command(town.mei.id, town.channel.id, "/stock", "85123A & more").settled()
        headers, body = receiver.got[-1]
        assert verifier.is_valid_request(body, headers)
        assert parse_qs(body.decode())["text"] == ["85123A & more"]
        await town.sandbox.pulse.until(lambda: town.channel.messages)
        assert town.channel.messages[0].ephemeral_to == town.mei.id

        slack.courier.ack_seconds = 0.1
        receiver.answers = [None]
        late = await slack.command(town.mei.id, town.channel.id, "/stock").settled()
        assert late.attempts[0].outcome == "http_timeout"


async def test_a_response_url_serves_five_times_within_thirty_minutes(town: Town, http: httpx.AsyncClient) -> None:
    slack = town.sandbox.slack
    url = slack.command(town.mei.id, town.channel.id, "/stock").payload["response_url"]
    refused = await http.post(url, json={"text": "x", "blocks": [{"type": "nonsense"}]})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_blocks")
    for number in range(5):
        assert (await http.post(url, json={"text": str(number)})).status_code == 200
    spent = await http.post(url, json={"text": "5"})
    assert (spent.status_code, spent.json()["error"]) == (404, "used_url")
    other = slack.command(town.mei.id, town.channel.id, "/stock").payload["response_url"]
    town.clock.push(timedelta(minutes=31))
    assert (await http.post(other, json={"text": "late"})).json()["error"] == "expired_url"
    assert [m.text for m in slack.visible(town.mei.id, town.channel.id)] == ["0", "1", "2", "3", "4"]
    assert slack.visible(town.jonas.id, town.channel.id) == []


async def test_a_response_url_replaces_and_deletes_what_was_pressed(town: Town, http: httpx.AsyncClient) -> None:
    slack, web = town.sandbox.slack, town.web()
    await web.chat_postEphemeral(channel=town.channel.id, user=town.mei.id, text="psst", blocks=button())
    (whisper,) = town.channel.messages
    url = slack.press(town.mei.id, town.channel.id, whisper.ts, "go").payload["response_url"]
    await http.post(url, json={"text": "done", "replace_original": True})
    assert (whisper.text, whisper.blocks) == ("done", ())
    await http.post(url, json={"delete_original": True})
    assert slack.visible(town.mei.id, town.channel.id) == []
    gone = await http.post(url, json={"text": "again", "replace_original": True})
    assert gone.json()["error"] == "no_original"


async def test_only_those_who_see_a_button_can_press_it(town: Town) -> None:
    slack = town.sandbox.slack
    await town.web().chat_postEphemeral(channel=town.channel.id, user=town.mei.id, text="x", blocks=button())
    ts = town.channel.messages[0].ts
    with pytest.raises(NoSuch):
        slack.press(town.jonas.id, town.channel.id, ts, "go")
    with pytest.raises(NoSuch):
        slack.press(town.mei.id, town.channel.id, ts, "other")
    stranger = slack.add_user("stranger")
    with pytest.raises(NoSuch):
        slack.command(stranger.id, town.channel.id, "/stock")


async def test_a_socket_needs_a_fresh_ticket(town: Town) -> None:
    answer = await town.web().apps_connections_open(app_token=town.sandbox.slack.world.app_token)
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(answer["url"]) as socket:
            hello = await asyncio.wait_for(socket.receive_json(), 5)
            assert (hello["type"], hello["num_connections"]) == ("hello", 1)
            await socket.send_str("no json")
            await socket.send_json({"envelope_id": "unknown"})
            await town.sandbox.pulse.until(lambda: len(town.sandbox.record.calls("slack", "acknowledge")) == 2)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(answer["url"])
