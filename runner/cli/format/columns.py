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
        "".join(_fill(cell, room) for cell, room in zip(row, [*line, 0], strict=True)) + "\n"
        for row, line in zip(rows, widths, strict=True)
    )


def width(text: str) -> int:
    """How many columns of a terminal the text takes; wide characters take two."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def _fill(cell: str, room: int) -> str:
    return cell + " " * (room - width(cell))


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
        widest = max((width(rows[index][column]) for index in block), default=0)
        for index in block:
            # An empty column takes no room (tabwriter, DiscardEmptyColumns aside).
            widths[index][column] = max(widest + padding, minimum)
        start = end + 1
