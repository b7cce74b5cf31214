"""Malformed webhooks and files by seed: refused or taken, never a crash, and nothing unsigned gets in."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import insert

from bot.chat.incoming import Incoming
from bot.errors import StocktideError
from bot.platforms.slack.app import SlackOptions, SlackPlatform
from bot.platforms.telegram.app import TelegramOptions, TelegramPlatform
from bot.ports import HttpRequest, MovableClock
from bot.sandbox import Sandbox
from bot.services.ingest import ImportOptions, Ingest, IngestSettings, Kind
from bot.storage.database import Database
from bot.storage.tables import Location
from bot.stores.files import open_table
from tests.faults import figures
from tests.faults.hostile import Hostile
from tests.platforms.slack import payloads
from tests.platforms.telegram.botapi import Offsets
from tests.platforms.telegram.recorded import message, press

CALLS = 100_000 if figures.is_long() else 5_000  # of each platform
FILES = 3_000 if figures.is_long() else 120
SECRET = "planted-secret_1"
NOON = datetime(2011, 11, 21, 12, tzinfo=UTC)
JUNK: tuple[Any, ...] = (
    None, True, -1, 2**70, 1e308, "", "x" * 5000, [], [[]], {}, {"id": None}, "\ud800", "<!channel>", "../..",
)  # fmt: skip
KINDS: tuple[Kind, ...] = ("sales", "products", "stock", "locations")


class Taken:
    """An intake that remembers; what it is given must be storable as JSON."""

    def __init__(self) -> None:
        self.taken: list[Incoming] = []

    async def __call__(self, incoming: Incoming) -> None:
        json.dumps(incoming.to_json())
        self.taken.append(incoming)


@pytest.fixture(autouse=True)
def unlogged() -> Iterator[None]:
    """What is refused is logged as it came, and a report with half an emoji in it cannot leave a test's worker."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(MovableClock(NOON, frozen=True)) as made:
        yield made


def spoiled(dice: random.Random, body: Any) -> Any:
    """The body with one thing in it changed, taken away or put in."""
    if isinstance(body, dict) and body and dice.random() < 0.85:
        key = dice.choice(list(body))
        match dice.randrange(5):
            case 0:
                return {name: value for name, value in body.items() if name != key}
            case 1:
                return {**body, key: dice.choice(JUNK)}
            case 2:
                return {**body, str(dice.choice(JUNK)): body[key]}
            case _:
                return {**body, key: spoiled(dice, body[key])}
    if isinstance(body, list) and body and dice.random() < 0.7:
        return [spoiled(dice, body[0]), *body[1:]] if dice.random() < 0.7 else body * 3
    return dice.choice(JUNK)


def garbled(dice: random.Random, raw: bytes) -> bytes:
    """The bytes with some of them changed, cut off or repeated."""
    match dice.randrange(4):
        case 0:
            return raw[: dice.randrange(len(raw) + 1)]
        case 1:
            at = dice.randrange(len(raw) + 1)
            return raw[:at] + dice.randbytes(dice.randint(1, 20)) + raw[at:]
        case 2:
            return dice.randbytes(dice.randint(0, 200))
        case _:
            at = dice.randrange(max(1, len(raw)))
            return raw[:at] + bytes([dice.randrange(256)]) + raw[at + 1 :]


async def test_no_webhook_of_slack_crashes_and_only_signed_ones_get_in(sandbox: Sandbox) -> None:
    taken, dice = Taken(), random.Random(41)  # noqa: S311  # reproducible on purpose
    token = sandbox.slack.world.bot_token
    platform = SlackPlatform(SlackOptions(token, payloads.SECRET, base_url=sandbox.slack_base_url, commands=("stock",)))
    await platform.start(taken)
    honest = (payloads.command(), payloads.envelope(payloads.direct()), payloads.press(), payloads.home_press())
    faults: list[str] = []
    forged = 0
    for number in range(CALLS):
        request, genuine = _slack_call(dice, dice.choice(honest))
        before = len(taken.taken)
        try:
            answer = await platform.receive(request)
        except Exception as error:  # noqa: BLE001  # a crash is what is looked for
            faults.append(f"call {number}: {type(error).__name__}: {error}")
            continue
        forged += not genuine
        if not genuine and (answer.status < 400 or len(taken.taken) > before):
            faults.append(f"call {number}: an unsigned one was answered with {answer.status}")
    await platform.stop()
    figures.record("Fuzz: malformed webhooks", CALLS, len(faults), "Slack and Telegram; nothing unsigned got in")
    assert faults[:5] == []
    assert forged > CALLS // 10
    assert taken.taken, "not one of them was good"


def _slack_call(dice: random.Random, body: Any) -> tuple[HttpRequest, bool]:
    """A request, and whether it carries Slack's signature."""
    for _ in range(dice.randrange(3)):
        body = spoiled(dice, body)
    form = dice.random() < 0.6
    kind = "application/x-www-form-urlencoded" if form else "application/json"
    if form and isinstance(body, dict):
        fields = {"payload": json.dumps(body)} if "actions" in body else body
        raw = urlencode(fields, errors="replace").encode()
    else:
        raw = json.dumps(body).encode()
    if dice.random() < 0.3:
        raw = garbled(dice, raw)
    request = payloads.request(raw, kind)
    if dice.random() < 0.7:
        return request, True
    headers = dict(request.headers)
    name = dice.choice(("x-slack-signature", "x-slack-request-timestamp"))
    value = dice.choice(("", "v0=", "v0=" + "0" * 64, "9" * 400, "-1", "１２３", "nan", "v1=x", "\u00e9"))
    headers[name] = value
    return HttpRequest("POST", "/slack/events", dice.choice(("", "a=b&a=%ff")), headers, raw), False


async def test_no_webhook_of_telegram_crashes_and_only_those_with_the_secret_get_in(sandbox: Sandbox) -> None:
    taken, dice = Taken(), random.Random(42)  # noqa: S311  # reproducible on purpose
    options = TelegramOptions(
        token=sandbox.telegram.world.token,
        offset=Offsets(),
        base_url=sandbox.telegram_base_url,
        webhook_url=f"{sandbox.url}/nowhere",
        webhook_secret=SECRET,
    )
    platform = TelegramPlatform(options)
    await platform.start(taken)
    honest = (message(1, "/stock 85123A"), press(2, "b7Qx"))
    faults: list[str] = []
    for number in range(CALLS):
        body: Any = dice.choice(honest)
        for _ in range(dice.randrange(3)):
            body = spoiled(dice, body)
        raw = json.dumps(body).encode()
        raw = garbled(dice, raw) if dice.random() < 0.3 else raw
        secret = SECRET if dice.random() < 0.8 else dice.choice(("", "wrong", SECRET + "x", "\u00e9", SECRET[:-1]))
        request = HttpRequest("POST", "/telegram", "", {"x-telegram-bot-api-secret-token": secret}, raw)
        before = len(taken.taken)
        try:
            answer = await platform.receive(request)
        except Exception as error:  # noqa: BLE001  # a crash is what is looked for
            faults.append(f"call {number}: {type(error).__name__}: {error}")
            continue
        if secret != SECRET and (answer.status != 401 or len(taken.taken) > before):
            faults.append(f"call {number}: one without the secret was answered with {answer.status}")
    await platform.stop()
    figures.record("Fuzz: malformed webhooks", CALLS, len(faults))
    assert faults[:5] == []
    assert taken.taken, "not one of them was good"


async def test_no_file_crashes_an_import(sqlite_database: Database, clock: MovableClock, tmp_path: Path) -> None:
    async with sqlite_database.transaction() as connection:
        place = {"code": "UK", "name": "UK", "zone": "UTC", "country": "GB", "currency": "GBP", "markets": ["*"]}
        await connection.execute(insert(Location).values(**place))
    ingest = Ingest(sqlite_database, clock, IngestSettings(currency="GBP"), open_table)
    dice, hostile = random.Random(43), Hostile(43)  # noqa: S311  # reproducible on purpose
    faults: list[str] = []
    refused = read = 0
    for number in range(FILES):
        path = tmp_path / f"file-{number}.{dice.choice(('csv', 'csv', 'csv', 'tsv', 'txt', 'parquet'))}"
        path.write_bytes(_file(dice, hostile))
        try:
            report = await ingest.run(dice.choice(KINDS), path, ImportOptions(source=f"fuzz{number}"))
        except StocktideError:
            refused += 1
        except Exception as error:  # noqa: BLE001  # a crash is what is looked for
            faults.append(f"file {number}: {type(error).__name__}: {error}")
        else:
            read += bool(report)
    figures.record("Fuzz: malformed files imported", FILES, len(faults), f"{read:,} read as far as they could be")
    assert faults[:5] == []
    assert refused
    assert read


def _file(dice: random.Random, hostile: Hostile) -> bytes:
    """A file of sales or products that somebody's system wrote badly."""
    heads = (
        "sku,quantity,date,price,location,order",
        "sku;name;cost;price",
        "商品编码,数量,下单时间",
        "sku\tunits\tas_of",
    )
    lines = [dice.choice(heads)]
    for _ in range(dice.randint(0, 30)):
        cells = [
            hostile.name()
            if dice.random() < 0.3
            else dice.choice(
                ("A1", "2", "-3", "2011-11-20", "20/11/2011", "9.50", "9,50", "", "NaN", "1e400", '"', "UK")
            )
            for _cell in range(dice.choice((3, 4, 6, 6, 6, 9)))
        ]
        lines.append(dice.choice((",", ";", "\t")).join(cells))
    raw = dice.choice(("\n", "\r\n", "\r")).join(lines)
    codec = dice.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16", "gb18030", "cp932", "latin-1"))
    content = raw.encode(codec, errors="replace")
    return garbled(dice, content) if dice.random() < 0.3 else content
