"""Cells of files that we write: a spreadsheet that opens them runs nothing."""

from __future__ import annotations

import re
from typing import TypeVar

T = TypeVar("T")

_RISKY = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # how a cell begins that a spreadsheet takes for a formula
_BLANK = ("\t", "\r", "\n")
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)*%?")


def harmless(value: T) -> T | str:
    """The cell, with an apostrophe before a text that a spreadsheet would calculate (OWASP, CSV injection).

    A plain number stays as it is, whatever its sign.
    """
    if not isinstance(value, str) or _NUMBER.fullmatch(value):
        return value
    risky = value.startswith(_BLANK) or value.lstrip().startswith(_RISKY)
    return f"'{value}" if risky else value
