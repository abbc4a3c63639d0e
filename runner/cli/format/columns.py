"""Columns of text as Go's tabwriter aligns them, with spaces."""

from __future__ import annotations


def align(lines: list[str], *, minimum: int, padding: int) -> str:
    """Lines whose cells end in tabs, aligned; a column lasts while lines have a cell there.

    A cell's column is as wide as the widest neighbour above or below it, at least `minimum`, and
    `padding` more than the text.
    """
    rows = [line.split("\t") for line in lines]
    widths: list[list[int]] = [[0] * (len(row) - 1) for row in rows]
    depth = max((len(row) - 1 for row in rows), default=0)
    for column in range(depth):
        _measure(rows, widths, column, minimum, padding)
    return "".join(
        "".join(cell.ljust(width) for cell, width in zip(row, [*line, 0], strict=True)) + "\n"
        for row, line in zip(rows, widths, strict=True)
    )


def _measure(
    rows: list[list[str]], widths: list[list[int]], column: int, minimum: int, padding: int
) -> None:
    """Give each run of lines that have this column one width."""
    start = 0
    while start < len(rows):
        end = start
        while end < len(rows) and len(rows[end]) - 1 > column:
            end += 1
        block = range(start, end)
        widest = max((len(rows[index][column]) for index in block), default=0)
        for index in block:
            # An empty column takes no room (tabwriter, DiscardEmptyColumns aside).
            widths[index][column] = max(widest + padding, minimum)
        start = end + 1
