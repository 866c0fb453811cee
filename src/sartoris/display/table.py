"""Columns of text."""

from __future__ import annotations

from collections.abc import Sequence

from sartoris.formatting import shown_on_one_line


def table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines with aligned columns; no lines when there are no rows."""
    if not rows:
        return []
    everything = [[shown_on_one_line(cell) for cell in row] for row in (heading, *rows)]
    widths = [max(len(row[column]) for row in everything) for column in range(len(heading))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in everything
    ]
