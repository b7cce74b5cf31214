"""Chat platforms, one room each. A new one is a new room and one entry of PLATFORMS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.chat.command import Command
from bot.platforms.slack.app import SlackOptions, SlackPlatform
from bot.platforms.telegram.app import OffsetStore, TelegramOptions, TelegramPlatform
from bot.ports import ChatPlatform
from bot.settings import Settings


@dataclass(frozen=True, slots=True)
class Supplies:
    """What a platform is handed besides its settings: the commands for its menus, and where it keeps its place."""

    commands: Sequence[Command]
    offset: OffsetStore


def slack(settings: Settings, supplies: Supplies) -> ChatPlatform | None:
    """Slack, where a token was given."""
    part = settings.slack
    if not part.enabled:
        return None
    return SlackPlatform(
        SlackOptions(
            bot_token=part.bot_token.get_secret_value(),
            signing_secret=part.signing_secret.get_secret_value(),
            app_token=part.app_token.get_secret_value(),
            base_url=part.base_url,
            commands=tuple(command.name for command in supplies.commands if command.short),
        )
    )


def telegram(settings: Settings, supplies: Supplies) -> ChatPlatform | None:
    """Telegram, where a token was given."""
    part = settings.telegram
    if not part.enabled:
        return None
    return TelegramPlatform(
        TelegramOptions(
            token=part.token.get_secret_value(),
            offset=supplies.offset,
            webhook_secret=part.webhook_secret.get_secret_value(),
            webhook_url=part.webhook_url,
            base_url=part.base_url,
            commands=tuple((command.name, command.summary) for command in supplies.commands),
        )
    )


PLATFORMS: tuple[Callable[[Settings, Supplies], ChatPlatform | None], ...] = (slack, telegram)
