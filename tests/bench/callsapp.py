"""The application in a process of its own: `python -m tests.bench.callsapp SETTINGS.json AHEAD`, until SIGTERM."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot import logs, settings
from bot.bootstrap import build
from bot.ports import MovableClock


def main(file: str, ahead: str) -> None:
    """Run, `ahead` seconds before the machine's clock, and print the address of the web server once it listens."""
    chosen = settings.given(**json.loads(Path(file).read_text(encoding="utf-8")))
    logs.set_up("ERROR")
    application = build(chosen, MovableClock(datetime.now(UTC) + timedelta(seconds=float(ahead))))

    async def work() -> None:
        running = asyncio.create_task(application.runtime.run())
        while not application.runtime.web.url:  # noqa: ASYNC110  # it is there within a second
            await asyncio.sleep(0.05)
        print(application.runtime.web.url, flush=True)  # whoever started this process waits for it
        await running

    asyncio.run(work())


main(*sys.argv[1:])
