"""The rows at the end of the screen that are drawn again and again, and what is printed above them.

Between two drawings the (hidden) cursor stands at the first of these rows. So they can be erased
whatever the terminal did to them meanwhile: when a window changes its size, terminals move the
cursor with the text it stands at, and nobody has to know how many rows that text takes now. A
row never goes on into the next one, even where program and terminal disagree about the width of
a character. What is printed is left to the terminal, which wraps what is too long.
"""

import re
from collections.abc import Iterable, Sequence

from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment

from xverse_chat.terminal.markdown.breaking import fold_line
from xverse_chat.terminal.markdown.styles import Line
from xverse_chat.terminal.sanitise import sanitise

# Rows of the window that are left free: a line above, and one for the terminal to scroll into.
SPARE_ROWS = 2

_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
_WRAP_OFF, _WRAP_ON = "\x1b[?7l", "\x1b[?7h"
# Terminals that know these show nothing of what is between them before it is complete.
_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"
_ERASE_LINE, _ERASE_BELOW = "\x1b[K", "\x1b[J"

# What no row may hold, wherever it came from: a reply can have a character written as &#13;.
_BLANKS = str.maketrans("\n\t", "  ")
_ACTS = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class LiveArea:
    """Rows that can be drawn again. Nothing else may write meanwhile."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._rows: list[str] = []
        self._size = console.size
        self._is_cursor_hidden = False

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is shown that can be drawn again."""
        return not self._rows

    @property
    def most_rows(self) -> int:
        """How many rows can be shown in the window as it is now."""
        return max(1, self._console.height - SPARE_ROWS)

    @property
    def is_resized(self) -> bool:
        """Tell whether the window is no longer what it was when something was last drawn."""
        return self._console.size != self._size

    def draw(self, live: Iterable[Line], *, printed: Iterable[Line] = ()) -> None:
        """Print lines above the area, and show the last of the rows that ``live`` takes."""
        size = self._console.size
        rows = [_drawn(row) for row in _last_rows(live, size.width, self.most_rows)]
        above = "".join(f"{_drawn(line)}\n" for line in printed)
        if not above and rows == self._rows and size == self._size:
            return
        is_new = bool(above) or size != self._size or len(rows) < len(self._rows)
        before = [] if is_new else self._rows
        parts = [_BEGIN, "" if self._is_cursor_hidden else _HIDE_CURSOR, "\r"]
        parts += [_ERASE_BELOW if is_new and self._rows else "", above]
        if rows:
            parts += [_WRAP_OFF, *_changes(before, rows), _WRAP_ON]
            parts.append(f"\r\x1b[{len(rows) - 1}A" if len(rows) > 1 else "\r")
        self._rows, self._size, self._is_cursor_hidden = rows, size, True
        self._write("".join([*parts, _END]))

    def clear(self, *, printed: Iterable[Line] = ()) -> None:
        """Print lines in the place of the area, and show the cursor below them."""
        self.draw((), printed=printed)
        if self._is_cursor_hidden:
            self._is_cursor_hidden = False
            self._write(_SHOW_CURSOR)

    def _write(self, text: str) -> None:
        self._console.file.write(text)
        self._console.file.flush()


def _changes(before: Sequence[str], rows: Sequence[str]) -> Iterable[str]:
    """Yield what turns the rows before into ``rows``, from the first one on."""
    for index, row in enumerate(rows):
        if index:
            yield "\n"
        if index >= len(before):
            yield row
        elif row != before[index]:
            # Before the row: after one that fills the line, its last character would go.
            yield _ERASE_LINE + row


def _last_rows(lines: Iterable[Line], columns: int, count: int) -> list[Line]:
    """Return the last rows that lines take, those that are too long folded as a terminal does."""
    rows: list[Line] = []
    for line in reversed(list(lines)):
        rows[:0] = _folded(line, columns, count)
        if len(rows) >= count:
            break
    return rows[-count:]


def _folded(line: Line, columns: int, count: int) -> list[Line]:
    """Return the last ``count`` rows of a line, or more."""
    kept: Line = []
    characters = 0
    for run in reversed(line):
        kept.insert(0, run)
        characters += len(run.text)
        if characters >= count * columns:  # a row is at most as many characters as columns
            kept[0] = Segment(run.text[characters - count * columns :], run.style)
            break
    return fold_line(kept, columns)


def _drawn(line: Line) -> str:
    """Return a line with its styles, and nothing else that acts on a terminal."""
    return "".join(
        style.render(inert(text), color_system=ColorSystem.STANDARD) if style else inert(text)
        for text, style, _ in line
    )


def inert(text: str) -> str:
    """Return a part of a row without what acts on a terminal."""
    return sanitise(text.translate(_BLANKS)) if _ACTS.search(text) else text
