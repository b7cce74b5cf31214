"""Where a database is and who reads it: checked before it is called, and shown nowhere with its password."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from bot.errors import Declined, Unreached
from bot.settings import StorePart
from bot.stores.calling import Forbidden, resolve
from bot.words import _

_CONNECT_SECONDS = 10
# What may stand behind the address: nothing by which another host could be meant.
_ASIDE = {"postgresql": {"sslmode", "sslrootcert", "sslcert", "sslkey", "application_name", "host"}}


async def engine_of(part: StorePart) -> Engine:
    """An engine that connects to the very address that was checked; Forbidden for one that a store may not have."""
    url = _parsed(part.url)
    arguments: dict[str, Any] = {}
    if url.get_backend_name() == "sqlite":
        url = _file(url)
    else:
        arguments = await _host(url, part)
        secret = part.secret.get_secret_value() or None
        url = url.set(username=part.user or url.username, password=secret)
    try:
        # A connection of its own for each reading; errors tell no values.
        return create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=arguments)
    except (ArgumentError, ImportError) as error:
        raise Declined(_("the address cannot be used: {name}", name=type(error).__name__)) from None


def _parsed(written: str) -> URL:
    try:
        url = make_url(written)
        dialect = url.get_dialect()
        if dialect.is_async:
            raise Declined(
                _(
                    "write {driver}:// with a driver that is not an asynchronous one",
                    driver=url.get_backend_name(),
                )
            )
        dialect.import_dbapi()
    except (NoSuchModuleError, ImportError):
        scheme = written.partition(":")[0]
        raise Declined(
            _("no driver for {scheme}:// is installed; sqlite:// and postgresql+psycopg:// are", scheme=scheme)
        ) from None
    except (ArgumentError, ValueError):
        raise Declined(_("the address is none that SQLAlchemy knows, such as postgresql+psycopg://host/name")) from None
    if url.password is not None:
        raise Forbidden(_("the address holds no password: write it as secret"))
    unknown = sorted(set(url.query) - _ASIDE.get(url.get_backend_name(), set()))
    if unknown:
        raise Forbidden(_("the address takes no {unknown}", unknown=", ".join(unknown)))
    return url


def _file(url: URL) -> URL:
    """A file of SQLite that is there, opened so that nothing can write it."""
    if not url.database:
        raise Declined(_("the address names no file"))
    path = Path(url.database)
    if not path.is_file():
        raise Declined(_("there is no file {database}", database=url.database))
    return URL.create("sqlite", database=f"file:{quote(str(path))}", query={"mode": "ro", "uri": "true"})


async def _host(url: URL, part: StorePart) -> dict[str, Any]:
    """What the driver is told besides the address: the host's address as it was checked."""
    socket = url.query.get("host")
    if url.host is None or socket is not None:
        if not part.private or url.host is not None or not str(socket or "/").startswith("/"):
            raise Forbidden(
                _("a database of this machine is read where private = true, by ?host=/folder of its socket")
            )
        return {"connect_timeout": _CONNECT_SECONDS} if url.get_driver_name() == "psycopg" else {}
    if "," in url.host:
        raise Forbidden(_("the address names one host"))
    try:
        address = await resolve(url.host, url.port or 0, private=part.private)
    except httpx.ConnectError as error:
        raise Unreached(_("no connection: {error}", error=str(error))) from error
    # Its certificate is checked against the name all the same. Other drivers look the name up again.
    return {"hostaddr": address, "connect_timeout": _CONNECT_SECONDS} if url.get_driver_name() == "psycopg" else {}
