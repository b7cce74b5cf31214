"""The documents of orders that went out, for the demo's page: a list, and each file."""

from __future__ import annotations

import html
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from bot.language import language, nearest_language
from bot.words import _

_POLICY = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'", "Cache-Control": "no-cache"}
_KINDS = {".pdf": "application/pdf", ".csv": "text/csv; charset=utf-8"}
_STYLE = """body{font:16px/1.5 system-ui,"Noto Sans CJK SC",sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;
color:#1b1f24;background:#f3f6f8}li{margin:.4rem 0}a{color:#0b6e8f}"""


def papers(folder: Path) -> Starlette:
    """The application over a folder, to be mounted; the folder may not exist yet."""

    def index(request: Request) -> Response:  # not async: Starlette reads the folder in a thread
        tongue = language(nearest_language(request.headers.get("accept-language", "").split(",")[0] or "en"))
        files = sorted(file.name for file in folder.glob("*") if file.suffix in _KINDS) if folder.exists() else []
        rows = "".join(f'<li><a href="{html.escape(name, quote=True)}">{html.escape(name)}</a></li>' for name in files)
        title = html.escape(tongue.say(_("Orders that went out")))
        nothing = html.escape(tongue.say(_("None yet: approve a purchase first.")))
        body = f"<ul>{rows}</ul>" if rows else f"<p>{nothing}</p>"
        head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
        page = (
            f'<!doctype html><html lang="{tongue.locale.language}">{head}<style>{_STYLE}</style><h1>{title}</h1>{body}'
        )
        return HTMLResponse(page, headers=_POLICY)

    def file(request: Request) -> Response:
        wanted = folder / request.path_params["name"]
        if wanted.suffix not in _KINDS or wanted.parent != folder or not wanted.is_file():
            return Response(status_code=404)
        return FileResponse(wanted, media_type=_KINDS[wanted.suffix], content_disposition_type="inline")

    return Starlette(routes=[Route("/", index), Route("/{name}", file)])
