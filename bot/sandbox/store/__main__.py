"""`python -m bot.sandbox.store`: the local store as a process of its own, until it is told to end."""

from __future__ import annotations

import argparse
import asyncio
import csv
import signal
import sys
from decimal import Decimal
from pathlib import Path

from bot.domain.money import Money
from bot.ports import SystemClock
from bot.sandbox.serving import Serving
from bot.sandbox.store.app import store_app
from bot.sandbox.store.state import TOKEN, Listing, LocalStore, Weather

SHELF = (
    Listing("85123A", "White hanging heart T-light holder", Money(Decimal("2.95"), "GBP")),
    Listing("22423", "Regency cakestand 3 tier", Money(Decimal("12.75"), "GBP")),
    Listing("85099B", "Jumbo bag red retrospot", Money(Decimal("2.08"), "GBP")),
    Listing("47566", "Party bunting", Money(Decimal("4.95"), "GBP")),
)


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT; the address is the one line written to standard output."""
    parser = argparse.ArgumentParser(prog="python -m bot.sandbox.store", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="a port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--record", type=Path, help="a file that gets a line of JSON for every change of a price")
    parser.add_argument("--catalogue", type=Path, help="a CSV file with the columns sku, name, price, currency")
    parser.add_argument("--token", default=TOKEN, help="the bearer token that it asks for")
    parser.add_argument("--seed", type=int, default=0, help="the seed of its faults")
    parser.add_argument("--faults", type=float, default=0.0, help="the share of calls that meet a fault, 0 to 1")
    given = parser.parse_args(arguments)
    weather = Weather(given.seed, given.faults) if given.faults else None
    shelf = _read(given.catalogue) if given.catalogue else SHELF
    store = LocalStore(SystemClock(), shelf, token=given.token, record=given.record, weather=weather)
    asyncio.run(_serve(store, given.port))


def _read(file: Path) -> tuple[Listing, ...]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return tuple(
            Listing(row["sku"], row["name"], Money.rounded(Decimal(row["price"]), row["currency"]))
            for row in csv.DictReader(lines)
        )


async def _serve(store: LocalStore, port: int) -> None:
    asked, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    serving = Serving(store_app(store))
    address = serving.bind(port)
    await serving.start()
    sys.stdout.write(f"{address}\n")
    sys.stdout.flush()
    await asked.wait()
    await serving.stop()


if __name__ == "__main__":
    main()
