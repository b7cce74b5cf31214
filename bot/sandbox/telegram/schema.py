"""Judges the parameters of a call by the machine-readable Bot API: names, required fields and types."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.sandbox.telegram.refusal import BotApiRefusal, bad

_ABSENT = {
    "chat_id": "chat_id is empty",
    "text": "message text is empty",
    "photo": "there is no photo in the request",
    "document": "there is no document in the request",
    "message_id": "message identifier is not specified",
}

_PLAIN = frozenset({"Integer", "Float", "Boolean", "String", "InputFile"})


class Schema:
    """The methods we serve and the types they take, read from `api.json`."""

    def __init__(self) -> None:
        data = json.loads(Path(__file__).with_name("api.json").read_text(encoding="utf-8"))
        self.methods: dict[str, Any] = {
            name.lower(): {"name": name, **data["methods"][name]} for name in data["methods"]
        }
        self._types: dict[str, Any] = data["types"]

    def method(self, name: str) -> str:
        """The method's own spelling, as names are case-insensitive; 404 for one that does not exist."""
        if name.lower() not in self.methods:
            raise BotApiRefusal(404, "Not Found")
        return str(self.methods[name.lower()]["name"])

    def read(self, method: str, raw: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters in their types; BotApiRefusal for an unknown, missing or mistyped one."""
        files = {name: value for name, value in raw.items() if isinstance(value, tuple)}
        attached = {
            v.removeprefix("attach://") for v in raw.values() if isinstance(v, str) and v.startswith("attach://")
        }
        given = {
            name: files[value.removeprefix("attach://")] if _attaches(value, files) else value
            for name, value in raw.items()
            if name not in attached
        }
        return self._fields(self.methods[method.lower()]["fields"], given, "")

    def _fields(self, fields: Sequence[Mapping[str, Any]], given: Mapping[str, Any], where: str) -> dict[str, Any]:
        known = {field["name"]: field for field in fields}
        for name in given:
            if name not in known:
                raise bad(f'can\'t parse {where}: unknown field "{name}"' if where else f'unknown parameter "{name}"')
        found = {}
        for name, field in known.items():
            if name not in given:
                if field["required"]:
                    absent = f'can\'t parse {where}: field "{name}" is required' if where else _ABSENT.get(name)
                    raise bad(absent or f'parameter "{name}" is required')
                continue
            found[name] = self._value(given[name], field["types"], f"{where}.{name}" if where else name)
        return found

    def _value(self, value: Any, types: Sequence[str], where: str) -> Any:  # noqa: ANN401  # of any type
        if isinstance(value, str) and not _PLAIN.intersection(types):
            try:
                value = json.loads(value)
            except ValueError:
                raise bad(f"can't parse {where} JSON object") from None
        refusal: BotApiRefusal | None = None
        for kind in sorted(types, key=lambda kind: self._strangers(value, kind)):
            try:
                return self._typed(value, kind, where)
            except BotApiRefusal as error:
                refusal = refusal or error
            except (ValueError, TypeError):
                continue
        raise refusal or bad(f"can't parse {where}: {' or '.join(types)} expected")

    def _strangers(self, value: Any, kind: str) -> int:  # noqa: ANN401  # of any type
        """How many of an object's fields a type does not know: the one that fits best is tried, and blamed, first."""
        known = {field["name"] for field in self._types.get(kind, {}).get("fields", ())}
        return len(set(value) - known) if isinstance(value, dict) and kind in self._types else 0

    def _typed(self, value: Any, kind: str, where: str) -> Any:  # noqa: ANN401  # of any type
        match kind:
            case "Integer":
                return _integer(value)
            case "Float":
                return float(value)
            case "Boolean":
                return _boolean(value)
            case "String":
                if not isinstance(value, str):
                    raise TypeError(where)
                return value
            case "InputFile":
                if not isinstance(value, str | tuple):
                    raise TypeError(where)
                return value
        if kind.startswith("Array of "):
            if not isinstance(value, list):
                raise TypeError(where)
            return [self._value(item, [kind.removeprefix("Array of ")], where) for item in value]
        if not isinstance(value, dict):
            raise TypeError(where)
        known = self._types[kind]
        if "subtypes" in known:
            return self._value(value, known["subtypes"], where)
        return self._fields(known["fields"], value, where)


def _attaches(value: Any, files: Mapping[str, Any]) -> bool:  # noqa: ANN401  # of any type
    return isinstance(value, str) and value.removeprefix("attach://") in files and value.startswith("attach://")


def _integer(value: Any) -> int:  # noqa: ANN401  # of any type
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError("Integer")
    return int(value)


def _boolean(value: Any) -> bool:  # noqa: ANN401  # of any type
    if isinstance(value, bool):
        return value
    if str(value).lower() not in ("true", "false", "1", "0"):
        raise ValueError("Boolean")
    return str(value).lower() in ("true", "1")
