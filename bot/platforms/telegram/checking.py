"""What `stocktide check` says of Telegram."""

from __future__ import annotations

from telegram import Bot, User, WebhookInfo

from bot.errors import PayloadRefused, PlatformError, TokenRefused
from bot.platforms.telegram.sending import Sender
from bot.ports import Check

_MANY_PENDING = 100


async def checks(bot: Bot, sender: Sender, webhook_url: str) -> tuple[Check, ...]:
    """The token, the groups and the way updates take, each with what to do about it."""
    try:
        me = await sender.call(bot.get_me())
        webhook = await sender.call(bot.get_webhook_info())
    except (TokenRefused, PayloadRefused):
        # A token of a wrong shape is answered with 404.
        remedy = "copy the token again from @BotFather (/mybots, API Token) into the settings"
        return (Check("telegram token", "fail", "Telegram does not accept the token", remedy),)
    except PlatformError as error:
        remedy = "see that this machine reaches the Telegram address in the settings, through a proxy if need be"
        return (Check("telegram connection", "fail", f"Telegram did not answer ({error})", remedy),)
    return (Check("telegram token", "ok", f"@{me.username} ({me.id})"), _groups(me), *_updates(webhook, webhook_url))


def _groups(me: User) -> Check:
    if not me.can_join_groups:
        remedy = "allow groups at @BotFather: /setjoingroups, Enable"
        return Check("telegram groups", "warn", "the bot cannot be added to groups", remedy)
    reads = "all messages" if me.can_read_all_group_messages else "commands only (privacy mode), which is enough"
    return Check("telegram groups", "ok", f"can join groups; reads {reads}")


def _updates(webhook: WebhookInfo, webhook_url: str) -> tuple[Check, ...]:
    found: list[Check] = []
    if webhook_url and webhook.url != webhook_url:
        said = f"the webhook is {webhook.url or 'not set'}, not {webhook_url}"
        found.append(Check("telegram updates", "warn", said, "start the bot: it sets its webhook"))
    elif webhook.url and not webhook_url:
        remedy = "start the bot: it removes the webhook, and whoever set it gets no more updates"
        found.append(
            Check("telegram updates", "warn", f"a webhook is set ({webhook.url}), so polling cannot work", remedy)
        )
    else:
        way = "webhook" if webhook_url else "polling"
        found.append(Check("telegram updates", "ok", f"{way}, {webhook.pending_update_count} waiting"))
    if webhook.pending_update_count > _MANY_PENDING:
        said = f"{webhook.pending_update_count} updates wait to be taken"
        found.append(
            Check("telegram backlog", "warn", said, "start the bot, and look for errors of the database in its log")
        )
    if webhook.last_error_message:
        when = f" at {webhook.last_error_date:%Y-%m-%d %H:%M} UTC" if webhook.last_error_date else ""
        remedy = "see that the webhook address is reachable from outside over https with a valid certificate"
        found.append(Check("telegram webhook", "warn", f"last failure{when}: {webhook.last_error_message}", remedy))
    return tuple(found)
