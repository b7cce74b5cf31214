from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.errors import Unreached
from bot.suppliers.document import documents
from bot.suppliers.folder import FolderChannel
from tests.suppliers.kit import an_order


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_the_documents_stand_in_the_folder_and_nothing_else(tmp_path: Path) -> None:
    channel = FolderChannel(tmp_path / "a" / "orders")
    receipt = await channel.send(an_order(), "key")
    assert receipt["files"] == ["R-12-v3.pdf", "R-12-v3.csv"]
    assert names(tmp_path / "a" / "orders") == ["R-12-v3.csv", "R-12-v3.pdf"]
    for document in documents(an_order()):
        assert (tmp_path / "a" / "orders" / document.name).read_bytes() == document.content


async def test_sending_twice_or_at_once_leaves_one_order(tmp_path: Path) -> None:
    channel = FolderChannel(tmp_path)
    await asyncio.gather(*(channel.send(an_order(), "key") for _ in range(5)))
    assert names(tmp_path) == ["R-12-v3.csv", "R-12-v3.pdf"]
    assert await channel.find(an_order(), "key") is not None


async def test_half_an_order_is_none(tmp_path: Path) -> None:
    channel = FolderChannel(tmp_path)
    await channel.send(an_order(), "key")
    (tmp_path / "R-12-v3.csv").unlink()
    assert await channel.find(an_order(), "key") is None


async def test_another_order_of_that_name_is_not_it(tmp_path: Path) -> None:
    channel = FolderChannel(tmp_path)
    await channel.send(an_order(2), "key")
    assert await channel.find(an_order(3), "key") is None


async def test_a_folder_that_cannot_be_written_is_tried_again_later(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    channel = FolderChannel(tmp_path / "taken" / "orders")
    with pytest.raises(Unreached):
        await channel.send(an_order(), "key")
    [check] = await channel.check()
    assert check.verdict == "fail"
    assert "orders.folder" in check.remedy


async def test_a_number_cannot_leave_the_folder(tmp_path: Path) -> None:
    receipt = await FolderChannel(tmp_path / "orders").send(an_order(number="../../R-1"), "key")
    assert all("/" not in name for name in receipt["files"])
    assert names(tmp_path) == ["orders"]


async def test_a_check_makes_no_folder(tmp_path: Path) -> None:
    [check] = await FolderChannel(tmp_path / "orders").check()
    assert check.verdict == "ok"
    assert names(tmp_path) == []
