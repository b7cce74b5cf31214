"""`stores [STORE [read | test | waiting | secrets | product CODE SKU | place PLACE LOCATION]]`: the connected stores.

Without a SKU or a location the variant or place is none of ours. As on the command line the verb may come first, and
`status` is all of them. Secrets are never typed here: `add` and `secrets STORE` lead an administrator to a page.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from urllib.parse import quote

from bot.chat.arguments import Rest
from bot.chat.cards import notice_card
from bot.chat.cards.stores import (
    adding_card,
    checks_card,
    connecting_card,
    leading_card,
    store_card,
    stores_card,
    waiting_card,
)
from bot.chat.command import Command
from bot.chat.nodes import Code, Message, Text
from bot.chat.parsing import plain
from bot.errors import BadArgument, NotAllowed
from bot.services import Invocation
from bot.services.sessions import LINK_MINUTES
from bot.words import _

_VERBS = {
    "read": "read", "sync": "read", "读取": "read", "同步": "read",
    "test": "test", "check": "test", "测试": "test", "检查": "test",
    "waiting": "waiting", "待确认": "waiting", "待处理": "waiting",
    "product": "product", "sku": "product", "商品": "product",
    "place": "place", "location": "place", "仓库": "place", "地点": "place",
    "secrets": "secrets", "secret": "secrets", "密钥": "secrets",
}  # fmt: skip
_STATUS = ("status", "list", "状态", "列表")
_ADD = ("add", "connect", "添加", "连接")


async def stores(call: Invocation, asked: Rest | None = None) -> Message:
    """The stores, one of them, or what became of what was asked for."""
    service = call.services.stores
    states = await service.states()
    words = _words(asked)
    if words and words[0] not in {state.store for state in states}:  # the name of a store is nothing else
        if words[0].casefold() in _ADD:
            return await _led(call, "/board/stores/add")
        words = _named_first(words)
    if not words:
        return stores_card(states, {state.store: await service.calls(state.store) for state in states})
    store, *rest = words
    if not rest:
        return await _one(call, store)
    verb = _VERBS.get(rest[0].casefold(), "")
    told = rest[1:]
    match verb, len(told):
        case "waiting", 0:
            return waiting_card(store, await service.unsure(store), call.page, call.line)
        case "read", 0:
            await service.begin(store, call.asker)
            return notice_card(
                _("I am reading {store}. {command} says how far it is.", store=Text(store), command=Code("stores"))
            )
        case "test", 0:
            checks = await service.try_out(store, call.asker)
            return checks_card(store, [(one.what, one.verdict, one.found, one.do) for one in checks])
        case "secrets", _told:
            await service.unsure(store)  # refuses an unknown name
            return await _led(call, f"/board/stores/secrets?store={quote(store, safe='')}")
        case "product", 1 | 2:
            await service.product(store, told[0], told[1] if len(told) == 2 else "", call.asker, call.origin.platform)
        case "place", 1 | 2:
            await service.place(store, told[0], told[1] if len(told) == 2 else "", call.asker, call.origin.platform)
        case _:
            raise BadArgument(
                _(
                    "After a store's name write {words}.",
                    words=Code("read, test, waiting, secrets, product CODE SKU, place PLACE LOCATION"),
                ),
                "stores",
            )
    return waiting_card(store, await service.unsure(store), call.page, ("stores", store, "waiting"), said=True)


def _named_first(words: Sequence[str]) -> Sequence[str]:
    """The words with the store's name before its verb; none for the `status` of all."""
    verb = words[0].casefold()
    if verb in _STATUS:
        return words[1:]
    return (words[1], words[0], *words[2:]) if verb in _VERBS and len(words) > 1 else words


async def _one(call: Invocation, store: str) -> Message:
    service = call.services.stores
    await service.unsure(store)  # refuses an unknown name
    (state,) = [state for state in await service.states() if state.store == store]
    return store_card(state, await service.calls(store))


async def _led(call: Invocation, target: str) -> Message:
    """A link to a page for secrets, for an administrator's eyes alone; everybody else is told where it is done."""
    connecting = call.services.connecting
    if not connecting.writable or not await connecting.administers(call.asker):
        return adding_card()
    card = connecting_card(await call.services.sessions.link(call.asker.member_id, target), LINK_MINUTES)
    if call.origin.conversation_kind != "group":
        return card
    if await call.services.whispers.send(call.asker.member_id, card):
        return leading_card()
    raise NotAllowed(_("The link is for your eyes alone: ask me for it in a private chat."))


def _words(asked: Rest | None) -> Sequence[str]:
    """The words as a button gives them, or as they were typed; quotes hold together what has blanks."""
    if asked is None:
        return ()
    if asked.words:
        return asked.words
    text = plain(asked.text)
    try:
        return shlex.split(text)
    except ValueError:  # a quote that nothing closes
        return text.split()


COMMAND = Command("stores", stores, summary=_("Connected stores: how they are read, and what waits for you"))
