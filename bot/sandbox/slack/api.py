"""The Web API: who calls, whether they may, how often, and what the method says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.sandbox.slack import calls, chat, directory, files, views
from bot.sandbox.slack.check import SlackRefusal
from bot.sandbox.slack.method import Method
from bot.sandbox.slack.people import Slack
from bot.sandbox.wire import HangUp, pause, read_arguments
from bot.sandbox.world import Fault, Pace

METHODS: Mapping[str, Method] = {
    method.name: method
    for method in (*calls.METHODS, *chat.METHODS, *directory.METHODS, *files.METHODS, *views.METHODS)
}
_PER_MINUTE = {1: 20, 2: 20, 3: 50, 4: 100}


class WebApi:
    """Answers Web API calls; every one is written into the record."""

    def __init__(self, slack: Slack) -> None:
        self.slack = slack
        self.tiers = {tier: Pace(per_second=count / 60, burst=count) for tier, count in _PER_MINUTE.items()}

    async def answer(self, request: Request) -> Response:
        """Answer one call."""
        name = request.path_params["method"]
        try:
            arguments = await read_arguments(request)
        except ValueError:
            return self._refused(name, {}, SlackRefusal("invalid_json"))
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        token = bearer or str(arguments.pop("token", ""))
        arguments.pop("token", None)
        fault = self.slack.faults.take(name)
        if fault and fault.kind in ("rate", "broken", "drop_before", "error"):
            return self._meet(name, arguments, fault)
        response = self._run(name, token, arguments)
        if fault and fault.kind == "drop_after":
            return HangUp()
        if fault:
            await pause(request, fault.seconds)
        return response

    def _run(self, name: str, token: str, arguments: Mapping[str, Any]) -> Response:
        method = METHODS.get(name)
        if method is None:
            return self._refused(name, arguments, SlackRefusal("unknown_method", req_method=name))
        try:
            self._allow(method, token)
            if wait := self._paced(method, arguments):
                return self._wait(name, arguments, wait)
            _known(method, arguments)
            answer = method.run(self.slack, arguments)
        except SlackRefusal as refusal:
            return self._refused(name, arguments, refusal, method)
        self.slack.record.call("slack", name, arguments, "ok")
        return JSONResponse({"ok": True, **answer}, headers=self._scopes(method))

    def _allow(self, method: Method, token: str) -> None:
        world = self.slack.world
        if method.name == "api.test":
            return
        if not token:
            raise SlackRefusal("not_authed")
        if token not in (world.bot_token, world.app_token):
            raise SlackRefusal("invalid_auth")
        if (token == world.app_token) != method.app_level:
            raise SlackRefusal("not_allowed_token_type")
        if method.app_level or not method.scopes or world.scopes & set(method.scopes):
            return
        raise SlackRefusal("missing_scope", needed=method.scopes[0], provided=",".join(sorted(world.scopes)))

    def _paced(self, method: Method, arguments: Mapping[str, Any]) -> float:
        pace = self.tiers[method.tier] if method.tier else self.slack.pace
        key = method.name if method.tier else str(arguments.get("channel"))
        if wait := pace.wait(key):
            return wait
        pace.spend(key)
        return 0

    def _meet(self, name: str, arguments: Mapping[str, Any], fault: Fault) -> Response:
        match fault.kind:
            case "rate":
                return self._wait(name, arguments, fault.seconds)
            case "broken":
                self.slack.record.call("slack", name, arguments, "500")
                return PlainTextResponse("Internal Server Error", status_code=500)
            case "error":
                return self._refused(name, arguments, SlackRefusal(fault.detail))
        self.slack.record.call("slack", name, arguments, "dropped")
        return HangUp()

    def _wait(self, name: str, arguments: Mapping[str, Any], seconds: float) -> Response:
        self.slack.record.call("slack", name, arguments, "ratelimited")
        headers = {"Retry-After": str(max(1, math.ceil(seconds)))}
        return JSONResponse({"ok": False, "error": "ratelimited"}, status_code=429, headers=headers)

    def _refused(
        self, name: str, arguments: Mapping[str, Any], refusal: SlackRefusal, method: Method | None = None
    ) -> Response:
        self.slack.record.call("slack", name, arguments, refusal.error)
        headers = self._scopes(method) if method and refusal.error not in ("not_authed", "invalid_auth") else {}
        return JSONResponse({"ok": False, "error": refusal.error, **refusal.extra}, headers=headers)

    def _scopes(self, method: Method) -> dict[str, str]:
        if method.app_level:
            return {"x-oauth-scopes": "connections:write"}
        return {
            "x-oauth-scopes": ",".join(sorted(self.slack.world.scopes)),
            "x-accepted-oauth-scopes": ",".join(method.scopes),
        }


def _known(method: Method, arguments: Mapping[str, Any]) -> None:
    """Refuse an argument the method does not have: Slack ignores it, which hides a misspelt one."""
    if unknown := [argument for argument in arguments if argument not in (*method.fields.split(), "team_id")]:
        raise SlackRefusal("invalid_arguments", f"unknown argument: {unknown[0]}")
