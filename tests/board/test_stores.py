"""The page of the stores: administrators connect one or replace its secrets; nothing is written that was not tried."""

from __future__ import annotations

import asyncio
import io
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx
import pyotp
import pytest

from bot import logs, settings
from bot.bootstrap import outward
from bot.ports import Check
from bot.settings.resealing import SettingsFile
from bot.storage import tables
from bot.stores import FEEDS
from bot.words import _, verbatim
from tests.board.conftest import House, opened, shut
from tests.board.test_pages import read, text
from tests.handlers.conftest import Seeded

CLEAR = '[organisation]\nname = "Our shop"  # kept\n'
SHOP = '\n[stores.connected.old]\nkind = "shopify"\nurl = "https://old.myshopify.com"\nsecret = "canary-before"\n'
FORM = {
    "kind": "shopify", "name": "shop", "url": "https://harbour-gifts.myshopify.com", "user": "0123",
    "secret-secret": "canary-typed", "secret-token": "", "location": "UK", "options": "read=products stock\n",
}  # fmt: skip


@dataclass
class Till:
    """A store that is tried: what it says, and with which secrets it was asked."""

    verdict: str = "ok"
    asked: list[str] = field(default_factory=list)
    closed: int = 0
    during: Callable[[], Awaitable[object]] | None = None

    def make(self, _name: str, part: settings.StorePart) -> Till:
        self.asked.append(part.secret.get_secret_value())
        return self

    async def check(self) -> tuple[Check, ...]:
        if self.during is not None:
            await self.during()
        found = (_("it answers"), None) if self.verdict == "ok" else (_("it was refused"), verbatim("<b>look</b>"))
        if self.verdict == "quoting":
            quoted = _("the store answered {answer}", answer=f"401 no such key: {self.asked[-1]}.")
            return (Check(verbatim("harbour-gifts"), "fail", quoted),)
        return (Check(verbatim("harbour-gifts"), self.verdict, *found),)  # type: ignore[arg-type]  # ok or fail

    async def close(self) -> None:
        self.closed += 1


@dataclass
class Office:
    """A house whose settings stand in a file, and what is tried in place of Shopify."""

    house: House
    file: Path
    till: Till

    @property
    def text(self) -> str:
        return self.file.read_text(encoding="utf-8")

    @property
    def renewed(self) -> bool:
        return self.house.app.runtime._changed.is_set()

    def stored(self, name: str = "shop") -> settings.StorePart:
        return settings.load(self.file, {}).stores.connected[name]

    async def send(self, page: str, form: dict[str, str], name: str = "Ada", language: str = "en") -> httpx.Response:
        """A form sent in by a member."""
        client = await self.house.enter(name, language)
        return await client.post(f"/board/stores/{page}", data=form)

    async def connect(self, name: str = "Ada", language: str = "en", **changed: str) -> httpx.Response:
        """A form that connects a store; `called` is its name."""
        form = {**FORM, **changed}
        form["name"] = form.pop("called", form["name"])
        return await self.send("add", form, name, language)


@pytest.fixture
async def office(seeded: Seeded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    """The shop of tests/handlers with a settings file that connects one store."""
    path, file, till = tmp_path / "shop.db", tmp_path / "stocktide.toml", Till()
    path.write_bytes(seeded.content)
    file.write_text(CLEAR + SHOP, encoding="utf-8")
    monkeypatch.setattr(outward, "FEEDS", {**FEEDS, "shopify": till.make})
    for others in ("STORES", "DISCOUNTS", "TRANSFERS"):
        monkeypatch.setattr(outward, others, {})
    house = await opened(
        f"sqlite+aiosqlite:///{path}", tmp_path, dict(seeded.ids["members"]), SettingsFile(file, {}),
        stores={"connected": {"old": {"kind": "shopify", "url": "https://old.myshopify.com", "secret": "canary-old"}}},
    )  # fmt: skip
    till.asked.clear()
    yield Office(house, file, till)
    await shut(house)


async def audit_of(house: House, action: str) -> list[tuple[str, object, int | None]]:
    return [(row.subject, row.data, row.member_id) for row in await house.all(tables.Audit) if row.action == action]


async def test_a_store_that_answers_is_written_down_sealed_and_taken_up(office: Office) -> None:
    answer = await office.connect()
    assert answer.status_code == 200, text(answer)
    assert "it answers" in text(answer)
    assert "canary" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    part = office.stored()
    assert (part.kind, part.url, part.user) == ("shopify", FORM["url"], "0123")
    assert (part.secret.get_secret_value(), part.token.get_secret_value()) == ("canary-typed", "")
    assert (part.locations, part.options, part.private) == (("UK",), {"read": "products stock"}, False)
    assert "canary-typed" not in office.text
    assert office.text.startswith(CLEAR)
    assert (office.till.asked, office.till.closed) == (["canary-typed"], 1)
    assert office.renewed
    told = {"kind": "shopify", "host": "harbour-gifts.myshopify.com", "locations": ["UK"], "secrets": ["secret"]}
    ada = office.house.members["Ada"]
    assert await audit_of(office.house, "store.connected") == [("store:shop", {**told, "untried": False}, ada)]


async def test_a_store_that_refuses_is_told_and_the_form_keeps_all_but_the_secrets(office: Office) -> None:
    office.till.verdict = "fail"
    before = office.text
    answer = await office.connect()
    assert answer.status_code == 422
    told = text(answer)
    assert "Nothing was written" in told
    assert "it was refused" in told
    assert "&lt;b&gt;look" in answer.text
    assert "canary" not in answer.text
    values = {dict(tags).get("name"): dict(tags) for tag, tags in read(answer).tags if tag == "input"}
    assert (values["name"]["value"], values["url"]["value"], values["user"]["value"]) == ("shop", FORM["url"], "0123")
    assert "checked" in values["location"] or 'value="UK" type="checkbox" checked' in answer.text
    assert "read=products stock" in answer.text
    assert (office.text, office.renewed, office.till.closed) == (before, False, 1)
    assert await audit_of(office.house, "store.connected") == []


async def test_a_store_that_quotes_a_secret_as_it_refuses_it_does_not_bring_it_to_the_page(office: Office) -> None:
    office.till.verdict = "quoting"
    for answer in (await office.connect(), await office.send("secrets", {"store": "old", "secret-secret": "canary-2"})):
        assert "401 no such key: […]." in text(answer)
        assert "canary" not in answer.text


async def test_a_store_is_written_down_untried_where_that_is_asked_for(office: Office) -> None:
    office.till.verdict = "fail"
    answer = await office.connect(untried="on")
    assert answer.status_code == 200
    assert office.stored().secret.get_secret_value() == "canary-typed"
    (entry,) = await audit_of(office.house, "store.connected")
    assert entry[1]["untried"] is True  # type: ignore[index]  # JSON


async def test_only_administrators_see_the_forms_and_only_theirs_are_taken(office: Office) -> None:
    before = office.text
    for name in ("Lin Wei", "Jonas", "Vic"):
        client = await office.house.enter(name)
        assert "old.myshopify.com" in (await client.get("/board/stores")).text
        assert "/board/stores/add" not in (await client.get("/board/stores")).text
        for page in ("add", "add?kind=shopify", "secrets?store=old"):
            assert (await client.get(f"/board/stores/{page}")).status_code == 403
        assert (await office.connect(name)).status_code == 403
        assert (await office.send("secrets", {"store": "old", "secret-secret": "canary"}, name)).status_code == 403
    assert (office.text, office.till.asked) == (before, [])
    stranger = office.house.stranger()
    assert (await stranger.post("/board/stores/add", data=FORM)).status_code == 401


async def test_a_form_of_another_site_is_not_taken(office: Office) -> None:
    client = await office.house.enter("Ada")
    for path in ("add", "secrets"):
        answer = await client.post(f"/board/stores/{path}", data=FORM, headers={"Origin": "https://evil.example"})
        assert answer.status_code == 403
    assert office.till.asked == []


UNFIT: list[tuple[dict[str, str], str]] = [
    ({"called": "my shop"}, "letters, digits"),
    ({"called": "old"}, "a store called old already"),
    ({"kind": "sql", "url": "sqlite:////etc/passwd"}, "is not a kind of store"),
    ({"kind": "local"}, "is not a kind of store"),
    ({"url": "http://192.168.1.1"}, "begins with https://"),
    ({"url": "HTTP://shop.example.com"}, "begins with https://"),
    ({"kind": "files", "url": "file:///etc"}, "begins with https:// / sftp://"),
    ({"kind": "files", "url": "https://files.example.com/a", "options": "papers=/etc"}, "names a folder"),
    ({"private": "on"}, "in a local network"),
    ({"location": "Atlantis"}, "No location matches Atlantis"),
    ({"options": "read"}, "KEY=VALUE"),
    ({"options": "=1"}, "KEY=VALUE"),
    ({"secret-key": "x"}, "takes no key"),
    ({"secret-secret": "two\nlines"}, "no secret of one line"),
    ({"secret-secret": "x" * 9_000}, "no secret of one line"),
    ({"kind": "amazon", "url": "", "options": "marketplaces=XX", "untried": "on"}, "no marketplace of Amazon: XX"),
    (
        {"kind": "files", "url": "sftp://files.example.com/out", "options": "", "untried": "on"},
        "options.host_key: is missing",
    ),
    ({"kind": "files", "url": "https://files.example.com/a", "options": "minutes=x"}, "is no whole number"),
]


async def test_what_cannot_be_is_refused_in_words_and_the_file_left(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.web.board.stores.BURST", len(UNFIT))
    before, client = office.text, await office.house.enter("Ada")
    for number, (changed, said) in enumerate(UNFIT):
        form = {**FORM, **changed}
        form["name"] = form.pop("called", f"shop{number}")
        answer = await client.post("/board/stores/add", data=form)
        shown = re.sub("<[^>]*>", "", answer.text)
        assert (answer.status_code, said in shown) == (422, True), (changed, shown)
        assert "canary" not in answer.text
    assert (office.text, office.renewed, office.till.asked) == (before, False, [])


ODD: list[tuple[dict[str, str], str]] = [
    ({"url": "https://["}, "begins with https://"),
    ({"url": "https://a\u2100b.com"}, "begins with https://"),
    ({"url": "https://"}, "begins with https:// and holds no password"),
    ({"url": "https://user:canary@shop.example.com", "untried": "on"}, "holds no password"),
    ({"url": "https://shop.example.com:x", "untried": "on"}, "cannot be read"),
    ({"url": "https://a\x00b.com", "untried": "on"}, "cannot be read"),
    ({"url": "https://a..b"}, "is not found"),
    ({"url": "https://xn--.com"}, "has signs that cannot be sent"),
    ({"url": "https://127.0.0.1", "secret-token": "\u5bc6\u7801\u5bc6\u7801"}, "has signs that cannot be sent"),
    ({"url": "https://127.0.0.1"}, "in a private network"),
    ({"kind": "vendure", "url": "https://127.0.0.1", "options": "channel=\u4e2d"}, "has signs that cannot be sent"),
    ({"kind": "files", "url": "sftp://[", "options": "host_key=ssh-ed25519 AAAA"}, "begins with https:// / sftp://"),
    ({"kind": "amazon", "url": "", "options": "marketplaces=DE\nlogin=http://127.0.0.1"}, "called by https:// alone"),
    ({"kind": "amazon", "url": "", "options": "marketplaces=DE\nhistory_days=" + "9" * 5_000}, "is no number of days"),
    ({"options": "bulk_from=" + "9" * 5_000, "untried": "on"}, "write a number of records"),
    ({"options": "transfer_days=" + "9" * 5_000, "untried": "on"}, "write a number of days"),
]


async def test_an_odd_address_secret_or_number_is_refused_in_words_by_the_stores_themselves(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.web.board.stores.BURST", len(ODD))
    monkeypatch.setattr(outward, "FEEDS", FEEDS)
    monkeypatch.setattr("bot.stores.calling.random.uniform", lambda _least, _most: 0.0)
    before, client = office.text, await office.house.enter("Ada")
    for number, (changed, said) in enumerate(ODD):
        answer = await client.post("/board/stores/add", data={**FORM, "options": "", "name": f"s{number}", **changed})
        shown = re.sub("<[^>]*>", "", answer.text)
        assert (answer.status_code, said in shown) == (422, True), (changed, shown)
    assert (office.text, office.renewed) == (before, False)


async def test_a_form_that_is_refused_keeps_what_was_typed(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.web.board.stores.BURST", 1)
    for said in ("KEY=VALUE", "wait half a minute"):
        answer = await office.connect(options="read=products\nstock")
        assert said in text(answer)
        for kept in (f'value="{FORM["url"]}"', 'value="0123"', 'value="UK" type="checkbox" checked', "products\nstock"):
            assert kept in answer.text, kept


async def test_what_is_wrong_is_said_in_chinese_too(office: Office) -> None:
    answer = await office.connect(language="zh_CN", kind="amazon", url="", options="marketplaces=XX")
    assert "marketplaces" in text(answer)
    assert "names no" not in text(answer)
    assert re.search("[\u4e00-\u9fff]", text(answer))


async def test_secrets_of_a_store_are_replaced_and_nothing_else(office: Office) -> None:
    before = office.stored("old")
    form = {"store": "old", "secret-secret": "canary-after", "secret-token": "", "secret-hook_secret": "canary-hook"}
    answer = await office.send("secrets", form)
    assert answer.status_code == 200, text(answer)
    after = office.stored("old")
    assert (after.secret.get_secret_value(), after.hook_secret.get_secret_value()) == ("canary-after", "canary-hook")
    assert after == before.model_copy(update={"secret": after.secret, "hook_secret": after.hook_secret})
    assert "canary-after" not in office.text
    assert office.till.asked == ["canary-after"]
    assert office.renewed
    told = {"secrets": ["hook_secret", "secret"], "untried": False}
    ada = office.house.members["Ada"]
    assert await audit_of(office.house, "store.secrets") == [("store:old", told, ada)]


async def test_secrets_that_nobody_gives_or_of_no_store_change_nothing(office: Office) -> None:
    before = office.text
    for form, status, said in (
        ({"store": "nowhere", "secret-secret": "x"}, 404, "No store of the settings is called nowhere"),
        ({"store": "old"}, 422, "No secret was given"),
        ({"store": "old", "secret-user": "x"}, 422, "takes no user"),
    ):
        answer = await office.send("secrets", form)
        assert (answer.status_code, said in text(answer)) == (status, True)
    assert (office.text, office.till.asked) == (before, [])


async def test_which_secrets_are_set_is_shown_and_none_of_them(office: Office) -> None:
    client = await office.house.enter("Ada")
    page, form = await client.get("/board/stores"), await client.get("/board/stores/secrets?store=old")
    assert "old.myshopify.com" in text(page)
    assert "canary" not in page.text + form.text
    assert form.text.count("left empty it stays") == 1
    kinds = await client.get("/board/stores/add")
    assert 'href="/board/stores/add?kind=woocommerce"' in kinds.text
    assert (await client.get("/board/stores/secrets?store=none")).status_code == 404


async def test_an_administrator_with_an_authenticator_gives_a_code(office: Office) -> None:
    ada, clock = office.house.members["Ada"], office.house.clock
    authenticators = office.house.app.services.authenticators
    secret = (await authenticators.begin(ada, "Ada", "slack")).secret
    code = pyotp.TOTP(secret)
    await authenticators.confirm(ada, code.at(clock.now()), "slack")
    before = office.text
    client = await office.house.enter("Ada")
    assert 'name="code"' in (await client.get("/board/stores/add?kind=shopify")).text
    answer = await office.connect(code="000000")
    assert "That code is wrong" in text(answer)
    assert (office.text, await audit_of(office.house, "store.connected")) == (before, [])
    answer = await office.connect(code=code.at(clock.now().timestamp() + 30))
    assert answer.status_code == 200, text(answer)
    assert office.stored().user == "0123"


async def test_a_code_is_good_for_a_store_that_takes_its_time_and_none_is_tried_without(office: Office) -> None:
    ada, clock = office.house.members["Ada"], office.house.clock
    authenticators = office.house.app.services.authenticators
    code = pyotp.TOTP((await authenticators.begin(ada, "Ada", "slack")).secret)
    await authenticators.confirm(ada, code.at(clock.now()), "slack")

    tried = 0

    async def slowly() -> None:
        nonlocal tried
        tried += 1
        clock.push(timedelta(seconds=59))

    office.till.during = slowly
    assert "That code is wrong" in text(await office.connect(code="000000"))
    assert tried == 0
    answer = await office.connect(code=code.at(clock.now().timestamp() + 30))
    assert answer.status_code == 200, text(answer)


async def test_who_ceases_to_be_an_administrator_while_it_is_tried_writes_nothing(office: Office) -> None:
    before = office.text
    ada = office.house.members["Ada"]
    office.till.during = lambda: office.house.change(tables.Member, ada, role="viewer")
    assert (await office.connect()).status_code == 403
    assert (office.text, office.renewed) == (before, False)


async def test_a_file_that_was_changed_meanwhile_is_left_and_the_log_says_nothing(office: Office) -> None:
    async def by_hand() -> None:
        office.file.write_text(office.text + '\n[stores.connected.shop]\nkind = "local"\n', encoding="utf-8")

    office.till.during = by_hand
    answer = await office.connect()
    assert answer.status_code == 422
    assert "stores.connected.shop: is there already" in text(answer)
    assert office.stored().kind == "local"
    assert await audit_of(office.house, "store.connected") == []
    assert not office.renewed


async def test_one_store_is_tried_at_a_time_and_not_too_often(office: Office) -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def slowly() -> None:
        begun.set()
        await go.wait()

    office.till.during = slowly
    first = asyncio.create_task(office.connect())
    await begun.wait()
    assert "Another store is being tried" in text(await office.connect(called="other"))
    go.set()
    assert (await first).status_code == 200
    office.till.during, office.till.verdict = None, "fail"
    answers = [await office.connect(called=f"s{number}") for number in range(9)]
    assert "wait half a minute" in text(answers[-1])
    assert "wait half a minute" not in text(answers[0])


async def test_a_store_that_does_not_answer_is_given_up(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.services.connecting.SECONDS", 0.01)
    office.till.during = asyncio.Event().wait
    answer = await office.connect()
    assert "did not answer within a minute" in text(answer)
    assert office.till.closed == 1


async def test_what_was_typed_is_kept_out_of_the_logs_from_then_on(office: Office) -> None:
    stream = io.StringIO()
    logs.set_up("INFO", "json", (), stream)

    async def say() -> None:
        logging.getLogger("shop").warning("401 for %s", "canary-typed")

    office.till.during = say
    await office.connect()
    assert "401 for [hidden]" in stream.getvalue()
    assert "canary" not in stream.getvalue()


async def test_without_a_settings_file_the_page_says_so_and_takes_nothing(house: House) -> None:
    client = await house.enter("Ada")
    page = await client.get("/board/stores")
    assert "started without a settings file" in text(page)
    assert "/board/stores/add" not in page.text
    assert (await client.post("/board/stores/add", data=FORM)).status_code == 403
