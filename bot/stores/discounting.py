"""What making and deleting a discount has in common in every shop: it is read back, and the answer is told apart."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.errors import Declined, OutsideError, Unanswered
from bot.ports import Granted
from bot.words import Words, _


async def kept(what: Words, reading: Awaitable[Granted | None], undo: Callable[[], Awaitable[None]]) -> Granted:
    """What was just made, read back, where the shop kept it as it was told; otherwise it is undone, and Declined.

    `what` names the thing in the shop's own word. Unanswered where it cannot be read back, does not stand, or stands
    otherwise and cannot be deleted.
    """
    try:
        stands = await reading
    except OutsideError as error:
        raise Unanswered(_("made, but it cannot be read back: {error}", error=error.said)) from error
    if stands is None:
        raise Unanswered(_("made, but it does not stand"))
    if not stands.differs:
        return stands
    try:
        await undo()
    except OutsideError as error:
        raise Unanswered(
            _(
                "the shop kept another {what} ({differs}), not deleted: {error}",
                what=what,
                differs=stands.wrong,
                error=error.said,
            )
        ) from error
    raise Declined(
        _(
            "the shop kept another {what} than it was told: {differs}; it is deleted again",
            what=what,
            differs=stands.wrong,
        )
    )


async def late(reading: Awaitable[Granted | None]) -> Granted | None:
    """Ours, where the shop says that it is there already: a call that was given up made it after we looked."""
    try:
        return await reading
    except OutsideError as error:
        raise Unanswered(_("it is there already, but cannot be read: {error}", error=error.said)) from error


async def gone(looking: Awaitable[object | None], said: Words) -> None:
    """See that what was deleted stands no more; Declined with what the shop said where it does."""
    try:
        stands = await looking
    except OutsideError as error:
        raise Unanswered(_("deleted, but it cannot be read back: {error}", error=error.said)) from error
    if stands is not None:
        raise Declined(said)
