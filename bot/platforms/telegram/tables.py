"""Tables for a phone: aligned in fixed width where they are narrow and plain, else one small card per row.

A page never loses a row: what does not fit is made smaller cell by cell (see `Plan.cell`), with a visible ellipsis.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.chat.nodes import Column, Table
from bot.platforms.telegram.runs import BOLD, PRE, Run, Runs, Voice, clip_runs, dressed, inline, plain
from bot.platforms.telegram.text import WORD_JOINER, columns

PHONE_COLUMNS = 38  # what a phone of usual width shows of fixed-width text without wrapping

_GAP = "  "
_DOT = " · "
_LIVE = {"date_time", "text_link", "text_mention"}


def table_lines(table: Table, voice: Voice) -> list[Runs]:
    """The lines of one table page; each row stays whole."""
    cell = voice.plan.cell
    titles = [clip_runs(inline(column.title, voice), cell) for column in table.columns]
    rows = [[clip_runs(inline(value, voice), cell) for value in row] for row in table.rows]
    if not any(style.kind in _LIVE for row in rows for runs in row for run in runs for style in run.styles):
        drawn = _aligned(table.columns, titles, rows)
        if drawn:
            return [[Run(drawn, (PRE,))]]
    if voice.plan.squeezed:
        return [_joined(titles), *(_joined(row) for row in rows)]
    return _cards(titles, rows, voice)


def _aligned(heads: Sequence[Column], titles: list[Runs], rows: list[list[Runs]]) -> str:
    """The table in fixed width, or nothing where it is wider than a phone."""
    drawn = [[_bare(runs) for runs in row] for row in (titles, *rows)]
    widths = [max(columns(row[index]) for row in drawn) for index in range(len(heads))]
    if sum(widths) + len(_GAP) * (len(widths) - 1) > PHONE_COLUMNS:
        return ""
    lines = [
        _GAP.join(
            _padded(text, width, head.align) for text, width, head in zip(row, widths, heads, strict=True)
        ).rstrip()
        for row in drawn
    ]
    rule = "─" * max(columns(line) for line in lines)
    return "\n".join((lines[0], rule, *lines[1:]))


def _bare(runs: Runs) -> str:
    """The cell's text; Telegram makes no links in fixed width, so it needs no joiners."""
    return plain(runs).replace(WORD_JOINER, "").strip()


def _padded(text: str, width: int, align: str) -> str:
    blanks = " " * (width - columns(text))
    return blanks + text if align == "end" else text + blanks


def _joined(cells: list[Runs]) -> Runs:
    """Cells on one line."""
    line: Runs = []
    for index, runs in enumerate(cells):
        if index:
            line.append(Run(_DOT))
        line.extend(runs)
    return line


def _cards(titles: list[Runs], rows: list[list[Runs]], voice: Voice) -> list[Runs]:
    """Per row its first cell in bold, and below it the others, each behind its title."""
    lines: list[Runs] = []
    for row in rows:
        if lines:
            lines.append([])
        lines.append(dressed(row[0], BOLD, voice))
        pairs = [
            [*title, Run(" "), *value] if plain(title) else value
            for title, value in zip(titles[1:], row[1:], strict=True)
            if plain(value)
        ]
        if pairs:
            lines.append(_joined(pairs))
    return lines or [_joined(titles)]
