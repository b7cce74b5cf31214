"""`stocktide demo --tour`: the demo without a browser; every step is checked against the sandbox's own record."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import partial

from bot.cli.meeting import Meet
from bot.cli.walking import StepFailed


class Tour(Meet):
    """Walks the demo as its people would, and keeps what later steps need."""

    async def run(self) -> None:
        """Every step in turn; StepFailed at the first that was not seen."""
        steps: tuple[tuple[str, Callable[[], Awaitable[str]]], ...] = (
            ("The watch tells both rooms what will run out", self.alerts),
            ("Somebody asks for a SKU in Slack", self.stock),
            ("A mistyped SKU gets the nearest as buttons", self.typo),
            ("The same message shows each reader their own time", self.zones),
            ("A stranger presses Approve: nothing is done", self.stranger),
            ("Two approvers press Approve, one in Telegram and one in Slack", self.approve),
            ("The order goes out as a document", self.papers),
            ("Who decides too late is told who was first", self.second),
            ("A buyer edits an order in a window", self.edit),
            ("A clearance runs in the store, and stops by one tap", self.promote),
            ("Purchases are halted, and resumed", self.halt),
            ("Why? replays the arithmetic", self.why),
            ("The board opens by a link for one person", self.board),
            ("A video room about a product opens, lets in and closes", self.room),
            ("The clock is pushed to the next mornings: digests arrive", self.digests),
            ("The audit log's chain is whole", self.audit),
        )
        for number, (title, step) in enumerate(steps, 1):
            began = time.monotonic()
            self.console.rule(f"{number}. {title}", align="left")
            try:
                seen = await step()
            except (TimeoutError, LookupError, StopIteration) as error:
                self._show(await self._what_was_last())
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
            lines = {zone: text.splitlines() for zone, text in texts.items()}
            timed = next(n for n, row in enumerate(zip(*lines.values(), strict=True)) if len(set(row)) > 1)
            for zone, text in lines.items():
                self._show(f"{zone}: {text[timed]}")
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

    async def second(self) -> str:
        """Another decision on the same request is answered with who and when."""
        late = self._approvers()[0]
        told = self._slack_text(await self._ask_slack(late, "/reject", self.request, self.request))
        self._show(told)
        self._need(any(chief.member.name in told for chief in self._approvers()), "the name of who approved it")
        return f"{late.member.name} is told that it was approved before, and by whom"

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
        before = {person.key: len(self._digests_of(person)) for person in people}
        seen: dict[str, list[str]] = {}
        for _ in wanted:
            at, whose = self.played.stage.next_morning()
            await self.played.stage.push(at)
            await self._until(partial(self._all_told, whose, before))
            seen = self._since(before)
            self.console.print(f"[dim]{at:%a %d %b %H:%M} UTC: {', '.join(sorted(seen))}[/]")
            if wanted <= set(seen):
                break
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
