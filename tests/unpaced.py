"""Tests act faster than people do: the rates of the platforms, ours and theirs, are taken away where they hide more."""

from __future__ import annotations

from starlette.routing import Mount, Route

from bot.bootstrap import App
from bot.ports import Limits
from bot.sandbox import Sandbox
from bot.sandbox.slack.api import WebApi
from bot.sandbox.world import Pace
from bot.services.pacing import Window

FAST = 1e6  # a second


def unpaced(sandbox: Sandbox) -> None:
    """Take the sandbox's rates away: a bot that starts anew every second asks for more than Slack would grant."""
    free = Pace(FAST, FAST)
    sandbox.slack.pace = free
    sandbox.telegram.overall = sandbox.telegram.per_chat = sandbox.telegram.per_group = free
    for mount in sandbox._app.router.routes:
        for route in mount.routes if isinstance(mount, Mount) else ():
            api = getattr(route.endpoint, "__self__", None) if isinstance(route, Route) else None
            if isinstance(api, WebApi):
                api.tiers = {tier: Pace(FAST, FAST) for tier in api.tiers}


def hurried(app: App) -> None:
    """Take the bot's own rates away: its answers leave at once, however fast they are asked for."""
    for lane in app.delivery.lanes.values():
        lane.pace._limits = Limits(1e4, 1e4)
        lane.pace._overall = Window(10_000, 1.0)
        for windows in (lane.pace._groups, lane.pace._chats, lane.pace._bursts):
            windows.clear()
