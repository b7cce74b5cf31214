"""What connectors say of what is wrong is made of sentences that are translated: none holds English of its own.

That a fault, a check and an error take sentences alone is for mypy to see; here is what mypy does not.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.errors import Amiss, OutsideError, why
from bot.language import language
from bot.ports import Check, Fault, Granted
from deploy.messages import ROOT

# Where what is said ends in front of a member, or of whoever set Stocktide up.
ROOMS = ("stores", "suppliers", "rates", "rooms", "services/feeds", "ports", "domain/setaside.py", "domain/discount.py")
ENGLISH = re.compile(r"[A-Za-z]{2,} [a-z]{2,}")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
MARKS = {"_", "n_"}


def sources() -> Iterator[Path]:
    for room in ROOMS:
        place = ROOT / "bot" / room
        yield from [place] if place.is_file() else sorted(place.rglob("*.py"))


def literals(node: ast.AST) -> Iterator[str]:
    """The texts that stand in an expression, but for those of sentences."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS:
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    for part in ast.iter_child_nodes(node):
        yield from literals(part)


def untold(text: str) -> list[int]:
    """The lines of a source that put English into a sentence as a value, or pass it off as somebody else's."""
    found = []
    for call in ast.walk(ast.parse(text)):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            continue
        values = [each.value for each in call.keywords] if call.func.id in MARKS else []
        if call.func.id in {"verbatim", "says", "Words"}:
            values = [*call.args, *values]
        if any(ENGLISH.search(each) for value in values for each in literals(value)):
            found.append(call.lineno)
    return found


def test_no_sentence_of_a_connector_holds_english_of_its_own() -> None:
    found = {str(each.relative_to(ROOT)): untold(each.read_text(encoding="utf-8")) for each in sources()}
    assert len(found) > 100
    assert {source: lines for source, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ('_("it {what}", what=f"has no {code}")', [1]),
        ('verbatim(f"no price for {sku}")', [1]),
        ('Words("no price is told")', [1]),
        ('_("it {what}", what=_("is not there"))', []),
        ('_("the store says: {said}", said=answer.text or "–")', []),
    ],
)
def test_english_inside_a_sentence_is_found(source: str, lines: list[int]) -> None:
    assert untold(source) == lines


def test_every_kind_of_error_says_so_in_chinese_where_nothing_more_is_known() -> None:
    kinds = [OutsideError]
    for kind in kinds:
        kinds += [each for each in kind.__subclasses__() if each.__module__.startswith("bot.")]
    for kind in kinds:
        assert CHINESE.search(language("zh_CN").say(kind.UNSAID)), kind
    assert CHINESE.search(language("zh_CN").say(why(ValueError("x"))))


def test_faults_take_sentences_alone() -> None:
    taken = {
        (kind.__name__, name): str(kind.__init__.__annotations__[name])
        for kind, names in (
            (Check, ("what", "found", "do")),
            (Fault, ("said",)),
            (Granted, ("wrong",)),
            (OutsideError, ("said",)),
            (Amiss, ("said",)),
        )
        for name in names
    }
    assert set(taken.values()) <= {"Words", "Words | None"}, taken
