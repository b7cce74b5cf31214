"""Collects every sentence that members read into the catalogs: `python -m deploy.messages`; `--check` only looks.

A sentence is marked with `_("...")` or `n_("...", "...", count)` of `bot.words`. New ones come into each catalog empty,
those that are gone are dropped, and nothing is ever guessed: a sentence that changed is translated anew.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from bot.language import CATALOGS

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("bot", "handlers", "jobs")
KEYWORDS = {"_": None, "n_": (1, 2)}


def template() -> Catalog:
    """Every marked sentence of the sources, with the files it stands in."""
    found = Catalog(project="Stocktide", charset="utf-8", fuzzy=False)
    for source in SOURCES:
        for name, _line, message, comments, _context in extract_from_dir(
            ROOT / source, method_map=[("**.py", "python")], keywords=KEYWORDS, comment_tags=("Translators:",)
        ):
            found.add(message, None, [(f"{source}/{name}", 1)], auto_comments=comments)
    return found


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
    """Update the catalogs, or with `--check` only look; 1 where a sentence is not translated."""
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
