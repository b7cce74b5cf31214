"""Messages and forms as HTML: the very cards of the chat, their buttons as forms of one button each."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence

from markupsafe import Markup

from bot.charts import scores
from bot.charts.stock import draw_untitled
from bot.chat.forms import Field, Form
from bot.chat.nodes import (
    Action,
    Actions,
    Block,
    Bullets,
    Call,
    Chart,
    Divider,
    Facts,
    Footnote,
    Heading,
    Image,
    Message,
    Paragraph,
    Table,
)
from bot.domain.chart import StockChart
from bot.web.board.voice import Voice
from bot.words import _

PRESS = "/board/press"
SUBMIT = "/board/submit"


def card(message: Message, voice: Voice) -> Markup:
    """The message's blocks below each other; its buttons carry their tokens."""
    return Markup("").join(block(each, voice) for each in message.blocks)


def form(wanted: Form, voice: Voice, line: Sequence[str]) -> Markup:
    """A form to fill in; `line` is the command that asks for it, and is run again when it is sent in."""
    fields = Markup("").join(_field(field, voice) for field in wanted.fields)
    kept = Markup("").join(Markup('<input type="hidden" name="line" value="{}">').format(word) for word in line)
    return Markup(
        '<form method="post" action="{}" class="filling"><h2>{}</h2><p>{}</p>{}'
        '{}<button class="primary">{}</button></form>'
    ).format(SUBMIT, voice.say(wanted.title), voice.inline(wanted.intro), fields, kept, voice.say(wanted.submit))


def block(block: Block, voice: Voice) -> Markup:
    """One block of a message."""
    match block:
        case Heading():
            return Markup("<h2>{}</h2>").format(voice.inline(block.content))
        case Paragraph():
            return Markup("<p>{}</p>").format(voice.inline(block.content))
        case Footnote():
            return Markup('<p class="footnote">{}</p>').format(voice.inline(block.content))
        case Bullets():
            items = Markup("").join(Markup("<li>{}</li>").format(voice.inline(item)) for item in block.items)
            return Markup("<ul>{}</ul>").format(items)
        case Facts():
            return Markup('<dl class="facts">{}</dl>').format(Markup("").join(_facts(block, voice)))
        case Divider():
            return Markup("<hr>")
        case Table():
            return _table(block, voice)
        case Actions():
            shown = [action for action in block.buttons if action.command != "board"]  # which they look at already
            buttons = Markup("").join(_button(action, voice) for action in shown)
            return Markup('<div class="buttons">{}</div>').format(buttons)
        case Chart():
            return chart(block, voice)
        case Call():
            return Markup("")
        case Image():
            encoded = base64.b64encode(block.png).decode()
            return Markup('<img class="picture" src="data:image/png;base64,{}" alt="{}">').format(
                encoded, voice.plain(block.alt)
            )


def chart(block: Chart, voice: Voice) -> Markup:
    """A chart as the SVG it is drawn as; every text in it was escaped by its drawing."""
    of, label = block.of, voice.plain(block.alt)
    if isinstance(of, StockChart):
        return Markup(draw_untitled(of, voice.speech, label))  # noqa: S704  # escaped by bot.charts.svg
    return Markup(scores.draw(of, voice.speech, label))  # noqa: S704  # escaped by bot.charts.svg


def _facts(block: Facts, voice: Voice) -> Iterator[Markup]:
    for label, value in block.pairs:
        yield Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(voice.say(label), voice.inline(value))


def _table(table: Table, voice: Voice) -> Markup:
    def cells(kind: str, row: list[Markup]) -> Markup:
        return Markup("").join(
            Markup("<{0} class={2}>{1}</{0}>").format(kind, cell, column.align)
            for cell, column in zip(row, table.columns, strict=True)
        )

    head = cells("th", [voice.say(column.title) for column in table.columns])
    body = Markup("").join(
        Markup("<tr>{}</tr>").format(cells("td", [voice.inline(cell) for cell in row])) for row in table.rows
    )
    return Markup(
        '<div class="scroll" tabindex="0" role="group"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
    ).format(head, body)


def _button(action: Action, voice: Voice) -> Markup:
    return Markup(
        '<form method="post" action="{}" class="press"><input type="hidden" name="token" value="{}">'
        '<button class="{}">{}</button></form>'
    ).format(PRESS, action.token, action.style, voice.say(action.label))


def _field(field: Field, voice: Voice) -> Markup:
    label = voice.inline(field.label)
    hint = Markup("<small>{}</small>").format(voice.say(field.hint)) if field.hint else Markup("")
    required = Markup(" required") if field.required else Markup("")
    name = f"field-{field.name}"
    match field.kind:
        case "choice":
            options = Markup("").join(
                Markup('<option value="{}"{}>{}</option>').format(
                    choice.value,
                    Markup(" selected") if choice.value == field.value else Markup(""),
                    voice.inline(choice.label),
                )
                for choice in field.choices
            )
            control = Markup('<select id="{0}" name="{0}"{1}>{2}</select>').format(name, required, options)
        case kind:
            looks = {"whole": "number", "day": "date"}.get(kind, "text")
            extra = Markup(' autocomplete="one-time-code" inputmode="numeric"') if kind == "code" else Markup("")
            control = Markup('<input id="{0}" name="{0}" type="{1}" value="{2}"{3}{4}>').format(
                name, looks, field.value, required, extra
            )
    optional = Markup("") if field.required else Markup(" <em>{}</em>").format(voice.say(_("(optional)")))
    return Markup('<p class="field"><label for="{}">{}{}</label>{}{}</p>').format(name, label, optional, control, hint)
