"""What a Slack message or view says to one pair of eyes, as pieces and as plain text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bot.sandbox.slack.mrkdwn import Eyes, Piece, parse

Block = Mapping[str, Any]
Line = tuple[Piece, ...]
_MENTIONS = {"user": "user_id", "channel": "channel_id", "usergroup": "usergroup_id", "broadcast": "range"}


def lines_of(text: str, blocks: Iterable[Block]) -> list[Line]:
    """The lines of a message; its blocks stand in place of its text where it has any."""
    found = [line for block in blocks for line in _block(block)]
    return found or [parse(text)]


def plain(text: str, blocks: Iterable[Block], eyes: Eyes) -> str:
    """The message as plain text, one line per block, field, row or row of buttons (`[label]`)."""
    return "\n".join("".join(eyes.read(piece) for piece in line) for line in lines_of(text, blocks))


def pieces_of(text: str, blocks: Iterable[Block]) -> list[Piece]:
    """Every piece of a message: look here for the mentions, links and dates it really holds."""
    return [piece for line in lines_of(text, blocks) for piece in line]


def buttons_of(blocks: Iterable[Block]) -> list[tuple[str, dict[str, Any]]]:
    """The pressable elements, in order, with the id of the block each stands in."""
    found = []
    for block in blocks:
        elements = list(block.get("elements", ())) if block["type"] in ("actions", "context_actions") else []
        elements += [block[place] for place in ("accessory", "element") if place in block]
        found += [(block.get("block_id", ""), element) for element in elements if "action_id" in element]
    return found


def _block(block: Block) -> list[Line]:
    match block["type"]:
        case "section":
            texts = [*([block["text"]] if "text" in block else []), *block.get("fields", ())]
            lines = [_text(text) for text in texts]
            return [*lines, *_buttons([block["accessory"]])] if "accessory" in block else lines
        case "header":
            return [_text(block["text"])]
        case "context":
            return [_joined(_text(item) for item in block["elements"])]
        case "markdown":
            return [(Piece("text", block["text"]),)]
        case "image":
            return [(Piece("text", f"[image: {block['alt_text']}]"),)]
        case "call":
            return [(Piece("call", "", block["call_id"]),)]
        case "actions":
            return _buttons(block["elements"])
        case "input":
            return [_text(block["label"])]
        case "table":
            return [_joined((_cell(cell) for cell in row), " | ") for row in block["rows"]]
        case "rich_text":
            return [line for element in block["elements"] for line in _rich(element)]
    return []


def _text(item: Block) -> Line:
    if item["type"] == "mrkdwn":
        return parse(item["text"])
    words = f"[image: {item['alt_text']}]" if item["type"] == "image" else item["text"]
    return (Piece("text", words),)


def _buttons(elements: Iterable[Block]) -> list[Line]:
    labels = [f"[{element['text']['text']}]" for element in elements if element["type"] == "button"]
    return [(Piece("text", " ".join(labels)),)] if labels else []


def _cell(cell: Block) -> Line:
    if cell["type"] == "rich_text":
        return tuple(piece for element in cell["elements"] for line in _rich(element) for piece in line)
    return (Piece("text", str(cell.get("text", cell.get("value", "")))),)


def _joined(lines: Iterable[Line], between: str = " ") -> Line:
    found: list[Piece] = []
    for index, line in enumerate(lines):
        found += [Piece("text", between), *line] if index else line
    return tuple(found)


def _rich(element: Block) -> Iterator[Line]:
    if element["type"] == "rich_text_list":
        for number, item in enumerate(element["elements"], start=element.get("offset", 0) + 1):
            mark = "• " if element["style"] == "bullet" else f"{number}. "
            yield from ((Piece("text", mark), *line) for line in _rich(item))
        return
    outer = frozenset({"pre"}) if element["type"] == "rich_text_preformatted" else frozenset[str]()
    yield tuple(_leaf(leaf, outer) for leaf in element["elements"])


def _leaf(leaf: Block, outer: frozenset[str]) -> Piece:
    styles = outer | {name for name, on in leaf.get("style", {}).items() if on}
    kind = leaf["type"]
    match kind:
        case "user" | "channel" | "usergroup" | "broadcast":
            return Piece(kind, "", leaf[_MENTIONS[kind]], styles=styles)
        case "link":
            return Piece("link", leaf.get("text") or leaf["url"], leaf["url"], styles=styles)
        case "date":
            return Piece(
                "date", leaf.get("fallback", ""), leaf.get("url", ""), leaf["timestamp"], leaf["format"], styles
            )
        case "emoji":
            return Piece("emoji", f":{leaf['name']}:", leaf["name"], styles=styles)
        case "color":
            return Piece("text", leaf["value"], styles=styles)
    return Piece("text", leaf.get("text", ""), styles=styles)
