"""Logs: structured, with the ids of what is being done, and never a secret.

Everything that is logged, by us or by a library, goes through one handler of the standard library and one chain of
processors. The last step before writing takes out every configured secret and whatever has the shape of one.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Sequence
from typing import Any, Literal, TextIO
from urllib.parse import quote

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN = "[hidden]"

# Their INFO or DEBUG lines carry whole URLs, headers or payloads; what matters of them is logged by us.
TALKATIVE = (
    "aiohttp", "aiosqlite", "alembic", "apscheduler", "asyncio", "httpcore", "httpx", "slack_bolt", "slack_sdk",
    "sqlalchemy", "telegram", "uvicorn", "websockets",
)  # fmt: skip

_SHAPES = re.compile(
    r"xox[a-z]-[\w-]+"  # Slack tokens
    r"|xapp-[\w-]+"
    r"|xwfp-[\w-]+"
    r"|(?<!\d)\d{6,}:[A-Za-z0-9_-]{20,}"  # Telegram tokens
    r"|(?<=/bot)\d+:[\w-]+"  # and their like in URLs, a sandbox's too
    r"|\bstk_[\w-]+"  # keys of the ingest API
    r"|(?<=Bearer )[\w.~+/=-]+"
    r"|(?<=hooks\.slack\.com/)[\w/-]+"  # response URLs and incoming webhooks
    r"|(?<=/commands/)T\w+/\d+/\w+"
    r"|(?<=/actions/)T\w+/\d+/\w+"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"  # user:password@host
    r"|\bv0=[0-9a-f]{64}"  # Slack signatures
    r"|\b(?=[A-Z]*[2-9])(?=[2-9]*[A-Z])[A-HJ-NP-Z2-9]{10}\b"  # link codes
    r"|\b[A-HJ-NP-Z2-9]{5}-[A-HJ-NP-Z2-9]{5}\b"  # as they are shown
    r"|\b(?=[a-z-]*[2-9])(?=[2-9-]*[a-z])[a-hj-np-z2-9]{5}-?[a-hj-np-z2-9]{5}\b",  # and as some people type them
    re.ASCII,
)


class Redactor:
    """Takes secrets out of text: the given ones, in plain and percent-encoded form, and what looks like one."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._forms: set[str] = set()
        self._known: re.Pattern[str] | None = None
        self.learn(secrets)

    def learn(self, secrets: Sequence[str]) -> None:
        """Take these out too from now on."""
        self._forms |= {form for secret in secrets if len(secret) >= 4 for form in (secret, quote(secret, safe=""))}
        longest_first = sorted(self._forms, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def text(self, text: str) -> str:
        """The text without secrets."""
        if self._known:
            text = self._known.sub(HIDDEN, text)
        return _SHAPES.sub(HIDDEN, text)

    def value(self, value: Any) -> Any:  # noqa: ANN401  # log fields are of any shape
        """The value without secrets, however deep they lie; unknown objects become their text."""
        match value:
            case None | bool() | int() | float():
                return value
            case str():
                return self.text(value)
            case bytes():
                return self.text(value.decode("utf-8", "replace"))
            case dict():
                return {self.text(str(key)): self.value(item) for key, item in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self.value(item) for item in value]
            case _:
                return self.text(str(value))

    def __call__(self, _logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
        """The processor: every field, the formatted traceback included."""
        return {key: item if key.startswith("_") else self.value(item) for key, item in event.items()}


def set_up(
    level: str = "INFO",
    form: Literal["console", "json"] = "console",
    secrets: Sequence[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Send all logs to `stream` (standard error) in the chosen form; calling it again replaces the former set-up."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    target = stream or sys.stderr
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=target.isatty(), exception_formatter=structlog.dev.plain_traceback)
    )
    redactor = Redactor(secrets)
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redactor,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    for former in list(root.handlers):
        if hasattr(former, "stocktide"):
            root.removeHandler(former)
    handler.stocktide = redactor  # type: ignore[attr-defined]  # a mark of ours: only our own handler is replaced
    root.addHandler(handler)
    root.setLevel(level)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def learn(secrets: Sequence[str]) -> None:
    """Keep these out of the logs from now on: what somebody typed while the process runs."""
    for handler in logging.getLogger().handlers:
        if hasattr(handler, "stocktide"):
            handler.stocktide.learn(secrets)
