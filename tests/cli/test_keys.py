"""`stocktide keys`: made and shown once, listed, revoked, and nowhere kept as they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.terminal import stocktide


def test_a_key_is_shown_once_and_kept_as_a_hash(empty: Path) -> None:
    assert "There is no key yet" in stocktide("keys", "list").out
    made = stocktide("keys", "add", "erp", "--scopes", "stock, sales")
    token = made.out.split()[0]
    assert re.fullmatch(r"stk_[a-z0-9]{10}_[A-Za-z0-9_-]{43}", token)
    listed = stocktide("keys", "list").out
    assert token[:14] in listed
    assert "sales, stock" in listed
    assert "never" in listed
    assert token not in listed
    files = b"".join(path.read_bytes() for path in empty.glob("stocktide.db*"))
    assert token[15:].encode() not in files


def test_a_key_that_was_revoked_is_so_for_ever_and_both_stand_in_the_audit_log(empty: Path) -> None:
    assert empty.is_dir()
    stocktide("keys", "add", "erp")
    assert stocktide("keys", "revoke", "erp").out == "erp lets nobody in any more.\n"
    assert "revoked" in stocktide("keys", "list").out
    again = stocktide("keys", "revoke", "erp")
    assert (again.code, again.err) == (1, "No key in use is called erp.\n")
    assert "There is or was a key called erp" in stocktide("keys", "add", "erp").err
    log = stocktide("audit", "export").out
    assert "key.added" in log
    assert "key.revoked" in log
    assert "stk_" not in log


@pytest.mark.parametrize(
    "line",
    [
        ("ERP",),
        ("e" * 41,),
        ("a:b",),
        ("erp", "--scopes", "money"),
        ("erp", "--scopes", ""),
        ("erp", "--source", "A"),
    ],
)
def test_a_key_that_cannot_be_is_refused_in_words(empty: Path, line: tuple[str, ...]) -> None:
    assert empty.is_dir()
    ran = stocktide("keys", "add", *line)
    assert ran.code == 1
    assert "use up to 40" in ran.err or "may tell: sales, stock, purchase-orders, products" in ran.err


def test_a_source_is_known_among_the_stores_with_the_way_on(empty: Path) -> None:
    assert empty.is_dir()
    stocktide("keys", "add", "erp-2", "--source", "erp")
    told = stocktide("stores", "status").out
    assert "api:erp" in told
    assert "never read. Next: send its rows to the ingest API (again)" in told
    assert "has no variant" in stocktide("stores", "product", "api:erp", "X", "").err
