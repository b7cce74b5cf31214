"""The page about the API, for whoever writes the program that sends: in English and Chinese, without a script."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from starlette.requests import Request
from starlette.responses import Response

from bot.language import Language, language, nearest_language
from bot.web.api.kinds import KINDS
from bot.web.api.problems import PAGE, PROBLEMS
from bot.web.api.reading import MAX_BODY, MAX_ROWS
from bot.web.api.rows import LineRow, ReturnRow
from bot.web.guard import dressed, nonce
from bot.words import Words, _

_SAYS = {
    "sales": _("Orders as they are now: new, changed, cancelled, returned"),
    "stock": _("Units that lie at a location"),
    "purchase-orders": _("Goods on their way to a location, and their arrival"),
    "products": _("Names and prices"),
}
_EXAMPLES = {
    "sales": '{"rows": [{"id": "10042", "placed_at": "2026-11-20T09:30:00+08:00", "location": "UK", "lines": '
    '[{"id": "1", "sku": "85123A", "quantity": 6, "amount": "15.30"}]}]}',
    "stock": '{"rows": [{"sku": "85123A", "location": "UK", "on_hand": 480, "committed": 12}]}',
    "purchase-orders": '{"rows": [{"id": "PO-7/1", "sku": "85123A", "location": "UK", "quantity": 600, '
    '"ordered_at": "2026-11-01T08:00:00Z", "expected_on": "2026-12-18"}]}',
    "products": '{"rows": [{"sku": "85123A", "name": "White lantern", '
    '"price": {"amount": "2.95", "currency": "GBP"}}]}',
}
_KINDS = {"Amount": _("text, or an object of amount and currency"), "date-time": _("instant with an offset"),
          "date": _("date"), "integer": _("whole number"), "string": _("text"), "array": _("list")}  # fmt: skip


@cache  # compiled with the first reader: most processes have none
def _page() -> Template:
    environment = Environment(
        loader=PackageLoader("bot.web.api"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("page.html")


class ApiPage:
    """Shows the page."""

    async def shown(self, request: Request) -> Response:
        """The page, in the language that the address or the browser asks for."""
        asked = request.query_params.get("lang") or request.headers.get("accept-language", "").split(",")[0]
        speech, mark = language(nearest_language(asked)), nonce()
        html = _page().render(
            nonce=mark,
            tag=speech.code.replace("_", "-"),
            say=speech.say,
            _=lambda text, **values: speech.say(Words(text, values)),
            address=PAGE,
            rows=MAX_ROWS,
            megabytes=MAX_BODY // 1024 // 1024,
            batches=[
                (kind.scope, speech.say(_SAYS[kind.scope]), _EXAMPLES[kind.scope], list(_fields(kind.row, speech)))
                for kind in KINDS
            ],
            parts=[("lines", list(_fields(LineRow, speech))), ("returns", list(_fields(ReturnRow, speech)))],
            problems=PROBLEMS,
        )
        return dressed(Response(html, media_type="text/html", headers={"Vary": "Accept-Language"}), mark)


def _fields(row: type[BaseModel], speech: Language) -> Iterator[tuple[str, bool, str, str]]:
    """Each field of a row: its name, whether it must be there, its kind and its meaning."""
    schema = row.model_json_schema()["properties"]
    for name, field in row.model_fields.items():
        yield name, field.is_required(), speech.say(_kind(schema[name])), _meaning(field, speech)


def _kind(schema: dict[str, Any]) -> Words:
    if schema.get("title") == "Amount":
        return _KINDS["Amount"]
    found = next((one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"), schema)
    return _KINDS["Amount" if "anyOf" in found else str(found.get("format") or found["type"])]


def _meaning(field: FieldInfo, speech: Language) -> str:
    return speech.say(Words(field.description or ""))
