"""Every error of our own, as one tree.

    StocktideError
    |- Refusal                 a person asked for what cannot be done; `words` go to that person
    |  |- BadArgument          carries the usage line's command
    |  |- UnknownSku           carries the nearest matches
    |  |  `- SeveralSkus       part of a name that several products share
    |  |- UnknownLocation      carries the known codes
    |  |- UnknownReference     no such case, request, topic or member
    |  |- NotAllowed           authority is lacking
    |  |- AlreadyDecided       carries who and when
    |  `- StaleButton          the button belongs to something that changed or is gone
    |- SettingsError           carries every fault at once
    |- FileRefused             an import file that cannot be read at all; carries where
    |- Amiss                   a record of a store's, a supplier's or our own that cannot be taken; carries why
    |- Forged                  a store's delivery whose signature is missing or wrong
    |- BatchDiffers            another batch was sent under the same Idempotency-Key
    |- BatchAtWork             the same batch is being taken; carries retry_after seconds
    `- PlatformError           a chat platform did not take a message
       |- RateLimited          carries retry_after seconds
       |- Unreachable          the connection was never made: sending again is safe
       |- Uncertain            sent, no answer: it may have arrived
       |- ConversationGone     removed, archived, blocked, or never there
       |- ConversationMoved    carries the new id
       |- MessageGone          the message to edit or the button's handle no longer exists
       |- TokenRefused         the platform does not accept our token
       `- PayloadRefused       the platform found the message itself at fault

A Refusal's words are a lazy sentence; renderers write the prose in the reader's language.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

from bot.words import Words, _, n_


class StocktideError(Exception):
    """Something went wrong in Stocktide."""

    def __str__(self) -> str:
        """Say the given message, or the class's docstring where none was given."""
        return super().__str__() or (self.__class__.__doc__ or "").strip().split("\n", 1)[0]


class Refusal(StocktideError):
    """That cannot be done."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.msgid)
        self.words = words


class BadArgument(Refusal):
    """A command was given something it cannot read; the usage line of `command` is shown below the words."""

    def __init__(self, words: Words, command: str = "") -> None:
        super().__init__(words)
        self.command = command


class UnknownSku(Refusal):
    """No product has that code or name; `nearest` holds (sku, name) of the closest, best first."""

    def __init__(self, query: str, nearest: Sequence[tuple[str, str]]) -> None:
        super().__init__(_("No product matches {query}.", query=query))
        self.query = query
        self.nearest = tuple(nearest)


class SeveralSkus(UnknownSku):
    """Several products match equally well; `nearest` holds the best few, `count` says how many there are."""

    def __init__(self, query: str, nearest: Sequence[tuple[str, str]], count: int) -> None:
        super().__init__(query, nearest)
        self.words = n_("{count} product matches {query}.", "{count} products match {query}.", count, query=query)
        self.count = count


class UnknownLocation(Refusal):
    """No location has that code; `known` holds (code, name) of all."""

    def __init__(self, query: str, known: Sequence[tuple[str, str]]) -> None:
        super().__init__(_("No location matches {query}.", query=query))
        self.query = query
        self.known = tuple(known)


class UnknownReference(Refusal):
    """No case, request, topic or member has that name."""


class UnderWay(Refusal):
    """Another process is at it already."""


class NotAllowed(Refusal):
    """The person lacks the authority."""


class AlreadyDecided(Refusal):
    """Somebody decided it before."""

    def __init__(self, words: Words, by: str, at: datetime) -> None:
        super().__init__(words)
        self.by = by
        self.at = at


class StaleButton(Refusal):
    """The button belongs to something that has changed or is gone."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: `where` (a key, or file:line:field), `problem`, and `remedy` (what to write or do instead).

    Sentences where members read it; text where only whoever holds the machine does.
    """

    where: str
    problem: str | Words
    remedy: str | Words = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}" + (f" ({self.remedy})" if self.remedy else "")

    @property
    def said(self) -> Words:
        """As `str`, in the reader's language."""
        about = {"where": self.where, "problem": self.problem, "remedy": self.remedy}
        return _("{where}: {problem} ({remedy})", **about) if self.remedy else _("{where}: {problem}", **about)


class SettingsError(StocktideError):
    """The settings have faults; all of them are listed."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = tuple(faults)


FileTrouble = Literal[
    "unreadable", "large", "bomb", "rows", "columns", "resources", "encoding", "several", "dates", "format"
]


class FileRefused(StocktideError):
    """An import file cannot be read; nothing was imported from it.

    `trouble` says in a word what the fault says at length: more than is allowed (large, rows, columns, resources of the
    process that parses it), an archive that unpacks to too much (bomb), a text in another encoding, several columns
    that could be one field, dates that could be read both ways, a format that is not taken here.
    """

    def __init__(self, fault: Fault, trouble: FileTrouble = "unreadable") -> None:
        super().__init__(str(fault))
        self.fault = fault
        self.trouble = trouble


class PlatformError(StocktideError):
    """A chat platform did not take the message."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail


class RateLimited(PlatformError):
    """The platform asked us to wait; `retry_after` is in seconds."""

    def __init__(self, retry_after: float, detail: str = "") -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Unreachable(PlatformError):
    """The connection was never made, or the platform said it failed: sending again is safe."""


class Uncertain(PlatformError):
    """The message was sent and no answer came: it may have arrived."""


class ConversationGone(PlatformError):
    """The conversation does not exist for us any more; invite the bot again."""


class ConversationMoved(PlatformError):
    """The conversation has a new id."""

    def __init__(self, new_id: str, detail: str = "") -> None:
        super().__init__(detail)
        self.new_id = new_id


class MessageGone(PlatformError):
    """The message to edit, or the handle to answer, no longer exists."""


class TokenRefused(PlatformError):
    """The platform does not accept our token; run `stocktide check`."""


class PayloadRefused(PlatformError):
    """The platform found the message itself at fault; this is a defect of a renderer."""


class OutsideError(StocktideError):
    """A store, a supplier or a source of rates did not do what was asked.

    `said` is why, for people, in which the other side's own text is quoted as it came; `code` is one word for programs
    (code_taken), `status` the HTTP status that it came with, 0 for none.
    """

    UNSAID: ClassVar[Words] = _("it was not done, and nothing says why")

    def __init__(self, said: Words | None = None, *, code: str = "", status: int = 0) -> None:
        self.said = said or self.UNSAID
        super().__init__(f"{code}: {self.said}" if code else str(self.said))
        self.code = code
        self.status = status

    @property
    def detail(self) -> str:
        """As `str`: in English, for logs."""
        return str(self)


class Unreached(OutsideError):
    """It certainly did not happen: nothing was sent, or the other side said to come again. Trying again is safe.

    `retry_after` is how many seconds the other side asked us to wait, 0 where it did not say.
    """

    UNSAID = _("it was not reached; nothing was done")

    def __init__(self, said: Words | None = None, retry_after: float = 0.0, *, code: str = "", status: int = 0) -> None:
        super().__init__(said, code=code, status=status)
        self.retry_after = retry_after


class Declined(OutsideError):
    """The other side refused: it did not happen, and asking again would not help."""

    UNSAID = _("it was refused, and nothing says why")


class Unanswered(OutsideError):
    """It was asked for and no answer came: it may have happened."""

    UNSAID = _("no answer came: it may have been done")


class Amiss(StocktideError):
    """A record that cannot be taken; `said` is why, for people."""

    def __init__(self, said: Words) -> None:
        super().__init__(str(said))
        self.said = said


def why(error: Exception) -> Words:
    """What an error says to people; one that is none of ours is named, and its own text quoted."""
    if isinstance(error, OutsideError | Amiss):
        return error.said
    return _("something went wrong: {error}", error=f"{type(error).__name__}: {error}".rstrip(": "))


class Forged(StocktideError):
    """What was delivered is not signed by the store; nothing of it was taken."""


class BatchDiffers(StocktideError):
    """The Idempotency-Key was used for another batch; use a new key for a new batch."""


class BatchAtWork(StocktideError):
    """The same batch is being taken by another request; `retry_after` is in seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__()
        self.retry_after = retry_after
