"""A folder of another machine, by SFTP: its host key is the one of the settings, or nothing is said to it."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import httpx

from bot.errors import Declined, Fault, OutsideError, SettingsError, Unreached
from bot.ports import Check, FileSeen
from bot.ports.files import Outcome
from bot.settings import StorePart
from bot.stores.calling import resolve
from bot.stores.files.sources.folder import PIECE, too_large
from bot.words import Words, _

if TYPE_CHECKING:
    import asyncssh

SECONDS = 20  # to connect, and to log in


class Sftp:
    """One account on one server; each look is a connection of its own."""

    def __init__(self, name: str, part: StorePart) -> None:
        url = urlsplit(part.url)
        self.name = name
        self._part = part
        self._host = url.hostname or ""
        self._port = _port(name, part.url)
        self._folder = unquote(url.path) or "."
        if not self._host or url.username is not None or url.password is not None:
            raise _wrong(
                name, "url", _("is no address of a server"), _("write sftp://HOST/FOLDER, and the user as `user`")
            )
        if not part.user:
            raise _wrong(name, "user", _("is missing"), _("write the account's name"))
        if not part.options.get("host_key"):
            raise _wrong(name, "options.host_key", _("is missing"), _("write what `ssh-keyscan -t ed25519 HOST` says"))

    async def listing(self, taken: Mapping[str, str]) -> tuple[FileSeen, ...]:
        """The files of the folder; `taken` is compared by whoever asks."""
        del taken
        async with self._opened() as sftp:
            found = await sftp.readdir(self._folder)
        return tuple(
            _seen(name, entry.attrs)
            for entry in found
            if stat.S_ISREG(entry.attrs.permissions or 0) and _plain(name := str(entry.filename))
        )

    async def fetch(self, seen: FileSeen, into: Path, most: int) -> None:
        """Download a file in pieces; it must be the same afterwards."""
        if seen.size > most:
            raise too_large(seen.name, most)
        path, size = f"{self._folder}/{seen.name}", 0
        async with self._opened() as sftp:
            with into.open("wb") as target:
                async with sftp.open(path, "rb") as source:
                    while piece := await _read(source, size):
                        size += len(piece)
                        if size > most:
                            raise too_large(seen.name, most)
                        target.write(piece)
            now = await sftp.stat(path)
        if f"{now.mtime}:{size}" != seen.stamp:
            raise Unreached(_("{name} is still being written", name=seen.name))

    async def put_away(self, seen: FileSeen, outcome: Outcome) -> bool:
        """The server is another's: nothing is moved or deleted there."""
        del seen, outcome
        return False

    async def check(self) -> tuple[Check, ...]:
        """Connect, log in, and look into the folder."""
        title = _("{name} sftp", name=self.name)
        try:
            found = await self.listing({})
        except OutsideError as error:
            return (Check(title, "fail", error.said, _("compare host_key, user, secret or token, and the folder")),)
        return (
            Check(
                title,
                "ok",
                _("{count} files in {folder} of {host}", count=len(found), folder=self._folder, host=self._host),
            ),
        )

    async def close(self) -> None:
        """Nothing stays open between looks."""

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[asyncssh.SFTPClient]:
        import asyncssh  # noqa: PLC0415  # a third of a second that only those wait for who use it

        try:
            address = await resolve(self._host, self._port, private=self._part.private)
            async with (
                # `None` once more: without it the SDK reads the configuration of whoever runs us.
                asyncssh.connect(address, self._port, config=None, options=self._options()) as connection,
                connection.start_sftp_client() as sftp,
            ):
                yield sftp
        except (asyncssh.HostKeyNotVerifiable, asyncssh.PermissionDenied) as error:
            raise Declined(_("{name}: {host}", name=type(error).__name__, host=self._host)) from error
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath, asyncssh.SFTPPermissionDenied) as error:
            raise Declined(_("{name}: {folder}", name=type(error).__name__, folder=self._folder)) from error
        except (asyncssh.Error, httpx.ConnectError, OSError) as error:
            raise Unreached(_("{name}: {host}", name=type(error).__name__, host=self._host)) from error

    def _options(self) -> asyncssh.SSHClientConnectionOptions:
        import asyncssh  # noqa: PLC0415  # as above

        key, password = self._part.token.get_secret_value(), self._part.secret.get_secret_value()
        try:
            pinned = asyncssh.import_public_key(_bare(self._part.options["host_key"]))
            own = [asyncssh.import_private_key(key)] if key else None
        except (asyncssh.KeyImportError, ValueError) as error:
            raise Declined(_("host_key or token is no key in OpenSSH's form")) from error
        # Nothing of whoever runs us is used: no configuration, no agent, no known hosts, no keys of the home folder.
        return asyncssh.SSHClientConnectionOptions(
            config=None,
            known_hosts=([pinned], [], []),
            username=self._part.user,
            password=password or None,
            client_keys=own,
            agent_path=None,
            preferred_auth=["publickey"] if key else ["password", "keyboard-interactive"],
            connect_timeout=SECONDS,
            login_timeout=SECONDS,
            keepalive_interval=SECONDS,
        )


async def _read(source: asyncssh.SFTPClientFile, at: int) -> bytes:
    piece: bytes = await source.read(PIECE, at)
    return piece


def _bare(line: str) -> str:
    """The key of a line of ssh-keyscan, with or without the host before it."""
    words = line.split()
    begins = 0 if words[:1] and words[0].startswith(("ssh-", "ecdsa-", "sk-")) else 1
    return " ".join(words[begins : begins + 2])


def _seen(name: str, found: asyncssh.SFTPAttrs) -> FileSeen:
    modified = None if found.mtime is None else datetime.fromtimestamp(found.mtime, UTC)
    return FileSeen(name, found.size or 0, f"{found.mtime}:{found.size}", modified=modified)


def _plain(name: str) -> bool:
    return not name.startswith(".") and not set(name) & {"/", "\\", "\x00"}


def _port(name: str, url: str) -> int:
    try:
        return urlsplit(url).port or 22
    except ValueError as error:
        raise _wrong(name, "url", _("has no number as its port"), _("write sftp://HOST:22/FOLDER")) from error


def _wrong(name: str, key: str, problem: Words, remedy: Words) -> SettingsError:
    return SettingsError([Fault(f"stores.connected.{name}.{key}", problem, remedy)])


def read_sftp(name: str, part: StorePart) -> Sftp:
    """The server that the settings name."""
    return Sftp(name, part)
