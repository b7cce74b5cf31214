"""What the steps of the tour share: looking at the sandbox's record, as its people would look at their screens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rich.console import Console

from bot.cli.stage import Set
from bot.language import language
from bot.sandbox.cast import Person
from bot.sandbox.slack.world import SlackMessage
from bot.sandbox.telegram.world import TelegramMessage
from bot.sandbox.world import Seen
from bot.words import _

_SOON = 75.0  # a Telegram group takes twenty messages a minute: what comes after those of the start waits for the next
_LAST = 8  # calls of the bot that are told where a step was not seen


class StepFailed(Exception):
    """A step of the tour was not seen in the sandbox's record."""


class Walk:
    """The stage as its people see it."""

    def __init__(self, played: Set, console: Console) -> None:
        self.played = played
        self.console = console
        self.slack = played.sandbox.slack
        self.telegram = played.sandbox.telegram
        self.channel = played.cast.channel.id
        self.group = played.cast.group.id
        self.request, self.card = "", ""  # what two people approve, and where it stands in Slack

    def _show(self, text: str) -> None:
        for line in text.splitlines():
            self.console.print("  │ " + line, markup=False, soft_wrap=True)

    @staticmethod
    def _need(found: object, what: str) -> None:
        if not found:
            raise StepFailed(f"not seen: {what}")

    async def _until(self, seen: Callable[[], Seen | None]) -> Seen:
        return await self.played.sandbox.pulse.until(seen, _SOON)

    def _approver(self) -> Person:
        return next(person for person in self.played.cast.people if person.member.role == "approver")

    def _awake(self) -> Person:
        now = self.played.stage.clock.now()
        return next(person for person in self.played.cast.people if person.awake(now))

    def _slack_messages(self, viewer: Person | None = None) -> list[SlackMessage]:
        return self.slack.visible((viewer or self.played.cast.people[0]).slack.id, self.channel)

    def _slack_message(self, ts: str) -> SlackMessage:
        return self.slack.world.message(self.channel, ts)

    def _slack_text(self, message: SlackMessage) -> str:
        return self.slack.text_for("UTC", message)

    def _telegram_messages(self, chat: int) -> list[TelegramMessage]:
        return self.telegram.visible(self.played.cast.people[0].telegram.id, chat)

    def _telegram_message(self, message_id: int) -> TelegramMessage:
        return next(found for found in self._telegram_messages(self.group) if found.message_id == message_id)

    def _labels(self, message: TelegramMessage) -> list[str]:
        return [button["text"] for button in self.telegram.buttons(message)]

    async def _slack_card(self, label: str) -> tuple[SlackMessage, dict[str, Any]]:
        return await self._until(
            lambda: next(
                (
                    (message, button)
                    for message in self._slack_messages()
                    for button in self.slack.buttons(message)
                    if button["text"]["text"].startswith(label)
                ),
                None,
            )
        )

    async def _telegram_card(self, label: str) -> tuple[TelegramMessage, dict[str, Any]]:
        return await self._until(
            lambda: next(
                (
                    (message, button)
                    for message in self._telegram_messages(self.group)
                    for button in self.telegram.buttons(message)
                    if button["text"].startswith(label)
                ),
                None,
            )
        )

    def _private_to(self, user: int) -> str:
        texts = [message.text for message in self.telegram.visible(user, user) if message.sender != user]
        return texts[-1] if texts else ""

    async def _ask_slack(self, asker: Person, command: str, words: str, wanted: str) -> SlackMessage:
        """The bot's next message that says `wanted`, after the command."""
        before = {message.ts for message in self._slack_messages(asker)}
        await self.slack.command(asker.slack.id, self.channel, command, words).settled()
        return await self._until(
            lambda: next(
                (
                    found
                    for found in self._slack_messages(asker)
                    if found.ts not in before and found.user == self.slack.bot.id and wanted in self._slack_text(found)
                ),
                None,
            )
        )

    def _digests_of(self, person: Person) -> list[str]:
        """The digests a person got in private, on either platform."""
        greeting = language(person.member.language).say(_("Good morning, {name}", name=person.member.name))
        room = self.slack.world.direct(person.slack.id)
        slack = [
            self.slack.text_for(person.member.zone, message)
            for message in self.slack.visible(person.slack.id, room.id)
            if message.user == self.slack.bot.id
        ]
        telegram = [
            self.telegram.text_for(person.member.zone, message)
            for message in self.telegram.visible(person.telegram.id, person.telegram.id)
            if message.sender == self.telegram.bot.id
        ]
        return [text for text in slack + telegram if greeting in text]

    def _all_told(self, people: Iterable[Person], before: Mapping[str, int]) -> bool:
        return all(len(self._digests_of(person)) > before[person.key] for person in people)

    def _since(self, before: Mapping[str, int]) -> dict[str, list[str]]:
        """The digests of each person since; only of those who got any."""
        told = {person.key: self._digests_of(person)[before[person.key] :] for person in self.played.cast.people}
        return {key: texts for key, texts in told.items() if texts}

    async def _what_was_last(self) -> str:
        """What still waits in the outbox, and the bot's last calls with the sandbox's verdicts: where to look first."""
        depths = await self.played.application.services.outbox.depths()
        waiting = [f"{depth.platform}: {depth.rows} {depth.state} in the outbox" for depth in depths]
        calls = self.played.sandbox.record.calls()[-_LAST:]
        return "\n".join(waiting + [f"{call.platform} {call.method}: {call.verdict}" for call in calls])

    async def _quiet(self) -> None:
        """Wait until nothing waits in the outbox; a Telegram group takes twenty messages a minute."""
        for _turn in range(100):
            depths = await self.played.application.services.outbox.depths()
            if not any(depth.state == "pending" for depth in depths):
                return
            await self.played.sandbox.pulse.after(self.played.sandbox.pulse.beats, 0.3)
        raise StepFailed("not seen: an empty outbox")
