"""What `stocktide check` says of Telegram."""

from __future__ import annotations

from telegram import Bot, User, WebhookInfo

from bot.errors import PayloadRefused, PlatformError, TokenRefused
from bot.platforms.telegram.sending import Sender
from bot.ports import Check
from bot.words import _, verbatim

_MANY_PENDING = 100


async def checks(bot: Bot, sender: Sender, webhook_url: str) -> tuple[Check, ...]:
    """The token, the groups and the way updates take, each with what to do about it."""
    try:
        me = await sender.call(bot.get_me())
        webhook = await sender.call(bot.get_webhook_info())
    except (TokenRefused, PayloadRefused):
        # A token of a wrong shape is answered with 404.
        remedy = _("copy the token again from @BotFather (/mybots, API Token) into the settings")
        return (Check(_("telegram token"), "fail", _("Telegram does not accept the token"), remedy),)
    except PlatformError as error:
        remedy = _("see that this machine reaches the Telegram address in the settings, through a proxy if need be")
        return (
            Check(_("telegram connection"), "fail", _("Telegram did not answer ({error})", error=str(error)), remedy),
        )
    return (
        Check(_("telegram token"), "ok", verbatim(f"@{me.username} ({me.id})")),
        _groups(me),
        *_updates(webhook, webhook_url),
    )


def _groups(me: User) -> Check:
    if not me.can_join_groups:
        remedy = _("allow groups at @BotFather: /setjoingroups, Enable")
        return Check(_("telegram groups"), "warn", _("the bot cannot be added to groups"), remedy)
    if me.can_read_all_group_messages:
        reads = _("can join groups; reads all messages")
    else:
        reads = _("can join groups; reads commands only (privacy mode), which is enough")
    return Check(_("telegram groups"), "ok", reads)


def _updates(webhook: WebhookInfo, webhook_url: str) -> tuple[Check, ...]:
    found: list[Check] = []
    if webhook_url and webhook.url != webhook_url:
        said = _("the webhook is {url}, not {webhook_url}", url=webhook.url or "–", webhook_url=webhook_url)
        found.append(Check(_("telegram updates"), "warn", said, _("start the bot: it sets its webhook")))
    elif webhook.url and not webhook_url:
        remedy = _("start the bot: it removes the webhook, and whoever set it gets no more updates")
        found.append(
            Check(
                _("telegram updates"),
                "warn",
                _("a webhook is set ({url}), so polling cannot work", url=webhook.url),
                remedy,
            )
        )
    else:
        way = _("webhook") if webhook_url else _("polling")
        found.append(
            Check(
                _("telegram updates"),
                "ok",
                _("{way}, {count} waiting", way=way, count=webhook.pending_update_count),
            )
        )
    if webhook.pending_update_count > _MANY_PENDING:
        said = _("{count} updates wait to be taken", count=webhook.pending_update_count)
        found.append(
            Check(
                _("telegram backlog"), "warn", said, _("start the bot, and look for errors of the database in its log")
            )
        )
    if webhook.last_error_message:
        when = f"{webhook.last_error_date:%Y-%m-%d %H:%M} UTC" if webhook.last_error_date else "–"
        remedy = _("see that the webhook address is reachable from outside over https with a valid certificate")
        found.append(
            Check(
                _("telegram webhook"),
                "warn",
                _("last failure ({when}): {said}", when=when, said=webhook.last_error_message),
                remedy,
            )
        )
    return tuple(found)
