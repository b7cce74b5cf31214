"""Updates in the shape in which Telegram delivers them."""

from __future__ import annotations

import copy
from typing import Any

LIN = {
    "id": 7012345678, "is_bot": False, "first_name": "Lin", "last_name": "Wei", "username": "linwei",
    "language_code": "zh-hans",
}  # fmt: skip
BOT = {"id": 110201543, "is_bot": True, "first_name": "Stocktide", "username": "StocktideBot"}
GROUP = {"id": -1001234567890, "title": "Ops Shenzhen", "type": "supergroup"}
SMALL_GROUP = {"id": -4001122, "title": "Ops", "type": "group", "all_members_are_administrators": True}
PRIVATE = {"id": 7012345678, "first_name": "Lin", "last_name": "Wei", "username": "linwei", "type": "private"}


def message(update_id: int, text: str, chat: dict[str, Any] = PRIVATE, **more: Any) -> dict[str, Any]:
    """A text message; a leading `/command@bot` carries its entity as Telegram's own clients add it."""
    body: dict[str, Any] = {
        "message_id": 41, "from": LIN, "chat": copy.deepcopy(chat), "date": 1321866000, "text": text,
    }  # fmt: skip
    if text.startswith("/") and len(text.split(maxsplit=1)[0]) > 1:
        body["entities"] = [{"offset": 0, "length": len(text.split(maxsplit=1)[0]), "type": "bot_command"}]
    return {"update_id": update_id, "message": body | more}


def press(update_id: int, data: str, chat: dict[str, Any] = GROUP, **more: Any) -> dict[str, Any]:
    """A pressed button below message 77."""
    shown = {
        "message_id": 77, "from": BOT, "chat": chat, "date": 1321866000, "text": "85123A runs out",
        "reply_markup": {"inline_keyboard": [[{"text": "Approve", "callback_data": data}]]},
    }  # fmt: skip
    query = {
        "id": "4382bfdwdsb323b2d9", "from": LIN, "message": shown | more, "chat_instance": "-3451", "data": data,
    }  # fmt: skip
    return {"update_id": update_id, "callback_query": query}


def member(update_id: int, old: str, new: str, chat: dict[str, Any] = GROUP) -> dict[str, Any]:
    """The bot's own membership changed."""
    return {
        "update_id": update_id,
        "my_chat_member": {
            "chat": chat, "from": LIN, "date": 1321866000,
            "old_chat_member": _as(old), "new_chat_member": _as(new),
        },
    }  # fmt: skip


def _as(status: str) -> dict[str, Any]:
    rights: dict[str, Any] = {
        "can_be_edited": False, "is_anonymous": False, "can_manage_chat": True, "can_delete_messages": False,
        "can_manage_video_chats": False, "can_restrict_members": False, "can_promote_members": False,
        "can_change_info": False, "can_invite_users": True, "can_post_stories": False, "can_edit_stories": False,
        "can_delete_stories": False,
    }  # fmt: skip
    extra = {"administrator": rights, "kicked": {"until_date": 0}}.get(status, {})
    return {"user": BOT, "status": status, **extra}
