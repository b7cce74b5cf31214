"""What the Telegram platform is given, and the SDK prepared to keep quiet."""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass, field
from typing import Protocol

from bot.words import Words

WEBHOOK_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
COMMAND_NAME = re.compile(r"[a-z0-9_]{1,32}")

# httpx prints whole URLs at INFO and python-telegram-bot its base URL at DEBUG; both contain the token.
_TALKATIVE = ("httpx", "httpcore", "telegram")


class OffsetStore(Protocol):
    """Keeps the id of the next update to ask Telegram for; one store belongs to one bot."""

    async def load(self) -> int:
        """The next update id; 0 where none was kept, which asks for all that Telegram still holds."""
        ...

    async def save(self, offset: int) -> None:
        """Keep the next update id; called only when every update below it was stored by the intake."""
        ...


@dataclass(frozen=True, slots=True)
class TelegramOptions:
    """How to reach Telegram.

    With `webhook_url` (https, as seen from outside) updates come through `receive` and must carry `webhook_secret`;
    without one they are polled, each poll held for `poll_seconds`, and after a failure again in `retry_seconds`, then
    ever later. `commands` are the names and summaries of the menu. ValueError where Telegram would refuse any of it.
    """

    token: str = field(repr=False)
    offset: OffsetStore
    webhook_secret: str = field(default="", repr=False)
    webhook_url: str = ""
    base_url: str = "https://api.telegram.org/bot"
    base_file_url: str = "https://api.telegram.org/file/bot"
    commands: tuple[tuple[str, Words], ...] = ()
    poll_seconds: int = 50
    retry_seconds: float = 0.5

    def __post_init__(self) -> None:
        """Refuse what Telegram would refuse later and less clearly."""
        if not self.token:
            raise ValueError("the Telegram token is empty")
        if self.webhook_url and not WEBHOOK_SECRET.fullmatch(self.webhook_secret):
            raise ValueError("a webhook needs a secret of 1 to 256 letters, digits, - or _")
        if not 0 <= self.poll_seconds <= 50:
            raise ValueError("Telegram holds a poll for at most 50 seconds")
        for name, _summary in self.commands:
            if not COMMAND_NAME.fullmatch(name):
                raise ValueError(f"{name!r} cannot stand in Telegram's menu: lower-case letters, digits and _ only")


def quiet_sdk() -> None:
    """Keep tokens out of the log, and python-telegram-bot on its coming way of giving lengths of time.

    Without the variable it warns of a deprecation each time Telegram asks for a pause.
    """
    os.environ.setdefault("PTB_TIMEDELTA", "true")
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.WARNING))
