"""A local Slack and a local Telegram Bot API on loopback, strict as the real ones, for trying the bot and testing it.

`Sandbox` is the server; `sandbox.slack` and `sandbox.telegram` hold what people do there and what they see.
"""

from bot.sandbox.server import Sandbox

__all__ = ["Sandbox"]
