"""The policy as a document with versions: read with every fault, tightened at once, loosened by two admins."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from sqlalchemy import update

from bot.domain.money import Money
from bot.domain.policy import Policy, RoleLimit
from bot.errors import NotAllowed, Refusal, SettingsError, StaleButton, UnknownReference
from bot.ports import MovableClock
from bot.services.policytext import document_of, of_document, read_policy, write_policy
from bot.storage import tables
from bot.storage.database import Database
from tests.services.policy.kit import POLICY, Court, open_court
from tests.services.policy.test_policy_rules import policies


@pytest.fixture
async def court(database: Database, clock: MovableClock) -> Court:
    made = await open_court(database, clock)
    await made.join("Bo", "admin")
    return made


@given(policies)
@settings(max_examples=60)
def test_what_is_written_is_read_back_the_same(policy: Policy) -> None:
    limits = tuple(sorted(policy.limits, key=lambda limit: (limit.role, limit.currency)))
    policy = dataclasses.replace(policy, limits=limits)
    assert read_policy(write_policy(policy), "GBP") == policy
    assert of_document(document_of(policy)) == policy


def test_every_fault_of_a_text_is_named_with_its_key_and_remedy() -> None:
    text = """
    currency = "GBP"
    foo = 1
    [limits.approver.GBP]
    per_request = "lots"
    [careful]
    rate_hour = 3
    [expiry]
    promotion_hours = 0
    """
    with pytest.raises(SettingsError) as refused:
        read_policy(text, "GBP")
    faults = {fault.where: str(fault.remedy) for fault in refused.value.faults}
    assert set(faults) == {"foo", "limits.approver.GBP.per_request", "careful.rate_hour", "expiry.promotion_hours"}
    assert "rate_hours" in faults["careful.rate_hour"]
    assert all(faults.values())


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("currency = 'USD'", "currency"),
        ("currency = 'GBP'\n[limits.admin.GBP]\nper_request = 5", "limits.admin"),
        ("currency = 'GBP'\n[limits.approver.GBP]\nper_request = 5.005", "limits.approver.GBP.per_request"),
        ("currency = 'GBP'\n[[bands]]\nup_to = 5\npeople = 1", "bands"),
        ("currency = 'GBP'\n[[bands]]\nup_to = 5\npeople = 2\n[[bands]]\npeople = 1", "bands"),
        ("currency = 'GBP'\n[[bands]]\npeople = 1\n[[bands]]\npeople = 2", "bands"),
        ("currency = 'GBP'\ndelegation_days = 15", "delegation_days"),
        ("currency = GBP", "policy"),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, where: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_policy(text, "GBP")
    assert where in {fault.where for fault in refused.value.faults}


async def test_the_first_version_is_made_of_the_settings_and_once(court: Court) -> None:
    await court.policies.ensure()
    (first,) = await court.policies.history()
    assert (first.number, first.state, first.proposed_by) == (1, "active", "")
    assert (await court.policies.in_force()).policy == POLICY


async def test_an_admin_tightens_at_once(court: Court) -> None:
    tighter = dataclasses.replace(POLICY, purchase_hours=12)
    made = await court.policies.apply(write_policy(tighter), court.members["Ada"], "terminal", "slower")
    assert (made.state, made.loosens, made.proposed_by) == ("active", (), "Ada")
    assert (await court.policies.in_force()).policy == tighter
    assert [each.state for each in await court.policies.history()] == ["active", "replaced"]
    (*_first, entry) = await court.all(tables.Audit)
    assert (entry.action, entry.data["note"]) == ("policy.changed", "slower")


async def test_a_loosening_waits_for_a_second_admin(court: Court) -> None:
    made = await court.policies.set_limit("approver", Money.of_minor(600_000, "GBP"), court.members["Ada"], "slack")
    assert made.state == "proposed"
    assert made.loosens == ("limits.approver.GBP.per_request: 500000 -> 600000",)
    assert (await court.policies.in_force()).policy == POLICY
    with pytest.raises(NotAllowed, match="yourself"):
        await court.policies.confirm(made.number, court.members["Ada"], "slack")
    assert [each.number for each in await court.policies.proposed()] == [made.number]

    done = await court.policies.confirm(made.number, court.members["Bo"], "telegram")
    assert (done.state, done.decided_by) == ("active", "Bo")
    found = (await court.policies.in_force()).policy.limit("approver", "GBP")
    assert found == RoleLimit("approver", "GBP", 600_000)
    with pytest.raises(StaleButton):
        await court.policies.confirm(made.number, court.members["Bo"], "telegram")
    actions = [entry.action for entry in await court.all(tables.Audit)]
    assert actions == ["policy.changed", "policy.proposed", "policy.denied", "policy.confirmed"]


async def test_who_is_no_admin_changes_nothing_and_it_is_recorded(court: Court) -> None:
    with pytest.raises(NotAllowed):
        await court.policies.change(dataclasses.replace(POLICY, purchase_hours=12), court.members["Greta"], "slack")
    made = await court.policies.change(dataclasses.replace(POLICY, purchase_hours=48), court.members["Ada"], "slack")
    for act in (court.policies.confirm, court.policies.refuse):
        with pytest.raises(NotAllowed):
            await act(made.number, court.members["Greta"], "slack")
    denied = [entry for entry in await court.all(tables.Audit) if entry.action == "policy.denied"]
    assert [entry.data["role"] for entry in denied] == ["approver"] * 3


async def test_a_version_may_be_turned_down(court: Court) -> None:
    made = await court.policies.change(dataclasses.replace(POLICY, purchase_hours=48), court.members["Ada"], "slack")
    assert (await court.policies.refuse(made.number, court.members["Ada"], "slack")).state == "refused"
    assert await court.policies.proposed() == ()
    with pytest.raises(StaleButton):
        await court.policies.confirm(made.number, court.members["Bo"], "slack")


async def test_a_proposal_loosens_no_more_than_what_was_read_when_it_is_confirmed(court: Court) -> None:
    """Tightened meanwhile: what was proposed would silently take that back."""
    wider = dataclasses.replace(POLICY, purchase_hours=48)
    made = await court.policies.change(wider, court.members["Ada"], "slack")
    await court.policies.change(dataclasses.replace(POLICY, transfer_hours=6), court.members["Bo"], "slack")
    with pytest.raises(StaleButton, match="anew"):
        await court.policies.confirm(made.number, court.members["Bo"], "slack")


async def test_a_proposal_of_who_is_no_admin_any_more_is_not_confirmed(court: Court) -> None:
    made = await court.policies.change(dataclasses.replace(POLICY, purchase_hours=48), court.members["Ada"], "slack")
    async with court.database.transaction() as connection:
        member = tables.Member
        await connection.execute(update(member).where(member.name == "Ada").values(role="viewer"))
    with pytest.raises(NotAllowed, match="any more"):
        await court.policies.confirm(made.number, court.members["Bo"], "slack")


async def test_the_same_policy_again_is_no_change(court: Court) -> None:
    with pytest.raises(Refusal, match="already"):
        await court.policies.change(POLICY, court.members["Ada"], "slack")
    with pytest.raises(UnknownReference):
        await court.policies.confirm(99, court.members["Ada"], "slack")
