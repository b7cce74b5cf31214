"""Buttons carry an opaque id; what it stands for is kept here and read again when it is pressed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import secrets
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.nodes import Action, Actions, Message
from bot.errors import StaleButton
from bot.ports import Clock
from bot.storage import posts as rows
from bot.words import _

TOKEN_BYTES = 16  # 22 characters; Telegram allows 64


@dataclass(frozen=True, slots=True)
class Button:
    """A pressed button: the command line it stands for."""

    command: str
    arguments: tuple[str, ...]
    page: int
    in_place: bool


class Buttons:
    """Gives tokens to the buttons of a message, and the buttons back for tokens."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock

    async def seal(self, connection: AsyncConnection, message: Message) -> Message:
        """The message with a token on each button; the same button always gets the same token."""
        actions = [action for block in message.blocks if isinstance(block, Actions) for action in block.buttons]
        if not actions:
            return message
        by_digest = {_digest(action): action for action in actions}
        known = await rows.tokens(connection, by_digest)
        missing = {digest: action for digest, action in by_digest.items() if digest not in known}
        if missing:
            now = self._clock.now()
            await rows.add_buttons(
                connection,
                [
                    {
                        "token": secrets.token_urlsafe(TOKEN_BYTES),
                        "digest": digest,
                        "command": action.command,
                        "arguments": list(action.arguments),
                        "page": action.page,
                        "in_place": action.in_place,
                        "created_at": now,
                    }
                    for digest, action in sorted(missing.items())
                ],
            )
            known = await rows.tokens(connection, by_digest)  # another transaction may have been first

        def sealed(action: Action) -> Action:
            return dataclasses.replace(action, token=known[_digest(action)])

        blocks = tuple(
            Actions(tuple(sealed(action) for action in block.buttons)) if isinstance(block, Actions) else block
            for block in message.blocks
        )
        return dataclasses.replace(message, blocks=blocks)

    async def open(self, connection: AsyncConnection, token: str) -> Button:
        """What a token stands for; StaleButton where nobody knows it."""
        found = await rows.button(connection, token)
        if found is None:
            raise StaleButton(_("This button is no longer valid. Ask again to get a fresh one."))
        return Button(found.command, tuple(found.arguments), found.page, found.in_place)


def _digest(action: Action) -> str:
    """What makes two buttons the same: all but label, style and token."""
    what = [action.command, list(action.arguments), action.page, action.in_place]
    return hashlib.sha256(json.dumps(what, ensure_ascii=False).encode()).hexdigest()
