"""Nothing secret is ever written, whichever way a line takes: planted canaries on every path."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Literal
from urllib.parse import quote

import pytest
import structlog

from bot import logs

CANARIES = {
    "configured": "s3cr3t/of the house+",
    "slack bot": "xoxb-1234-5678-abcdefGHIJ",
    "slack app": "xapp-1-A111-222-deadbeef",
    "telegram": "123456789:AAE-abcdefghijklmnopqrstuvwxyz01234",
    "bearer": "eyJhbGciOi.payload.sig",
    "response url": "T0001/123456/abcdEFGH1234",
    "password": "hunter2secret",
    "link code": "K7QW2MXP4R",
    "link code as shown": "K7QW2-MXP4R",
    "link code without digits": "KRQWB-MXPZR",
    "link code as typed": "k7qw2-mxp4r",
    "link code typed on end": "k7qw2mxp4r",
}
LINES = {
    "configured": "signed with {}",
    "slack bot": "token={}",
    "slack app": "opening with {} now",
    "telegram": "GET https://api.telegram.org/bot{}/getMe",
    "bearer": "Authorization: Bearer {}",
    "response url": "POST https://hooks.slack.com/commands/{}",
    "password": "postgresql+psycopg://shop:{}@db.internal/stocktide",
    **dict.fromkeys((kind for kind in CANARIES if kind.startswith("link code")), "typed link {}"),
}


class Odd:
    """An object whose text holds a secret."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"<Odd {self.text}>"


def fail(line: str) -> None:
    """Fail for a reason that has a secret too."""
    raise ConnectionError(line) from ValueError(Odd(line))


@pytest.fixture(params=["console", "json"])
def out(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """Where logs go, in each form; what was set up before is restored."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    form: Literal["console", "json"] = request.param
    stream = io.StringIO()
    logs.set_up("DEBUG", form, [CANARIES["configured"]], stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize("kind", CANARIES)
def test_no_path_through_any_logger_writes_a_secret(out: io.StringIO, kind: str) -> None:
    secret, line = CANARIES[kind], LINES[kind].format(CANARIES[kind])
    plain, ours = logging.getLogger("bot.anything"), structlog.get_logger("bot.anything")
    plain.info(line)
    plain.info("seen %s", line)
    plain.warning("seen %(line)s", {"line": line})
    plain.error("an object %r", Odd(line))
    logging.getLogger("httpx").warning("HTTP Request: %s", line)
    logging.getLogger("telegram.ext").error(line, extra={"url": line})
    ours.info(line)
    ours.warning("fields", url=line, nested={"deep": [line, Odd(line), line.encode()], line: 1})
    with structlog.contextvars.bound_contextvars(request=line):
        ours.info("bound")
    try:
        fail(line)
    except ConnectionError:
        plain.exception("failed with %s", line)
        ours.exception("failed", cause=line)
    text = out.getvalue()
    assert text.count(logs.HIDDEN) >= 10
    assert secret not in text
    assert quote(secret, safe="") not in text


def test_a_configured_secret_is_hidden_percent_encoded_too(out: io.StringIO) -> None:
    logging.getLogger("bot.x").info("https://shop.example/?key=%s", quote(CANARIES["configured"], safe=""))
    assert quote(CANARIES["configured"], safe="") not in out.getvalue()


def test_ordinary_words_and_ids_stay(out: io.StringIO) -> None:
    line = "request 7 of case 12, stock-cards of stockout-risk, 85123A at UK, C0SHOP U02LIN, 1321866000.000100"
    structlog.get_logger("bot.x").info(line)
    structlog.get_logger("bot.x").info("2011-11-21T09:00:00+00:00")
    assert line in out.getvalue()
    assert "2011-11-21T09:00:00+00:00" in out.getvalue()


def test_libraries_that_print_urls_are_quiet_below_warnings(out: io.StringIO) -> None:
    for name in ("httpx", "telegram.request", "slack_sdk.web", "aiohttp.access", "apscheduler.executors"):
        logging.getLogger(name).info("chatter")
        logging.getLogger(name).debug("chatter")
    assert "chatter" not in out.getvalue()


def test_a_line_carries_the_ids_of_what_is_being_done() -> None:
    stream = io.StringIO()
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    logs.set_up("INFO", "json", stream=stream)
    try:
        with structlog.contextvars.bound_contextvars(delivery=3, subject="case:12"):
            logging.getLogger("bot.platforms.slack").info("from the standard library")
            structlog.get_logger("bot.services").info("from us", attempts=2)
    finally:
        root.handlers[:] = before
        root.setLevel(level)
        structlog.reset_defaults()
    first, second = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert (first["delivery"], first["subject"], first["level"]) == (3, "case:12", "info")
    assert (second["delivery"], second["attempts"], second["event"]) == (3, 2, "from us")
    assert first["timestamp"].endswith("Z")


def test_setting_up_again_replaces_the_former_handler() -> None:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        told = io.StringIO()
        logs.set_up(stream=told)
        once = len(root.handlers)
        for _round in range(3):
            told = io.StringIO()
            logs.set_up(stream=told)
        assert len(root.handlers) == once
        logging.getLogger("theirs").warning("still here")
        assert "still here" in told.getvalue()
    finally:
        root.handlers[:] = before
        root.setLevel(level)
        structlog.reset_defaults()
