"""What making and deleting a discount has in common in every shop: it is read back, and the answer is told apart."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.errors import Declined, OutsideError, Unanswered
from bot.ports import Granted


async def kept(what: str, reading: Awaitable[Granted | None], undo: Callable[[], Awaitable[None]]) -> Granted:
    """What was just made, read back, where the shop kept it as it was told; otherwise it is undone, and Declined.

    `what` names the thing in the shop's own word. Unanswered where it cannot be read back, does not stand, or stands
    otherwise and cannot be deleted.
    """
    try:
        stands = await reading
    except OutsideError as error:
        raise Unanswered(f"made, but it cannot be read back: {error}") from error
    if stands is None:
        raise Unanswered("made, but it does not stand")
    if not stands.differs:
        return stands
    try:
        await undo()
    except OutsideError as error:
        raise Unanswered(f"the shop kept another {what} ({stands.differs}), not deleted: {error}") from error
    raise Declined(f"the shop kept another {what} than it was told: {stands.differs}; it is deleted again")


async def late(reading: Awaitable[Granted | None]) -> Granted | None:
    """Ours, where the shop says that it is there already: a call that was given up made it after we looked."""
    try:
        return await reading
    except OutsideError as error:
        raise Unanswered(f"it is there already, but cannot be read: {error}") from error


async def gone(looking: Awaitable[object | None], said: str) -> None:
    """See that what was deleted stands no more; Declined with what the shop said where it does."""
    try:
        stands = await looking
    except OutsideError as error:
        raise Unanswered(f"deleted, but it cannot be read back: {error}") from error
    if stands is not None:
        raise Declined(said)
