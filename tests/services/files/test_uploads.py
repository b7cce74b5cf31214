"""Files that members send: noted once, imported once, by their sender alone, and only as they were shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, text

from bot import settings
from bot.bootstrap import App, build
from bot.chat.command import Asker, Role
from bot.chat.incoming import Incoming, SharedFile
from bot.errors import MessageGone, NotAllowed, Refusal, StaleButton, TokenRefused, UnknownReference, Unreachable
from bot.ports import MovableClock
from bot.services.uploads import UploadRefused
from bot.storage.database import Database
from bot.storage.tables import Location
from tests.runtime.recorder import Recorder

SOLD = b"sku,quantity,date,price\nA1,2,2011-11-01 10:00,2.50\nA1,2,2011-11-01 10:00,2.50\n"
STOCK = b"sku,location,on_hand\nA1,UK,5\nA2,UK,many\n"


@dataclass
class Desk:
    """The application with one recording platform, on which Lin (an operator) sends files."""

    app: App
    slack: Recorder
    clock: MovableClock
    lin: Asker
    place: int

    async def send(self, content: bytes, name: str = "stock.csv", event: str = "e1") -> int:
        """A file that arrived; its number."""
        self.slack.files[event] = content
        (number,) = await self.app.services.uploads.note(
            Incoming("slack", event, "files", "U1", "D-U1", "direct", files=(SharedFile(event, name, len(content)),)),
            self.lin.member_id,
            self.place,
        )
        return number

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        async with self.app.services.database.reading() as connection:
            return [tuple(row) for row in await connection.execute(text(query))]


@pytest.fixture
async def desk(database: Database, clock: MovableClock) -> AsyncIterator[Desk]:
    url = database.url.render_as_string(hide_password=False)
    slack = Recorder("slack")
    app = build(settings.given(organisation={"currency": "GBP"}, database={"url": url}), clock, [slack])
    async with app.services.database.transaction() as connection:
        uk = {"code": "UK", "name": "United Kingdom", "zone": "Europe/London", "country": "GB", "currency": "GBP"}
        await connection.execute(insert(Location).values(**uk, markets=["*"]))
        place, _new = await app.services.conversations.of(connection, "slack", "D-U1", "direct")
    view = await app.services.members.add("Lin Wei", role="operator", identities={"slack": "U1"})
    lin = Asker(view.id, "Lin Wei", "operator", "en", ZoneInfo("UTC"))
    yield Desk(app, slack, clock, lin, place.id)
    await app.close()


async def test_a_message_that_comes_twice_is_one_file_and_is_imported_once(desk: Desk) -> None:
    number = await desk.send(STOCK)
    assert await desk.send(STOCK) == number
    uploads = desk.app.services.uploads
    view = await uploads.look(number, "", desk.lin)
    assert (view.kind, view.rows, view.missing) == ("stock", 2, ())
    done = await asyncio.gather(uploads.run(number, desk.lin), uploads.run(number, desk.lin), return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["StaleButton", "UploadReport"]
    assert await desk.rows("SELECT count(*) FROM stock_levels") == [(1,)]
    assert await desk.rows("SELECT count(*) FROM audit WHERE action = 'file.imported'") == [(1,)]
    assert await desk.rows("SELECT count(*) FROM outbox WHERE dedupe_key = 'upload:1:rejects'") == [(1,)]
    with pytest.raises(StaleButton):
        await uploads.look(number, "", desk.lin)


async def test_a_crash_between_the_import_and_its_report_doubles_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = await desk.send(SOLD, "sold.csv")
    uploads = desk.app.services.uploads
    await uploads.look(number, "", desk.lin)

    async def die(*_given: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(uploads, "_settle", die)
        with pytest.raises(ConnectionError):
            await uploads.run(number, desk.lin)
    report = await uploads.run(number, desk.lin)
    assert (report.rows, report.added, report.unchanged) == (2, 0, 2)
    assert await desk.rows("SELECT count(*) FROM sales") == [(2,)]


async def test_what_is_imported_is_what_was_shown(desk: Desk) -> None:
    number = await desk.send(STOCK)
    uploads = desk.app.services.uploads
    with pytest.raises(StaleButton, match="not read yet"):
        await uploads.run(number, desk.lin)
    await uploads.look(number, "", desk.lin)
    desk.slack.files["e1"] = STOCK.replace(b"5", b"5000")
    with pytest.raises(StaleButton, match="another file"):
        await uploads.run(number, desk.lin)
    assert await desk.rows("SELECT count(*) FROM stock_levels") == [(0,)]


async def test_a_role_imports_what_is_its_to_import(desk: Desk) -> None:
    number = await desk.send(STOCK)
    uploads = desk.app.services.uploads
    refused: tuple[tuple[Role, str], ...] = (
        ("viewer", ""), ("auditor", ""), ("buyer", ""), ("operator", "suppliers"), ("operator", "members"),
        ("admin", "members"),
    )  # fmt: skip
    for role, words in refused:
        with pytest.raises(NotAllowed):
            await uploads.look(number, words, replace(desk.lin, role=role))
    allowed: tuple[Role, ...] = ("operator", "admin")
    for role in allowed:
        assert (await uploads.look(number, "", replace(desk.lin, role=role))).kind == "stock"


async def test_nobody_but_the_sender_and_not_for_ever(desk: Desk) -> None:
    number = await desk.send(STOCK)
    uploads = desk.app.services.uploads
    await uploads.look(number, "", desk.lin)
    with pytest.raises(NotAllowed):
        await uploads.run(number, replace(desk.lin, member_id=desk.lin.member_id + 1, role="admin"))
    with pytest.raises(UnknownReference):
        await uploads.run(number + 1, desk.lin)
    desk.clock.push(timedelta(hours=25))
    with pytest.raises(StaleButton):
        await uploads.run(number, desk.lin)


async def test_what_the_platform_says_of_a_file_becomes_a_sentence(desk: Desk) -> None:
    number = await desk.send(STOCK)
    for fault, refusal, words in (
        (TokenRefused("missing_scope"), Refusal, "may not read files"),
        (MessageGone("file_deleted"), StaleButton, "not there any more"),
        (Unreachable("503"), Refusal, "could not be fetched"),
    ):
        desk.slack.faults["fetch"].append(fault)
        with pytest.raises(refusal, match=words):
            await desk.app.services.uploads.look(number, "", desk.lin)
    large = await desk.send(b"x" * 20_000_001, event="e2")
    with pytest.raises(UploadRefused) as refused:
        await desk.app.services.uploads.look(large, "", desk.lin)
    assert refused.value.trouble == "large"


async def test_columns_and_options_are_named_step_by_step(desk: Desk) -> None:
    number = await desk.send(b"thing,place,here\nA1,UK,5\n", "list.csv")
    uploads = desk.app.services.uploads
    with pytest.raises(Refusal, match="cannot tell"):
        await uploads.look(number, "", desk.lin)
    view = await uploads.look(number, "import stock sku=thing", desk.lin)
    assert view.missing == ("on_hand",)
    view = await uploads.look(number, "on_hand=here location＝UK", desk.lin)
    assert (view.missing, [column.field for column in view.columns]) == ((), ["sku", "", "on_hand"])
    assert (await uploads.run(number, desk.lin)).added == 1


async def test_a_name_cannot_lead_out_of_its_folder(desk: Desk) -> None:
    names = ("../../etc/passwd", "..", "/etc/x.csv", "C:\\x.csv", "a\x00b\nc.csv", "库" * 200 + ".csv", ".csv")
    for place, name in enumerate(names):
        number = await desk.send(STOCK, name, event=f"e{place}")
        view = await desk.app.services.uploads.look(number, "stock", desk.lin)
        assert "/" not in view.name
        assert len(view.name.encode()) <= 150
