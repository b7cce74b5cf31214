"""Files that members send in a chat: noted, shown for what they are, and imported once their sender says so.

A file stays where it was sent and is fetched each time it is read, so that no replica keeps what only it has; what is
imported is what was shown, by its digest. It is opened within the limits of a file that nobody vouches for.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import file_digest
from pathlib import Path
from types import MappingProxyType

from bot.chat.cards import labels
from bot.chat.cards.uploads import (
    KINDS,
    cancelled_card,
    imported_card,
    rejects_message,
    subject,
    trouble_words,
)
from bot.chat.command import Asker, Role
from bot.chat.incoming import Incoming
from bot.chat.nodes import Attachment, Code, Text
from bot.domain.uploads import LIFE_HOURS, ReadColumn, UploadReport, UploadView
from bot.errors import (
    ConversationGone,
    FileRefused,
    FileTrouble,
    MessageGone,
    NotAllowed,
    PayloadRefused,
    PlatformError,
    Refusal,
    StaleButton,
    TokenRefused,
    UnknownReference,
)
from bot.ports import ChatPlatform, Clock
from bot.services.audit import Audit
from bot.services.ingest import ImportOptions, ImportReport, Ingest, Kind, Preview
from bot.services.ingest.wishes import Wishes, read_wishes
from bot.services.outbox import Outbox
from bot.storage import conversations
from bot.storage import uploads as rows
from bot.storage.database import Database
from bot.storage.uploads import UploadRow
from bot.words import _

MOST_BYTES = 20_000_000  # Telegram hands a bot no more
MOST_FILES = 5  # of one message
_REJECTS_BYTES = 500_000  # of the file that goes back; it waits in the outbox until it is delivered
_LONGEST_NAME = 150  # bytes; a file system takes 255

_OPERATIONS: frozenset[Role] = frozenset({"operator", "admin"})
_MASTERS: frozenset[Role] = frozenset({"admin"})
# Who may import what. Members come by the command line alone: whoever writes them could make an administrator.
IMPORTERS: Mapping[Kind, frozenset[Role]] = MappingProxyType(
    {
        **dict.fromkeys(("sales", "stock", "products", "inbounds"), _OPERATIONS),
        **dict.fromkeys(("suppliers", "routes", "locations", "orders", "receipts"), _MASTERS),
    }
)


class UploadRefused(Refusal):
    """A file cannot be read as it is: `trouble` says why in a word."""

    def __init__(self, upload_id: int, name: str, refused: FileRefused) -> None:
        problem = str(refused.fault).replace("--map ", "")
        super().__init__(trouble_words(name, refused.trouble, problem))
        self.upload_id = upload_id
        self.trouble: FileTrouble = refused.trouble


@dataclass(frozen=True, slots=True)
class _Fetched:
    """A file on our disk for a moment, and the digest of its bytes."""

    path: Path
    sha256: str


class Uploads:
    """Imports what members send; every refusal says what to do instead."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        audit: Audit,
        outbox: Outbox,
        platforms: Mapping[str, ChatPlatform],
        ingest: Ingest,
    ) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._outbox = outbox
        self._platforms = platforms
        self._ingest = ingest

    async def note(self, incoming: Incoming, member_id: int, conversation_id: int) -> list[int]:
        """The numbers of the files that an event brought; the same ones when it comes again."""
        now = self._clock.now()
        async with self._database.transaction() as connection:
            return [
                await rows.add(
                    connection,
                    {
                        "platform": incoming.platform,
                        "event_id": incoming.event_id,
                        "place": place,
                        "member_id": member_id,
                        "person": incoming.person,
                        "conversation_id": conversation_id,
                        "file_id": file.id,
                        "name": _named(file.name),
                        "size": file.size,
                        "given": {},
                        "sent_at": now,
                    },
                )
                for place, file in enumerate(incoming.files[:MOST_FILES])
            ]

    async def look(self, upload_id: int, words: str, asker: Asker) -> UploadView:
        """What an import would read of a file, as was said of it so far and in `words` now.

        UploadRefused where it cannot be read so; NotAllowed where the asker did not send it or may not import its kind.
        """
        held = await self._held(upload_id, asker)
        said = Wishes(_kind(held.kind), held.given).then(read_wishes(words))
        _may(asker, said.kind)
        async with self._fetched(held) as file:
            try:
                view, kind = await self._read(held, said, file.path)
            except FileRefused as refused:
                raise UploadRefused(held.id, held.file.name, refused) from refused
        _may(asker, kind)
        async with self._database.transaction() as connection:
            await rows.change(connection, held.id, kind=kind, given=dict(said.given), sha256=file.sha256)
        return view

    async def run(self, upload_id: int, asker: Asker) -> UploadReport:
        """Import a file as it was shown; the card becomes the report, and what was set aside follows as a file.

        A crash half way leaves it waiting: imported again, nothing of it counts twice.
        """
        held = await self._held(upload_id, asker)
        kind = _kind(held.kind)
        if kind is None:
            raise StaleButton(_("{file} was not read yet; send it again.", file=Text(held.file.name)))
        _may(asker, kind)
        async with self._fetched(held) as file:
            if file.sha256 != held.sha256:
                raise StaleButton(
                    _("{file} is another file than the one I showed; send it again.", file=Text(held.file.name))
                )
            try:
                done = await self._ingest.run(kind, file.path, self._options(held))
            except FileRefused as refused:
                raise UploadRefused(held.id, held.file.name, refused) from refused
            rejects = await asyncio.to_thread(_rejects, done)
        report = UploadReport(
            held.id,
            held.file.name,
            kind,
            asker.name,
            done.rows,
            done.added,
            done.updated,
            done.unchanged,
            done.rejected,
        )
        await self._settle(held, report, rejects, asker)
        return report

    async def cancel(self, upload_id: int, asker: Asker) -> str:
        """Let a file be; its name."""
        held = await self._held(upload_id, asker)
        async with self._database.transaction() as connection:
            if not await rows.change(connection, held.id, state="cancelled", settled_at=self._clock.now()):
                raise _settled(held)
            card = cancelled_card(held.id, held.file.name, asker.name)
            await self._outbox.refresh(connection, subject(held.id), card)
        return held.file.name

    async def _settle(
        self, held: UploadRow, report: UploadReport, rejects: tuple[bytes, bool] | None, asker: Asker
    ) -> None:
        async with self._database.transaction() as connection:
            if not await rows.change(connection, held.id, state="done", settled_at=self._clock.now()):
                raise _settled(held)
            place = await conversations.get(connection, held.conversation_id)
            tongue = "" if place.kind == "group" else asker.language
            await self._outbox.refresh(connection, subject(held.id), imported_card(report), tongue)
            if rejects is not None:
                content, whole = rejects
                name = f"{Path(held.file.name).stem}.rejects.csv"
                message = rejects_message(report, Attachment(name, content), whole=whole)
                key = f"upload:{held.id}:rejects"
                await self._outbox.put(connection, place.id, message, dedupe_key=key, language=tongue)
            data = {
                "file": held.file.name, "sha256": held.sha256, "kind": report.kind, "rows": report.rows,
                "added": report.added, "updated": report.updated, "rejected": report.rejected,
            }  # fmt: skip
            await self._audit.append(
                connection, "file.imported", subject(held.id), data, asker.member_id, held.platform
            )

    async def _held(self, upload_id: int, asker: Asker) -> UploadRow:
        async with self._database.reading() as connection:
            held = await rows.one(connection, upload_id)
        if held is None:
            raise UnknownReference(_("There is no file {code}.", code=Code(f"U-{upload_id}")))
        name = Text(held.file.name)
        if held.member_id != asker.member_id:
            raise NotAllowed(
                _(
                    "{who} sent {file}, and nobody else can import it. Send it yourself.",
                    who=Text(held.member),
                    file=name,
                )
            )
        if held.state != "waiting":
            raise _settled(held)
        if self._clock.now() - held.sent_at > timedelta(hours=LIFE_HOURS):
            raise StaleButton(_("{file} was sent too long ago; send it again.", file=name))
        return held

    @asynccontextmanager
    async def _fetched(self, held: UploadRow) -> AsyncIterator[_Fetched]:
        """The file, for as long as it is read. What the platform says of it becomes a refusal."""
        name = Text(held.file.name)
        with tempfile.TemporaryDirectory(prefix="stocktide-") as folder:
            path = Path(folder) / held.file.name
            try:
                await self._platforms[held.platform].fetch(held.file, held.person, path, MOST_BYTES)
            except FileRefused as refused:
                raise UploadRefused(held.id, held.file.name, refused) from refused
            except TokenRefused:
                raise Refusal(
                    _(
                        "I may not read files here. Whoever runs Stocktide can allow it: see {command}.",
                        command=Code("stocktide check"),
                    )
                ) from None
            except (MessageGone, ConversationGone, PayloadRefused, KeyError):
                raise StaleButton(_("{file} is not there any more; send it again.", file=name)) from None
            except PlatformError:
                raise Refusal(_("{file} could not be fetched just now. Try again in a minute.", file=name)) from None
            yield _Fetched(path, await asyncio.to_thread(_sha256, path))

    async def _read(self, held: UploadRow, said: Wishes, path: Path) -> tuple[UploadView, Kind]:
        options = said.options()
        likely = await self._ingest.likely_kinds(path, options)
        kind = said.kind or next(iter(likely), None)
        if kind is None:
            raise Refusal(
                _(
                    "I cannot tell what {file} holds. Say it, and name the columns: {example}.",
                    file=Text(held.file.name),
                    example=Code(f"import U-{held.id} stock sku=HEADER on_hand=HEADER"),
                )
            )
        seen = await self._ingest.preview(kind, path, options)
        count = await self._ingest.count(path, options)
        others = tuple(other for other in likely if other != kind)
        return _view(held, seen, others, count), kind

    def _options(self, held: UploadRow) -> ImportOptions:
        # A count without a date of its own was true when it was sent, and stays the same however often it is read.
        return replace(Wishes(None, held.given).options(), as_of=held.sent_at)


def _view(held: UploadRow, seen: Preview, others: tuple[str, ...], count: int) -> UploadView:
    fields = {header: field for field, header in seen.mapping.items()}
    columns = tuple(
        ReadColumn(header, fields.get(header, ""), tuple(row[place] for row in seen.rows))
        for place, header in enumerate(seen.headers)
    )
    return UploadView(
        held.id, held.file.name, seen.kind, others, seen.format, seen.encoding, seen.encoding_sure, count, columns,
        seen.missing,
    )  # fmt: skip


def _may(asker: Asker, kind: Kind | None) -> None:
    allowed = _OPERATIONS | _MASTERS if kind is None else IMPORTERS.get(kind, frozenset())
    if asker.role in allowed:
        return
    if not allowed:
        raise NotAllowed(
            _("Files of {kind} are imported on the command line alone.", kind=KINDS[kind] if kind else Text(""))
        )
    if allowed == _MASTERS:
        raise NotAllowed(_("Files of {kind} are imported by an administrator.", kind=KINDS[kind] if kind else Text("")))
    raise NotAllowed(
        _(
            "The role {role} may not import files. An operator or an administrator can.",
            role=labels.role_words(asker.role),
        )
    )


def _kind(text: str) -> Kind | None:
    return next((kind for kind in IMPORTERS if kind == text), None)


def _settled(held: UploadRow) -> StaleButton:
    if held.state == "cancelled":
        return StaleButton(_("{file} was let be; send it again to import it.", file=Text(held.file.name)))
    return StaleButton(_("{file} is imported already.", file=Text(held.file.name)))


def _named(name: str) -> str:
    """The file's name without what could lead to another folder."""
    bare = "".join(letter if letter.isprintable() else "_" for letter in name.replace("\\", "/").rpartition("/")[2])
    return bare.encode()[-_LONGEST_NAME:].decode(errors="ignore").lstrip(".") or "file"


def _rejects(report: ImportReport) -> tuple[bytes, bool] | None:
    """The rows that were set aside, and whether these are all of them."""
    if report.rejects_path is None:
        return None
    with report.rejects_path.open("rb") as file:
        content = file.read(_REJECTS_BYTES + 1)
    if len(content) <= _REJECTS_BYTES:
        return content, True
    return content[:_REJECTS_BYTES].rpartition(b"\n")[0] + b"\n", False


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
