"""What a member does on a page: the same commands as in a chat, under the same policy and audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.chat.cards.plain import refusal_card
from bot.chat.command import Asker, Invocation, Origin
from bot.chat.filling import filled
from bot.chat.forms import Form
from bot.chat.nodes import Message
from bot.chat.router import Answer, Router
from bot.errors import BadArgument, StaleButton
from bot.services import Services
from bot.services.buttons import Buttons

PLATFORM = "web"
MAX_WORDS = 32  # of a form's line


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows of an answer: a card whose buttons can be pressed, or a form that `line` asks for."""

    message: Message
    form: Form | None = None
    line: tuple[str, ...] = ()
    refused: bool = False


class Desk:
    """Presses buttons and sends forms in for whoever looks at the page."""

    def __init__(self, *, services: Services, router: Router[Services], buttons: Buttons) -> None:
        self._services = services
        self._router = router
        self._buttons = buttons

    async def press(self, asker: Asker, token: str) -> Shown:
        """What the button does, done by `asker`."""
        try:
            async with self._services.database.reading() as connection:
                button = await self._buttons.open(connection, token)
        except StaleButton as stale:
            return Shown(refusal_card(stale), refused=True)
        call = self._call(asker, button.page)
        return await self._shown(await self._router.press(call, button.command, button.arguments))

    async def submit(self, asker: Asker, line: Sequence[str], values: Mapping[str, str]) -> Shown:
        """Send a form in: it is asked for anew, filled with the values, and done by `asker`."""
        call = self._call(asker)
        if not line or len(line) > MAX_WORDS:
            return await self._shown(await self._router.press(call, "", ()))
        asked = await self._router.press(call, line[0], tuple(line[1:]))
        if asked.form is None:
            return await self._shown(asked)
        try:
            arguments = (*asked.form.arguments, *filled(asked.form, values))
        except BadArgument as wrong:
            return Shown(refusal_card(wrong), asked.form, asked.line, refused=True)
        return await self._shown(await self._router.press(call, asked.form.command, arguments))

    async def run(self, asker: Asker, command: str, *arguments: str) -> Shown:
        """A command, as if it had been typed."""
        return await self._shown(await self._router.press(self._call(asker), command, arguments))

    async def sealed(self, message: Message) -> Message:
        """The message with a token on each button."""
        async with self._services.database.transaction() as connection:
            return await self._buttons.seal(connection, message)

    async def _shown(self, answer: Answer) -> Shown:
        shown = Shown(answer.message, answer.form, answer.line, answer.refused)
        return replace(shown, message=await self.sealed(shown.message)) if shown.form is None else shown

    def _call(self, asker: Asker, page: int = 1) -> Invocation[Services]:
        origin = Origin(PLATFORM, str(asker.member_id), PLATFORM, "terminal")
        return Invocation(self._services, asker, origin, self._services.clock.now(), (), page)
