"""The panel beside a video room: why the room is open, and what can be done about it without leaving."""

from __future__ import annotations

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.chat.arguments import Sku
from bot.chat.cards.charts import chart_block
from bot.chat.cards.labels import REQUEST_STATES
from bot.chat.cards.rooms import KINDS
from bot.chat.command import Asker
from bot.domain.roomviews import RoomNoteKind
from bot.errors import Refusal
from bot.services import Services
from bot.web.board import markup
from bot.web.board.desk import PLATFORM, Desk
from bot.web.board.live import Live
from bot.web.board.reading import readings
from bot.web.board.routes import BoardPages
from bot.web.board.voice import Voice
from bot.words import _


class SidePages:
    """Shows a room's product with its chart and requests, and takes decisions and notes for the minutes."""

    def __init__(self, *, services: Services, pages: BoardPages, desk: Desk, live: Live) -> None:
        self._services = services
        self._pages = pages
        self._desk = desk
        self._live = live

    def routes(self) -> list[Route]:
        """Where the panel stands."""
        return [
            Route("/board/room/{key}", self._pages.seen(self.panel)),
            Route("/board/room/{key}/note", self._pages.changing(self.note), methods=["POST"]),
            Route("/board/room/{key}/promo", self._pages.changing(self.promote), methods=["POST"]),
        ]

    async def panel(self, request: Request, asker: Asker, voice: Voice) -> Response:
        """The panel of a room that the member may enter."""
        try:
            room = await self._services.rooms.by_key(request.path_params["key"])
            await self._services.rooms.guest(room, asker.member_id)
            view = await self._services.rooms.views.view(room)
            chart, days = Markup(""), ""
            if room.product_id is not None:
                report = await self._services.catalogue.stock_report(Sku(room.product_id, room.sku, room.name))
                if report.chart is not None:
                    chart, days = markup.chart(chart_block(report.chart), voice), readings(report.chart, voice)
            notes = await self._services.rooms.views.notes(room)
        except Refusal as refusal:
            return self._pages.refused(request, voice, refusal)
        return self._pages.page(
            request, "side.html", voice, title=_("{title}", title=view.title or _("Video room")), view=view,
            chart=chart, days=days, notes=notes, note_words=KINDS, states=REQUEST_STATES, key=room.key,
        )  # fmt: skip

    async def note(self, request: Request, asker: Asker, voice: Voice) -> Response:
        """A decision or a note for the minutes."""
        form = await request.form(max_files=0)
        try:
            room = await self._services.rooms.by_key(request.path_params["key"])
            await self._services.rooms.guest(room, asker.member_id)
            kind: RoomNoteKind = "decision" if form.get("kind") == "decision" else "note"
            text = str(form.get("text", ""))
            await self._services.room_life.note(room, asker.member_id, kind, text, PLATFORM)
        except Refusal as refusal:
            return self._pages.refused(request, voice, refusal)
        self._live.ring()
        return RedirectResponse(f"/board/room/{room.key}", 303)

    async def promote(self, request: Request, asker: Asker, voice: Voice) -> Response:
        """Ask for a clearance promotion of the room's product, as `/promo` does."""
        form = await request.form(max_files=0)
        try:
            room = await self._services.rooms.by_key(request.path_params["key"])
            await self._services.rooms.guest(room, asker.member_id)
        except Refusal as refusal:
            return self._pages.refused(request, voice, refusal)
        percent, until = str(form.get("percent", ""))[:6], str(form.get("until", ""))[:10]
        shown = await self._desk.run(asker, "promo", room.sku, f"{percent}%", "until", until)
        return self._pages.shown(request, voice, shown)
