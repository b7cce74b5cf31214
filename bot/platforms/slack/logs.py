"""The SDK's own logging, kept from writing bodies, signatures, tokens or addresses that carry secrets."""

from __future__ import annotations

import logging
import re

_SECRETS = re.compile(r"x(?:ox[a-z]|app)-[\w-]+|wss?://\S+|https?://\S*(?:/services/|/actions/|/commands/|upload)\S*")


def redact(record: logging.LogRecord) -> bool:
    """A logging filter: secrets in the text are blotted out, and tracebacks (they quote addresses) become a name."""
    text = _SECRETS.sub("(secret)", record.getMessage())
    if record.exc_info and record.exc_info[0]:
        text = f"{text.splitlines()[0]} [{record.exc_info[0].__name__}]"
    record.msg, record.args, record.exc_info, record.exc_text = text, (), None, None
    return True


def sdk_logger() -> logging.Logger:
    """The logger handed to Bolt and the SDK: warnings and worse only, whatever the root's level, and redacted."""
    logger = logging.getLogger(f"{__package__}.sdk")
    logger.setLevel(logging.WARNING)
    logger.addFilter(redact)
    # Bolt copies our level to its loggers without telling `logging`, which may remember that INFO was on.
    logging.getLogger("slack_bolt.RequestVerification").setLevel(logging.WARNING)
    return logger
