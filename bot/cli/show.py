"""A neutral message as terminal text: what `stocktide ask` and the tour print."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text as Plain

from bot.chat import nodes
from bot.cli.common import visible
from bot.language import Language, Literal, language
from bot.settings import Settings
from bot.words import Words

_DOTS = {"plain": "·", "good": "●", "warn": "●", "bad": "●"}
_COLOURS = {"plain": "dim", "good": "green", "warn": "yellow", "bad": "red"}


class TerminalText:
    """Renders nodes for one reader: a language, and the zone that instants are shown in."""

    def __init__(self, code: str, zone: ZoneInfo) -> None:
        self.language: Language = language(code)
        self.zone = zone

    def message(self, message: nodes.Message) -> RenderableType:
        """The whole message, one renderable below the other."""
        return Group(*(part for block in message.blocks for part in self._block(block)))

    def inline(self, node: object, style: str = "") -> Plain:
        """An inline node, or a bare value inside a sentence, as styled text."""
        match node:
            case Words():
                return Plain.assemble(*(self.inline(part, style) for part in self.language.parts(node)))
            case Literal():
                return Plain(visible(node.text), style)
            case nodes.Bold():
                return self.inline(node.content, "bold")
            case nodes.Code():
                return Plain(visible(node.content), "cyan")
            case nodes.Link():
                return Plain.assemble(self.inline(node.label, style), " ", Plain(visible(node.url), "blue"))
            case nodes.Instant():
                return Plain(self._instant(node), style)
            case nodes.Badge():
                return Plain.assemble((f"{_DOTS[node.tone]} ", _COLOURS[node.tone]), self.inline(node.label, style))
            case nodes.Span():
                return Plain.assemble(*(self.inline(part, style) for part in node.parts))
            case _:
                return Plain(visible(self._leaf(node)), style)

    def _leaf(self, node: object) -> str:
        match node:
            case nodes.Text():
                return node.content
            case nodes.Day():
                return self.language.day(node.on)
            case nodes.Mention():
                return f"@{node.name}"
            case nodes.Amount():
                return self.language.money(node.money.amount, node.money.currency)
            case nodes.Number():
                put = self.language.share if node.share else self.language.number
                return put(node.value, node.decimals)
            case int() | Decimal():
                return self.language.number(node, 2)
            case _:
                return str(node)

    def _instant(self, node: nodes.Instant) -> str:
        if node.style == "time":
            return self.language.time(node.at, self.zone)
        if node.style == "date":
            return self.language.day(node.at.astimezone(self.zone).date())
        return f"{self.language.moment(node.at, self.zone)} {node.at.astimezone(self.zone):%Z}"

    def _block(self, block: nodes.Block) -> Iterator[RenderableType]:
        match block:
            case nodes.Heading():
                yield self.inline(block.content, "bold")
            case nodes.Paragraph():
                yield self.inline(block.content)
            case nodes.Footnote():
                yield self.inline(block.content, "dim")
            case nodes.Divider():
                yield Plain("─" * 40, "dim")
            case nodes.Bullets():
                yield from (Plain.assemble("• ", self.inline(item)) for item in block.items)
            case nodes.Facts():
                grid = Grid.grid(padding=(0, 2))
                for label, value in block.pairs:
                    grid.add_row(self.inline(label, "dim"), self.inline(value))
                yield grid
            case nodes.Table():
                yield self._table(block)
            case nodes.Image() | nodes.Chart():
                yield Plain.assemble("[", self.inline(block.alt), "]", style="dim")
            case nodes.Actions():
                yield self._actions(block)
            case nodes.Call():
                return

    def _table(self, block: nodes.Table) -> Grid:
        grid = Grid(box=box.SIMPLE, pad_edge=False)
        for column in block.columns:
            grid.add_column(self.inline(column.title), justify="right" if column.align == "end" else "left")
        for row in block.rows:
            grid.add_row(*(self.inline(cell) for cell in row))
        return grid

    def _actions(self, block: nodes.Actions) -> Plain:
        shown = [
            Plain.assemble(
                "[",
                self.inline(button.label, "bold"),
                "] ",
                (" ".join(("/" + button.command, *button.arguments)), "dim"),
            )
            for button in block.buttons
        ]
        return Plain("   ").join(shown)


def print_message(console: Console, message: nodes.Message, code: str, zone: ZoneInfo) -> None:
    """Print a message for a reader of language `code` in `zone`."""
    console.print(TerminalText(code, zone).message(message))


def spoken(words: Words | None, loaded: Settings) -> str:
    """A sentence in the organisation's language, nothing for none."""
    return "" if words is None else language(loaded.organisation.language).say(words)
