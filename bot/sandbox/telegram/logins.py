"""Login buttons: what Telegram adds to an address, and how it signs that."""

from __future__ import annotations

import hmac
from hashlib import sha256
from urllib.parse import urlencode

from bot.sandbox.telegram.world import TelegramUser, TelegramWorld


def signed(world: TelegramWorld, person: TelegramUser, url: str) -> str:
    """The address with a person's data behind its own parameters, signed with the bot's token."""
    data = {"id": str(person.id), "first_name": person.first_name, "auth_date": str(int(world.clock.now().timestamp()))}
    if person.username:
        data["username"] = person.username
    told = "\n".join(sorted(f"{name}={value}" for name, value in data.items()))
    data["hash"] = hmac.new(sha256(world.token.encode()).digest(), told.encode(), sha256).hexdigest()
    return f"{url}{'&' if '?' in url else '?'}{urlencode(data)}"
