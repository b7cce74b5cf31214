"""What arrives from a chat platform, told in our own words so that it can be stored before it is acknowledged."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

ConversationKind = Literal["direct", "group", "home", "terminal"]
IncomingKind = Literal[
    "command", "line", "press", "submit", "files", "home_opened", "joined", "removed", "moved", "profile_changed"
]


@dataclass(frozen=True, slots=True)
class MessageRef:
    """A message on a platform: its conversation and id there (Slack ts, Telegram message id)."""

    platform: str
    conversation: str
    message_id: str
    thread: str = ""


@dataclass(frozen=True, slots=True)
class SharedFile:
    """A file that a person sent: its id on the platform, and its name and size in bytes as far as the platform says."""

    id: str
    name: str
    size: int = 0


@dataclass(frozen=True, slots=True)
class Incoming:
    """One event. `event_id` is unique per platform and event: a redelivery carries the same one.

    kind: `command` (a typed line, in `text`, without slash or bot name), `line` (the same without a sign that a command
    is meant: the answer to a form's question; in a private conversation otherwise a command, in a group otherwise
    nothing), `press` (a button, `token`), `submit` (a filled-in form, `token` and `values`), `files` (sent
    to us, in `files`, with what was written beside them in `text`), `home_opened`,
    `joined`/`removed` (the bot itself, in `conversation`), `moved` (`conversation` is now `moved_to`),
    `profile_changed`. `reply_to` is the id of the message of ours that a line answers, where the platform tells.
    `mentions` are the ids of people by the words that stand for them in `text`, where the platform tells and the words
    themselves do not. `handle` is what the platform's `reply` needs to answer this very event (a response_url, a
    callback query id).
    """

    platform: str
    event_id: str
    kind: IncomingKind
    person: str
    conversation: str
    conversation_kind: ConversationKind
    text: str = ""
    token: str = ""
    thread: str = ""
    person_name: str = ""
    person_language: str = ""
    conversation_title: str = ""
    moved_to: str = ""
    message_id: str = ""
    reply_to: str = ""
    ephemeral: bool = False
    handle: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    mentions: dict[str, str] = field(default_factory=dict)
    files: tuple[SharedFile, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain data for the inbox."""
        data = asdict(self)
        if not self.files:
            del data["files"]  # the version before this one reads the same rows and does not know it
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Incoming:
        """What `to_json` made."""
        return cls(**{**data, "files": tuple(SharedFile(**file) for file in data.get("files", ()))})
