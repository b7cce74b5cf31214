"""Forms that every platform is shown in tests."""

from __future__ import annotations

from bot.chat.forms import MAX_CHOICES, MAX_FIELDS, Choice, Field, Form
from bot.chat.nodes import Bold, Span, Text
from bot.words import _


def edit_form() -> Form:
    """A field of every kind but a one-time code, some filled in already."""
    return Form(
        _("Edit"),
        Span((Text("R-12: "), Bold(Text("<!channel> & Sons")))),
        (
            Field("quantity", _("Quantity"), "whole", "240", hint=_("Whole units")),
            Field("supplier", Text("Supplier *of* choice"), "text", required=False),
            Field("arrives", _("Arrives"), "day", "2011-12-20", required=False),
            Field("mode", _("Mode"), "choice", "sea", (Choice("sea", _("by sea")), Choice("air", Text("by <air>")))),
            Field("total", _("Total"), "money"),
        ),
        "edit",
        ("R-12@3",),
        _("Save"),
    )


def code_form() -> Form:
    """A form that asks for a one-time code."""
    fields = (Field("total", _("Total"), "money"), Field("code", _("Code"), "code"))
    return Form(_("Confirm"), Text("R-12"), fields, "approve", ("R-12@3",), _("Approve"))


def largest_form(letter: str = "界") -> Form:
    """As many fields and choices as a form may hold, every text far longer than any platform shows."""
    long, value = (letter * 4_000)[:4_000], (letter * 300)[:300]
    choices = tuple(Choice(f"{'v' * 140}{number}", Text(long)) for number in range(MAX_CHOICES))
    chosen = Field("mode", Text(long), "choice", choices[-1].value, choices, hint=_("{text}", text=long))
    rest = tuple(Field(f"f{number}", Text(long), "text", value, hint=_("{text}", text=long)) for number in range(22))
    last = Field("n", Text(long), "whole")
    return Form(
        _("{text}", text=long), Text(long), (chosen, *rest, last)[:MAX_FIELDS], "edit", (long,), _("{t}", t=long)
    )
