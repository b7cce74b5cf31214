"""A tiny resolver, commands and calls for testing the router without a database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from bot.chat.arguments import CaseRef, ClockTime, Lapse, Location, RequestRef, Rest, Sku
from bot.chat.cards import notice_card
from bot.chat.command import Asker, Command, Invocation, Origin
from bot.chat.nodes import Message
from bot.chat.router import Aliases, Router
from bot.errors import NotAllowed, SeveralSkus, UnknownLocation, UnknownSku
from bot.words import _

NOW = datetime(2011, 11, 21, 9, tzinfo=UTC)
PRODUCTS = (
    Sku(1, "85123A", "WHITE HANGING HEART T-LIGHT HOLDER"),
    Sku(2, "85123B", "RED HANGING HEART T-LIGHT HOLDER"),
    Sku(3, "22423", "REGENCY CAKESTAND 3 TIER"),
    Sku(4, "UK 1", "UNION JACK FLAG"),
)
PLACES = (Location(1, "UK", "United Kingdom"), Location(2, "DE", "Germany"))


class Shop:
    """A Resolver over four products: by code, else by the words of the name."""

    async def sku(self, text: str) -> Sku:
        for sku in PRODUCTS:
            if sku.code.casefold() == text.casefold():
                return sku
        found = [sku for sku in PRODUCTS if all(word in sku.name.casefold() for word in text.casefold().split())]
        if len(found) == 1:
            return found[0]
        if found:
            raise SeveralSkus(text, [(sku.code, sku.name) for sku in found], len(found))
        raise UnknownSku(text, [(sku.code, sku.name) for sku in PRODUCTS[:3]])

    async def location(self, text: str) -> Location:
        for place in PLACES:
            if text.casefold() in {place.code.casefold(), place.name.casefold()}:
                return place
        raise UnknownLocation(text, [(place.code, place.name) for place in PLACES])


class Recorder:
    """Commands of every form, which remember what they were called with."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.seen: list[Invocation[Any]] = []

    def _note(self, call: Invocation[Any], name: str, /, **arguments: object) -> Message:
        self.calls.append((name, arguments))
        self.seen.append(call)
        return notice_card(_("Saved."))

    def commands(self) -> tuple[Command, ...]:
        async def stock(call: Invocation[Any], sku: Sku, location: Location | None = None) -> Message:
            return self._note(call, "stock", sku=sku, location=location)

        async def restock(call: Invocation[Any], location: Location | None = None) -> Message:
            return self._note(call, "restock", location=location)

        async def turnover(call: Invocation[Any], what: Location | Sku | None = None) -> Message:
            return self._note(call, "turnover", what=what)

        async def snooze(call: Invocation[Any], case: CaseRef, length: Lapse) -> Message:
            return self._note(call, "snooze", case=case, length=length)

        async def approve(call: Invocation[Any], request: RequestRef, comment: Rest | None = None) -> Message:
            return self._note(call, "approve", request=request, comment=comment)

        async def digest(call: Invocation[Any], when: Literal["now", "off"] | ClockTime | None = None) -> Message:
            return self._note(call, "digest", when=when)

        async def link(call: Invocation[Any], code: str | None = None) -> Message:
            return self._note(call, "link", code=code)

        async def help_(call: Invocation[Any], name: str | None = None) -> Message:
            return self._note(call, "help", name=name)

        async def broken(call: Invocation[Any]) -> Message:
            raise RuntimeError(f"secret of {call.asker.name}")

        async def closed(_call: Invocation[Any]) -> Message:
            raise NotAllowed(_("There is no such member."))

        says = _("What I can do")
        return (
            Command("stock", stock, says, short=True),
            Command("restock", restock, says, short=True),
            Command("turnover", turnover, says),
            Command("snooze", snooze, says),
            Command("approve", approve, says, audience="asker", short=True),
            Command("digest", digest, says, audience="asker"),
            Command("link", link, says, audience="asker", strangers=True),
            Command("help", help_, says, audience="asker", strangers=True),
            Command("broken", broken, says),
            Command("closed", closed, says),
        )


ALIASES = Aliases(commands={"库存": "stock", "补货": "restock", "我": "digest"}, choices={"关闭": "off"}, bare="stock")


def router(recorder: Recorder) -> Router[None]:
    shop = Shop()
    return Router(recorder.commands(), lambda _services: shop, ALIASES)


def call(member_id: int = 7, platform: str = "slack", page: int = 1) -> Invocation[None]:
    asker = Asker(member_id, "Lin", "viewer", "en", ZoneInfo("Asia/Shanghai"))
    return Invocation(None, asker, Origin(platform, "U1", "C1", "group"), NOW, (), page)
