"""Places of files as the settings name them: stores of the kind `files`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import get_args
from urllib.parse import unquote, urlsplit

from bot.errors import Fault, SettingsError
from bot.ports import FileSource
from bot.services.filefeeds import MOST_BYTES, FileFeed
from bot.services.ingest import Ingest, IngestSettings, Kind
from bot.services.ingest.wishes import Wishes
from bot.settings import Settings, StorePart
from bot.stores.files.sources import open_source
from bot.stores.files.table import FileLimits
from bot.words import _

FEED_LIMITS = FileLimits(bytes_on_disk=MOST_BYTES, rows=2_000_000, memory=1024 * 2**20, seconds=280)
_MINUTES = {"file": 1}  # between two looks; a network's servers are asked less often
# Whoever may write there could make an administrator of a file of members.
_KINDS: Mapping[str, Kind] = {kind: kind for kind in get_args(Kind) if kind != "members"}
_READING = ("location", "currency", "zone", "encoding", "dates", "sheet", "delimiter")
_OWN = ("minutes", "hours", "source", "papers", "host_key")


def file_feeds_of(
    settings: Settings, ingest: IngestSettings, importer: Callable[[IngestSettings, FileLimits], Ingest]
) -> dict[str, FileFeed]:
    """The places by name; `importer` makes an import of settings and limits. SettingsError where they cannot be."""
    return {
        name: _feed(name, part, ingest, importer)
        for name, part in settings.stores.connected.items()
        if part.kind == "files"
    }


def file_sources_of(settings: Settings) -> list[FileSource]:
    """The places alone, to be tried. SettingsError where they cannot be."""
    parts = [(name, part) for name, part in settings.stores.connected.items() if part.kind == "files"]
    for name, part in parts:
        _known(name, part.options)
    return [open_source(name, part) for name, part in parts]


def _feed(
    name: str, part: StorePart, ingest: IngestSettings, importer: Callable[[IngestSettings, FileLimits], Ingest]
) -> FileFeed:
    options, scheme = part.options, urlsplit(part.url).scheme
    _known(name, options)
    hours = _number(name, options, "hours", 0)
    if hours:
        ingest = replace(ingest, sales_limit_hours=hours, stock_limit_hours=hours)
    given = {key: value for key, value in options.items() if key in _READING}
    given |= {key.removeprefix("map."): value for key, value in options.items() if key.startswith("map.")}
    papers = unquote(urlsplit(part.url).path) if scheme == "file" else options.get("papers", f"imported/{name}")
    return FileFeed(
        source=open_source(name, part),
        ingest=importer(ingest, FEED_LIMITS),
        patterns=tuple(_patterns(options)),
        options=replace(Wishes(None, given).options(), source=options.get("source", f"files:{name}")),
        papers=Path(papers),
        every=timedelta(minutes=_number(name, options, "minutes", _MINUTES.get(scheme, 5))),
        limits={"sales": ingest.sales_limit_hours, "stock": ingest.stock_limit_hours},
    )


def _patterns(options: Mapping[str, str]) -> list[tuple[str, Kind]]:
    """In the order of the settings; a kind may have several, parted by commas."""
    return [
        (pattern.strip(), _KINDS[key])
        for key, patterns in options.items()
        if key in _KINDS
        for pattern in patterns.split(",")
        if pattern.strip()
    ]


def _known(name: str, options: Mapping[str, str]) -> None:
    known = {*_KINDS, *_READING, *_OWN}
    faults = [
        Fault(f"stores.connected.{name}.options.{key}", _("is no option of files"), _("see docs/stores/files.md"))
        for key in options
        if key not in known and not key.startswith("map.")
    ]
    if faults:
        raise SettingsError(faults)
    for number in ("hours", "minutes"):  # also where the place is only tried: the next start must succeed
        _number(name, options, number, 0)


def _number(name: str, options: Mapping[str, str], key: str, default: int) -> int:
    text = options.get(key, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise SettingsError(
            [Fault(f"stores.connected.{name}.options.{key}", _("is no whole number"), _("write one as text"))]
        )
    return int(text)
