"""The page of the stores: how each is read, and for administrators the forms that connect one or replace its secrets.

The forms work without scripts. What was typed into a field for a secret is never sent back to the browser.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from markupsafe import Markup
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.chat.cards.stores import checks_list
from bot.chat.command import Asker
from bot.chat.nodes import Code, Text
from bot.domain.storeviews import StoreState
from bot.errors import NotAllowed, Refusal, SettingsError
from bot.services import Services
from bot.services.connecting import SCHEMES, Asked, Outcome, Ready, Wanted, paired
from bot.web.board import markup
from bot.web.board.routes import BoardPages
from bot.web.board.voice import Voice
from bot.web.bucket import TokenBucket
from bot.words import Words, _

BURST = 10  # forms that one administrator may send at once
PER_SECOND = 1 / 30
_MOST = 200  # administrators that are remembered
_FIELD = "secret-"  # how the names of the fields for secrets begin


@dataclass(frozen=True, slots=True)
class Asking:
    """How a kind's form asks: an example of its address (empty: it has one of its own), its user, some options."""

    address: str
    user: Words
    options: str = ""


_OF: Mapping[str, Asking] = {
    "amazon": Asking("", _("Client id (amzn1.application-oa2-client....)"), "marketplaces=DE, FR\nseller=A1B2C3D4E5"),
    "files": Asking(
        "sftp://files.example.com/outbox", _("User"), "stock=stock*\nsales=orders-*\nhost_key=ssh-ed25519 AAAA"
    ),
    "medusa": Asking("https://medusa.example.com", _("Mail address of a user, where no key is used")),
    "shopify": Asking("https://NAME.myshopify.com", _("Client id, of an app of the Dev Dashboard")),
    "tryton": Asking("https://erp.example.com/production", _("User"), "orders=draft"),
    "vendure": Asking("https://shop.example.com", _("Name of an administrator, where no key is used")),
    "woocommerce": Asking("https://shop.example.com", _("Consumer key (ck_...)")),
}  # fmt: skip


class StorePages:
    """Shows the stores, and takes stores and secrets from administrators."""

    def __init__(self, *, services: Services, pages: BoardPages, seconds: Callable[[], float] = time.monotonic) -> None:
        self._services = services
        self._pages = pages
        self._seconds = seconds
        self._buckets: OrderedDict[int, TokenBucket] = OrderedDict()

    def routes(self) -> list[Route]:
        """Where the pages stand."""
        return [
            Route("/board/stores", self._pages.seen(self.stores)),
            Route("/board/stores/add", self._pages.seen(self.form)),
            Route("/board/stores/add", self._pages.changing(self.add), methods=["POST"]),
            Route("/board/stores/secrets", self._pages.seen(self.secrets)),
            Route("/board/stores/secrets", self._pages.changing(self.replace), methods=["POST"]),
        ]

    async def stores(self, request: Request, asker: Asker, voice: Voice) -> Response:
        """Every store, how it is read, and which secrets it has."""
        connecting, reading = self._services.connecting, self._services.stores
        states = {state.store: state for state in await reading.states()}
        held = {store.name: store for store in connecting.stores()}
        lines = [(name, held.get(name), states.get(name)) for name in sorted({*states, *held})]
        return self._pages.page(
            request, "stores.html", voice, title=_("Stores"), lines=lines, admin=asker.role == "admin",
            writable=connecting.writable, broken=_broken, read_at=_read_at, code=Code,
        )  # fmt: skip

    async def form(self, request: Request, asker: Asker, voice: Voice) -> Response:
        """The form of a kind, or the choice among the kinds."""
        try:
            ready = await self._services.connecting.ready(asker)
        except NotAllowed as refusal:
            return self._refused(request, voice, refusal)
        return self._form(request, voice, Wanted("", request.query_params.get("kind", "")), ready)

    async def add(self, request: Request, asker: Asker, voice: Voice) -> Response:
        """Connect what the form says."""
        form = await request.form(max_files=0)
        wanted, lines = Wanted(_text(form, "name"), _text(form, "kind")), _lines(form)
        ready = Ready(enrolled=False, places=())
        try:
            ready = await self._services.connecting.ready(asker)
            wanted = _wanted(form, wanted)  # before anything is refused: the form keeps what was typed
            self._throttle(asker)
            wanted = replace(wanted, options=paired(lines))
            outcome = await self._services.connecting.add(wanted, _asked(form, asker))
        except SettingsError as error:
            said = [fault.said for fault in error.faults]
            return self._form(request, voice, wanted, ready, said, lines=lines)
        except NotAllowed as refusal:
            return self._refused(request, voice, refusal)
        except Refusal as refusal:
            return self._form(request, voice, wanted, ready, [refusal.words], lines=lines)
        if not outcome.written:
            return self._form(request, voice, wanted, ready, outcome=outcome, lines=lines)
        return self._done(request, voice, wanted.name, outcome)

    async def secrets(self, request: Request, asker: Asker, voice: Voice) -> Response:
        """The form for the secrets of a store."""
        name = request.query_params.get("store", "")
        try:
            ready = await self._services.connecting.ready(asker)
            return self._secrets(request, voice, name, ready)
        except Refusal as refusal:
            return self._refused(request, voice, refusal)

    async def replace(self, request: Request, asker: Asker, voice: Voice) -> Response:
        """Replace the secrets that the form gives."""
        form = await request.form(max_files=0)
        name = _text(form, "store")
        try:
            ready = await self._services.connecting.ready(asker)
            self._services.connecting.part(name)
        except Refusal as refusal:
            return self._refused(request, voice, refusal)
        try:
            self._throttle(asker)
            outcome = await self._services.connecting.replace(name, _secrets(form), _asked(form, asker))
        except SettingsError as error:
            return self._secrets(request, voice, name, ready, [fault.said for fault in error.faults])
        except Refusal as refusal:
            return self._secrets(request, voice, name, ready, [refusal.words])
        if not outcome.written:
            return self._secrets(request, voice, name, ready, outcome=outcome)
        return self._done(request, voice, name, outcome)

    def _form(
        self,
        request: Request,
        voice: Voice,
        wanted: Wanted,
        ready: Ready,
        said: Sequence[Words] = (),
        outcome: Outcome | None = None,
        lines: Sequence[str] = (),
    ) -> Response:
        """The form with what was typed, but for secrets; with what is wrong with it where something is.

        `lines` are the options as they were typed.
        """
        kind = wanted.kind if wanted.kind in SCHEMES else ""
        return self._pages.page(
            request, "connect.html", voice, 422 if said or outcome else 200,
            title=_("Connect a store"), kinds=list(SCHEMES), kind=kind, wanted=wanted, of=_OF.get(kind),
            asked=self._services.connecting.secrets(kind) if kind else {},
            lines=lines, ready=ready, said=said, checks=_checks(outcome, voice), code=Code,
        )  # fmt: skip

    def _secrets(
        self,
        request: Request,
        voice: Voice,
        name: str,
        ready: Ready,
        said: Sequence[Words] = (),
        outcome: Outcome | None = None,
    ) -> Response:
        """The form for a store's secrets; UnknownReference where no store is called so."""
        connecting = self._services.connecting
        part = connecting.part(name)
        held = next(store.secrets for store in connecting.stores() if store.name == name)
        return self._pages.page(
            request, "secrets.html", voice, 422 if said or outcome else 200,
            title=_("Secrets of {store}", store=Text(name)), store=name, kind=part.kind, held=held,
            asked=connecting.secrets(part.kind), ready=ready, said=said,
            checks=_checks(outcome, voice), code=Code,
        )  # fmt: skip

    def _done(self, request: Request, voice: Voice, name: str, outcome: Outcome) -> Response:
        return self._pages.page(
            request, "connected.html", voice, title=_("Store {store}", store=Text(name)), store=name,
            checks=_checks(outcome, voice), code=Code,
        )  # fmt: skip

    def _refused(self, request: Request, voice: Voice, refusal: Refusal) -> Response:
        if not isinstance(refusal, NotAllowed):
            return self._pages.refused(request, voice, refusal)
        return self._pages.page(request, "denied.html", voice, 403, title=_("Stores"), words=refusal.words)

    def _throttle(self, asker: Asker) -> None:
        """Refuse an administrator's form where they have sent many just now: each tries an address."""
        bucket = self._buckets.pop(asker.member_id, None) or TokenBucket(BURST, PER_SECOND, self._seconds)
        self._buckets[asker.member_id] = bucket
        while len(self._buckets) > _MOST:
            self._buckets.popitem(last=False)
        if not bucket.take():
            raise Refusal(_("That was often; wait half a minute and try again."))


def _wanted(form: FormData, empty: Wanted) -> Wanted:
    """What a form says, but for its options."""
    return replace(
        empty,
        url=_text(form, "url"),
        user=_text(form, "user"),
        private="private" in form,
        locations=tuple(str(code) for code in form.getlist("location")),
        secrets=_secrets(form),
    )


def _lines(form: FormData) -> list[str]:
    """The options of a form as they were typed."""
    return [line.strip() for line in _text(form, "options").splitlines() if line.strip()]


def _secrets(form: FormData) -> dict[str, str]:
    """The secrets that a form gives, without those that were left empty."""
    given = {key.removeprefix(_FIELD): str(value).strip() for key, value in form.items() if key.startswith(_FIELD)}
    return {name: secret for name, secret in given.items() if secret}


def _asked(form: FormData, asker: Asker) -> Asked:
    return Asked(asker, _text(form, "code"), untried="untried" in form)


def _text(form: FormData, name: str) -> str:
    return str(form.get(name, "")).strip()


def _broken(state: StoreState | None) -> bool:
    return state is not None and any(kind.error for kind in state.kinds)


def _read_at(state: StoreState | None) -> datetime | None:
    """When all that is read of a store was read last."""
    if state is None or not state.kinds:
        return None
    read = [kind.read_at for kind in state.kinds]
    return None if None in read else min(at for at in read if at is not None)


def _checks(outcome: Outcome | None, voice: Voice) -> Markup:
    """What was found when it was tried, line by line; nothing where it was not."""
    if outcome is None or not outcome.checks:
        return Markup("")
    return markup.block(checks_list([(one.what, one.verdict, one.found, one.do) for one in outcome.checks]), voice)
