"""One-time codes: enrolled in private, each good once, asked for above the threshold with the order restated."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pyotp
import pytest

from bot.errors import NotAllowed, Refusal
from bot.ports import MovableClock
from bot.services.stepup import Proof, StepUp, step_of
from bot.storage import tables
from bot.storage.database import Database
from tests.services.policy.kit import POLICY, Court, open_court, said
from tests.services.work.kit import request_row

ABOVE = 20_000


@pytest.fixture
async def court(database: Database, clock: MovableClock) -> Court:
    return await open_court(database, clock, dataclasses.replace(POLICY, step_up_above=ABOVE))


async def enrol(court: Court, name: str) -> str:
    """Somebody's secret, confirmed by its first code."""
    made = await court.authenticators.begin(court.members[name], name, "telegram")
    await court.authenticators.confirm(court.members[name], code(made.secret, court.clock), "telegram")
    return made.secret


def code(secret: str, clock: object, ahead: int = 0) -> str:
    """The code of a step, `ahead` of now."""
    now = clock.now()  # type: ignore[attr-defined]  # a Clock
    return pyotp.TOTP(secret).at(int(now.timestamp()) + 30 * ahead)


async def test_up_to_the_threshold_nothing_is_asked(court: Court) -> None:
    assert (await court.decide(await court.pending(ABOVE), "Lin Wei")).request.state == "approved"


async def test_above_it_the_order_is_restated_with_a_code(court: Court, clock: MovableClock) -> None:
    secret = await enrol(court, "Lin Wei")
    request_id = await court.pending(512_00)
    with pytest.raises(StepUp) as asked:
        await court.decide(request_id, "Lin Wei")
    assert asked.value.request.id == request_id
    clock.push(timedelta(seconds=30))
    proof = Proof("£512", "yiwu bright", code(secret, clock))
    assert (await court.decide(request_id, "Lin Wei", proof=proof)).request.state == "approved"
    assert proof.code not in str([entry.data for entry in await court.all(tables.Audit)])
    assert proof.code not in repr(proof)


@pytest.mark.parametrize(
    ("total", "supplier", "right", "why"),
    [("513", "YIWU", True, "total"), ("512", "Other", True, "supplier"), ("512", "YIWU", False, "code")],
)
async def test_what_is_restated_wrong_is_refused_and_recorded(
    court: Court,
    clock: MovableClock,
    total: str,
    supplier: str,
    right: bool,  # noqa: FBT001  # a table of cases
    why: str,
) -> None:
    secret = await enrol(court, "Lin Wei")
    clock.push(timedelta(seconds=30))
    given = code(secret, clock)
    proof = Proof(total, supplier, given if right else f"{(int(given) + 1) % 10**6:06}")
    request_id = await court.pending(512_00)
    with pytest.raises(NotAllowed):
        await court.decide(request_id, "Lin Wei", proof=proof)
    assert (await request_row(court, request_id)).state == "pending"
    assert await court.refusals() == [why]
    if right:  # the code was not used up by what failed before it
        fresh = Proof("512.00", "YIWU", given)
        assert (await court.decide(request_id, "Lin Wei", proof=fresh)).request.state == "approved"


async def test_no_code_works_twice(court: Court, clock: MovableClock) -> None:
    secret = await enrol(court, "Lin Wei")
    clock.push(timedelta(seconds=30))
    proof = Proof("512", "YIWU", code(secret, clock))
    first, second = await court.pending(512_00), await court.pending(512_00)
    await court.decide(first, "Lin Wei", proof=proof)
    with pytest.raises(NotAllowed, match="used before"):
        await court.decide(second, "Lin Wei", proof=proof)
    older = Proof("512", "YIWU", code(secret, clock, -1))
    with pytest.raises(NotAllowed, match="used before"):
        await court.decide(second, "Lin Wei", proof=older)


async def test_five_wrong_codes_lock_for_a_quarter_of_an_hour(court: Court, clock: MovableClock) -> None:
    secret = await enrol(court, "Lin Wei")
    request_id = await court.pending(512_00)
    clock.push(timedelta(seconds=60))
    for _turn in range(5):
        with pytest.raises(NotAllowed):
            await court.decide(request_id, "Lin Wei", proof=Proof("512", "YIWU", "000000"))
    with pytest.raises(NotAllowed, match="Too many"):
        await court.decide(request_id, "Lin Wei", proof=Proof("512", "YIWU", code(secret, clock)))
    clock.push(timedelta(minutes=15))
    done = await court.decide(request_id, "Lin Wei", proof=Proof("512", "YIWU", code(secret, clock)))
    assert done.request.state == "approved"
    assert (await court.refusals()).count("code") == 6


async def test_who_has_no_authenticator_is_told_how_to_get_one(court: Court) -> None:
    request_id = await court.pending(512_00)
    with pytest.raises(NotAllowed) as refused:
        await court.decide(request_id, "Lin Wei")
    assert "private chat" in said(refused.value.words)
    await court.authenticators.begin(court.members["Lin Wei"], "Lin Wei", "slack")
    with pytest.raises(NotAllowed):  # not confirmed is none
        await court.decide(request_id, "Lin Wei")


async def test_who_may_not_approve_is_not_even_asked(court: Court) -> None:
    request_id = await court.pending(512_00)
    with pytest.raises(NotAllowed, match="may not decide"):
        await court.decide(request_id, "Jonas")


async def test_a_rejection_needs_no_code(court: Court) -> None:
    assert (await court.decide(await court.pending(512_00), "Lin Wei", "reject")).request.state == "rejected"


async def test_an_authenticator_is_made_once_and_reset_by_an_admin(court: Court) -> None:
    member = court.members["Lin Wei"]
    first = await court.authenticators.begin(member, "Lin Wei", "slack")
    second = await court.authenticators.begin(member, "Lin Wei", "slack")  # not confirmed: the first is forgotten
    assert first.secret != second.secret
    assert second.link.startswith("otpauth://totp/Stocktide:Lin%20Wei?secret=" + second.secret)
    assert second.png.startswith(b"\x89PNG")
    with pytest.raises(NotAllowed):
        await court.authenticators.confirm(member, code(first.secret, court.clock), "slack")
    await court.authenticators.confirm(member, code(second.secret, court.clock), "slack")
    with pytest.raises(Refusal, match="already"):
        await court.authenticators.begin(member, "Lin Wei", "slack")
    assert await court.authenticators.reset(member, court.members["Ada"], "terminal")
    assert not await court.authenticators.reset(member)
    assert (await court.authenticators.begin(member, "Lin Wei", "slack")).secret
    texts = str([entry.data for entry in await court.all(tables.Audit)])
    assert second.secret not in texts


def test_a_code_is_taken_one_step_early_or_late_in_any_width_and_spacing(clock: MovableClock) -> None:
    secret = pyotp.random_base32()
    step = int(clock.now().timestamp()) // 30
    for ahead in (-1, 0, 1):
        assert step_of(secret, code(secret, clock, ahead), clock.now(), 0) == step + ahead
    for ahead in (-2, 2):
        assert step_of(secret, code(secret, clock, ahead), clock.now(), 0) is None
    now = code(secret, clock)
    wide = now.translate({ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)})
    assert step_of(secret, f" {now[:3]} {now[3:]} ", clock.now(), 0) == step
    assert step_of(secret, wide, clock.now(), 0) == step
    for rubbish in ("", "١٢٣٤٥٦", "12345", "abcdef", "0" * 500):
        assert step_of(secret, rubbish, clock.now(), 0) is None
