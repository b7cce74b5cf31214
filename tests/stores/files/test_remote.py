"""Files of other machines: by SFTP with a pinned host key, and from an address that is asked again and again."""

from __future__ import annotations

import os
from pathlib import Path

import asyncssh
import pytest

from bot.services.filefeeds import MOST_BYTES
from bot.stores.files.sources import sftp as sftp_module
from tests.stores.files.conftest import PASSWORD, USER, Address, OpenDesk, SftpServer

STOCK = b"sku,location,on_hand\nA1,UK,5\n"
LEVELS = "SELECT on_hand FROM stock_levels ORDER BY id"


def options(server: SftpServer, papers: Path, **more: str) -> dict[str, str]:
    return {"stock": "stock*", "host_key": server.line, "papers": str(papers), **more}


@pytest.mark.parametrize("way", ["password", "key"])
async def test_new_and_changed_files_are_taken_once(
    sftp: SftpServer, tmp_path: Path, open_desk: OpenDesk, way: str
) -> None:
    login = {"token": sftp.own_key} if way == "key" else {"secret": PASSWORD}
    desk = open_desk(sftp.url, options(sftp, tmp_path / "papers"), user=USER, private=True, **login)
    path = sftp.folder / "stock.csv"
    path.write_bytes(STOCK)
    (sftp.folder / "stock-folder").mkdir()
    assert await desk.look() == []
    (taken,) = await desk.look(minutes=5)
    assert (taken.file, taken.added, taken.error) == ("stock.csv", 1, "")
    assert await desk.look(minutes=5) == []
    path.write_bytes(STOCK.replace(b"5", b"44"))
    assert await desk.look(minutes=5) == []  # it may still grow
    assert [one.added for one in await desk.look(minutes=5)] == [1]
    assert await desk.rows(LEVELS) == [(5,), (44,)]
    assert path.exists()
    assert (tmp_path / "papers" / "done" / "stock.csv.report.txt").exists()
    assert [check.verdict for check in await desk.app.services.files.check("drop")] == ["ok"]


async def test_a_half_uploaded_file_is_not_taken(sftp: SftpServer, tmp_path: Path, open_desk: OpenDesk) -> None:
    desk = open_desk(sftp.url, options(sftp, tmp_path / "papers"), user=USER, secret=PASSWORD, private=True)
    path = sftp.folder / "stock.csv"
    for number in range(4):
        with path.open("ab") as file:
            file.write(STOCK if not number else f"B{number},UK,1\n".encode())
        assert await desk.look(minutes=5) == []
    (taken,) = await desk.look(minutes=5)
    assert taken.rows == 4


async def test_a_server_with_another_host_key_is_told_nothing(
    sftp: SftpServer, tmp_path: Path, open_desk: OpenDesk
) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    given = options(sftp, tmp_path / "papers", host_key=other)
    desk = open_desk(sftp.url, given, user=USER, secret=PASSWORD, private=True)
    (taken,) = await desk.look()
    assert taken.error.startswith("HostKeyNotVerifiable")
    wrong = open_desk(sftp.url, options(sftp, tmp_path / "papers"), user=USER, secret="wrong", private=True)
    (taken,) = await wrong.look()
    assert taken.error.startswith("PermissionDenied")
    assert "wrong" not in taken.error
    public = open_desk(sftp.url, options(sftp, tmp_path / "papers"), user=USER, secret=PASSWORD)
    (taken,) = await public.look()
    assert "private network" in taken.error


async def test_a_file_over_the_limit_is_refused_and_not_asked_for_again(
    sftp: SftpServer, tmp_path: Path, open_desk: OpenDesk
) -> None:
    desk = open_desk(sftp.url, options(sftp, tmp_path / "papers"), user=USER, secret=PASSWORD, private=True)
    with (sftp.folder / "stock.csv").open("wb") as file:
        os.truncate(file.fileno(), MOST_BYTES + 1)
    await desk.look()
    (taken,) = await desk.look(minutes=5)
    assert "more than 100 MB" in taken.error
    assert await desk.look(minutes=5) == []
    assert (tmp_path / "papers" / "failed" / "stock.csv.report.txt").exists()


async def test_the_ssh_configuration_of_whoever_runs_us_is_not_read(
    sftp: SftpServer, tmp_path: Path, open_desk: OpenDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text("Host *\n  ProxyCommand false\n  StrictHostKeyChecking no\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    desk = open_desk(sftp.url, options(sftp, tmp_path / "papers"), user=USER, secret=PASSWORD, private=True)
    (sftp.folder / "stock.csv").write_bytes(STOCK)
    await desk.look()
    assert [one.error for one in await desk.look(minutes=5)] == [""]


@pytest.mark.parametrize("line", ["ssh-ed25519 AAAAkey", "host ssh-ed25519 AAAAkey", "[host]:22 ssh-ed25519 AAAAkey c"])
def test_a_host_key_is_read_as_it_is_printed(line: str) -> None:
    assert sftp_module._bare(line) == "ssh-ed25519 AAAAkey"


@pytest.mark.parametrize("names", ["etags", "nothing"])
async def test_an_address_is_asked_with_conditions_and_read_when_it_changed(
    address: Address, tmp_path: Path, open_desk: OpenDesk, names: str
) -> None:
    address.body, address.etags, address.token = STOCK, names == "etags", "hush-token"
    given = {"stock": "*", "papers": str(tmp_path / "papers")}
    desk = open_desk(address.url, given, private=True, token="hush-token")
    (taken,) = await desk.look()
    assert (taken.file, taken.added) == ("stock.csv", 1)
    assert await desk.look(minutes=5) == []
    address.body, address.version = STOCK.replace(b"5", b"6"), 2
    # Another process asks as the first one would.
    again = open_desk(address.url, given, private=True, token="hush-token")
    assert [one.added for one in await again.look(minutes=5)] == [1]
    assert address.asked == (["", '"v1"', '"v1"'] if address.etags else ["", "", ""])
    assert await desk.rows(LEVELS) == [(5,), (6,)]
    address.status = 302
    (taken,) = await desk.look(minutes=5)
    assert "elsewhere.example.com" in taken.error


async def test_an_address_that_refuses_us_says_why_and_holds_no_secret(
    address: Address, tmp_path: Path, open_desk: OpenDesk
) -> None:
    address.token = "right"
    desk = open_desk(address.url, {"stock": "*", "papers": str(tmp_path)}, private=True, token="wrong-token")
    (taken,) = await desk.look()
    assert taken.error.startswith("the store answered 401")
    assert "wrong-token" not in taken.error
    (check,) = await desk.app.services.files.check("drop")
    assert check.verdict == "fail"
