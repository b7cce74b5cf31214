"""Files of members: who they are, what they may, and when they work."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.services.audit import Deed
from bot.services.ingest.clerks import Clerk
from bot.services.ingest.rows import FileRow, RowRejected, Rules
from bot.storage import masters
from bot.storage.tables import Identity, Member

ROLES = ("viewer", "operator", "buyer", "approver", "promo_manager", "auditor", "admin")


class Members(Clerk):
    """Members by name, and who they are on the chat platforms."""

    async def begin(self, connection: AsyncConnection, rules: Rules) -> None:
        """Look up what rows refer to."""
        self._rules = rules
        rows = await connection.execute(
            select(Identity.platform, Identity.external_id, Member.name).join(Member, Member.id == Identity.member_id)
        )
        self._taken = {(row.platform, row.external_id): row.name for row in rows}

    def read(self, row: FileRow) -> tuple[dict[str, Any], dict[str, str]]:
        """A row's values; RowRejected where it cannot be."""
        name, role = row.required("name"), row.text("role").lower() or "viewer"
        if role not in ROLES:
            raise RowRejected("role", f"not one of {', '.join(ROLES)}")
        workdays = row.text("workdays") or "12345"
        if not set(workdays) <= set("1234567"):
            raise RowRejected("workdays", "not digits from 1 (Monday) to 7, such as 12345")
        member = {
            "name": name,
            "role": role,
            "zone": row.zone(),
            "zone_known": True,
            "language": row.language(),
            "country": row.country(),
            "working_from": row.time("working_from", time(9)),
            "working_to": row.time("working_to", time(18)),
            "workdays": workdays,
        }
        identities = {platform: row.text(platform) for platform in ("slack", "telegram") if row.has(platform)}
        for platform, external in identities.items():
            if self._taken.setdefault((platform, external), name) != name:
                raise RowRejected(platform, f"belongs to {self._taken[platform, external]}")
        return member, identities

    async def store(
        self, connection: AsyncConnection, rows: list[tuple[dict[str, Any], dict[str, str]]]
    ) -> tuple[int, int]:
        """Store what `read` gave; (added, updated)."""
        defaults = {"digest_at": time(9), "preferred_platform": "", "active": True, "created_at": self._rules.now}
        roles = dict((await connection.execute(select(Member.name, Member.role))).all())
        before = await self._calendars(connection)
        counted = await masters.merge(connection, Member, ("name",), [member for member, _ in rows], defaults)
        moved = [name for name, now in (await self._calendars(connection)).items() if before.get(name, now) != now]
        # Their next morning was computed for another calendar: it is planned anew.
        await connection.execute(update(Member).where(Member.name.in_(moved)).values(next_digest_at=None))
        ids = dict((await connection.execute(select(Member.name, Member.id))).all())
        known = {(row.platform, row.external_id) for row in await connection.execute(select(Identity))}
        new = {
            (platform, external): ids[member["name"]]
            for member, identities in rows
            for platform, external in identities.items()
            if (platform, external) not in known
        }
        for (platform, external), member_id in new.items():
            values = {"member_id": member_id, "platform": platform, "external_id": external}
            await connection.execute(insert(Identity).values(**values, handle="", linked_at=self._rules.now))
        if deeds := _role_deeds(roles, {member["name"]: member["role"] for member, _ in rows}, ids):
            await self.desk.audit.append_all(connection, deeds)
        return counted

    async def _calendars(self, connection: AsyncConnection) -> dict[str, tuple[str, str, str]]:
        """What decides each member's mornings, by name."""
        rows = await connection.execute(select(Member.name, Member.zone, Member.workdays, Member.country))
        return {row.name: (row.zone, row.workdays, row.country) for row in rows}


def _role_deeds(before: Mapping[str, str], after: Mapping[str, str], ids: Mapping[str, int]) -> list[Deed]:
    """What the audit log says of members that are new or have another role."""
    new = [
        Deed("member.added", f"member:{ids[name]}", {"name": name, "role": role, "from": "file"})
        for name, role in after.items()
        if name not in before
    ]
    changed = [
        Deed("member.role", f"member:{ids[name]}", {"before": before[name], "after": role, "from": "file"})
        for name, role in after.items()
        if name in before and before[name] != role
    ]
    return [*new, *changed]
