"""Forms end to end through the real SDKs: a modal in Slack's sandbox, a talk in Telegram's, and how soon one opens."""

from __future__ import annotations

import statistics
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from bot import settings
from bot.bootstrap import App, build
from bot.ports import MovableClock
from bot.sandbox import Sandbox
from bot.sandbox.slack.world import SlackChannel, SlackMessage, SlackView
from bot.sandbox.telegram.world import TelegramChat, TelegramMessage
from bot.storage.database import Database
from tests.runtime.forming import Desk, routed
from tests.runtime.recorder import until
from tests.unpaced import hurried, unpaced

OPENED_SECONDS = 1.0  # of the three that Slack gives; on two busy cores the median was 0.12 s


@dataclass
class House:
    """The bot between the two sandboxes; Lin is on both, and so is somebody else."""

    app: App
    sandbox: Sandbox
    desk: Desk
    clock: MovableClock
    channel: SlackChannel
    group: TelegramChat
    lin: str
    lin_too: int
    anna: int

    async def slack_says(self, part: str) -> SlackMessage:
        """The newest message in the channel, once it has `part` in it."""
        slack = self.sandbox.slack

        def found() -> SlackMessage | None:
            shown = slack.visible(self.lin, self.channel.id)
            return shown[-1] if shown and part in slack.text_for("UTC", shown[-1]) else None

        await self.sandbox.pulse.until(lambda: found() is not None, 10)
        message = found()
        assert message is not None
        return message

    async def modal(self) -> SlackView:
        """The window that Lin has before her."""
        await self.sandbox.pulse.until(lambda: self.sandbox.slack.modal(self.lin) is not None, 10)
        view = self.sandbox.slack.modal(self.lin)
        assert view is not None
        return view

    async def telegram_says(self, chat: int, part: str) -> TelegramMessage:
        """The newest message of a chat, once it has `part` in it."""
        telegram = self.sandbox.telegram

        def found() -> TelegramMessage | None:
            shown = telegram.visible(self.lin_too, chat)
            return shown[-1] if shown and part in telegram.text_for("UTC", shown[-1]) else None

        await self.sandbox.pulse.until(lambda: found() is not None, 10)
        message = found()
        assert message is not None
        return message

    def press(self, message: TelegramMessage, label: str, user: int = 0) -> None:
        """Press the button whose label begins so."""
        data = next(
            str(button["callback_data"])
            for button in self.sandbox.telegram.buttons(message)
            if str(button["text"]).startswith(label)
        )
        self.sandbox.telegram.press(user or self.lin_too, message.chat_id, message.message_id, data)


@pytest.fixture
async def house(sqlite_database: Database, clock: MovableClock) -> AsyncIterator[House]:
    """Both platforms connected, with the commands of the desk."""
    async with Sandbox(clock) as sandbox:
        slack, telegram = sandbox.slack, sandbox.telegram
        lin = slack.add_user("lin", zone="Asia/Shanghai", real_name="Lin Wei")
        lin_too, anna = telegram.add_user("Lin"), telegram.add_user("Anna")
        channel = slack.add_channel("stock", members=[lin.id, slack.bot.id])
        group = telegram.add_group("Stock", members=[lin_too.id, anna.id, telegram.bot.id])
        app = build(
            settings.given(
                database={"url": str(sqlite_database.url)},
                slack={
                    "bot_token": slack.world.bot_token,
                    "app_token": slack.world.app_token,
                    "signing_secret": slack.world.signing_secret,
                    "base_url": sandbox.slack_base_url,
                },
                telegram={"token": telegram.world.token, "base_url": sandbox.telegram_base_url},
                web={"port": 0},
            ),
            clock,
        )
        unpaced(sandbox)
        hurried(app)
        desk = Desk()
        routed(app, desk)
        await app.runtime.start()
        await until(lambda: app.runtime.connected == {"slack", "telegram"}, 10)
        await app.services.members.add(
            "Lin", role="approver", identities={"slack": lin.id, "telegram": str(lin_too.id)}
        )
        yield House(app, sandbox, desk, clock, channel, group, lin.id, lin_too.id, anna.id)
        await app.runtime.stop()
        await app.close()


async def test_a_modal_opens_is_filled_in_and_answered_where_it_was_asked_for(house: House) -> None:
    slack = house.sandbox.slack
    slack.command(house.lin, house.channel.id, "/stocktide", "edit R-12@3")
    view = await house.modal()
    sent = slack.fill_in(house.lin, view.id, {"quantity": "300", "note": "a=b", "mode": "air"})
    message = await house.slack_says("Saved")
    assert message.ephemeral_to == ""
    assert (await sent.settled()).answer == {"response_action": "clear"}
    assert house.desk.calls[0][1:] == ("R-12@3", {"quantity": "300", "note": "a=b", "mode": "air"})
    assert slack.modal(house.lin) is None
    assert [call.verdict for call in house.sandbox.record.calls("slack", "views.open")] == ["ok"]


async def test_a_window_that_came_too_late_is_offered_again_to_the_presser_alone(house: House) -> None:
    slack = house.sandbox.slack
    slack.fail_next("views.open", "error:expired_trigger_id")
    slack.command(house.lin, house.channel.id, "/stocktide", "edit R-12@3")
    offered = await house.slack_says("[Edit]")
    assert offered.ephemeral_to == house.lin
    slack.press(house.lin, house.channel.id, offered.ts, slack.buttons(offered)[0]["action_id"])
    view = await house.modal()
    slack.fill_in(house.lin, view.id, {})
    await house.slack_says("Saved")


async def test_a_mention_brings_no_trigger_and_is_answered_with_the_button(house: House) -> None:
    slack = house.sandbox.slack
    slack.say(house.lin, house.channel.id, f"<@{slack.bot.id}> edit R-12@3")
    offered = await house.slack_says("[Edit]")
    assert offered.ephemeral_to == house.lin
    slack.press(house.lin, house.channel.id, offered.ts, slack.buttons(offered)[0]["action_id"])
    await house.modal()


async def test_a_window_opens_long_before_slack_gives_up(house: House) -> None:
    slack = house.sandbox.slack
    took = []
    for _turn in range(15):
        began = time.monotonic()
        slack.command(house.lin, house.channel.id, "/stocktide", "edit R-12@3")
        view = await house.modal()
        took.append(time.monotonic() - began)
        slack.close_view(house.lin, view.id)
        house.clock.push(timedelta(seconds=1))
    assert statistics.median(took) < OPENED_SECONDS


async def test_on_telegram_a_form_is_filled_in_by_talking(house: House) -> None:
    telegram, chat = house.sandbox.telegram, house.lin_too
    telegram.say(chat, chat, "edit R-12@3")
    menu = await house.telegram_says(chat, "Quantity: 240")
    house.press(menu, "Quantity")
    question = await house.telegram_says(chat, "Quantity?")
    assert question.keyboard == {"force_reply": True, "selective": True}
    telegram.say(chat, chat, "1,300", reply_to=question.message_id)
    noted = await house.telegram_says(chat, "Press Save")
    await house.sandbox.pulse.until(lambda: "Quantity: 1300" in telegram.text_for("UTC", menu), 10)
    house.press(noted, "Save")
    await house.telegram_says(chat, "Saved")
    assert house.desk.calls[0][1:] == ("R-12@3", {"quantity": "1300", "mode": "sea"})
    await house.sandbox.pulse.until(lambda: not telegram.buttons(menu) and not telegram.buttons(noted), 10)


async def test_in_a_group_the_question_opens_the_field_of_whom_it_names_alone(house: House) -> None:
    telegram, chat = house.sandbox.telegram, house.group.id
    telegram.say(house.lin_too, chat, "/edit R-12@3")
    menu = await house.telegram_says(chat, "Quantity: 240")
    house.press(menu, "Note")
    question = await house.telegram_says(chat, "Note?")
    assert [entity["user"]["id"] for entity in question.entities if entity["type"] == "text_mention"] == [house.lin_too]
    telegram.say(house.anna, chat, "mine", reply_to=question.message_id)
    telegram.say(house.lin_too, chat, "hers", reply_to=question.message_id)
    await house.telegram_says(chat, "hers")
    await house.sandbox.pulse.until(lambda: "Note: hers" in telegram.text_for("UTC", menu), 10)
    house.press(menu, "Cancel")
    await house.sandbox.pulse.until(lambda: "Cancelled" in telegram.text_for("UTC", menu), 10)
    assert house.desk.calls == []
