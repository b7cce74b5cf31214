"""`stocktide demo --tour`: the demo without a browser; every step is checked against the sandbox's own record."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any

from rich.console import Console

from bot.cli.stage import Set
from bot.sandbox.cast import Person
from bot.sandbox.slack.world import SlackMessage
from bot.sandbox.telegram.world import TelegramMessage
from bot.sandbox.world import Seen

LOCK_SECONDS = 1.0  # from the press in one chat to the locked card in the other
_SOON = 15.0


class StepFailed(Exception):
    """A step of the tour was not seen in the sandbox's record."""


class Tour:
    """Walks the demo as its people would, and keeps what later steps need."""

    def __init__(self, played: Set, console: Console) -> None:
        self.played = played
        self.console = console
        self.slack = played.sandbox.slack
        self.telegram = played.sandbox.telegram
        self.channel = played.cast.channel.id
        self.group = played.cast.group.id
        self.request = ""

    async def run(self) -> None:
        """Every step in turn; StepFailed at the first that was not seen."""
        steps: tuple[tuple[str, Callable[[], Awaitable[str]]], ...] = (
            ("The watch tells both rooms what will run out", self.alerts),
            ("Somebody asks for a SKU in Slack", self.stock),
            ("A mistyped SKU gets the nearest as buttons", self.typo),
            ("The same message shows each reader their own time", self.zones),
            ("A stranger presses Approve: nothing is done", self.stranger),
            ("An approver presses Approve in Telegram, the Slack card locks", self.approve),
            ("A second press is told who was first", self.second),
            ("Why? replays the arithmetic", self.why),
            ("The clock is pushed to the next mornings: digests arrive", self.digests),
            ("The audit log's chain is whole", self.audit),
        )
        for number, (title, step) in enumerate(steps, 1):
            began = time.monotonic()
            self.console.rule(f"{number}. {title}", align="left")
            try:
                seen = await step()
            except (TimeoutError, LookupError, StopIteration) as error:
                raise StepFailed(f"step {number}, {title}: {str(error) or 'not seen in time'}") from error
            self.console.print(f"[green]✓[/] {seen} [dim]({time.monotonic() - began:.2f} s)[/]")

    async def alerts(self) -> str:
        """Alerts stand in both rooms, with an Approve button."""
        slack, _ = await self._slack_card("Approve")
        telegram, _ = await self._telegram_card("Approve")
        self._show(self.slack.text_for("Asia/Shanghai", slack))
        return f"an alert in Slack ({slack.ts}) and in Telegram (message {telegram.message_id})"

    async def stock(self) -> str:
        """`/stock 85123A` is answered in the channel, figures and all."""
        seen = await self._ask_slack(self._awake(), "/stock", "85123A", "85123A")
        self._show(self.slack.text_for("Europe/Berlin", seen))
        return "the answer stands in #stock"

    async def typo(self) -> str:
        """`/stock 85132A` offers what was meant, and the button answers."""
        seen = await self._ask_slack(self._awake(), "/stock", "85123Q", "85123Q")
        buttons = self.slack.buttons(seen)
        self._need(len(buttons) == 3, f"three nearest, not {len(buttons)}")
        self._show("  ".join(f"[{button['text']['text']}]" for button in buttons))
        return "three buttons"

    async def zones(self) -> str:
        """One message, read in several zones, differs only in its times."""
        message, _ = await self._telegram_card("Approve")
        slack, _ = await self._slack_card("Approve")
        zones = {person.member.zone for person in self.played.cast.people}
        for texts in (
            {zone: self.telegram.text_for(zone, message) for zone in zones},
            {zone: self.slack.text_for(zone, slack) for zone in zones},
        ):
            self._need(len(set(texts.values())) == len(zones), "each zone reads its own times")
            for zone, text in texts.items():
                self._show(f"{zone}: {next(line for line in text.splitlines() if ':' in line and 'C-' in line)}")
        return "Shenzhen, Berlin, Austin and Bangkok read four clocks in one message"

    async def stranger(self) -> str:
        """Somebody without authority is refused in words, and the request stays as it was."""
        message, button = await self._telegram_card("Approve")
        outsider = self.telegram.add_user("Mallory", username="mallory", zone="Europe/London")
        self.played.cast.group.members.add(outsider.id)
        press = self.telegram.press(outsider.id, self.group, message.message_id, button["callback_data"])
        told = await self._until(lambda: press.answer or self._private_to(outsider.id))
        labels = self._labels(self._telegram_message(message.message_id))
        self._need(any(label.startswith("Approve") for label in labels), "the request still waits")
        self._show(str(told))
        return "refused, and the card still waits"

    async def approve(self) -> str:
        """The approver's press edits the card in Slack within a second."""
        message, button = await self._telegram_card("Approve")
        text = self.telegram.text_for("UTC", message)
        self.request = re.search(r"R-\d+", text).group()  # type: ignore[union-attr]  # a card without its number fails here
        twin = next(found for found in self._slack_messages() if self.request in self._slack_text(found))
        chief = self._approver()
        began = time.monotonic()
        self.telegram.press(chief.telegram.id, self.group, message.message_id, button["callback_data"])
        await self._until(lambda: self._slack_message(twin.ts).edited_at)
        took = time.monotonic() - began
        locked = self._slack_text(self._slack_message(twin.ts))
        self._need(f"@{chief.slack.name}" in locked, "the locked card names who decided")
        self._need(took <= LOCK_SECONDS, f"locked within {LOCK_SECONDS:g} s, not {took:.2f} s")
        self._show(locked)
        return f"{self.request} approved in Telegram, its Slack card locked {took:.2f} s later"

    async def second(self) -> str:
        """Another decision on the same request is answered with who and when."""
        other = [person for person in self.played.cast.people if person.member.role == "approver"][1]
        before = len(self._slack_messages(other))
        delivery = self.slack.command(other.slack.id, self.channel, "/approve", self.request)
        await delivery.settled()
        await self._until(lambda: len(self._slack_messages(other)) > before)
        told = self._slack_text(self._slack_messages(other)[-1])
        self._show(told)
        self._need(self._approver().member.name in told, "the name of who was first")
        return f"{other.member.name} is told who was first"

    async def why(self) -> str:
        """The evidence of a case, from a button."""
        message, button = await self._slack_card("Why?")
        before = len(self._slack_messages())
        await self.slack.press(self._awake().slack.id, self.channel, message.ts, button["action_id"]).settled()
        await self._until(lambda: len(self._slack_messages()) > before)
        self._show(self._slack_text(self._slack_messages()[-1]))
        return "inputs, formula and result stand in the thread"

    async def digests(self) -> str:
        """One digest for each member, none twice, each in the member's language."""
        people = self.played.cast.people
        wanted = {person.key for person in people if person.member.digest_at}
        before = {person.key: len(self._direct(person)) for person in people}
        seen: dict[str, list[str]] = {}
        for _ in wanted:
            at, whose = self.played.stage.next_morning()
            await self.played.stage.push(at)
            await self._until(partial(self._all_told, whose, before))
            seen = self._since(before)
            self.console.print(f"[dim]{at:%a %d %b %H:%M} UTC: {', '.join(sorted(seen))}[/]")
            if wanted <= set(seen):
                break
        await self._quiet()
        seen = self._since(before)
        self._need(wanted <= set(seen), f"a digest for everybody; missing: {', '.join(sorted(wanted - set(seen)))}")
        twice = sorted(key for key, texts in seen.items() if len(texts) > 1)
        self._need(not twice, f"one digest each, not more for {', '.join(twice)}")
        self._show(seen[self.played.cast.people[0].key][0])
        return f"{len(seen)} digests, one each"

    async def audit(self) -> str:
        """Every decision and refusal of the tour is in the chain."""
        verdict = await self.played.application.services.audit.verify()
        self._need(verdict.broken_at is None and verdict.entries > 0, "a whole chain with entries")
        return f"{verdict.entries} entries, whole"

    # --- what the steps share ---------------------------------------------------------------------------------------

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

    def _direct(self, person: Person) -> list[str]:
        """What the bot said to a person in private, on either platform."""
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
        return slack + telegram

    def _all_told(self, people: Iterable[Person], before: Mapping[str, int]) -> bool:
        return all(len(self._direct(person)) > before[person.key] for person in people)

    def _since(self, before: Mapping[str, int]) -> dict[str, list[str]]:
        """What each person was told in private since; only those who were told anything."""
        told = {person.key: self._direct(person)[before[person.key] :] for person in self.played.cast.people}
        return {key: texts for key, texts in told.items() if texts}

    async def _quiet(self) -> None:
        """Wait until nothing waits in the outbox."""
        for _ in range(100):
            depths = await self.played.application.services.outbox.depths()
            if not any(depth.state == "pending" for depth in depths):
                return
            await self.played.sandbox.pulse.after(self.played.sandbox.pulse.beats, 0.3)
        raise StepFailed("not seen: an empty outbox")
