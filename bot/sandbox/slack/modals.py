"""What Slack's own client does with a modal: what stands in its fields, and what it will not hand in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


class Unfilled(ValueError):
    """The client does not hand a modal in: `faults` says what is wrong, by block id."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{block}: {fault}" for block, fault in faults.items()))
        self.faults = dict(faults)


def inputs(view: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each input block of a view with its element."""
    for block in view["blocks"]:
        if block["type"] == "input":
            yield block, block["element"]


def initial(element: Mapping[str, Any]) -> str:
    """What stands in a field before anybody touches it."""
    option = element.get("initial_option") or {}
    return str(element.get("initial_value") or element.get("initial_date") or option.get("value") or "")


def state(view: Mapping[str, Any], typed: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """`view.state.values` of a modal filled in: `typed` by block id, the other fields as they stood.

    Unfilled where Slack's client would not let it go.
    """
    values: dict[str, dict[str, Any]] = {}
    faults: dict[str, str] = {}
    for block, element in inputs(view):
        name = block["block_id"]
        text = typed.get(name, initial(element))
        fault = _fault(block, element, text)
        if fault:
            faults[name] = fault
        else:
            values[name] = {element["action_id"]: _entry(element, text)}
    unknown = set(typed) - {block["block_id"] for block, _element in inputs(view)}
    faults |= dict.fromkeys(unknown, "there is no such field")
    if faults:
        raise Unfilled(faults)
    return values


def _entry(element: Mapping[str, Any], text: str) -> dict[str, Any]:
    kind = element["type"]
    match kind:
        case "datepicker":
            return {"type": kind, "selected_date": text or None}
        case "static_select":
            option = next((one for one in element["options"] if one["value"] == text), None)
            return {"type": kind, "selected_option": option}
        case _:
            return {"type": kind, "value": text or None}


def _fault(block: Mapping[str, Any], element: Mapping[str, Any], text: str) -> str:
    if not text:
        return "" if block.get("optional") else "Please complete this required field."
    match element["type"]:
        case "number_input":
            return _number_fault(element, text)
        case "datepicker":
            return "" if _DAY.fullmatch(text) else "Pick a date."
        case "static_select":
            return "" if any(one["value"] == text for one in element["options"]) else "Pick one of the options."
        case "plain_text_input":
            least, most = element.get("min_length") or 0, element.get("max_length") or 3000
            return "" if least <= len(text) <= most else f"Write {least} to {most} characters."
        case kind:
            return f"the sandbox cannot fill in {kind}"


def _number_fault(element: Mapping[str, Any], text: str) -> str:
    whole = not element["is_decimal_allowed"]
    if not _NUMBER.fullmatch(text) or (whole and "." in text):
        return "Enter a number."
    least, most = element.get("min_value"), element.get("max_value")
    if least is not None and float(text) < float(least):
        return f"Enter a number of at least {least}."
    if most is not None and float(text) > float(most):
        return f"Enter a number of at most {most}."
    return ""
