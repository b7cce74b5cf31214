"""A request's body as a batch: capped, inflated, parsed and read row by row."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from starlette.requests import ClientDisconnect, Request

from bot.ports import Fact, FactKind
from bot.services.batches import Batch, RowFault
from bot.web.api.fields import Unfit
from bot.web.api.problems import Problem
from bot.web.api.rows import Row
from bot.words import Words, _, verbatim

MAX_ROWS = 10_000
MAX_BODY = 8 * 1024 * 1024  # bytes, sent and inflated
_MOST_FAULTS = 10  # of one row
_SUBJECT = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,200}")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of batch: its scope, which is also its address, its facts, its rows, and the fields that say what of."""

    scope: str
    facts: FactKind
    row: type[Row]
    subject: tuple[str, ...]


async def received(request: Request) -> bytes:
    """The body, inflated. Problem: 413 too large, 415 not JSON or packed in an unknown way, 400 broken off, corrupt."""
    media, _, more = request.headers.get("content-type", "").partition(";")
    charset = more.strip().lower()
    if media.strip().lower() != "application/json" or charset not in {"", "charset=utf-8", 'charset="utf-8"'}:
        raise Problem("media-type", "Send the batch as Content-Type: application/json, in UTF-8.")
    packed = request.headers.get("content-encoding", "identity").strip().lower()
    if packed not in {"identity", "gzip"}:
        known = {"Accept-Encoding": "gzip"}
        raise Problem("encoding", "Send the batch as it is, or with Content-Encoding: gzip.", known)
    body = await _body(request)
    return _inflated(body) if packed == "gzip" else body


async def _body(request: Request) -> bytes:
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > MAX_BODY:
                raise _too_large()
            parts.append(part)
    except ClientDisconnect as error:
        raise Problem("json", "The body broke off.") from error
    return b"".join(parts)


def _inflated(body: bytes) -> bytes:
    stream = zlib.decompressobj(wbits=31)
    try:
        found = stream.decompress(body, MAX_BODY + 1)
    except zlib.error as error:
        raise Problem("json", "The body is not what gzip writes.") from error
    if len(found) > MAX_BODY:
        raise _too_large()
    if not stream.eof or stream.unused_data:
        raise Problem("json", "The body is not one whole gzip stream.")
    return found


def _too_large() -> Problem:
    return Problem("too-large", f"A batch has at most {MAX_BODY:,} bytes, also when inflated. Send it in parts.")


def read(kind: Kind, body: bytes, currency: str, now: datetime) -> Batch:
    """The batch. Problem: 400 not JSON, 413 too many rows, 422 not an object with a list of rows."""
    rows = _rows(body)
    facts: list[tuple[int, Fact]] = []
    faults: list[RowFault] = []
    subjects: dict[int, str] = {}
    for number, raw in enumerate(rows):
        try:
            row = kind.row.model_validate(raw, context={"currency": currency})
        except ValidationError as error:
            faults += _faults(number, error.errors(include_url=False, include_input=False))
            if about := _about(kind, raw):
                subjects[number] = about
        else:
            facts.append((number, row.fact(now)))
    return Batch(kind.facts, len(rows), facts, faults, subjects)


def _rows(body: bytes) -> list[Any]:
    try:
        told = json.loads(body.decode(), parse_float=Decimal, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise Problem("json", "The body is not JSON in UTF-8.") from error
    if not isinstance(told, dict) or told.keys() != {"rows"} or not isinstance(told["rows"], list):
        raise Problem("shape", 'The body should be an object with one member, a list: {"rows": [...]}.')
    if len(told["rows"]) > MAX_ROWS:
        raise Problem("too-large", f"A batch has at most {MAX_ROWS:,} rows. Send it in parts.")
    return told["rows"]


def _refused(word: str) -> None:
    raise ValueError(word)  # NaN and the infinities are no JSON


def _faults(number: int, errors: Sequence[ErrorDetails]) -> list[RowFault]:
    return [RowFault(number, _path(error["loc"]), _words(error)) for error in errors[:_MOST_FAULTS]]


def _path(where: Sequence[int | str]) -> str:
    """`lines[0].sku`; a name that was sent is shortened and its controls are taken out."""
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{_clean(step)}" for step in where)
    return path.removeprefix(".")


def _clean(name: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in name[:60])


def _words(error: ErrorDetails) -> Words:
    match error["type"]:
        case "missing":
            return _("missing")
        case "extra_forbidden":
            return _("there is no such field")
        case "string_pattern_mismatch":
            return _("has signs that it may not have")
        case "value_error":
            problem = error["ctx"]["error"]
            return problem.said if isinstance(problem, Unfit) else verbatim(str(problem))
        case _:
            return verbatim(error["msg"].replace("Input should", "should"))


def _about(kind: Kind, raw: object) -> str:
    """What a row that cannot be read is about, where it says so."""
    if not isinstance(raw, dict):
        return ""
    parts = [raw.get(name) for name in kind.subject]
    told = [part for part in parts if isinstance(part, str) and _SUBJECT.fullmatch(part)]
    return "@".join(told) if len(told) == len(parts) else ""
