"""What a page may say over its socket, checked field by field; docs/huddle-protocol.md tells what each means."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError, model_validator

MAX_MESSAGE = 65_536  # bytes; an offer with every codec of a browser is a fifth of it
MAX_FILE = 200 * 1024 * 1024  # bytes; the receiver holds a file whole to check it

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Shown(_Said):
    """What the others see of one's devices."""

    muted: bool = True
    camera: bool = False
    sharing: bool = False


class Join(_Said):
    """Come in; `resume` is the visit to go on with after a lost connection."""

    type: Literal["join"]
    resume: str = Field("", max_length=64)
    shown: Shown = Shown()


class Description(_Said):
    """A session description."""

    type: Literal["offer", "answer"]
    sdp: str = Field(max_length=60_000)


class Candidate(_Said):
    """One way to reach a browser; an empty `candidate` says that there are no more."""

    candidate: str = Field(max_length=1_000)
    sdpMid: str | None = Field(None, max_length=32)  # noqa: N815  # the browser's own name
    sdpMLineIndex: int | None = Field(None, ge=0, le=255)  # noqa: N815  # as above
    usernameFragment: str | None = Field(None, max_length=256)  # noqa: N815  # as above


class Signal(_Said):
    """A description or a candidate for one other peer."""

    type: Literal["signal"]
    to: int
    description: Description | None = None
    candidate: Candidate | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Signal:
        if (self.description is None) == (self.candidate is None):
            raise ValueError("a signal carries a description or a candidate")
        return self


class Media(_Said):
    """For one of our two connections to the media server, by which we send or receive, in a room that has one."""

    type: Literal["media"]
    part: Literal["send", "receive"]
    description: Description | None = None
    candidate: Candidate | None = None
    restart: Literal[True] | None = None  # we would like an offer that restarts ICE; only to receive

    @model_validator(mode="after")
    def _one_of_three(self) -> Media:
        if sum(part is not None for part in (self.description, self.candidate, self.restart)) != 1:
            raise ValueError("it carries a description, a candidate or a restart")
        if self.restart and self.part == "send":
            raise ValueError("whoever sends restarts by an offer")
        wanted = "offer" if self.part == "send" else "answer"
        if self.description and self.description.type != wanted:
            raise ValueError(f"to {self.part}, the page makes the {wanted}")
        return self


class Say(_Said):
    """A line of chat."""

    type: Literal["say"]
    text: Text


class Note(_Said):
    """A line for the minutes."""

    type: Literal["note"]
    kind: Literal["decision", "note"]
    text: Text


class Sent(_Said):
    """A file of one's own reached somebody, and was checked there."""

    type: Literal["sent"]
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
    size: int = Field(ge=0, le=MAX_FILE)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Show(_Said):
    """One's devices changed."""

    type: Literal["show"]
    shown: Shown


class Upon(_Said):
    """A host's act upon one peer: ask them to mute, send them out, or let a viewer take part."""

    type: Literal["mute", "remove", "raise"]
    peer: int


class Plain(_Said):
    """Words without content: leave, end the room for everyone, or ask whether the line is alive."""

    type: Literal["leave", "end", "ping"]


Said = Join | Signal | Media | Say | Note | Sent | Show | Upon | Plain
_READER: TypeAdapter[Said] = TypeAdapter(Annotated[Said, Field(discriminator="type")])


def read(raw: str) -> Said:
    """A message; ValueError, in words for whoever writes a client, where it is none."""
    try:
        return _READER.validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{where}: {first['msg']}" if where else first["msg"]) from None
