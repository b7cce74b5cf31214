"""Links made of a template, and names made of a room's key."""

from __future__ import annotations

import hashlib
from urllib.parse import quote


def filled(template: str, **values: str) -> str:
    """The template with each {name} replaced by its value, percent-encoded; the settings have checked the names."""
    for name, value in values.items():
        template = template.replace(f"{{{name}}}", quote(value, safe=""))
    return template


def plain_name(key: str) -> str:
    """A name of 32 small hexadecimal digits for a key, for those who take capital and small letters for the same."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]
