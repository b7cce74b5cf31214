"""Signatures of what stores call to say: by the secret of now, or by the one before while it is being changed."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence

from bot.errors import Forged
from bot.settings import StorePart


def secrets_of(part: StorePart, otherwise: str = "") -> tuple[str, ...]:
    """What a store may sign its calls with, the secret of now first; `otherwise` stands where no `hook_secret` does."""
    told = (part.hook_secret.get_secret_value() or otherwise, part.hook_secret_before.get_secret_value())
    return tuple(filter(None, told))


def require_signed(given: str, body: bytes, sign: Callable[[bytes, str], str], secrets: Sequence[str]) -> None:
    """Forged where the signature is by none of the secrets. Every one is tried, each in constant time."""
    if not any(secrets):
        raise Forged("no hook_secret is set for this store")
    told = given.encode("utf-8", "replace")
    fit = [hmac.compare_digest(sign(body, secret).encode(), told) for secret in secrets if secret]
    if not any(fit):
        raise Forged
