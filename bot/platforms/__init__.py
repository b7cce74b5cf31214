"""Chat platforms, one room each. A new one is a new room and one entry of PLATFORMS.

A platform's room, with its SDK, is loaded when the settings connect it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.chat.command import Command
from bot.ports import ChatPlatform
from bot.settings import Settings

if TYPE_CHECKING:
    from bot.platforms.telegram.app import OffsetStore

# Where each platform calls us over HTTP, below our public address.
HOOKS = {"slack": "/slack/events", "telegram": "/telegram/webhook"}


@dataclass(frozen=True, slots=True)
class Supplies:
    """What a platform is handed besides its settings: the commands for its menus, and where it keeps its place."""

    commands: Sequence[Command]
    offset: OffsetStore


def make_slack(settings: Settings, supplies: Supplies) -> ChatPlatform | None:
    """Slack, where a token was given."""
    part = settings.slack
    if not part.enabled:
        return None
    from bot.platforms.slack.app import SlackOptions, SlackPlatform

    return SlackPlatform(
        SlackOptions(
            bot_token=part.bot_token.get_secret_value(),
            signing_secret=part.signing_secret.get_secret_value(),
            app_token=part.app_token.get_secret_value(),
            base_url=part.base_url,
            commands=tuple(command.name for command in supplies.commands if command.short),
            renamed=part.renamed,
        )
    )


def make_telegram(settings: Settings, supplies: Supplies) -> ChatPlatform | None:
    """Telegram, where a token was given."""
    part = settings.telegram
    if not part.enabled:
        return None
    from bot.platforms.telegram.app import TelegramOptions, TelegramPlatform

    return TelegramPlatform(
        TelegramOptions(
            token=part.token.get_secret_value(),
            offset=supplies.offset,
            webhook_secret=part.webhook_secret.get_secret_value(),
            webhook_url=_hook(part.webhook_url),
            base_url=part.base_url,
            base_file_url=f"{part.base_url.removesuffix('/bot')}/file/bot",
            commands=tuple((command.name, command.summary) for command in supplies.commands),
        )
    )


def _hook(address: str) -> str:
    """The public address with Telegram's path; an address that has it already stays."""
    path = HOOKS["telegram"]
    return address if not address or address.endswith(path) else address.rstrip("/") + path


PLATFORMS: tuple[Callable[[Settings, Supplies], ChatPlatform | None], ...] = (make_slack, make_telegram)
