"""Cards of files that members send: what one looks like, what importing it did, and why it cannot be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.chat.cards import labels
from bot.chat.nodes import (
    MAX_ROWS,
    Action,
    Actions,
    Attachment,
    Badge,
    Block,
    Code,
    Column,
    Facts,
    Footnote,
    Heading,
    Inline,
    Message,
    Number,
    Paragraph,
    Table,
    Text,
)
from bot.domain.uploads import LIFE_HOURS, ReadColumn, UploadReport, UploadView
from bot.errors import FileTrouble, Refusal
from bot.words import Words, _, n_

KINDS: Mapping[str, Words] = {
    "sales": _("sales"),
    "stock": _("stock levels"),
    "products": _("products"),
    "suppliers": _("suppliers"),
    "routes": _("routes and lead times"),
    "members": _("members"),
    "inbounds": _("goods on their way"),
    "locations": _("locations"),
    "orders": _("news of orders"),
    "receipts": _("receipts of orders"),
}
_SAMPLES = 2  # rows of the file that are shown
_CELL = 40  # characters of a shown cell


def upload_card(view: UploadView) -> Message:
    """What a file looks like, with the buttons that import it or let it be."""
    kind = KINDS[view.kind]
    words = _("{file} looks like {kind}", file=Text(view.name), kind=kind)
    pairs: list[tuple[Words, Inline]] = [(_("Rows"), Number(view.rows)), (_("Format"), Text(view.format))]
    if view.encoding:
        encoding = Text(view.encoding)
        pairs.append((_("Encoding"), encoding if view.sure else _("{encoding}, a guess", encoding=encoding)))
    blocks: list[Block] = [Heading(words), Facts(tuple(pairs)), _columns(view.columns)]
    if len(view.columns) > MAX_ROWS:
        blocks.append(Footnote(_("{count} more columns are not shown.", count=len(view.columns) - MAX_ROWS)))
    if view.missing:
        fields = Code(", ".join(view.missing))
        blocks.append(Paragraph(Badge(_("No column is read as {fields}.", fields=fields), "warn")))
    blocks += [Actions(_buttons(view)), Footnote(_hint(view))]
    return Message(words, tuple(blocks), subject=subject(view.id))


def subject(upload_id: int) -> str:
    """What a card about a file shows, by which it is found again."""
    return f"upload:{upload_id}"


def imported_card(report: UploadReport) -> Message:
    """What an import did."""
    words = _(
        "{file} is imported: {added} added, {updated} changed, {rejected} set aside",
        file=Text(report.name),
        added=Number(report.added),
        updated=Number(report.updated),
        rejected=Number(report.rejected),
    )
    pairs: list[tuple[Words, Inline]] = [
        (_("Read as"), KINDS[report.kind]),
        (_("Rows"), Number(report.rows)),
        (_("Added"), Number(report.added)),
        (_("Changed"), Number(report.updated)),
        (_("Known already"), Number(report.unchanged)),
        (_("Set aside"), Number(report.rejected)),
    ]
    blocks: list[Block] = [Heading(_("{file} is imported", file=Text(report.name))), Facts(tuple(pairs))]
    if report.rejected:
        blocks.append(Paragraph(_("The rows that were set aside come as a file, each with its line and the reason.")))
    blocks.append(Footnote(_("Imported by {who}. The next scan judges it.", who=Text(report.by))))
    return Message(words, tuple(blocks), subject=subject(report.id))


def cancelled_card(upload_id: int, name: str, by: str) -> Message:
    """A file that is not to be imported."""
    words = _("{file} is not imported; {who} let it be.", file=Text(name), who=Text(by))
    return Message(words, (Paragraph(words),), subject=subject(upload_id))


def rejects_message(report: UploadReport, file: Attachment, *, whole: bool) -> Message:
    """The rows that were set aside, as a file; not `whole`: the first of them."""
    count = report.rejected
    if whole:
        words = n_("{count} row of {file} was set aside", "{count} rows of {file} were set aside", count,
                   file=Text(report.name))  # fmt: skip
    else:
        words = _(
            "{count} rows of {file} were set aside; these are the first of them",
            count=Number(count),
            file=Text(report.name),
        )
    return Message(words, (Paragraph(words),), file=file)


def how_card() -> Message:
    """How a file is imported."""
    words = _("Send me a CSV or XLSX file, and I show what I read in it before anything is imported.")
    hint = _(
        "In a channel mention me beside it. What it holds may stand there too, such as {stock} or {sales}.",
        stock=Code("import stock"),
        sales=Code("import sales currency=EUR"),
    )
    return Message(words, (Paragraph(words), Footnote(hint)))


def trouble_card(refusal: Refusal, upload_id: int, trouble: FileTrouble) -> Message:
    """Why a file cannot be read, with what may help as buttons."""
    blocks: list[Block] = [Paragraph(refusal.words)]
    code = f"U-{upload_id}"
    if trouble == "dates":
        day_first = Action(_("The day first: 3/4 is in April"), "import", (code, "dates=dmy"))
        month_first = Action(_("The month first: 3/4 is in March"), "import", (code, "dates=mdy"))
        blocks.append(Actions((day_first, month_first)))
    if trouble == "encoding":
        codecs = ("utf-8", "gb18030", "utf-16", "shift_jis")
        buttons = (Action(_("{encoding}", encoding=name), "import", (code, f"encoding={name}")) for name in codecs)
        blocks.append(Actions(tuple(buttons)))
    return Message(refusal.words, tuple(blocks))


def trouble_words(name: str, trouble: FileTrouble, problem: str) -> Words:
    """Why a file cannot be read; `problem` tells it at length, in English."""
    file = Text(name)
    match trouble:
        case "large":
            return _("{file} is too large: up to 20 MB can be imported from a chat. Split it.", file=file)
        case "bomb":
            return _(
                "{file} would unpack to far more than its size, so I do not open it. Save it as CSV and send that.",
                file=file,
            )
        case "rows":
            return _("{file} has more rows than can be imported from a chat. Split it.", file=file)
        case "columns":
            return _("{file} has more columns than I read. Keep those that are needed.", file=file)
        case "resources":
            return _(
                "{file} needs more memory or time than a file from a chat may take. Save it as CSV, or split it.",
                file=file,
            )
        case "encoding":
            return _("{file} cannot be read in the encoding I took it for. Which one is it?", file=file)
        case "several":
            return _(
                "Several columns of {file} could mean the same ({problem}). Say which, such as {example}.",
                file=file,
                problem=Text(problem),
                example=Code("sku=HEADER"),
            )
        case "dates":
            return _("The dates of {file} could be read both ways.", file=file)
        case "format":
            return _("{file} is of a format that I do not take from a chat. Send CSV or XLSX.", file=file)
        case _:
            return _("{file} cannot be read: {problem}", file=file, problem=Text(problem))


def _columns(columns: Sequence[ReadColumn]) -> Table:
    samples = min(_SAMPLES, max((len(column.cells) for column in columns), default=0))
    titles = (Column(_("Column")), Column(_("Read as")), *(Column(_("Row {n}", n=n + 1)) for n in range(samples)))
    rows = tuple(
        (
            _cell(column.header),
            Code(column.field) if column.field else labels.NONE,
            *(_cell(cell) for cell in column.cells[:samples]),
        )
        for column in columns[:MAX_ROWS]
    )
    return Table(titles, rows)


def _cell(text: str) -> Inline:
    shown = " ".join(text.split())
    if not shown:
        return labels.NONE
    return Text(shown if len(shown) <= _CELL else f"{shown[: _CELL - 1]}…")


def _buttons(view: UploadView) -> tuple[Action, ...]:
    code = f"U-{view.id}"
    into = (Action(_("Import"), "import", (code, "now"), "primary"),) if not view.missing else ()
    others = (Action(_("No, {kind}", kind=KINDS[kind]), "import", (code, kind)) for kind in view.others[:3])
    return (*into, *others, Action(_("Cancel"), "import", (code, "cancel")))


def _hint(view: UploadView) -> Words:
    field = view.missing[0] if view.missing else next((c.field for c in view.columns if c.field), "sku")
    example = Code(f"import U-{view.id} {field}=HEADER")
    return _(
        "If a column is read wrongly, write {example}. Only who sent the file can import it, within {hours} hours.",
        example=example,
        hours=LIFE_HOURS,
    )
