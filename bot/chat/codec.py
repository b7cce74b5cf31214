"""Messages and forms to JSON and back, for the outbox, for dialogues and for `stocktide ask --json`."""

from __future__ import annotations

import base64
import dataclasses
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from bot.chat import forms, nodes
from bot.domain.chart import Arrival, ChartEvent, ScoreChart, ScoreWeek, StockChart
from bot.domain.money import Money
from bot.words import Words

_TYPES: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (
        nodes.Text, nodes.Bold, nodes.Code, nodes.Link, nodes.Instant, nodes.Day, nodes.Mention, nodes.Amount,
        nodes.Number,
        nodes.Badge, nodes.Span, nodes.Heading, nodes.Paragraph, nodes.Bullets, nodes.Facts, nodes.Footnote,
        nodes.Divider,
        nodes.Column, nodes.Table, nodes.Image, nodes.Chart, nodes.Action, nodes.Actions, nodes.Call, nodes.Attachment,
        nodes.Message,
        Words, Money,
        forms.Choice, forms.Field, forms.Form, forms.Window, StockChart, ChartEvent, Arrival, ScoreChart, ScoreWeek,
    )
}  # fmt: skip

_LATE = {"login", "file"}  # left out while empty: the version before this one reads the same rows and does not know it


def encode(value: object) -> Any:  # noqa: ANN401  # JSON is of any shape
    """The value as plain JSON types; a dataclass becomes an object with its class name under `is`."""
    match value:
        case None | bool() | int() | str():
            return value
        case datetime():
            return {"is": "datetime", "at": value.isoformat()}
        case date():
            return {"is": "date", "on": value.isoformat()}
        case Decimal():
            return {"is": "Decimal", "value": str(value)}
        case bytes():
            return {"is": "bytes", "base64": base64.b64encode(value).decode()}
        case tuple() | list():
            return [encode(item) for item in value]
        case dict() | MappingProxyType():
            return {"is": "values", "values": {key: encode(item) for key, item in value.items()}}
    if type(value).__name__ in _TYPES and dataclasses.is_dataclass(value):
        given = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        kept = {name: encode(item) for name, item in given.items() if item or name not in _LATE}
        return {"is": type(value).__name__, **kept}
    raise TypeError(f"{type(value).__name__} cannot stand in a message")


def decode(data: Any) -> Any:  # noqa: ANN401  # JSON is of any shape
    """What `encode` made, back as nodes; lists become tuples."""
    if isinstance(data, list):
        return tuple(decode(item) for item in data)
    if not isinstance(data, dict):
        return data
    match data["is"]:
        case "datetime":
            return datetime.fromisoformat(data["at"])
        case "date":
            return date.fromisoformat(data["on"])
        case "Decimal":
            return Decimal(data["value"])
        case "bytes":
            return base64.b64decode(data["base64"])
        case "values":
            return MappingProxyType({key: decode(item) for key, item in data["values"].items()})
        case name:
            return _TYPES[name](**{key: decode(item) for key, item in data.items() if key != "is"})


def decode_message(data: Any) -> nodes.Message:  # noqa: ANN401  # JSON is of any shape
    """A stored message; TypeError where the data is something else."""
    message = decode(data)
    if not isinstance(message, nodes.Message):
        raise TypeError("the stored data is not a message")
    return message


def decode_window(data: Any) -> forms.Window:  # noqa: ANN401  # JSON is of any shape
    """A stored form on its way; TypeError where the data is something else."""
    window = decode(data)
    if not isinstance(window, forms.Window):
        raise TypeError("the stored data is not a form")
    return window
