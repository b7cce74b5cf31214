"""`import [CODE [now|cancel|KIND ...]]`: a file that its sender looks at, reads otherwise, imports or lets be."""

from __future__ import annotations

import re

from bot.chat.arguments import Rest
from bot.chat.cards import notice_card
from bot.chat.cards.uploads import how_card, imported_card, trouble_card, upload_card
from bot.chat.command import Command
from bot.chat.nodes import Message, Text
from bot.services import Invocation
from bot.services.uploads import UploadRefused
from bot.words import _

_CODE = re.compile(r"[Uu]-?(\d{1,12})")


async def import_(call: Invocation, code: str | None = None, value: Rest | None = None) -> Message:
    """How it is done; a file's card; or what became of importing it."""
    found = _CODE.fullmatch(code or "")
    if found is None:
        return how_card()
    uploads, upload_id = call.services.uploads, int(found[1])
    said = value.text.strip() if value else ""
    try:
        match said.casefold():
            case "now":
                return imported_card(await uploads.run(upload_id, call.asker))
            case "cancel":
                name = await uploads.cancel(upload_id, call.asker)
                return notice_card(_("{file} is not imported.", file=Text(name)))
            case _:
                return upload_card(await uploads.look(upload_id, said, call.asker))
    except UploadRefused as refused:
        return trouble_card(refused, refused.upload_id, refused.trouble)


COMMAND = Command("import", import_, summary=_("Import a file that you sent: sales, stock, products and more"))
