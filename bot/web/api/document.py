"""The API as OpenAPI 3.1: generated from the rows' models, so that it cannot tell anything else than what is read."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

from bot import __version__
from bot.web.api.kinds import KINDS
from bot.web.api.problems import MEDIA, PAGE, PROBLEMS
from bot.web.api.reading import MAX_BODY, MAX_ROWS, Kind

_REF = "#/components/schemas/{model}"


class FaultRow(BaseModel):
    """What is wrong with a row; rows are counted from 0."""

    model_config = ConfigDict(extra="forbid")
    row: int = Field(ge=0)
    field: str = Field(description="The field, such as lines[0].sku; empty where it is the row as a whole.")
    problem: str


class Taken(BaseModel):
    """What became of a batch: good rows were taken, each fault names one that was set aside."""

    model_config = ConfigDict(extra="forbid")
    received: int = Field(ge=0, description="Rows in the batch.")
    changed: int = Field(ge=0, description="Facts that were new, or other than before.")
    faults: list[FaultRow]


class ProblemDetails(BaseModel):
    """What went wrong (RFC 9457); its type leads to what to do about it."""

    type: str
    title: str
    status: int
    detail: str
    received: int | None = None
    changed: int | None = None
    faults: list[FaultRow] | None = None


@cache  # it says the same to everybody, and most processes are never asked for it
def written() -> bytes:
    """The document as JSON in UTF-8."""
    return json.dumps(document(), ensure_ascii=False, indent=1).encode()


def document() -> dict[str, Any]:
    """The whole document."""
    mode: Literal["validation"] = "validation"
    models: list[type[BaseModel]] = [*(kind.row for kind in KINDS), Taken, ProblemDetails]
    _, schemas = models_json_schema([(model, mode) for model in models], ref_template=_REF)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Stocktide ingest API",
            "version": __version__,
            "description": "Sellers' own systems tell sales, stock, purchase orders and products, in batches of up to "
            f"{MAX_ROWS:,} rows and {MAX_BODY:,} bytes, as JSON, also packed by gzip (Content-Encoding: gzip). "
            f"{PAGE} is a page about it.",
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "paths": {
            **{f"{PAGE}/{kind.scope}": {"post": _post(kind)} for kind in KINDS},
            f"{PAGE}/openapi.json": {"get": _get("This document", "application/json", {"type": "object"})},
            PAGE: {"get": _get("A page about the API", "text/html", {"type": "string"})},
        },
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "stocktide keys add NAME"}},
        },
    }


def _get(summary: str, media: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "summary": summary,
        "security": [],
        "responses": {"200": {"description": "As asked.", "content": {media: {"schema": schema}}}},
    }


def _post(kind: Kind) -> dict[str, Any]:
    rows = {"type": "array", "maxItems": MAX_ROWS, "items": _ref(kind.row)}
    body = {"type": "object", "properties": {"rows": rows}, "required": ["rows"], "additionalProperties": False}
    return {
        "summary": f"Tell {kind.scope}",
        "description": (kind.row.__doc__ or "").strip(),
        "operationId": f"tell_{kind.scope.replace('-', '_')}",
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "Under one key a batch is taken once; asked again within a day, it is answered alike.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
            }
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": _responses(),
    }


def _responses() -> dict[str, Any]:
    limits = {name: {"schema": {"type": "string"}} for name in ("RateLimit", "RateLimit-Policy")}
    taken = {"content": {"application/json": {"schema": _ref(Taken)}}, "headers": limits}
    found: dict[str, Any] = {
        "200": {"description": "Every row was taken.", **taken},
        "207": {"description": "Some rows were taken; faults names the others.", **taken},
    }
    for status in sorted({problem.status for problem in PROBLEMS.values()} - {404, 405}):
        titles = [problem.title.msgid for problem in PROBLEMS.values() if problem.status == status]
        found[str(status)] = {
            "description": "; or: ".join(titles),
            "content": {MEDIA: {"schema": _ref(ProblemDetails)}},
        }
    return found


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}
