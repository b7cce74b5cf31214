"""The demo's people and rooms, set up in the sandbox: who they are, where they live, and where they meet."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.dates import get_timezone_location

from bot.domain.localtime import is_awake
from bot.domain.views import MemberView
from bot.language import Language
from bot.sandbox.server import Sandbox
from bot.sandbox.slack.world import SlackChannel, SlackUser
from bot.sandbox.telegram.world import TelegramChat, TelegramUser
from bot.words import _


@dataclass(frozen=True, slots=True)
class Accounts:
    """The ids a member is known by on both platforms."""

    slack: str
    telegram: int


def accounts_of(file: Path) -> dict[str, Accounts]:
    """The accounts that a members file names, by member."""
    with file.open(encoding="utf-8", newline="") as lines:
        return {row["name"]: Accounts(row["slack"], int(row["telegram"])) for row in csv.DictReader(lines)}


@dataclass(frozen=True, slots=True)
class Person:
    """One of the cast: a member with an account on each platform."""

    member: MemberView
    slack: SlackUser
    telegram: TelegramUser

    @property
    def key(self) -> str:
        """What the page calls them."""
        return self.member.name.split()[0].lower()

    def place(self, words: Language) -> str:
        """The city they live in, as that language calls it."""
        zone = self.member.zone
        if zone in PLACES:
            return words.say(PLACES[zone])
        return get_timezone_location(zone, locale=words.locale, return_city=True)

    def awake(self, at: datetime) -> bool:
        """Whether they are at work at `at`."""
        member = self.member
        days = {int(day) - 1 for day in member.workdays}  # stored by ISO number, Monday is 1
        return is_awake(ZoneInfo(member.zone), member.working_from, member.working_to, days, at)


# Shenzhen has no zone of its own: China's one zone is named after Shanghai, and America/Chicago serves Austin.
PLACES = {"Asia/Shanghai": _("Shenzhen"), "America/Chicago": _("Austin")}


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody, the Slack channel and the Telegram group they share."""

    people: tuple[Person, ...]
    channel: SlackChannel
    group: TelegramChat

    def person(self, key: str) -> Person:
        """The person called `key`; LookupError otherwise."""
        for person in self.people:
            if person.key == key:
                return person
        raise LookupError(key)


def assemble(sandbox: Sandbox, members: Sequence[MemberView], accounts: Mapping[str, Accounts]) -> Cast:
    """Give the members who have `accounts` (by name) those on both platforms, one channel and one group to share."""
    people = []
    for member in members:
        if member.name not in accounts:
            continue
        account = accounts[member.name]
        first = member.name.split()[0]
        locale = "zh-CN" if member.language.startswith("zh") else "en-US"
        people.append(
            Person(
                member,
                sandbox.slack.add_user(
                    first.lower(), zone=member.zone, locale=locale, real_name=member.name, user_id=account.slack
                ),
                sandbox.telegram.add_user(
                    first,
                    username=f"{first.lower()}_tide",
                    language=locale[:2],
                    zone=member.zone,
                    user_id=account.telegram,
                ),
            )
        )
    channel = sandbox.slack.add_channel("stock", [sandbox.slack.bot.id, *(person.slack.id for person in people)])
    group = sandbox.telegram.add_group(
        "Stock", [sandbox.telegram.bot.id, *(person.telegram.id for person in people)], kind="supergroup"
    )
    return Cast(tuple(people), channel, group)
