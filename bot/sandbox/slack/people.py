"""What people do in the sandbox's Slack, and what they see there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bot.ports import Clock
from bot.sandbox.slack import modals, payloads, render
from bot.sandbox.slack.check import SlackRefusal
from bot.sandbox.slack.courier import Courier, Delivery
from bot.sandbox.slack.desk import Content, Desk
from bot.sandbox.slack.mrkdwn import Piece
from bot.sandbox.slack.responses import Hook, Responses
from bot.sandbox.slack.world import (
    ChannelKind,
    NoSuch,
    SlackChannel,
    SlackFile,
    SlackMessage,
    SlackUser,
    SlackView,
    SlackWorld,
)
from bot.sandbox.world import Faults, Pace, Pulse, Record


class Slack:
    """One Slack workspace with the bot in it: `world` is its state; the methods are what its people can do.

    A method that reaches the bot returns a Delivery at once; await its `settled()` for the acknowledgement.
    """

    def __init__(self, clock: Clock, record: Record, pulse: Pulse) -> None:
        self.world = SlackWorld(clock)
        self.record = record
        self.pulse = pulse
        self.desk = Desk(self.world, record)
        self.courier = Courier(self.world, pulse)
        self.responses = Responses(self.desk)
        self.faults = Faults()
        self.pace = Pace(per_second=1.0, burst=6.0)
        self.api_url = ""
        self.expected: dict[str, int] = {}  # bytes awaited per file id, until they were sent

    @property
    def bot(self) -> SlackUser:
        """The bot's own user."""
        return self.world.bot

    def use_http(self, url: str) -> None:
        """Deliver everything as signed HTTP to `url`, as an app without Socket Mode has it."""
        self.courier.url = url

    def use_sockets(self) -> None:
        """Deliver everything over Socket Mode, which is how it begins."""
        self.courier.url = ""

    async def refresh_sockets(self) -> None:
        """Ask the bot to connect anew, as Slack does every few hours."""
        for link in list(self.courier.links):
            await link.send({"type": "disconnect", "reason": "refresh_requested", "debug_info": {"host": "sandbox"}})
            await link.close()

    def add_user(
        self, name: str, *, zone: str = "Etc/UTC", locale: str = "en-US", real_name: str = "", user_id: str = ""
    ) -> SlackUser:
        """A new person; `zone` is an IANA name and `locale` a Slack locale such as zh-CN."""
        return self.world.add_user(name, zone=zone, locale=locale, real_name=real_name, user_id=user_id)

    def add_channel(self, name: str, members: Iterable[str] = (), *, kind: ChannelKind = "public") -> SlackChannel:
        """A new channel; put `slack.bot.id` among the members to have the bot in it."""
        return self.world.add_channel(name, members, kind=kind)

    def fail_next(self, method: str, mode: str, times: int = 1) -> None:
        """Let the next calls of a method fail; see `bot.sandbox.world.Fault.parse` for the modes."""
        self.faults.add(method, mode, times)

    def command(self, user: str, channel: str, command: str, text: str = "") -> Delivery:
        """Type a slash command, as `command("U..", "C..", "/stock", "85123A")`; NoSuch for strangers to the channel."""
        person, room = self._person(user), self._room(user, channel)
        url = self.responses.make(room.id, user)
        payload = payloads.command(self.world, person, room, command, text, url)
        hook = self.responses.hooks[url.removeprefix(self.responses.base)]
        return self.courier.send("slash_commands", payload, lambda sent: self._answered(sent, hook, command))

    def press(self, user: str, channel: str, ts: str, action: str) -> Delivery:
        """Press a button of a message, named by its action_id or value; NoSuch where the person sees no such button."""
        person, message = self._person(user), self.world.message(channel, ts)
        if message.ephemeral_to not in ("", user):
            raise NoSuch(f"{user} does not see {ts}")
        block_id, element = self._button(message.all_blocks, action)
        url = self.responses.make(message.channel, user, message)
        payload = payloads.press(self.world, person, message, self._action(block_id, element), url)
        hook = self.responses.hooks[url.removeprefix(self.responses.base)]
        return self.courier.send("interactive", payload, lambda sent: self._answered(sent, hook, "This button"))

    def press_view(self, user: str, view_id: str, action: str) -> Delivery:
        """Press a button on the person's home page or modal."""
        person, view = self._person(user), self._view(user, view_id)
        block_id, element = self._button(view.content["blocks"], action)
        payload = payloads.view_press(self.world, person, view, self._action(block_id, element))
        return self.courier.send("interactive", payload)

    def submit_view(self, user: str, view_id: str, values: Mapping[str, Mapping[str, Any]]) -> Delivery:
        """Hand in a modal: `values` are by block id, then action id, as Slack's view.state.values.

        Nothing is judged here, so that a test can send what no client would; `fill_in` is what a person does.
        """
        person, view = self._person(user), self._view(user, view_id)
        payload = payloads.submission(self.world, person, view, values)
        return self.courier.send("interactive", payload, lambda sent: self._submitted(sent, view))

    def fill_in(self, user: str, view_id: str, typed: Mapping[str, str]) -> Delivery:
        """Fill in a modal and hand it in: `typed` by block id; Unfilled where Slack's client would not let it go."""
        return self.submit_view(user, view_id, modals.state(self._view(user, view_id).content, typed))

    def close_view(self, user: str, view_id: str) -> None:
        """Close a modal without handing it in."""
        view = self._view(user, view_id)
        self.world.views.pop(view.id, None)
        self.pulse.beat()

    def modal(self, viewer: str) -> SlackView | None:
        """The modal that a person has before them: the one opened last."""
        return next((view for view in reversed(self.world.views.values()) if view.user == viewer), None)

    def open_home(self, user: str, tab: str = "home") -> Delivery | None:
        """Open the bot's home page."""
        self._person(user)
        page = self.world.homes.get(user)
        body: dict[str, Any] = {
            "type": "app_home_opened",
            "user": user,
            "channel": self.world.direct(user).id,
            "tab": tab,
            "event_ts": self.world.fresh_ts(),
        }
        if page:
            body["view"] = payloads.view_json(self.world, page)
        return self.tell("app_home_opened", body)

    def say(self, user: str, channel: str, text: str, thread: str = "") -> SlackMessage:
        """Write a message; the bot hears direct ones and those that mention it."""
        self._person(user)
        room = self._room(user, channel)
        message = self.desk.post(room.id, user, Content(text), thread_ts=thread)
        body = payloads.as_json(self.world, message) | {"channel": room.id, "event_ts": message.ts}
        if room.is_direct:
            self.tell("message.im", body | {"channel_type": "im"})
        elif f"<@{self.bot.id}>" in text and self.bot.id in room.members:
            self.tell("app_mention", body | {"type": "app_mention"})
        return message

    def share(self, user: str, channel: str, name: str, content: bytes, text: str = "") -> SlackMessage:
        """Upload a file with a message; the bot hears of direct ones and those that mention it."""
        self._person(user)
        room = self._room(user, channel)
        file = SlackFile(self.world.fresh("F"), name, content=content, shared=True, owner=user)
        self.world.files[file.id] = file
        message = self.desk.post(room.id, user, Content(text, files=(file.id,)))
        body = payloads.as_json(self.world, message) | {"channel": room.id, "event_ts": message.ts, "upload": True}
        if room.is_direct:
            self.tell("message.im", body | {"channel_type": "im", "subtype": "file_share"})
        elif f"<@{self.bot.id}>" in text and self.bot.id in room.members:
            self.tell("app_mention", body | {"type": "app_mention"})
        return message

    def add_bot(self, channel: str, by: str = "") -> Delivery | None:
        """Invite the bot to a channel."""
        room = self.world.channel(channel)
        room.members.add(self.bot.id)
        body = {
            "type": "member_joined_channel",
            "user": self.bot.id,
            "channel": room.id,
            "channel_type": "C" if room.kind == "public" else "G",
            "team": self.world.team_id,
            "event_ts": self.world.fresh_ts(),
        }
        return self.tell("member_joined_channel", body | ({"inviter": by} if by else {}))

    def remove_bot(self, channel: str, by: str = "") -> Delivery | None:
        """Remove the bot from a channel; it cannot post there any more."""
        room = self.world.channel(channel)
        room.members.discard(self.bot.id)
        self.record.sight("slack", "gone", room.id, "", f"{self.bot.name} was removed")
        kind = "channel_left" if room.kind == "public" else "group_left"
        return self.tell(kind, {"type": kind, "channel": room.id, "actor_id": by, "event_ts": self.world.fresh_ts()})

    def move(self, user: str, *, zone: str = "", locale: str = "") -> Delivery | None:
        """Change a person's zone or language in their profile."""
        person = self._person(user)
        person.zone, person.locale = zone or person.zone, locale or person.locale
        body = payloads.user_json(self.world, person, locale=True)
        return self.tell("user_change", {"type": "user_change", "user": body, "event_ts": self.world.fresh_ts()})

    def tell(self, subscription: str, body: Mapping[str, Any]) -> Delivery | None:
        """Send an event, if the app subscribed to it."""
        if subscription not in self.world.subscriptions:
            return None
        return self.courier.send("events_api", payloads.event(self.world, body))

    def visible(self, viewer: str, channel: str) -> list[SlackMessage]:
        """What a person sees in a channel, oldest first."""
        return self.world.visible(viewer, channel)

    def home(self, viewer: str) -> SlackView | None:
        """A person's home page, once published."""
        return self.world.homes.get(viewer)

    def text_for(self, zone: str, message: SlackMessage | SlackView, locale: str = "en-US") -> str:
        """A message or view as plain text, its dates in that zone."""
        if isinstance(message, SlackView):
            return render.plain("", message.content["blocks"], self.desk.eyes(zone, locale))
        return render.plain(message.text, message.all_blocks, self.desk.eyes(zone, locale))

    def pieces(self, message: SlackMessage) -> list[Piece]:
        """Every piece of a message: the mentions, links and dates it really holds."""
        return render.pieces_of(message.text, message.all_blocks)

    def buttons(self, message: SlackMessage | SlackView) -> list[dict[str, Any]]:
        """The pressable elements of a message or view, in order."""
        blocks = message.content["blocks"] if isinstance(message, SlackView) else message.all_blocks
        return [element for _, element in render.buttons_of(blocks)]

    def _answered(self, sent: Delivery, hook: Hook, what: str) -> None:
        if sent.state == "failed":
            self.desk.notice(hook.user, hook.channel, f'{what} failed with the error "operation_timeout"')
            return
        body = {"text": sent.answer} if isinstance(sent.answer, str) else sent.answer
        if not body or sent.kind != "slash_commands":
            return
        try:
            self.responses.apply(hook, body)
            self.record.call("slack", "acknowledgement", body, "ok")
        except SlackRefusal as refusal:
            self.record.call("slack", "acknowledgement", body, refusal.error)
            self.desk.notice(hook.user, hook.channel, f'{what} failed with the error "invalid_command_response"')

    def _submitted(self, sent: Delivery, view: SlackView) -> None:
        answer = sent.answer if isinstance(sent.answer, dict) else {}
        action = answer.get("response_action", "")
        view.errors = {}
        if sent.state == "failed":
            view.errors = {"": "We had some trouble connecting. Try again?"}
            self.desk.notice(view.user, "", view.errors[""])
        elif action == "errors":
            view.errors = {str(block): str(fault) for block, fault in answer.get("errors", {}).items()}
            self.desk.notice(view.user, "", "; ".join(view.errors.values()))
        elif action == "update":
            self.desk.change_view(view, answer["view"])
        elif action == "clear":
            for shown in [one for one in self.world.views.values() if one.user == view.user]:
                del self.world.views[shown.id]
        else:
            self.world.views.pop(view.id, None)

    def _person(self, user: str) -> SlackUser:
        if user not in self.world.users:
            raise NoSuch(user)
        return self.world.users[user]

    def _room(self, user: str, channel: str) -> SlackChannel:
        room = self.world.channel(channel)
        if user not in room.members:
            raise NoSuch(f"{user} is not in {channel}")
        return room

    def _view(self, user: str, view_id: str) -> SlackView:
        for view in (*self.world.homes.values(), *self.world.views.values()):
            if view.id == view_id and view.user == user:
                return view
        raise NoSuch(view_id)

    def _button(self, blocks: Iterable[Mapping[str, Any]], action: str) -> tuple[str, dict[str, Any]]:
        for block_id, element in render.buttons_of(blocks):
            if action in (element.get("action_id"), element.get("value")):
                return block_id, element
        raise NoSuch(f"no button {action}")

    def _action(self, block_id: str, element: Mapping[str, Any]) -> dict[str, Any]:
        return {**element, "block_id": block_id, "action_ts": self.world.fresh_ts()}
