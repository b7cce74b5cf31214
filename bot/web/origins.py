"""Addresses as browsers name them in `Origin`."""

from __future__ import annotations

from urllib.parse import urlsplit

_USUAL = {"http": 80, "https": 443}


def origin_of(url: str) -> str:
    """Scheme, host in small letters, and a port that is not the scheme's usual one."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return f"{scheme}://{parts.netloc.lower().removesuffix(f':{_USUAL.get(scheme)}')}"
