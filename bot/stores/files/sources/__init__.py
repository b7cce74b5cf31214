"""Places where files arrive by themselves, one per module; a new one is a new module and its entry here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from bot.errors import Fault, SettingsError
from bot.ports import FileSource
from bot.settings import StorePart
from bot.stores.files.sources.folder import watch_folder
from bot.words import _


def _sftp(name: str, part: StorePart) -> FileSource:
    from bot.stores.files.sources.sftp import read_sftp

    return read_sftp(name, part)


def _web(name: str, part: StorePart) -> FileSource:
    from bot.stores.files.sources.web import read_web

    return read_web(name, part)


# By the scheme of the address.
FILE_SOURCES: Mapping[str, Callable[[str, StorePart], FileSource]] = MappingProxyType(
    {"file": watch_folder, "sftp": _sftp, "https": _web, "http": _web}
)


def open_source(name: str, part: StorePart) -> FileSource:
    """The place of a store of the kind `files`; SettingsError where its address is none of those."""
    make = FILE_SOURCES.get(urlsplit(part.url).scheme)
    if make is None:
        remedy = _("write file:///FOLDER, sftp://HOST/FOLDER or https://HOST/FILE")
        raise SettingsError([Fault(f"stores.connected.{name}.url", _("is no place of files"), remedy)])
    return make(name, part)
