"""The page in docs/ is true: its example is run by curl, and a log never shows a key."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
from pathlib import Path

import structlog

from bot import logs
from bot.web.api.allowance import BURST
from bot.web.api.problems import PROBLEMS
from bot.web.api.reading import MAX_BODY, MAX_ROWS
from tests.web_api.conftest import Site

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")


async def test_the_example_of_the_page_is_what_curl_gets(quick: Site) -> None:
    (command,) = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    (answer,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    variables = {"STOCKTIDE": quick.url, "KEY": quick.token, "PATH": "/usr/local/bin:/usr/bin:/bin"}
    ran = await asyncio.create_subprocess_exec("sh", "-c", command, env=variables, stdout=asyncio.subprocess.PIPE)
    told, _ = await ran.communicate()
    assert json.loads(told) == json.loads(answer)


def test_the_page_tells_the_limits_and_every_status() -> None:
    assert f"{MAX_ROWS:,} rows and {MAX_BODY // 1024 // 1024} MB" in PAGE
    assert f"{BURST} batches at once" in PAGE
    assert [str(problem.status) for problem in PROBLEMS.values() if str(problem.status) not in PAGE] == []


async def test_a_log_never_shows_a_key(quick: Site) -> None:
    stream = io.StringIO()
    logs.set_up("INFO", "json", (), stream)
    try:
        structlog.get_logger("x").info("sent", headers=f"authorization={quick.token}")
        logging.getLogger("y").warning("key %s", quick.token)
    finally:
        root = logging.getLogger()
        for handler in [each for each in root.handlers if getattr(each, "stocktide", False)]:
            root.removeHandler(handler)
        structlog.reset_defaults()
    assert quick.token[15:] not in stream.getvalue()
    assert stream.getvalue().count("[hidden]") == 2
