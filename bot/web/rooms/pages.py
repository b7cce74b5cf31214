"""The room's page and its files, with the headers that keep everything else out."""

from __future__ import annotations

import hashlib
import re
import secrets
from functools import cache
from pathlib import Path

from starlette.responses import HTMLResponse, Response

FOLDER = Path(__file__).parent / "page"
_TYPES = {".js": "text/javascript", ".css": "text/css"}
_PLACE = re.compile(r"\{\{(\w+)\}\}")
_ALLOWED = ("camera", "microphone", "display-capture", "speaker-selection", "autoplay", "fullscreen")
_OFF = (
    "accelerometer", "browsing-topics", "clipboard-read", "compute-pressure",
    "encrypted-media", "geolocation", "gyroscope", "hid", "identity-credentials-get", "idle-detection", "local-fonts",
    "magnetometer", "midi", "payment", "picture-in-picture", "publickey-credentials-get", "screen-wake-lock", "serial",
    "storage-access", "sync-xhr", "usb", "window-management", "xr-spatial-tracking",
)  # fmt: skip
_PERMISSIONS = ", ".join([*(f"{name}=(self)" for name in _ALLOWED), *(f"{name}=()" for name in _OFF)])
SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_STRICT_TRANSPORT = {"Strict-Transport-Security": "max-age=31536000"}


def guarded(*, secure: bool) -> dict[str, str]:
    """The headers of every answer."""
    return SAFE | (_STRICT_TRANSPORT if secure else {})


def policy(nonce: str) -> str:
    """The page's content security policy: what bears the nonce runs, and nothing else."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'nonce-{nonce}'",
            f"style-src 'nonce-{nonce}'",
            "connect-src 'self'",
            "img-src 'self' data: blob:",
            "media-src 'self' blob:",
            "frame-src 'self'",
            "frame-ancestors 'none'",
            "form-action 'none'",
            "base-uri 'none'",
        )
    )


def page(*, secure: bool) -> Response:
    """The page; it holds no secret and is alike for everyone."""
    nonce = secrets.token_urlsafe(16)
    filled = {"nonce": nonce, "files": f"/rooms/static/{edition()}"}
    html = _PLACE.sub(lambda place: filled[place.group(1)], _files()["room.html"].decode())
    special = {
        "Content-Security-Policy": policy(nonce),
        "Permissions-Policy": _PERMISSIONS,
        "Cache-Control": "no-store",
    }
    return HTMLResponse(html, headers=guarded(secure=secure) | special)


def static(wanted: str, name: str, *, secure: bool) -> Response:
    """A script or the style sheet; kept for good by browsers, as its address changes with any of the files."""
    kind = _TYPES.get(Path(name).suffix)
    if kind is None or name not in _files() or wanted != edition():
        return Response(status_code=404, headers=guarded(secure=secure))
    headers = guarded(secure=secure) | {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(_files()[name], media_type=kind, headers=headers)


@cache
def edition() -> str:
    """A digest over all files of the page: modules import one another by relative addresses."""
    whole = hashlib.sha256()
    for name, content in sorted(_files().items()):
        whole.update(name.encode() + b"\0" + content + b"\0")
    return whole.hexdigest()[:16]


@cache
def _files() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in FOLDER.iterdir() if path.suffix in {".html", *_TYPES}}
