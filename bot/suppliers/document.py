"""An order on paper: a PDF in the receiver's language, and the same as CSV for their system.

The same order always gives the same bytes, so a document that was written can be recognised. Names are text: nothing
in them is markup on the page, and nothing in them is a formula in a spreadsheet.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from babel.numbers import format_decimal
from reportlab.lib import colors
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate, Paragraph, Spacer, Table
from reportlab.platypus.tables import LongTable

from bot.domain.money import Money, exponent
from bot.language import Language, language
from bot.ports import Order
from bot.suppliers.fonts import CHINESE, LATIN, LATIN_BOLD, markup, plain, register_fonts
from bot.words import Words, _

_MARGIN = 18 * mm
_WIDTH = A4[0] - 2 * _MARGIN
_LINE_COLUMNS = (10 * mm, 32 * mm, _WIDTH - 122 * mm, 22 * mm, 28 * mm, 30 * mm)
_GREY = colors.HexColor("#666666")
_RULE = colors.HexColor("#BBBBBB")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_CSV = ("order", "version", "line", "sku", "name", "quantity", "unit_price", "amount", "currency")
_CHUNK = 1000  # characters of one paragraph; longer names are cut, the CSV has them whole

TITLES: dict[str, Words] = {"purchase_order": _("Purchase order"), "transfer": _("Transfer order")}
MODES: dict[str, Words] = {
    "sea": _("by sea"),
    "air": _("by air"),
    "rail": _("by rail"),
    "road": _("by road"),
    "courier": _("by courier"),
}


@dataclass(frozen=True, slots=True)
class Document:
    """A file of an order."""

    name: str
    content: bytes
    kind: str  # its MIME type


def documents(order: Order) -> tuple[Document, Document]:
    """The PDF and the CSV of an order."""
    stem = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in order.number)
    name = f"{stem}-v{order.version}"
    return (
        Document(f"{name}.pdf", order_pdf(order), "application/pdf"),
        Document(f"{name}.csv", order_csv(order), "text/csv"),
    )


def order_csv(order: Order) -> bytes:
    """The lines as CSV in UTF-8 with its mark; a cell that a spreadsheet would reckon out is led by an apostrophe."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(_CSV)
    for number, line in enumerate(order.lines, 1):
        amount = line.unit_cost * line.quantity
        writer.writerow(
            [
                order.number,
                order.version,
                number,
                _inert(line.sku),
                _inert(line.name),
                line.quantity,
                line.unit_cost.amount,
                amount.amount,
                line.unit_cost.currency,
            ]
        )
    return out.getvalue().encode("utf-8-sig")


def _inert(cell: str) -> str:
    return f"'{cell}" if cell.lstrip(" \ufeff\u200b\u00a0").startswith(_FORMULA) else cell


def order_pdf(order: Order) -> bytes:
    """The order as PDF, A4: who to whom, the lines over as many pages as they need, and the total."""
    register_fonts()
    page = _Page(order)
    out = io.BytesIO()
    frame = Frame(_MARGIN, 20 * mm, _WIDTH, A4[1] - 40 * mm, leftPadding=0, rightPadding=0, topPadding=0)
    template = BaseDocTemplate(
        out,
        pagesize=A4,
        pageTemplates=[PageTemplate(frames=[frame])],
        title=plain(page.title),
        author=plain(order.buyer),
        invariant=1,
        pageCompression=1,
    )
    template.build(page.story(), canvasmaker=lambda *given, **named: _Numbered(page, *given, **named))
    return out.getvalue()


class _Page:
    """The parts of one order's pages, in its language."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self._spoken: Language = language(order.language)
        chinese = self._spoken.code.startswith("zh")
        base = CHINESE if chinese else LATIN
        self.font, bold = base, (CHINESE if chinese else LATIN_BOLD)
        wrap = "CJK" if chinese else None
        self._text = ParagraphStyle("text", fontName=base, fontSize=9, leading=12, wordWrap=wrap)
        self._right = ParagraphStyle("right", parent=self._text, alignment=TA_RIGHT)
        self._label = ParagraphStyle("label", parent=self._text, textColor=_GREY, fontSize=8, leading=10)
        self._head = ParagraphStyle("head", parent=self._text, fontName=bold)
        self._head_right = ParagraphStyle("head_right", parent=self._head, alignment=TA_RIGHT)
        self._name = ParagraphStyle("title", parent=self._text, fontName=bold, fontSize=17, leading=22)
        self.title = f"{self.say(TITLES[order.kind])} {order.number}"

    def say(self, words: Words) -> str:
        """Our own words in the order's language."""
        return self._spoken.say(words)

    def story(self) -> list[Flowable]:
        """Everything from the title to the total."""
        found: list[Flowable] = [
            self._said(self.title, self._name),
            Spacer(0, 3 * mm),
            self._facts(),
            Spacer(0, 5 * mm),
            self._parties(),
            Spacer(0, 6 * mm),
            self._lines(),
            Spacer(0, 2 * mm),
            self._total(),
        ]
        if self.order.note:
            found += [Spacer(0, 5 * mm), self._said(self.order.note, self._text)]
        asked = self.say(_("Please quote {number} in every answer.", number=self.order.number))
        return [*found, Spacer(0, 5 * mm), self._said(asked, self._text)]

    def _said(self, text: str, style: ParagraphStyle) -> Paragraph:
        return Paragraph(markup(text[:_CHUNK]) or "&nbsp;", style)

    def _facts(self) -> Table:
        order = self.order
        pairs = [
            (_("Number"), order.number),
            (_("Version"), str(order.version)),
            (_("Date"), self._spoken.day(order.ordered_at.date())),
            (_("Currency"), order.total.currency),
        ]
        if order.expected_on is not None:
            pairs.append((_("Expected by"), self._spoken.day(order.expected_on)))
        if order.mode:
            pairs.append((_("Transport"), self.say(MODES[order.mode]) if order.mode in MODES else order.mode))
        if order.containers:
            pairs.append((_("Containers"), order.containers))
        cells = [[self._said(self.say(label), self._label), self._said(text, self._text)] for label, text in pairs]
        return _grid([cells], [_WIDTH / len(cells)] * len(cells))

    def _parties(self) -> Table:
        order = self.order
        sender = _("Supplier") if order.kind == "purchase_order" else _("From")
        blocks = [
            (_("Buyer"), order.buyer),
            (sender, f"{order.supplier}\n{order.supplier_code}" if order.supplier_code else order.supplier),
            (_("Deliver to"), order.deliver_to),
        ]
        cells = [
            [
                self._said(self.say(label), self._label),
                *(self._said(line, self._text) for line in text.splitlines()[:10]),
            ]
            for label, text in blocks
        ]
        return _grid([cells], [_WIDTH / 3] * 3)

    def _lines(self) -> LongTable:
        heads = (_("No."), _("Code"), _("Product"), _("Units"), _("Unit price"), _("Amount"))
        rows: list[list[Any]] = [
            [
                self._said(self.say(words), self._head if place < 3 else self._head_right)
                for place, words in enumerate(heads)
            ]
        ]
        for number, line in enumerate(self.order.lines, 1):
            rows.append(
                [
                    self._said(str(number), self._text),
                    self._said(line.sku, self._text),
                    self._said(line.name, self._text),
                    self._said(self._spoken.number(line.quantity), self._right),
                    self._said(self._price(line.unit_cost), self._right),
                    self._said(self._price(line.unit_cost * line.quantity), self._right),
                ]
            )
        table = LongTable(rows, colWidths=_LINE_COLUMNS, repeatRows=1)
        table.setStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LINEBELOW", (0, 0), (-1, 0), 0.8, colors.black),
                ("LINEBELOW", (0, 1), (-1, -1), 0.25, _RULE),
                ("LEFTPADDING", (0, 0), (-1, -1), 2),
                ("RIGHTPADDING", (0, 0), (-1, -1), 2),
                ("TOPPADDING", (0, 0), (-1, -1), 2),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
            ]
        )
        return table

    def _price(self, money: Money) -> str:
        """An amount without its sign: the currency stands above, once."""
        decimals = exponent(money.currency)
        pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
        return str(format_decimal(money.amount, format=pattern, locale=self._spoken.locale))

    def _total(self) -> Table:
        units = sum(line.quantity for line in self.order.lines)
        cells = [
            self._said(self.say(_("Total")), self._head),
            self._said(self._spoken.number(units), self._head_right),
            self._said(self._spoken.money(self.order.total.amount, self.order.total.currency), self._head_right),
        ]
        return _grid([cells], [_WIDTH - 80 * mm, 22 * mm, 58 * mm], padding=2)


def _grid(rows: Sequence[list[Any]], widths: Sequence[float], padding: float = 0) -> Table:
    table = Table(rows, colWidths=widths)
    table.setStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), padding),
            ("RIGHTPADDING", (0, 0), (-1, -1), padding or 6),
        ]
    )
    return table


class _Numbered(Canvas):
    """A canvas that knows, when it draws a page's foot, how many pages there are."""

    def __init__(self, page: _Page, *given: Any, **named: Any) -> None:  # noqa: ANN401  # reportlab's own arguments
        super().__init__(*given, **named)
        self._page = page
        self._states: list[dict[str, object]] = []

    def showPage(self) -> None:  # noqa: N802  # reportlab's name
        """Keep the page; it is written once the last one is known."""
        self._states.append(dict(self.__dict__))
        self._startPage()  # type: ignore[attr-defined]  # missing in the stubs

    def save(self) -> None:
        """Write every page with its foot."""
        for number, state in enumerate(self._states, 1):
            self.__dict__.update(state)
            self._foot(number, len(self._states))
            super().showPage()
        super().save()

    def _foot(self, number: int, pages: int) -> None:
        order, page = self._page.order, self._page
        self.setFont(page.font, 8)
        self.setFillColor(_GREY)
        version = page.say(_("Version {version}", version=order.version))
        left = f"{page.title} · {version}"
        right = page.say(_("Page {number} of {pages}", number=number, pages=pages))
        self.drawString(_MARGIN, 11 * mm, left)
        self.drawRightString(A4[0] - _MARGIN, 11 * mm, right)
