"""Collects every sentence that members read into the catalogs: `python -m deploy.messages`; `--check` only looks.

A sentence is marked with `_("...")` or `n_("...", "...", count)` of `bot.words`. New ones come into each catalog empty,
those that are gone are dropped, and nothing is ever guessed: a sentence that changed is translated anew.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from bot.language import CATALOGS

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("bot", "handlers", "jobs")
METHODS = [("**.py", "python"), ("**.html", "jinja2")]
KEYWORDS = {"_": None, "n_": (1, 2)}


def template() -> Catalog:
    """Every marked sentence of the sources, with the files it stands in."""
    found = Catalog(project="Stocktide", charset="utf-8", fuzzy=False)
    for source in SOURCES:
        for name, _line, message, comments, _context in extract_from_dir(
            ROOT / source, method_map=METHODS, keywords=KEYWORDS, comment_tags=("Translators:",)
        ):
            found.add(message, None, [(f"{source}/{name}", 1)], auto_comments=comments)
    return found


def marked(text: str) -> Iterator[tuple[int, str, bool]]:
    """Each sentence that a source marks: its line, the sentence, and whether it stands inside an f-string."""
    tree = ast.parse(text)
    inside = {id(part) for whole in ast.walk(tree) if isinstance(whole, ast.JoinedStr) for part in ast.walk(whole)}
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in KEYWORDS and call.args:
            first = call.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield call.lineno, first.value, id(call) in inside


def lost(text: str, sentences: Catalog) -> list[int]:
    """The lines of a source whose sentence is not collected: inside an f-string, or where else Babel does not look."""
    return sorted({line for line, sentence, inside in marked(text) if inside or sentence not in sentences})


def uncollected(sentences: Catalog) -> list[str]:
    """Each place of the sources, as `file:line`, where a sentence is marked but not collected."""
    return [
        f"{path.relative_to(ROOT)}:{line}"
        for source in SOURCES
        for path in sorted((ROOT / source).rglob("*.py"))
        for line in lost(path.read_text(encoding="utf-8"), sentences)
    ]


def catalogs() -> Iterator[tuple[Path, Catalog]]:
    """Each language's catalog file and what it holds."""
    for path in sorted(CATALOGS.glob("*/LC_MESSAGES/stocktide.po")):
        with path.open("rb") as lines:
            yield path, read_po(lines, locale=path.parent.parent.name)


def missing(catalog: Catalog, sentences: Catalog) -> list[str]:
    """The sentences that the catalog does not translate, or only guesses."""
    lacking = []
    for message in sentences:
        if not message.id:
            continue
        name = message.id if isinstance(message.id, str) else message.id[0]
        held = catalog.get(name)
        said = held.string if held else ""
        whole = all(said) if isinstance(said, (tuple, list)) else bool(said)
        if held is None or held.fuzzy or not whole or held.id != message.id:
            lacking.append(name)
    return lacking


def _write(path: Path, catalog: Catalog) -> None:
    for message in catalog:
        message.locations = sorted({(name, 0) for name, _line in message.locations})
    with path.open("wb") as target:
        write_po(target, catalog, width=110, sort_output=True, include_lineno=False, ignore_obsolete=True)


def update() -> list[tuple[Path, list[str]]]:
    """Bring every catalog up to date; what each still lacks."""
    sentences = template()
    lacking = []
    for path, catalog in catalogs():
        told = catalog.revision_date, catalog.creation_date
        catalog.update(sentences, no_fuzzy_matching=True, update_creation_date=False)
        catalog.revision_date, catalog.creation_date = told
        catalog.msgid_bugs_address = ""
        _write(path, catalog)
        lacking.append((path, missing(catalog, sentences)))
    return lacking


def main(arguments: list[str]) -> int:
    """Update the catalogs, or with `--check` only look; 1 where a sentence is not translated or not collected."""
    if places := uncollected(template()):
        sys.stdout.writelines(f"{place}: the sentence is not collected; mark it on its own\n" for place in places)
        return 1
    if "--check" in arguments:
        sentences = template()
        lacking = [(path, missing(catalog, sentences)) for path, catalog in catalogs()]
    else:
        lacking = update()
    for path, names in lacking:
        sys.stdout.write(f"{path.relative_to(ROOT)}: {len(names)} to translate\n")
        sys.stdout.writelines(f"  {name!r}\n" for name in names)
    return 1 if any(names for _path, names in lacking) else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
