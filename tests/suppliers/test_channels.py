"""What every way to suppliers promises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.errors import Unanswered
from bot.ports import SupplierChannel
from bot.settings import Settings
from bot.suppliers import SUPPLIERS
from bot.suppliers.folder import FolderChannel
from tests.suppliers.kit import PostOffice, an_order, mail_server

KEY = "order:R-12:v3"


@pytest.fixture(params=SUPPLIERS, ids=[make.__name__ for make in SUPPLIERS])
async def channel(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SupplierChannel]:
    """Each registered way, set up by settings, with somebody to take what it sends."""
    async with mail_server(PostOffice()) as port:
        mail = {"host": "localhost", "port": port, "security": "none", "sender": "orders@acme.example"}
        made = request.param(Settings(orders={"folder": str(tmp_path / "orders")}, mail=mail))
        assert made is not None
        yield made


async def test_an_order_is_sent_and_answered_with_a_receipt(channel: SupplierChannel) -> None:
    receipt = await channel.send(an_order(), KEY)
    assert receipt["channel"] == channel.name


async def test_what_was_sent_is_found_or_nobody_can_tell(channel: SupplierChannel) -> None:
    receipt = await channel.send(an_order(), KEY)
    try:
        found = await channel.find(an_order(), KEY)
    except Unanswered:
        return
    assert found == receipt


async def test_what_was_never_sent_is_never_found(channel: SupplierChannel) -> None:
    try:
        found = await channel.find(an_order(), KEY)
    except Unanswered:
        return
    assert found is None


async def test_a_check_sends_nothing(channel: SupplierChannel) -> None:
    [check] = await channel.check()
    assert check.verdict == "ok", check
    assert await _nothing_found(channel)


async def _nothing_found(channel: SupplierChannel) -> bool:
    try:
        return await channel.find(an_order(), KEY) is None
    except Unanswered:
        return True


def test_without_a_mail_server_there_is_the_folder_alone() -> None:
    found = [made for make in SUPPLIERS if (made := make(Settings())) is not None]
    assert [type(channel) for channel in found] == [FolderChannel]
