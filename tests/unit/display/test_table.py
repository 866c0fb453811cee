"""Columns of text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sartoris.display.table import table

cells = st.text("abc ", max_size=6)


def test_columns_are_aligned_and_lines_end_with_text() -> None:
    assert table(("target", "live"), [("web1", "slot0-1"), ("a-long-name", "")]) == [
        "target       live",
        "web1         slot0-1",
        "a-long-name",
    ]


def test_without_rows_there_is_no_heading_either() -> None:
    assert table(("target", "live"), []) == []


@given(st.lists(st.tuples(cells, cells, cells), min_size=1))
def test_every_cell_starts_where_its_column_does(rows: list[tuple[str, str, str]]) -> None:
    heading = ("one", "two", "three")
    lines = table(heading, rows)
    starts = [lines[0].index(name) for name in heading]
    for line, row in zip(lines[1:], rows, strict=True):
        assert line == line.rstrip()
        for start, cell in zip(starts, row, strict=True):
            assert line.ljust(80)[start:].startswith(cell)
