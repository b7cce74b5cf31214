"""The policy of approvals.md said anew in a few lines, to hold the product's decisions against."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

START = datetime(2011, 11, 21, 9, tzinfo=UTC)
DAY = timedelta(days=1)
PEOPLE = ("Lin Wei", "Greta", "Jonas", "Maria", "Ada")
MOST = {"approver": (1_000, 1_300), "buyer": (700, 1_300)}  # minor units per request and per day


@dataclass
class Asked:
    """A request as the model knows it; `votes` are (member, principal, when) of the version that stands."""

    total: int
    requester: str | None
    policy: int
    lapses: datetime
    editor: str | None = None
    version: int = 2
    state: str = "pending"
    votes: list[tuple[str, str, datetime]] = field(default_factory=list)

    @property
    def needs(self) -> int:
        return 1 if self.total <= 500 else 2


@dataclass
class Lent:
    giver: str
    taker: str
    starts: datetime
    ends: datetime


class Model:
    """approvals.md in a few lines."""

    def __init__(self) -> None:
        self.now = START
        self.roles = {"Lin Wei": "approver", "Greta": "approver", "Jonas": "buyer", "Maria": "operator", "Ada": "admin"}
        self.here = set(PEOPLE)
        self.asked: dict[int, Asked] = {}
        self.lent: list[Lent] = []
        self.policy = 1
        self.hours = 24
        self.alone = False

    def afford(self, name: str, total: int) -> bool:
        if self.roles[name] not in MOST:
            return False
        one, day = MOST[self.roles[name]]
        spent = sum(
            each.total
            for each in self.asked.values()
            if each.state in {"pending", "approved"}
            for member, principal, at in each.votes
            if name in {member, principal} and at > self.now - DAY
        )
        return total <= one and spent + total <= day

    def own(self, name: str, asked: Asked) -> bool:
        mine = asked.requester == name and not (self.alone and asked.total <= 100)
        late = asked.needs > 1 and asked.editor == name
        return self.roles[name] == "approver" and not mine and not late and self.afford(name, asked.total)

    def givers(self, name: str) -> list[str]:
        """In whose place somebody stands now."""
        return [
            each.giver
            for each in self.lent
            if each.taker == name and each.starts <= self.now < each.ends and each.giver in self.here
        ]

    def counting(self, asked: Asked) -> list[tuple[str, str, datetime]]:
        """The votes that count: who gave them is here, and whose authority they used is still an approver."""
        return [vote for vote in asked.votes if {vote[0], vote[1]} <= self.here and self.roles[vote[1]] == "approver"]

    def behind(self, name: str, asked: Asked) -> str | None:
        """Whose authority somebody would approve by; None: nobody's."""
        spoken = {person for member, principal, _at in self.counting(asked) for person in (member, principal)}
        if name in spoken:
            return None
        if self.own(name, asked):
            return name
        if name in {asked.requester, asked.editor}:
            return None
        for giver in self.givers(name):
            free = giver not in spoken and giver != asked.requester
            late = asked.needs > 1 and asked.editor == giver
            role = self.roles[giver] == "approver"
            if free and role and not late and self.afford(giver, asked.total) and self.afford(name, asked.total):
                return giver
        return None

    def may_say_anything(self, name: str) -> bool:
        return name in self.here and "approver" in {self.roles[each] for each in (name, *self.givers(name))}
