"""Forms in windows: how one goes out, what comes back of it, and what is left out of an answer to a one-time code."""

from __future__ import annotations

import dataclasses
import secrets

from bot.chat.cards.forms import late_card
from bot.chat.forms import Form, Window
from bot.chat.incoming import Incoming
from bot.chat.nodes import MAX_BLOCKS, Actions, Block
from bot.chat.router import Answer
from bot.services.outbox import Opened

TOKEN_BYTES = 16


def window_of(form: Form, line: tuple[str, ...], incoming: Incoming) -> Window:
    """A form on its way, under a token of its own; `line` asks for it again."""
    late = late_card(form, line, pressed=incoming.kind != "command")
    return Window(form, secrets.token_urlsafe(TOKEN_BYTES), late)


def there(opened: Opened, incoming: Incoming) -> Incoming:
    """The submission as if it came from where the form was asked for, as the platform itself does not tell."""
    handle = {**opened.incoming.handle, **incoming.handle}
    return dataclasses.replace(opened.incoming, event_id=incoming.event_id, kind="submit", handle=handle)


def once_more(answer: Answer, window: Window) -> Answer:
    """A refusal of what a window sent in, with the button that opens the window again."""
    bare = without_codes(answer, window.form)
    buttons = tuple(block for block in window.late.blocks if isinstance(block, Actions))
    blocks = (*bare.message.blocks, *buttons)[:MAX_BLOCKS]
    return dataclasses.replace(bare, message=dataclasses.replace(bare.message, blocks=blocks))


def without_codes(answer: Answer, form: Form) -> Answer:
    """The answer without buttons that would carry a one-time code."""
    codes = tuple(f"{field.name}=" for field in form.fields if field.kind == "code")
    if not codes:
        return answer

    def bare(block: Block) -> bool:
        return not isinstance(block, Actions) or not any(
            argument.startswith(codes) for button in block.buttons for argument in button.arguments
        )

    blocks = tuple(block for block in answer.message.blocks if bare(block))
    return dataclasses.replace(answer, message=dataclasses.replace(answer.message, blocks=blocks))
