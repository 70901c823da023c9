"""Tables whose columns are aligned also where characters are two cells wide."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

from markdown_it.token import Token
from rich.cells import cell_len
from rich.segment import Segment

from xverse_chat.terminal.markdown.breaking import break_line
from xverse_chat.terminal.markdown.inline import cell_lines
from xverse_chat.terminal.markdown.styles import BOLD, DIM, PLAIN, Line

COLUMN_GAP = 2
# A column is not made narrower than this many cells; where that is too wide, rows become records.
LEAST_COLUMN = 8
RECORD_INDENT = 2

Alignment = Literal["left", "center", "right"]
Cell = list[Line]
_ALIGNMENTS: dict[object, Alignment] = {
    "text-align:center": "center",
    "text-align:right": "right",
}


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as lines of any length; every row has as many as ``headings``."""

    headings: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]
    alignments: Sequence[Alignment]

    def lines(self, width: int) -> list[Line]:
        """Return the table in ``width`` cells: as a table, or as records if it is too wide."""
        columns = self._columns(width)
        return self.records(width) if columns is None else self._grid(columns)

    def records(self, width: int) -> list[Line]:
        """Return one paragraph for each row: one line for each cell, after its heading."""
        lines: list[Line] = []
        for row in self.rows or [[[[]] for _ in self.headings]]:
            if lines:
                lines.append([])
            for heading, cell in zip(self.headings, row, strict=True):
                label = [*_joined(heading), Segment(": ", BOLD)]
                broken = break_line([*label, *_joined(cell)], max(2, width - RECORD_INDENT))
                lines.append(broken[0])
                lines += [[Segment(" " * RECORD_INDENT), *line] for line in broken[1:]]
        return lines

    def _columns(self, width: int) -> list[int] | None:
        """Return the width of each column, or None if there is not enough room."""
        natural = [
            max(max(map(_cells, cell)) for cell in column)
            for column in zip(self.headings, *self.rows, strict=True)
        ]
        room = width - COLUMN_GAP * (len(natural) - 1)
        if sum(natural) <= room:
            return natural
        # The narrow columns get what they need, the wide ones share the rest.
        columns = [0] * len(natural)
        ordered = sorted(range(len(natural)), key=natural.__getitem__)
        for position, index in enumerate(ordered):
            share = room // (len(ordered) - position)
            columns[index] = min(natural[index], share)
            if columns[index] < min(natural[index], LEAST_COLUMN):
                return None
            room -= columns[index]
        return columns

    def _grid(self, columns: Sequence[int]) -> list[Line]:
        rules: list[Segment] = []
        for index, width in enumerate(columns):
            rules.append(Segment(" " * COLUMN_GAP if index else ""))
            rules.append(Segment("─" * width, DIM))
        lines = [*self._row(self.headings, columns), rules]
        rows = [self._row(row, columns) for row in self.rows]
        is_airy = any(len(row) > 1 for row in rows)
        for index, row in enumerate(rows):
            if is_airy and index:
                lines.append([])
            lines += row
        return lines

    def _row(self, cells: Sequence[Cell], columns: Sequence[int]) -> list[Line]:
        broken = [
            [part for line in cell for part in break_line(line, width)]
            for cell, width in zip(cells, columns, strict=True)
        ]
        return [self._line(parts, columns) for parts in zip_longest(*broken, fillvalue=[])]

    def _line(self, parts: Sequence[Line], columns: Sequence[int]) -> Line:
        line: Line = []
        blanks = 0  # before the next part; none are left at the end
        for part, width, alignment in zip(parts, columns, self.alignments, strict=True):
            free = max(0, width - _cells(part))
            before = {"left": 0, "center": free // 2, "right": free}[alignment]
            if part:
                line += [Segment(" " * (blanks + before)), *part]
                blanks = free - before + COLUMN_GAP
            else:
                blanks += free + COLUMN_GAP
        return line


def read_table(tokens: Sequence[Token]) -> Table:
    """Return the table that a parsed one is."""
    rows: list[list[Cell]] = []
    alignments: list[Alignment] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "th_open":
            alignments.append(_ALIGNMENTS.get(token.attrs.get("style"), "left"))
        elif token.type == "inline":
            style = PLAIN if len(rows) > 1 else BOLD
            rows[-1].append(cell_lines(token.children or [], style))
    return Table(rows[0], rows[1:], alignments)


def _cells(line: Line) -> int:
    return sum(cell_len(run.text) for run in line)


def _joined(cell: Cell) -> Line:
    """Return the lines of a cell as one."""
    joined = list(cell[0])
    for line in cell[1:]:
        joined += [Segment(" "), *line]
    return joined
