"""The benchmark page: what a table says, and that a partial run keeps the other sections."""

from __future__ import annotations

from pathlib import Path

from tests.bench.report import Report, Timing, section, shown, write

REPORT = Report(
    "a table",
    (Timing("loop", (2.0, 4.0, 3.0), scale=10), Timing("pass", (0.5,)), Timing("phase", (0.1,), phase_of="pass")),
    "loop",
    ("a note",),
)


def test_a_table_compares_medians_with_its_baseline_and_phases_with_their_whole() -> None:
    assert REPORT.rows() == [
        ("loop", "30 s", "20 s - 40 s", "baseline"),
        ("pass", "500.0 ms", "500.0 ms - 500.0 ms", "60.0 x faster"),
        ("phase", "100.0 ms", "100.0 ms - 100.0 ms", "20% of pass"),
    ]


def test_seconds_are_written_for_people() -> None:
    assert [shown(seconds) for seconds in (12.3, 1.234, 0.0456, 0.00001)] == ["12 s", "1.23 s", "45.6 ms", "10 us"]


def test_a_partial_run_keeps_the_other_sections(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    write({"watch": section((REPORT,)), "old": "gone\n"}, ("watch", "other", "old"), page)
    write({"other": "new words\n"}, ("watch", "other"), page)
    text = page.read_text()
    assert "| pass | 500.0 ms | 500.0 ms - 500.0 ms | 60.0 x faster |" in text
    assert text.index("## watch") < text.index("## other")
    assert "### a table" in text
    assert "new words" in text
    assert "gone" not in text
