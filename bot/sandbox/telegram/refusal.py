"""How the Bot API says no."""

from __future__ import annotations

from typing import Any


class BotApiRefusal(Exception):  # as Telegram's own `ok: false`
    """The call is refused: `code` is also the HTTP status, `parameters` may hold retry_after or migrate_to_chat_id."""

    def __init__(self, code: int, description: str, **parameters: Any) -> None:  # noqa: ANN401  # JSON values
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


def bad(description: str, **parameters: Any) -> BotApiRefusal:  # noqa: ANN401  # JSON values
    """A 400."""
    return BotApiRefusal(400, f"Bad Request: {description}", **parameters)
