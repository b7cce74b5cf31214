from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from bot.domain.money import Money
from bot.ports import OrderLine
from bot.suppliers.document import documents, order_csv, order_pdf
from bot.suppliers.fonts import plain
from tests.suppliers.kit import an_order


def read(content: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_a_purchase_order_says_who_buys_what_from_whom_for_how_much() -> None:
    [page] = read(order_pdf(an_order()))
    for words in (
        "Purchase order R-12", "Version", "Nov 21, 2011", "CNY", "Dec 30, 2011", "by sea", "Acme Trading Ltd",
        "12 High Street", "Yiwu Bright", "YIWU", "United Kingdom", "85120A", "WHITE HANGING HEART", "12.50",
        "1,500.00", "CN¥4,541.15", "Page 1 of 1", "Please quote R-12",
    ):  # fmt: skip
        assert words in page, words


def test_an_order_says_how_many_containers_its_goods_take_where_that_is_known() -> None:
    [page] = read(order_pdf(an_order(containers="2 × 40HQ")))
    assert "Containers" in page
    assert "2 × 40HQ" in page
    [plain_page] = read(order_pdf(an_order()))
    assert "Containers" not in plain_page


def test_a_transfer_says_from_where() -> None:
    [page] = read(order_pdf(an_order(kind="transfer", supplier="Germany", supplier_code="DE")))
    assert "Transfer order R-12" in page
    assert "From" in page
    assert "Germany" in page


def test_a_long_order_repeats_its_header_and_numbers_its_pages() -> None:
    pages = read(order_pdf(an_order(120)))
    assert len(pages) > 2
    for number, page in enumerate(pages, 1):
        assert f"Page {number} of {len(pages)}" in page
    assert all("Unit price" in page for page in pages)
    assert sum(page.count("851") for page in pages) >= 120
    assert "Total" in pages[-1]


def test_an_order_in_chinese_is_written_in_a_chinese_font() -> None:
    content = order_pdf(an_order(language="zh_CN"))
    fonts = {
        font["/BaseFont"] for page in PdfReader(io.BytesIO(content)).pages
        for font in (each.get_object() for each in page["/Resources"]["/Font"].values())  # type: ignore[index]
    }  # fmt: skip
    assert any("STSong-Light" in str(font) for font in fonts)
    assert "2011年11月21日" in "".join(read(content))


def test_a_chinese_name_stands_in_an_english_order_too() -> None:
    assert "灯笼" in read(order_pdf(an_order()))[0]


def test_the_same_order_gives_the_same_bytes() -> None:
    assert documents(an_order(40)) == documents(an_order(40))
    assert documents(an_order(40)) != documents(an_order(40, version=4))


def test_names_are_no_markup() -> None:
    [page] = read(order_pdf(an_order(4)))
    assert "<b>bold</b> <para> &amp;" in page


def test_the_csv_holds_every_line_as_it_is() -> None:
    rows = table(order_csv(an_order(4)))
    assert [row["name"] for row in rows][1:3] == ["灯笼 & 蜡烛", "Żółta łódź"]
    assert rows[0] == {
        "order": "R-12", "version": "3", "line": "1", "sku": "85120A", "name": "WHITE HANGING HEART T-LIGHT HOLDER",
        "quantity": "120", "unit_price": "12.50", "amount": "1500.00", "currency": "CNY",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\ufeff=1"])
def test_no_cell_of_the_csv_is_a_formula(name: str) -> None:
    line = OrderLine(name, name, 1, Money.of_minor(100, "CNY"))
    [row] = table(order_csv(an_order(lines=(line,))))
    assert row["sku"] == row["name"] == f"'{name}"


HOSTILE = st.text(max_size=400) | st.sampled_from(["<para>", "&lt;", "</font>", "W" * 400, "好" * 400, "\u202eabc", ""])


@settings(max_examples=40)
@given(names=st.lists(HOSTILE, min_size=1, max_size=5), language=st.sampled_from(["en", "zh_CN", "de"]))
def test_no_name_breaks_a_document(names: list[str], language: str) -> None:
    lines = tuple(OrderLine(name[:100], name, 7, Money.of_minor(199, "JPY")) for name in names)
    order = an_order(
        language=language, supplier=names[0], buyer=names[-1], deliver_to=names[0], note=names[-1], mode=names[0][:20],
        lines=lines, total=Money.of_minor(7 * 199 * len(lines), "JPY"),
    )  # fmt: skip
    assert PdfReader(io.BytesIO(order_pdf(order))).pages
    assert len(table(order_csv(order))) == len(lines)


def test_what_cannot_be_seen_is_left_out() -> None:
    assert plain("a\u202eb\nc\x00d\ud800") == "ab cd"


def test_an_order_of_four_hundred_lines_is_small() -> None:
    order = an_order(400, ordered_at=datetime(2011, 11, 21, tzinfo=UTC))
    content = order_pdf(order)
    assert len(content) < 200_000
    assert len(read(content)) > 8
