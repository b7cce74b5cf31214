"""The policy in force, its versions, and how it changes: at once where it only tightens, otherwise by two admins.

The first version is made from the settings. Every version is kept; requests and votes name the one they rest on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.cards.policy import VERSION_STATES
from bot.chat.nodes import Code
from bot.domain.loosening import loosened
from bot.domain.money import Money
from bot.domain.policy import Policy, RoleLimit, VersionView
from bot.errors import NotAllowed, Refusal, StaleButton, UnknownReference
from bot.ports import Clock
from bot.services.audit import Audit, Deed
from bot.services.policytext import document_of, of_document, read_policy, write_policy
from bot.storage import authority, locks
from bot.storage import policies as rows
from bot.storage.database import Database
from bot.storage.policies import PolicyRow, PolicyState
from bot.words import Words, _

_SHOWN = 50  # versions of a history
_NOTE = 200  # characters
_FIRST = "made from the settings"


@dataclass(frozen=True, slots=True)
class InForce:
    """The policy that holds now, and its version; 0 is the one of the settings, before the first was written."""

    version: int
    policy: Policy


FIRST = 1  # the number of the first version


class Policies:
    """Reads and changes the policy; `initial` is what the settings say, for a database that has none."""

    def __init__(self, *, database: Database, clock: Clock, audit: Audit, initial: Policy) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._initial = initial
        self._parsed: InForce | None = None  # the last version read; versions never change

    async def current(self, connection: AsyncConnection) -> InForce:
        """The policy in force."""
        number = await rows.active_number(connection)
        if not number:
            return InForce(FIRST, self._initial)  # what it will be once written down: a ruling of today stays true
        if self._parsed is None or self._parsed.version != number:
            row = await rows.active(connection)
            self._parsed = InForce(FIRST, self._initial) if row is None else InForce(row.id, of_document(row.document))
        return self._parsed

    async def in_force(self) -> InForce:
        """The policy in force, read in a transaction of its own."""
        async with self._database.reading() as connection:
            return await self.current(connection)

    async def ensure(self) -> None:
        """Write the first version where the database has none."""
        async with self._database.transaction() as connection:
            await locks.policy(connection)
            if await rows.active(connection) is None:
                await self._activate(connection, self._initial, (), None, _FIRST)

    async def seed(self, document: str | Policy) -> int:
        """Put a policy in force by the word of whoever set Stocktide up (the demo, a first start); its number."""
        wanted = read_policy(document, self._initial.currency) if isinstance(document, str) else document
        async with self._database.transaction() as connection:
            await locks.policy(connection)
            await rows.replace_active(connection)
            return await self._activate(connection, wanted, (), None, "set up")

    async def apply(self, text: str, member_id: int, platform: str, note: str = "") -> VersionView:
        """Change the policy to a TOML text, as an admin: in force at once, or proposed where it loosens anything.

        SettingsError with every fault of the text; NotAllowed where the person is no admin.
        """
        return await self.change(read_policy(text, self._initial.currency), member_id, platform, note)

    async def change(self, wanted: Policy, member_id: int, platform: str, note: str = "") -> VersionView:
        """As `apply`, with the policy itself."""
        async with self._database.transaction() as connection:
            await locks.policy(connection)
            if await rows.active(connection) is None:
                await self._activate(connection, self._initial, (), None, _FIRST)
            outcome = await self._changed(connection, wanted, member_id, platform, note[:_NOTE])
        return _raised(outcome)

    async def set_limit(self, role: str, most: Money, member_id: int, platform: str) -> VersionView:
        """Set the most that a role may approve per request in a currency; its other bounds stay."""
        policy = (await self.in_force()).policy
        old = policy.limit(role, most.currency)
        new = dataclasses.replace(old or RoleLimit(role, most.currency, 0), per_request=most.minor)
        others = [each for each in policy.limits if each is not old]
        limits = tuple(sorted((*others, new), key=lambda each: (each.role, each.currency)))
        return await self.change(dataclasses.replace(policy, limits=limits), member_id, platform, f"limit of {role}")

    async def confirm(self, number: int, member_id: int, platform: str) -> VersionView:
        """Put a proposed version in force, as a second admin."""
        async with self._database.transaction() as connection:
            await locks.policy(connection)
            if await rows.active(connection) is None:
                await self._activate(connection, self._initial, (), None, _FIRST)
            outcome = await self._confirmed(connection, number, member_id, platform)
        return _raised(outcome)

    async def refuse(self, number: int, member_id: int, platform: str) -> VersionView:
        """Turn a proposed version down, as any admin; who proposed it may take it back so."""
        async with self._database.transaction() as connection:
            await locks.policy(connection)
            if await rows.active(connection) is None:
                await self._activate(connection, self._initial, (), None, _FIRST)
            outcome = await self._refused(connection, number, member_id, platform)
        return _raised(outcome)

    async def proposed(self) -> tuple[VersionView, ...]:
        """The versions that wait for a second admin, oldest first."""
        async with self._database.reading() as connection:
            return await _views(connection, await rows.proposed(connection))

    async def history(self) -> tuple[VersionView, ...]:
        """The last versions, newest first."""
        async with self._database.reading() as connection:
            return await _views(connection, await rows.history(connection, _SHOWN))

    async def text(self, number: int | None = None) -> str:
        """A version as TOML; the one in force without a number."""
        if number is None:
            return write_policy((await self.in_force()).policy)
        async with self._database.reading() as connection:
            return write_policy(of_document((await self._found(connection, number)).document))

    async def _hold(self, connection: AsyncConnection) -> None:
        """Make this the only change until the transaction ends.

        Before the first change the settings' own policy, which held until now, is kept as a version; nobody decided it,
        so it is no entry of the audit log.
        """
        await locks.policy(connection)
        if await rows.active(connection) is None:
            await rows.add(connection, self._values(self._initial, "active", (), None, _FIRST))

    async def _changed(
        self, connection: AsyncConnection, wanted: Policy, member_id: int, platform: str, note: str
    ) -> VersionView | Refusal:
        denied = await self._denied(connection, member_id, platform, "change")
        if denied is not None:
            return denied
        now = await self.current(connection)
        if wanted == now.policy:
            return Refusal(_("That is the policy in force already; nothing was changed."))
        loosens = loosened(now.policy, wanted)
        if not loosens:
            await rows.replace_active(connection)
            number = await self._activate(connection, wanted, (), member_id, note, platform)
        else:
            number = await rows.add(connection, self._values(wanted, "proposed", loosens, member_id, note))
            data = {"loosens": list(loosens), "note": note}
            await self._audit.append(connection, "policy.proposed", f"policy:{number}", data, member_id, platform)
        return (await _views(connection, [await self._found(connection, number)]))[0]

    async def _confirmed(
        self, connection: AsyncConnection, number: int, member_id: int, platform: str
    ) -> VersionView | Refusal:
        denied = await self._denied(connection, member_id, platform, "confirm")
        if denied is not None:
            return denied
        row = await self._found(connection, number)
        if (stale := _not_waiting(row)) is not None:
            return stale
        if row.proposed_by == member_id:
            words = _("You proposed version {number} yourself; another administrator must confirm it.", number=number)
            return await self._deny(connection, words, member_id, platform, f"policy:{number}", "own")
        if row.proposed_by is None or not await _may_change(connection, row.proposed_by):
            words = _("Who proposed version {number} is no administrator any more; propose it anew.", number=number)
            return await self._deny(connection, words, member_id, platform, f"policy:{number}", "proposer")
        wanted = of_document(row.document)
        loosens = loosened((await self.current(connection)).policy, wanted)
        if not set(loosens) <= set(row.loosens):
            return StaleButton(
                _("The policy has changed since version {number} was proposed; propose it anew.", number=number)
            )
        await rows.replace_active(connection)
        await rows.settle(connection, number, "active", member_id, self._clock.now())
        data = {"loosens": row.loosens, "proposed_by": row.proposed_by}
        await self._audit.append(connection, "policy.confirmed", f"policy:{number}", data, member_id, platform)
        return (await _views(connection, [await self._found(connection, number)]))[0]

    async def _refused(
        self, connection: AsyncConnection, number: int, member_id: int, platform: str
    ) -> VersionView | Refusal:
        denied = await self._denied(connection, member_id, platform, "refuse")
        if denied is not None:
            return denied
        row = await self._found(connection, number)
        if (stale := _not_waiting(row)) is not None:
            return stale
        await rows.settle(connection, number, "refused", member_id, self._clock.now())
        await self._audit.append(connection, "policy.refused", f"policy:{number}", {}, member_id, platform)
        return (await _views(connection, [await self._found(connection, number)]))[0]

    async def _activate(
        self,
        connection: AsyncConnection,
        policy: Policy,
        loosens: Sequence[str],
        member_id: int | None,
        note: str,
        platform: str = "",
    ) -> int:
        number = await rows.add(connection, self._values(policy, "active", loosens, member_id, note))
        deed = Deed("policy.changed", f"policy:{number}", {"note": note}, member_id, platform)
        await self._audit.append_all(connection, [deed])
        return number

    def _values(
        self, policy: Policy, state: PolicyState, loosens: Sequence[str], member_id: int | None, note: str
    ) -> dict[str, object]:
        return {
            "document": document_of(policy),
            "state": state,
            "loosens": list(loosens),
            "note": note,
            "proposed_by": member_id,
            "proposed_at": self._clock.now(),
        }

    async def _found(self, connection: AsyncConnection, number: int) -> PolicyRow:
        row = await rows.version(connection, number)
        if row is None:
            raise UnknownReference(_("There is no version {number} of the policy.", number=number))
        return row

    async def _denied(self, connection: AsyncConnection, member_id: int, platform: str, what: str) -> NotAllowed | None:
        if await _may_change(connection, member_id):
            return None
        words = _("Only an administrator changes the policy; {command} shows it.", command=Code("policy"))
        return await self._deny(connection, words, member_id, platform, "policy", what)

    async def _deny(
        self, connection: AsyncConnection, words: Words, member_id: int, platform: str, subject: str, why: str
    ) -> NotAllowed:
        role = await authority.role_of(connection, member_id)
        data = {"why": why, "role": role or ""}
        await self._audit.append(connection, "policy.denied", subject, data, member_id or None, platform)
        return NotAllowed(words)


def _raised(outcome: VersionView | Refusal) -> VersionView:
    """The outcome, or its refusal, raised only now: its audit entry is to be kept."""
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


def _not_waiting(row: PolicyRow) -> StaleButton | None:
    if row.state == "proposed":
        return None
    return StaleButton(_("Version {number} is already {state}.", number=row.id, state=VERSION_STATES[row.state]))


async def _may_change(connection: AsyncConnection, member_id: int) -> bool:
    """An admin, or the local owner: whoever can open the database could change it anyhow."""
    return await authority.role_of(connection, member_id) == "admin" or await authority.is_owner(connection, member_id)


async def _views(connection: AsyncConnection, found: Sequence[PolicyRow]) -> tuple[VersionView, ...]:
    people = {member for row in found for member in (row.proposed_by, row.decided_by) if member is not None}
    names = await rows.names(connection, people)
    return tuple(
        VersionView(
            number=row.id,
            state=row.state,
            loosens=tuple(str(each) for each in row.loosens),
            note=row.note,
            proposed_by=names.get(row.proposed_by or 0, ""),
            proposed_at=row.proposed_at,
            decided_by=names.get(row.decided_by or 0, ""),
            decided_at=row.decided_at,
        )
        for row in found
    )
