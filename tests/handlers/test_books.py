"""The audit log in chat, and who may choose what a group is told of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.chat.codec import decode_message
from bot.chat.command import Role
from bot.chat.incoming import ConversationKind
from bot.chat.nodes import Actions
from bot.chat.router import Answer
from bot.storage import offers, tables
from tests.handlers.conftest import Office, button, text
from tests.services.work.kit import add


async def answered(office: Office, line: str, role: Role, kind: ConversationKind = "direct") -> Answer:
    """What Vic is told in a role."""
    call = office.call("Vic", "slack", kind, 1)
    return await office.router.run(replace(call, asker=replace(call.asker, role=role)), line)


async def ask(office: Office, line: str, role: Role, kind: ConversationKind = "direct") -> str:
    return text(await answered(office, line, role, kind))


@pytest.mark.parametrize("role", ["auditor", "admin"])
async def test_auditors_and_administrators_see_the_head_and_the_last_check(office: Office, role: Role) -> None:
    entries, head = await office.services.audit.head()
    told = await ask(office, "audit", role)
    assert head in told
    assert f"Entries: {entries}" in told
    assert "Verified last: never" in told
    checked = await ask(office, "审计 验证", role)
    assert "whole" in checked
    assert f"{entries} entries" in checked


@pytest.mark.parametrize("role", ["viewer", "operator", "buyer", "approver", "promo_manager"])
async def test_nobody_else_reads_the_audit_log(office: Office, role: Role) -> None:
    assert "Only auditors and administrators" in await ask(office, "audit", role)
    assert "Only auditors and administrators" in await ask(office, "audit verify", role)
    assert await office.services.audit.checked() is None


async def test_the_audit_card_leads_to_a_check(office: Office) -> None:
    answer = await answered(office, "audit", "auditor", "group")
    assert answer.private
    assert button(answer, "audit").arguments == ("verify",)


@pytest.mark.parametrize("role", ["viewer", "auditor"])
@pytest.mark.parametrize("line", ["subscribe restock", "unsubscribe restock"])
async def test_readers_decide_nothing_for_a_group(office: Office, role: Role, line: str) -> None:
    assert "not for a whole group" in await ask(office, line, role, "group")
    assert "not for a whole group" not in await ask(office, line, role, "direct")
    topics = await office.services.topics.of(office.call("Vic", "slack", "group", 1).origin)
    assert topics == ()


@pytest.mark.parametrize("role", ["operator", "buyer", "approver", "promo_manager", "admin"])
async def test_everybody_else_may(office: Office, role: Role) -> None:
    assert "Subscribed" in await ask(office, "subscribe restock", role, "group")
    assert "Unsubscribed" in await ask(office, "unsubscribe restock", role, "group")


async def test_a_request_finds_its_approver_and_their_decision_locks_what_they_were_sent(office: Office) -> None:
    shop, now = office.shop, office.shop.clock.now()
    async with shop.database.transaction() as connection:
        whose = {"member_id": shop.members["Lin Wei"], "platform": "slack"}
        place = await add(connection, tables.Conversation, external_id="D-LIN", kind="direct", **whose)
    [waiting] = (await office.services.decisions.waiting(None)).items
    done = await office.services.routing.tick()
    assert (done.offers, done.messages) == (1, 1)
    async with shop.database.reading() as connection:
        [offer] = await offers.of_request(connection, waiting.id)
    assert (offer.name, offer.reason, offer.at) == ("Lin Wei", "awake", now)
    assert "approve" in await sent(office, place)
    told = text(await office.ask(f"approve R-{waiting.id}"))
    assert "approved by Lin Wei" in told
    assert "approve" not in await sent(office, place)  # the copy that waits for delivery is reworded
    assert (await office.services.routing.tick()).offers == 0


async def sent(office: Office, place: int) -> set[str]:
    """The commands of the buttons that a conversation was sent."""
    [letter] = [row for row in await office.shop.all(tables.Outbox) if row.conversation_id == place]
    blocks = decode_message(letter.message).blocks
    return {each.command for block in blocks if isinstance(block, Actions) for each in block.buttons}
