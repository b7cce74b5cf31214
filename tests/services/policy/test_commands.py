"""The commands of the policy through the router, on the whole of the application."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyotp
import pytest

from bot.bootstrap import App, build
from bot.chat.command import Asker, Invocation, Origin
from bot.chat.forms import Form
from bot.chat.incoming import ConversationKind
from bot.chat.nodes import Actions, Image
from bot.chat.router import Answer
from bot.domain.policy import RoleLimit
from bot.platforms.slack import blocks as slack
from bot.platforms.telegram import entities as telegram
from bot.ports import MovableClock, Reader
from bot.settings import given
from bot.storage import tables
from tests.chat.views import sealed
from tests.services.policy.kit import POLICY
from tests.services.work.kit import Desk, add, add_team

READERS = [Reader(code, ZoneInfo("Asia/Shanghai"), {}) for code in ("en", "zh_CN")]


@dataclass
class Room:
    """The application, and people who talk to it."""

    application: App
    desk: Desk
    clock: MovableClock

    async def ask(self, line: str, name: str, kind: ConversationKind = "direct") -> Answer:
        """A line typed by a member."""
        member = await self.application.services.members.asker(self.desk.members[name])
        return await self.application.router.run(self.call(member, kind), line)

    async def press(self, answer: Answer, label: str, name: str) -> Answer:
        """The button of an answer whose arguments begin with `label`."""
        rows = [block for block in answer.message.blocks if isinstance(block, Actions)]
        button = next(each for row in rows for each in row.buttons if each.arguments[:1] == (label,))
        member = await self.application.services.members.asker(self.desk.members[name])
        return await self.application.router.press(self.call(member, "direct"), button.command, button.arguments)

    def call(self, asker: Asker, kind: ConversationKind) -> Invocation[Any]:
        return Invocation(self.application.services, asker, Origin("telegram", "1", "1", kind), self.clock.now(), ())


@pytest.fixture
async def room(tmp_path: Path, sqlite_template: bytes, clock: MovableClock) -> AsyncIterator[Room]:
    path = tmp_path / "room.db"
    path.write_bytes(sqlite_template)
    chosen = given(
        organisation={"currency": "GBP", "zone": "Europe/London"},
        database={"url": f"sqlite+aiosqlite:///{path}"},
        orders={"folder": str(tmp_path)},
    )
    application = build(chosen, clock, ())
    services, database = application.services, application.services.database
    async with database.transaction() as connection:
        members = await add_team(connection, clock.now())
        members["Bo"] = await add(
            connection, tables.Member, name="Bo", role="admin", zone="UTC", created_at=clock.now()
        )
        product = await add(
            connection, tables.Product, sku="85123A", name="Lantern", currency="GBP", unit_cost_minor=120,
            unit_price_minor=295, created_at=clock.now(),
        )  # fmt: skip
        place = await add(
            connection, tables.Location, code="UK", name="United Kingdom", zone="Europe/London", country="GB",
            currency="GBP", markets=[],
        )  # fmt: skip
        supplier = await add(connection, tables.Supplier, code="YIWU", name="Yiwu Bright", country="CN", currency="CNY")
    rules = dataclasses.replace(
        POLICY, step_up_above=20_000, limits=(RoleLimit("approver", "GBP", 2_000_000), RoleLimit("buyer", "GBP", 100))
    )
    await services.policies.seed(rules)
    desk = Desk(
        database, clock, services.audit, services.outbox, services.requests, services.decisions, services.effects,
        members, product, place, supplier,
    )  # fmt: skip
    yield Room(application, desk, clock)
    await application.close()


def text(answer: Answer) -> str:
    """What both platforms make of it in both languages, held to their limits; the English one of Telegram."""
    for reader in READERS:
        slack.render(sealed(answer.message), reader)
        telegram.render(sealed(answer.message), reader)
    return telegram.render(sealed(answer.message), READERS[0]).text.replace("\u2060", "")


async def test_the_policy_is_shown_in_words(room: Room) -> None:
    shown = text(await room.ask("policy", "Jonas"))
    assert "2 people, neither the requester nor who changed it last" in shown
    assert "£20,000.00" in shown
    assert text(await room.ask("审批规则", "Jonas")) == shown


async def test_admins_confirm_a_proposal_by_a_button_and_others_see_none(room: Room) -> None:
    wider = dataclasses.replace((await room.application.services.policies.in_force()).policy, purchase_hours=48)
    await room.application.services.policies.change(wider, room.desk.members["Ada"], "terminal")
    shown = await room.ask("policy", "Jonas")
    assert "purchase_hours: 24 -> 48" in text(shown)
    assert not any(isinstance(block, Actions) for block in shown.message.blocks)
    shown = await room.ask("policy", "Ada")
    own = await room.press(shown, "confirm", "Ada")
    assert own.refused
    done = await room.press(shown, "confirm", "Bo")
    assert "in force" in text(done)
    assert (await room.application.services.policies.in_force()).policy == wider
    assert "in force" in text(await room.ask("policy history", "Jonas"))
    assert (await room.ask("policy confirm", "Ada")).refused
    assert (await room.ask("policy confirm 99", "Ada")).refused


async def test_two_approvals_are_asked_for_and_shown(room: Room) -> None:
    await room.application.services.policies.seed(
        dataclasses.replace(POLICY, limits=(RoleLimit("approver", "GBP", 10**7),))
    )
    request_id = await room.desk.pending(600_000)
    assert "0 of 2 approvals" in text(await room.ask(f"requests {request_id}", "Lin Wei"))
    first = text(await room.ask(f"approve R-{request_id}", "Lin Wei"))
    assert "1 more person must approve it" in first
    assert "1 of 2 approvals" in text(await room.ask(f"requests {request_id}", "Greta"))
    explained = text(await room.ask(f"policy R-{request_id} Greta", "Jonas"))
    assert "Greta may approve" in explained
    assert "may not approve" in text(await room.ask(f"policy R-{request_id}", "Jonas"))
    assert "approved by Greta" in text(await room.ask(f"approve R-{request_id}", "Greta"))


async def test_step_up_asks_by_a_form_and_takes_what_is_typed(room: Room) -> None:
    answer = await room.ask("authenticator", "Lin Wei")
    assert any(isinstance(block, Image) for block in answer.message.blocks)
    secret = text(answer).split("secret=")[1].split("&")[0].split()[0]
    generator = pyotp.TOTP(secret)
    assert "works" in text(await room.ask(f"authenticator {generator.at(room.clock.now())}", "Lin Wei"))
    request_id = await room.desk.pending(51_200)
    asked = await room.ask(f"approve R-{request_id}@2 a fine order", "Lin Wei")
    assert isinstance(asked.form, Form)
    assert [field.name for field in asked.form.fields] == ["total", "supplier", "code"]
    assert (asked.form.command, asked.form.arguments[0]) == ("approve", f"R-{request_id}@2")
    code = generator.at(room.clock.now() + timedelta(seconds=30))
    given_ = ("total=£512.00", "supplier=yiwu bright", f"code={code}")
    member = await room.application.services.members.asker(room.desk.members["Lin Wei"])
    done = await room.application.router.press(
        room.call(member, "direct"), asked.form.command, (*asked.form.arguments, *given_)
    )
    assert "approved by Lin Wei" in text(done)
    (row,) = [each for each in await room.desk.all(tables.Request) if each.id == request_id]
    assert code not in row.comment
    kept = [str(entry.data) for entry in await room.desk.all(tables.Audit)]
    assert not any(code in entry for entry in kept)


@pytest.mark.parametrize("line", ["authenticator", "authenticator 123456"])
async def test_an_authenticator_is_no_matter_for_a_group(room: Room, line: str) -> None:
    answer = await room.ask(line, "Lin Wei", "group")
    assert answer.refused
    assert "private chat" in text(answer)
    assert await room.desk.all(tables.Authenticator) == []


@pytest.mark.parametrize(
    "line",
    [
        "delegate Jonas until 2011-12-01",
        "delegate @Jonas until 3d",
        "delegate Jonas from 2011-11-22 until 2011-12-01",
        "delegate Jonas until 2011-12-01 from 2011-11-22",
        "委托 Jonas 直到 2011-12-01",
    ],
)
async def test_a_delegate_is_named_in_many_ways(room: Room, line: str) -> None:
    shown = text(await room.ask(line, "Greta"))
    assert "Jonas" in shown
    (row,) = await room.desk.all(tables.Delegation)
    assert (row.from_member, row.to_member) == (room.desk.members["Greta"], room.desk.members["Jonas"])
    assert "Greta" in text(await room.ask("delegate", "Jonas"))
    await room.ask("delegate off", "Greta")
    assert (await room.application.services.delegations.of(room.desk.members["Jonas"])).taken == ()


@pytest.mark.parametrize(
    "line", ["delegate Jonas", "delegate until 3d", "delegate Jonas until yesterday", "delegate Jonas until 60d"]
)
async def test_a_delegation_that_cannot_be_read_is_refused_in_words(room: Room, line: str) -> None:
    answer = await room.ask(line, "Greta")
    assert answer.refused
    assert answer.reference == ""
    assert await room.desk.all(tables.Delegation) == []
