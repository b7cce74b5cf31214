"""Everything at once against a simple model: requests, roles, delegations, edits, lapses, clock jumps, leavers.

The model knows nothing of the product's rules but approvals.md, said anew in a few lines. Each word is foretold by the
model and then given to the real service on SQLite: whatever is accepted that the model forbids, or refused that it
allows, is a fault.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections import Counter
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy import create_engine, event, update

from bot.domain.policy import Band, Policy, RoleLimit
from bot.errors import Refusal
from bot.ports import MovableClock
from bot.services.decisions import Decision
from bot.storage import requests as rows
from bot.storage import tables
from bot.storage.database import Database
from tests.faults.figures import record
from tests.faults.model import DAY, MOST, PEOPLE, START, Asked, Lent, Model
from tests.services.policy.kit import court_at, open_court
from tests.services.work.kit import SETTINGS, Desk, open_bureau

ROW = "State machine: approvals against a model"
STEPS = {"": 400, "short": 3_000, "long": 100_000}[os.environ.get("FAULTS", "")]
PER_EXAMPLE = 30
RULES = Policy(
    currency="GBP",
    limits=tuple(RoleLimit(role, "GBP", one, day) for role, (one, day) in sorted(MOST.items())),
    bands=(Band(100, 1, requester=True), Band(500, 1), Band(None, 2)),
)
ANYBODY = st.sampled_from(("fit", "fit", "delegate", "again", "again", *PEOPLE))
T = TypeVar("T")


class Template:
    """A planted database, copied for each example."""

    content: bytes = b""
    ids: dict[str, Any] = {}  # noqa: RUF012  # filled once by the test


steps = 0
heard: Counter[str] = Counter()  # what words came to, so that a machine that tries nothing is seen


class Office(RuleBasedStateMachine):
    """Real decisions beside the model."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "machine.db"
        path.write_bytes(Template.content)
        self.database = Database(f"sqlite+aiosqlite:///{path}")

        @event.listens_for(self.database.engine.sync_engine, "connect")
        def hurry(connection: Any, _record: object) -> None:
            connection.cursor().execute("PRAGMA synchronous=OFF")

        self.clock = MovableClock(START, frozen=True)
        bureau = open_bureau(self.database, self.clock, SETTINGS)
        desk = Desk(
            self.database, self.clock, bureau.audit, bureau.outbox, bureau.requests, bureau.decisions, bureau.effects,
            **Template.ids,
        )  # fmt: skip
        self.court = court_at(desk, self.clock, RULES)
        self.model = Model()
        self.names = {number: name for name, number in desk.members.items()}

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        global steps  # noqa: PLW0603  # the figure of the whole run
        steps += 1
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        self.loop.run_until_complete(self.database.close())
        self.loop.close()
        self.folder.cleanup()

    @initialize(first=st.sampled_from((100, 400, 501)), requester=st.sampled_from((None, *PEOPLE)))
    def begin(self, first: int, requester: str | None) -> None:
        self.ask(first, requester)
        self.ask(600, None)
        self.lend("Greta", "Jonas", 3, later=False)

    @rule(total=st.sampled_from((50, 100, 101, 400, 500, 501, 900, 1_001)), requester=st.sampled_from((None, *PEOPLE)))
    def ask(self, total: int, requester: str | None) -> None:
        number = None if requester is None else self.court.members[requester]
        request_id = self.run(self.court.pending(total, kind="transfer", requested_by=number))
        lapses = self.model.now + timedelta(hours=self.model.hours)
        self.model.asked[request_id] = Asked(total, requester, self.model.policy, lapses)

    def pick(self, which: int) -> tuple[int, Asked]:
        """One of the last requests, mostly one that waits."""
        waiting = sorted(number for number, asked in self.model.asked.items() if asked.state == "pending")
        ids = waiting if waiting and which else sorted(self.model.asked)
        request_id = ids[-1 - which % len(ids)]
        return request_id, self.model.asked[request_id]

    def somebody(self, who: str, asked: Asked) -> str:
        """The person named, or the last whom the model lets approve: delegates come after those who named them."""
        fit = [name for name in PEOPLE if name in self.model.here and self.model.behind(name, asked)]
        if who == "again" and asked.votes:  # in whose place somebody spoke already
            return asked.votes[-1][1]
        if who == "delegate":
            fit = [name for name in fit if self.model.behind(name, asked) != name] or fit
        return who if who in PEOPLE else fit[-1] if fit else PEOPLE[0]

    @precondition(lambda self: self.model.asked)
    @rule(which=st.integers(0, 3), total=st.sampled_from((60, 450, 600)), editor=st.sampled_from(PEOPLE))
    def edit(self, which: int, total: int, editor: str) -> None:
        request_id, asked = self.pick(which)
        if asked.state != "pending" or asked.lapses <= self.model.now or total == asked.total:
            return
        self.run(self.edited(request_id, total, editor))
        asked.total, asked.editor, asked.votes = total, editor, []
        asked.version += 1
        asked.policy = self.model.policy
        asked.lapses = self.model.now + timedelta(hours=self.model.hours)

    async def edited(self, request_id: int, total: int, editor: str) -> None:
        async with self.database.transaction() as connection:
            held = await self.court.requests.held(connection, request_id)
            line = rows.DraftLine(self.court.product, 1, total)
            values = {"edited_by": self.court.members[editor]}
            assert await self.court.requests.change(connection, held, [line], [], values)

    @precondition(lambda self: self.model.asked)
    @rule(which=st.integers(0, 3), who=ANYBODY, shown=st.sampled_from(("now", "now", "now", "old", "typed")))
    def approve(self, which: int, who: str, shown: str) -> None:
        request_id, asked = self.pick(which)
        name = self.somebody(who, asked)
        version = {"now": asked.version, "old": asked.version - 1, "typed": None}[shown]
        before = asked.state
        outcome = self.press(request_id, name, "approve", version)
        model = self.model
        standing = [vote for vote in model.counting(asked) if vote[0] == name]
        if before != "pending":
            assert not isinstance(outcome, Decision) or outcome.already
        elif not model.may_say_anything(name):
            assert isinstance(outcome, Refusal)
        elif asked.lapses <= model.now:
            assert isinstance(outcome, Refusal)
            asked.state = "expired"
        elif shown == "old":
            assert isinstance(outcome, Refusal)
        elif standing:
            assert isinstance(outcome, Decision)
            assert outcome.already
        elif asked.policy != model.policy:
            assert isinstance(outcome, Refusal)
            asked.version += 1
            asked.policy, asked.votes = model.policy, []
        else:
            self.heard(asked, name, outcome)
        self.same(request_id, asked)

    @precondition(lambda self: self.model.asked)
    @rule(which=st.integers(1, 3), who=ANYBODY)
    def approve_what_is_shown(self, which: int, who: str) -> None:
        """The most likely thing to happen."""
        self.approve(which, who, "now")

    @precondition(lambda self: self.model.asked)
    @rule(which=st.integers(1, 3), order=st.permutations(PEOPLE))
    def everybody_approves(self, which: int, order: list[str]) -> None:
        """All press what is shown to them, one after another."""
        request_id, asked = self.pick(which)
        if asked.policy != self.model.policy and asked.state == "pending":
            self.approve(which, "fit", "now")
        for name in order:
            if asked.state == "pending" and self.pick(which)[0] == request_id:
                self.approve(which, name, "now")

    def heard(self, asked: Asked, name: str, outcome: Decision | Refusal) -> None:
        principal = self.model.behind(name, asked)
        if principal is None:
            assert isinstance(outcome, Refusal), f"{name} approved {asked}"
            heard["refused"] += 1
            return
        assert isinstance(outcome, Decision), f"{name} was refused {asked}: {outcome}"
        assert not outcome.already
        asked.votes = [*self.model.counting(asked), (name, principal, self.model.now)]
        heard.update({"alone" if principal == name else "for another": 1, f"{asked.needs} needed": 1})
        missing = asked.needs - len(asked.votes)
        assert outcome.votes_missing == missing
        if missing == 0:
            asked.state = "approved"

    @precondition(lambda self: self.model.asked)
    @rule(which=st.integers(0, 3), name=st.sampled_from(PEOPLE))
    def reject(self, which: int, name: str) -> None:
        request_id, asked = self.pick(which)
        before = asked.state
        outcome = self.press(request_id, name, "reject", None)
        if before != "pending":
            assert not isinstance(outcome, Decision) or outcome.already
        elif not self.model.may_say_anything(name):
            assert isinstance(outcome, Refusal)
        elif asked.lapses <= self.model.now:
            asked.state = "expired"
        else:
            assert isinstance(outcome, Decision)
            asked.state = "rejected"
        self.same(request_id, asked)

    def press(self, request_id: int, name: str, verdict: Any, version: int | None) -> Decision | Refusal:
        try:
            return self.run(self.court.decide(request_id, name, verdict, version))
        except Refusal as refusal:
            return refusal

    def same(self, request_id: int, asked: Asked) -> None:
        """The rows agree with the model on state, version and who said yes."""
        row, votes = self.loop.run_until_complete(self.read(request_id))
        assert row.state == asked.state
        if asked.state == "pending":
            assert row.version == asked.version
        if asked.state in {"pending", "approved"}:
            shown = self.model.counting(asked) if asked.state == "pending" else asked.votes
            assert votes == [(member, principal) for member, principal, _at in shown]
        begun = [each for each, _state in self.court.begun.requests if each == request_id]
        assert len(begun) == (1 if asked.state == "approved" else 0)

    async def read(self, request_id: int) -> tuple[rows.RequestRow, list[tuple[str, str]]]:
        async with self.database.reading() as connection:
            row = await rows.row(connection, request_id)
            assert row is not None
            view = (await rows.views(connection, [request_id]))[request_id]
        yes = [(vote.name, vote.for_whom or vote.name) for vote in view.votes if vote.verdict == "approve"]
        return row, yes

    @rule(giver=st.sampled_from(PEOPLE), taker=st.sampled_from(PEOPLE), days=st.integers(1, 3), later=st.booleans())
    def lend(self, giver: str, taker: str, days: int, later: bool) -> None:  # noqa: FBT001  # drawn
        starts = self.model.now + (DAY if later else timedelta(0))
        ends = starts + days * DAY
        give = self.court.delegations.give(self.court.asker(giver), taker, ends, "slack", starts)
        fits = self.model.roles[giver] == "approver" and giver in self.model.here and taker in self.model.here
        try:
            self.run(give)
        except Refusal:
            assert not fits or taker == giver or self.model.roles[taker] not in MOST
            return
        assert fits
        assert taker != giver
        self.model.lent = [each for each in self.model.lent if each.giver != giver]
        self.model.lent.append(Lent(giver, taker, starts, ends))

    @rule(
        kind=st.sampled_from(("take back", "leave", "return", "role", "policy", "lapse")),
        name=st.sampled_from(PEOPLE),
        role=st.sampled_from(("approver", "buyer", "buyer", "viewer", "admin")),
        hours=st.sampled_from((6, 24)),
        alone=st.booleans(),
    )
    def trouble(self, kind: str, name: str, role: str, hours: int, alone: bool) -> None:  # noqa: FBT001  # drawn
        """One rule for all that happens seldom, so that words are given more often than people leave."""
        match kind:
            case "take back":
                self.take_back(name)
            case "leave":
                self.leave(name)
            case "return":
                self.come_back()
            case "role":
                self.change_role(name, role)
            case "policy":
                self.change_policy(hours, alone=alone)
            case _:
                self.lapse()

    def take_back(self, giver: str) -> None:
        self.run(self.court.delegations.take_back(self.court.asker(giver), "slack"))
        self.model.lent = [each for each in self.model.lent if each.giver != giver]

    @rule(minutes=st.sampled_from((1, 60, 60, 360, 1_440)))
    def wait(self, minutes: int) -> None:
        self.clock.push(timedelta(minutes=minutes))
        self.model.now += timedelta(minutes=minutes)

    def lapse(self) -> None:
        self.run(self.court.requests.expire(self.clock.now()))
        for asked in self.model.asked.values():
            if asked.state == "pending" and asked.lapses <= self.model.now:
                asked.state = "expired"

    def change_role(self, name: str, role: str) -> None:
        self.run(self.set_member(name, role=role))
        self.model.roles[name] = role

    def leave(self, name: str) -> None:
        self.run(self.set_member(name, active=False))
        self.model.here -= {name}

    def come_back(self) -> None:
        for name in set(PEOPLE) - self.model.here:
            self.run(self.set_member(name, active=True))
        self.model.here = set(PEOPLE)

    async def set_member(self, name: str, **values: Any) -> None:
        async with self.database.transaction() as connection:
            await connection.execute(
                update(tables.Member).where(tables.Member.id == self.court.members[name]).values(**values)
            )

    def change_policy(self, hours: int, *, alone: bool) -> None:
        if (hours, alone) == (self.model.hours, self.model.alone):
            return
        self.model.hours, self.model.alone = hours, alone
        self.model.policy = self.run(self.court.rules(transfer_hours=hours, self_approval=alone))


async def plant(path: Path) -> None:
    """The team, a product, a place and the first policy."""
    database = Database(f"sqlite+aiosqlite:///{path}")
    court = await open_court(database, MovableClock(START, frozen=True), RULES)
    Template.ids = {
        "members": court.members, "product": court.product, "place": court.place, "supplier": court.supplier,
    }  # fmt: skip
    await database.close()


@pytest.mark.timeout(0 if STEPS > 3_000 else 600)
def test_what_is_decided_is_what_a_simple_model_foretells(tmp_path: Path) -> None:
    path = tmp_path / "planted.db"
    engine = create_engine(f"sqlite:///{path}")
    tables.Base.metadata.create_all(engine)
    engine.dispose()
    asyncio.run(plant(path))
    Template.content = path.read_bytes()
    run_state_machine_as_test(
        Office,
        settings=settings(
            max_examples=STEPS // PER_EXAMPLE, stateful_step_count=PER_EXAMPLE, deadline=None, database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    assert steps > STEPS // 4
    assert min(heard[each] for each in ("refused", "alone", "for another", "1 needed", "2 needed")) > 0, heard
    record(ROW, steps, 0, f"steps; {heard.total():,} words weighed by authority")
