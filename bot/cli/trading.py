"""The tour's steps that move money: two people approve an order, it goes out, one is edited, a price is lowered."""

from __future__ import annotations

import re
import time
from functools import partial
from pathlib import Path
from typing import Any

from bot.cli.walking import Walk
from bot.domain.views import RequestView
from bot.sandbox.cast import Person
from bot.sandbox.slack.world import SlackMessage
from bot.sandbox.telegram.world import TelegramMessage
from bot.storage import requests as rows
from bot.storage.tables import Request

LOCK_SECONDS = 2.5  # from the press in one chat to the card in the other; a busy machine is no fault


class Trade(Walk):
    """What people do about requests."""

    async def approve(self) -> str:
        """The first approval, in Telegram, shows in Slack at once; the second one, in Slack, locks both cards."""
        request = await self._waiting()
        self.request = f"R-{request.id}"
        first, second = self._approvers()
        message = await self._ask_telegram(first, f"/requests {self.request}", self.request)
        twin = await self._ask_slack(second, "/stocktide", f"requests {self.request}", self.request)
        self.card = twin.ts
        await self._quiet()  # a channel takes a message a second: what is measured is the decision's own way
        began = time.monotonic()
        self._press_telegram(first, message, "Approve")
        await self._until(lambda: self._names(twin.ts, first))
        took = time.monotonic() - began
        self._need(took <= LOCK_SECONDS, f"shown within {LOCK_SECONDS:g} s, not {took:.2f} s")
        if request.needs > 1:
            await self._press_slack(second, twin, "Approve")
            await self._until(lambda: self._names(twin.ts, second))
        locked = self._slack_text(self._slack_message(twin.ts))
        await self._until(lambda: "Approve" not in " ".join(self._labels(self._telegram_message(message.message_id))))
        self._show(locked)
        who = f"{first.member.name} in Telegram and {second.member.name} in Slack"
        who = who if request.needs > 1 else f"{first.member.name} in Telegram"
        return f"{self.request}, {request.total}, approved by {who}; the other card knew {took:.2f} s after the press"

    async def papers(self) -> str:
        """The approved order went out as a document, and its card says so."""
        folder = self.played.orders
        await self._until(lambda: next(iter(self._papers(folder, ".pdf")), None))
        found = self._papers(folder, ".pdf")[0]
        self._need(found.read_bytes().startswith(b"%PDF"), "a PDF")
        await self._until(lambda: "Ordered" in self._slack_text(self._slack_message(self.card)))
        return f"{found.name}, {found.stat().st_size:,} bytes, in the supplier's language"

    async def edit(self) -> str:
        """A buyer changes a quantity in a window; the card shows the difference and waits anew."""
        request = await self._waiting()
        buyer = next(person for person in self.played.cast.people if person.member.role == "buyer")
        card = await self._ask_slack(buyer, "/stocktide", f"requests R-{request.id}", f"R-{request.id}")
        await self._press_slack(buyer, card, "Edit")
        window = await self._until(lambda: self.slack.modal(buyer.slack.id))
        line = request.lines[0]
        more = str(line.quantity + int(line.detail.get("pack_size") or 1))
        await self.slack.fill_in(buyer.slack.id, window.id, {line.sku: more}).settled()
        changed = await self._until(lambda: self._changed(card.ts))
        self._show(changed)
        return f"{line.sku}: {line.quantity} became {more}, and R-{request.id} waits for its approvals again"

    async def promote(self) -> str:
        """A clearance is asked for in Telegram, approved in Slack, seen in the store, and stopped by one tap."""
        request = await self._clearance()
        sku, shop = request.lines[0].sku, self.played.shop
        seller = next(person for person in self.played.cast.people if person.member.role == "promo_manager")
        before = shop.item(sku).price
        await self._ask_telegram(seller, f"/promo R-{request.id}", f"R-{request.id}")
        chiefs = self._approvers()
        card = await self._ask_slack(chiefs[0], "/stocktide", f"requests R-{request.id}", f"R-{request.id}")
        (ruled,) = await self._views(Request.id == request.id)  # a draft does not say yet how many it needs
        for chief in chiefs[: ruled.needs]:
            await self._press_slack(chief, card, "Approve")
            await self._until(partial(self._names, card.ts, chief))
        await self._until(lambda: shop.item(sku).reduced)
        lowered = shop.item(sku).price
        await self._until(lambda: "Stop" in self._slack_labels(card.ts))
        self._show(self._slack_text(self._slack_message(card.ts)))
        await self._press_slack(seller, card, "Stop")
        await self._until(lambda: shop.item(sku).price == before and not shop.item(sku).reduced)
        changes = sum(change.sku == sku for change in shop.changes)
        self._need(changes == 2, f"two changes of the price, not {changes}")
        return f"{sku}: {before} became {lowered} in the store, and {before} again after one tap"

    async def halt(self) -> str:
        """One line stops every purchase from being sent, on both platforms; another lets them go on."""
        chief, other = self._approvers()
        before = {message.ts for message in self._slack_messages()}
        self.telegram.say(chief.telegram.id, self.group, "/halt purchases stock count")
        told = await self._until(lambda: self._told(before, "stock count"))
        self._show(told)
        await self._ask_slack(other, "/resume", "purchases", "")
        standing = await self.played.application.services.halts.standing()
        self._need(not standing, "no halt that still stands")
        return "purchases halted from Telegram, resumed from Slack"

    # --- what these steps share -------------------------------------------------------------------------------------

    def _approvers(self) -> list[Person]:
        return [person for person in self.played.cast.people if person.member.role == "approver"]

    async def _waiting(self) -> RequestView:
        """A purchase that waits for approval: one that takes two people if there is one, of the fewest lines."""
        found = await self._views(Request.kind == "purchase_order", Request.state == "pending")
        policy = (await self.played.application.services.policies.in_force()).policy
        step_up = policy.step_up_above  # no step of the tour has a one-time code, nor would who tries the demo
        within = all(step_up is None or view.total.minor <= step_up for view in found)
        self._need(within, "orders that need no one-time code")
        fit = [view for view in found if not view.votes]
        self._need(fit, "a purchase that waits")
        return min(fit, key=lambda view: (-min(view.needs, 2), len(view.lines), view.id))

    async def _clearance(self) -> RequestView:
        """A clearance that the watch drafted."""
        found = await self._views(Request.kind == "promotion", Request.state == "draft")
        self._need(found, "a clearance that was drafted")
        return max(found, key=lambda view: (view.total.minor, -view.id))

    async def _views(self, *conditions: Any) -> list[RequestView]:  # noqa: ANN401  # SQL expressions
        async with self.played.application.services.database.reading() as connection:
            ids = [row.id for row in await rows.rows_in(connection, *conditions)]
            return list((await rows.views(connection, ids)).values())

    def _papers(self, folder: Path, suffix: str) -> list[Path]:
        found = folder.glob(f"*{suffix}") if folder.exists() else ()
        return sorted(path for path in found if re.search(rf"{self.request}\b", path.name))

    def _names(self, ts: str, person: Person) -> bool:
        return f"@{person.slack.name}" in self._slack_text(self._slack_message(ts))

    def _changed(self, ts: str) -> str:
        text = self._slack_text(self._slack_message(ts))
        return text if "Changed since it was shown" in text else ""

    def _told(self, before: set[str], wanted: str) -> str:
        """The text of a newer Slack message that says `wanted`."""
        texts = (self._slack_text(found) for found in self._slack_messages() if found.ts not in before)
        return next((text for text in texts if wanted in text), "")

    def _slack_labels(self, ts: str) -> str:
        buttons = self.slack.buttons(self._slack_message(ts))
        return " ".join(str(button["text"]["text"]) for button in buttons)

    def _press_telegram(self, person: Person, message: TelegramMessage, label: str) -> None:
        button = next(each for each in self.telegram.buttons(message) if each["text"].startswith(label))
        self.telegram.press(person.telegram.id, self.group, message.message_id, button["callback_data"])

    async def _press_slack(self, person: Person, message: SlackMessage, label: str) -> None:
        buttons = self.slack.buttons(self._slack_message(message.ts))
        button = next(each for each in buttons if each["text"]["text"].startswith(label))
        await self.slack.press(person.slack.id, self.channel, message.ts, button["action_id"]).settled()

    async def _ask_telegram(self, asker: Person, text: str, wanted: str) -> TelegramMessage:
        """The bot's next message in the group that says `wanted`, after the command."""
        before = {message.message_id for message in self._telegram_messages(self.group)}
        self.telegram.say(asker.telegram.id, self.group, text)
        return await self._until(
            lambda: next(
                (
                    found
                    for found in self._telegram_messages(self.group)
                    if found.message_id not in before
                    and found.sender == self.telegram.bot.id
                    and wanted in self.telegram.text_for("UTC", found)
                ),
                None,
            )
        )
