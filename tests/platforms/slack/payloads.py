"""Payloads as Slack's documentation shows them, with our names in."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import urlencode

from bot.ports import HttpRequest

Json = dict[str, Any]

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
BOT = "U0BOT00001"
ANNA = "U2147483697"


def command(name: str = "/stock", text: str = "85123A", **changes: Any) -> Json:
    return {
        "token": "gIkuvaNzQIHg97ATvDxqgjtO",
        "team_id": "T0001",
        "team_domain": "example",
        "channel_id": "C2147483705",
        "channel_name": "stock-alerts",
        "user_id": ANNA,
        "user_name": "anna",
        "command": name,
        "text": text,
        "api_app_id": "A123456",
        "is_enterprise_install": "false",
        "response_url": "https://hooks.slack.com/commands/1234/5678",
        "trigger_id": "13345224609.738474920.8088930838d88f008e0",
        **changes,
    }


def envelope(event: Json, event_id: str = "Ev08MFMKH6") -> Json:
    return {
        "token": "z26uFbvR1xHJEdHE1OQiO6t8",
        "team_id": "T0001",
        "api_app_id": "A123456",
        "event": event,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": 1515449483,
        "authorizations": [{"enterprise_id": None, "team_id": "T0001", "user_id": BOT, "is_bot": True}],
        "is_ext_shared_channel": False,
        "event_context": "EC12345",
    }


def mention(text: str = f"<@{BOT}> stock 85123A", **changes: Any) -> Json:
    return {
        "type": "app_mention",
        "user": ANNA,
        "text": text,
        "ts": "1515449483.000108",
        "channel": "C2147483705",
        "event_ts": "1515449483.000108",
        **changes,
    }


def direct(text: str = "stock 85123A", **changes: Any) -> Json:
    return {
        "client_msg_id": "6d3a3b5c-0c5f-4d6e-8a5e-1f2a3b4c5d6e",
        "type": "message",
        "channel": "D024BE91L",
        "user": ANNA,
        "text": text,
        "ts": "1355517523.000005",
        "event_ts": "1355517523.000005",
        "channel_type": "im",
        **changes,
    }


def press(value: str = "b7Qx", **container: Any) -> Json:
    return {
        "type": "block_actions",
        "user": {"id": ANNA, "username": "anna", "name": "anna", "team_id": "T0001"},
        "api_app_id": "A123456",
        "token": "9s8d9as89d8as9d8as989",
        "container": {
            "type": "message",
            "message_ts": "1548261231.000200",
            "channel_id": "C2147483705",
            "is_ephemeral": False,
            **container,
        },
        "trigger_id": "12321423423.333649436676.d8c1bb837935619ccad0f624c448ffb3",
        "team": {"id": "T0001", "domain": "example"},
        "channel": {"id": "C2147483705", "name": "stock-alerts"},
        "message": {"type": "message", "user": BOT, "ts": "1548261231.000200", "text": "Running low"},
        "response_url": "https://hooks.slack.com/actions/1234/5678",
        "actions": [
            {
                "action_id": "stocktide:0",
                "block_id": "=qXel",
                "text": {"type": "plain_text", "text": "Approve", "emoji": False},
                "value": value,
                "type": "button",
                "action_ts": "1548426417.840180",
            }
        ],
    }


def home_press(value: str = "b7Qx") -> Json:
    body = press(value)
    for gone in ("channel", "message", "response_url"):
        del body[gone]
    body["container"] = {"type": "view", "view_id": "V0PKB1ZFV"}
    body["view"] = {"id": "V0PKB1ZFV", "type": "home"}
    return body


def request(body: bytes, kind: str, *, age: float = 0, secret: str = SECRET) -> HttpRequest:
    """A request signed by hand, as Slack describes it."""
    stamp = str(int(time.time() - age))
    digest = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    headers = {"content-type": kind, "x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={digest}"}
    return HttpRequest("POST", "/slack/events", "", headers, body)


def as_form(body: Json, **how: Any) -> HttpRequest:
    """A command, or an interaction under `payload`."""
    fields = {"payload": json.dumps(body)} if "actions" in body else body
    return request(urlencode(fields).encode(), "application/x-www-form-urlencoded", **how)


def as_json(body: Json, **how: Any) -> HttpRequest:
    """An event."""
    return request(json.dumps(body).encode(), "application/json", **how)
