"""A file at an address: asked for again and again, and sent only when it is another one than before."""

from __future__ import annotations

import asyncio
import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from bot.errors import OutsideError, Unreached
from bot.ports import Check, FileSeen
from bot.ports.files import Outcome
from bot.settings import StorePart
from bot.stores.calling import TURNS, Caller
from bot.stores.files.sources.folder import too_large
from bot.words import _


class Web:
    """One address; where it asks for a user or a token, they come from the settings. It is kept until it is fetched."""

    def __init__(self, name: str, part: StorePart, *, turns: int = TURNS) -> None:
        parts = urlsplit(part.url)
        self.name = name
        self._file = PurePosixPath(unquote(parts.path)).name or "file"
        self._path = f"{parts.path}?{parts.query}" if parts.query else parts.path or "/"
        self._caller = Caller(
            f"{parts.scheme}://{parts.netloc}", headers=_headers(part), private=part.private, turns=turns
        )
        self._body = b""

    async def listing(self, taken: Mapping[str, str]) -> tuple[FileSeen, ...]:
        """The file, unless the server says, or its bytes show, that it is the one that was read."""
        before = taken.get(self._file, "")
        answer = await self._caller.read("GET", self._path, headers=_conditions(before))
        if answer.status_code == 304:
            return ()
        self._body = answer.content
        digest = hashlib.sha256(self._body).hexdigest()
        stamp = json.dumps(
            {
                "etag": answer.headers.get("etag", ""),
                "modified": answer.headers.get("last-modified", ""),
                "sha256": digest,
            }
        )
        if before and json.loads(before)["sha256"] == digest:  # the server answers conditions with the whole file
            return ()
        return (FileSeen(self._file, len(self._body), stamp, whole=True),)

    async def fetch(self, seen: FileSeen, into: Path, most: int) -> None:
        """Write what the listing brought."""
        if seen.size > most:
            raise too_large(seen.name, most)
        if json.loads(seen.stamp)["sha256"] != hashlib.sha256(self._body).hexdigest():
            raise Unreached(_("{name} changed meanwhile", name=seen.name))
        await asyncio.to_thread(into.write_bytes, self._body)

    async def put_away(self, seen: FileSeen, outcome: Outcome) -> bool:
        """Let the bytes go; the file stays where it is."""
        del seen, outcome
        self._body = b""
        return False

    async def check(self) -> tuple[Check, ...]:
        """Ask for the file."""
        title = _("{name} address", name=self.name)
        try:
            answer = await self._caller.read("GET", self._path)
        except OutsideError as error:
            return (Check(title, "fail", error.said, _("compare the address, user and secret, or token")),)
        return (
            Check(
                title,
                "ok",
                _(
                    "{size} bytes, {type}",
                    size=len(answer.content),
                    type=answer.headers.get("content-type", "–"),
                ),
            ),
        )

    async def close(self) -> None:
        """Hang up."""
        await self._caller.close()


def _headers(part: StorePart) -> dict[str, str]:
    token, secret = part.token.get_secret_value(), part.secret.get_secret_value()
    if token:
        return {"Authorization": f"Bearer {token}"}
    if part.user:
        return {"Authorization": f"Basic {b64encode(f'{part.user}:{secret}'.encode()).decode()}"}
    return {}


def _conditions(before: str) -> dict[str, str]:
    if not before:
        return {}
    known = json.loads(before)
    named = {"If-None-Match": known["etag"], "If-Modified-Since": known["modified"]}
    return {name: value for name, value in named.items() if value}


def read_web(name: str, part: StorePart) -> Web:
    """The address that the settings name."""
    return Web(name, part)
