"""Reports: asked for, waited for, fetched, inflated, and read row by row."""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import httpx

from bot.errors import Declined, Unreached
from bot.ports import Fault
from bot.stores.amazon.api import Api
from bot.stores.amazon.reading import Row, need, stamp, text
from bot.words import _

MOST_INFLATED = 1_000_000_000  # bytes of one report
_CHUNK = 1 << 20
_FIRST_LOOK, _LONGEST_LOOK = 5.0, 60.0  # seconds between two looks whether it is there
_PATIENCE = 1200.0  # seconds; what takes longer is come back to
_PLAIN = "cp1252"  # where nothing says otherwise; with figures for what it leaves out
_SAME = {"windows-31j": "cp932", "cp1252": "cp1252", "iso-8859-1": "cp1252"}

FlatRow = Mapping[str, str]


class Failed(Unreached):
    """Amazon could not make the report; asking for a new one may help."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A row that has not as many fields as the heading: its number, how many, and what its first one says."""

    number: int
    fields: int
    first: str = ""


async def ask(api: Api, kind: str, marketplaces: Sequence[str], since: datetime | None, until: datetime | None) -> str:
    """Ask for a report; its id. Asking twice is harmless, and costs one of few calls."""
    body: dict[str, object] = {"reportType": kind, "marketplaceIds": list(marketplaces)}
    if since is not None and until is not None:
        body |= {"dataStartTime": stamp(since), "dataEndTime": stamp(until)}
    return need((await api.read("createReport", **body)).told, "reportId")


async def made(api: Api, report: str) -> str:
    """The document of a report once it is made; empty where Amazon cancelled it, as it does where there are no data.

    Unreached where that takes too long, Failed where it will not be.
    """
    waited, pause = 0.0, _FIRST_LOOK
    while True:
        told = await _about(api, "getReport", report)
        match text(told, "processingStatus"):
            case "DONE":
                return need(told, "reportDocumentId")
            case "CANCELLED":
                return ""
            case "FATAL":
                raise Failed(_("Amazon could not make the report {report}", report=report))
            case "IN_QUEUE" | "IN_PROGRESS":
                pass
            case other:
                raise Declined(_("the report {report} is {other}", report=report, other=repr(other)))
        if waited + pause > _PATIENCE:
            raise Unreached(_("the report {report} is not ready yet", report=report))
        await api.pause(pause)
        waited, pause = waited + pause, min(pause * 2, _LONGEST_LOOK)


async def _about(api: Api, operation: str, ident: str) -> Row:
    try:
        return (await api.read(operation, ident)).told
    except Declined as refused:
        if refused.status == 404:  # reports are kept for some weeks
            raise Failed(_("Amazon does not know the report {ident} any more", ident=ident)) from None
        raise


async def rows(api: Api, document: str, free: str = "") -> Iterator[FlatRow | Broken]:
    """The rows of a document, by its heading's names; `free` as for `parsed`."""
    told = await _about(api, "getReportDocument", document)
    response = await api.document(need(told, "url"))
    return parsed(lines(inflated(response.content), encoding(response)), free)


def encoding(response: httpx.Response) -> str:
    """What a document is written in, as its own header says: it differs by marketplace."""
    named = (response.charset_encoding or _PLAIN).casefold()
    try:
        return codecs.lookup(_SAME.get(named, named)).name
    except LookupError:
        raise Declined(_("a report is written in {named}, which is not known", named=repr(named[:40]))) from None


def inflated(content: bytes) -> Iterator[bytes]:
    """A document's bytes, piece by piece, whether it is compressed or not; Declined where they are too many."""
    if not content.startswith(b"\x1f\x8b"):
        yield content
        return
    size, engine = 0, zlib.decompressobj(31)
    try:
        while not engine.eof:
            piece = engine.decompress(content, _CHUNK)
            content = engine.unconsumed_tail
            size += len(piece)
            if size > MOST_INFLATED:
                raise Declined(_("a report of more than {most} MB", most=MOST_INFLATED // 1_000_000))
            if not piece and not content:
                raise Unreached(_("a report is cut off"))
            yield piece
    except zlib.error as error:
        raise Unreached(_("a report cannot be inflated: {error}", error=str(error))) from None


def lines(pieces: Iterable[bytes], charset: str) -> Iterator[str]:
    """Lines of text, without their ends; what is no letter in that encoding becomes a question mark."""
    decoder = codecs.getincrementaldecoder(charset)(errors="replace")
    rest = ""
    for piece in pieces:
        *whole, rest = (rest + decoder.decode(piece)).split("\n")
        yield from (line.removesuffix("\r") for line in whole)
    rest += decoder.decode(b"", final=True)
    if rest:
        yield rest.removesuffix("\r")


def parsed(told: Iterator[str], free: str = "") -> Iterator[FlatRow | Broken]:
    """Rows of a table whose fields are parted by tabs; nothing in it is quoted.

    `free` names a column in which people write what they like: where it stands last, tabs in it part nothing.
    """
    heading = [name.strip().removeprefix("\ufeff") for name in next(told, "").split("\t")]
    most = len(heading) - 1 if heading[-1] == free else -1
    for number, line in enumerate(told, start=2):
        if not line.strip():
            continue
        fields = line.split("\t", most)
        if len(fields) != len(heading):
            yield Broken(number, len(fields), fields[0].strip())
            continue
        yield dict(zip(heading, fields, strict=True))


def crooked(where: str, broken: Sequence[Broken]) -> list[Fault]:
    """One fault of all rows of a report that could not be read, under a name that the next report of its kind has too.

    Named by report and row each would stand for ever, and another beside it each hour.
    """
    if not broken:
        return []
    said = _(
        "rows of the report with too few or too many fields: {count}; the first is row {number} with {fields}",
        count=len(broken),
        number=broken[0].number,
        fields=broken[0].fields,
    )
    return [Fault(where, said)]
