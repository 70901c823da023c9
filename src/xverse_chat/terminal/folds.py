"""Long pastes as they stand in the line: one short mark each. Standard library only.

Drawing a line of a million characters takes a second at every key, and nobody wants to see ten
thousand lines scroll by when they are sent.
"""

import re

from xverse_chat.chat.title import shorten
from xverse_chat.terminal.measures import format_bytes
from xverse_chat.terminal.sanitise import sanitise_line
from xverse_chat.terminal.texts import Texts

# What is longer fills the window, so that nothing can be edited in it any more.
MOST_LINES = 30
MOST_CHARACTERS = 3000
_BEGINNING_COLUMNS = 24


class Folds:
    """The marks that were put into the line, and what each stands for."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._folded: dict[str, str] = {}

    def fold(self, text: str) -> str:
        """Return ``text``, or a mark for it where it is long.

        What was folded before stands under its own mark again.
        """
        for mark, folded in self._folded.items():
            text = text.replace(folded, mark)
        lines = text.count("\n") + 1
        if lines <= MOST_LINES and len(text) <= MOST_CHARACTERS:
            return text
        beginning = shorten(sanitise_line(text[:1000]), _BEGINNING_COLUMNS)
        told = self._texts.folded_lines if lines > 1 else self._texts.folded
        size = format_bytes(len(text.encode("utf-8", "surrogatepass")))
        mark = told.format(beginning=beginning, lines=lines, size=size, number="")
        number = 1
        while mark in self._folded:
            number += 1
            mark = told.format(beginning=beginning, lines=lines, size=size, number=f" ({number})")
        self._folded[mark] = text
        return mark

    def expand(self, line: str) -> str:
        """Return the line with what the marks in it stand for."""
        if not any(mark in line for mark in self._folded):
            return line
        # All at once: what a mark stands for may hold the text of a mark itself.
        marks = re.compile("|".join(map(re.escape, self._folded)))
        return marks.sub(lambda match: self._folded[match.group()], line)

    def mark_before(self, line: str) -> str:
        """Return the mark that ``line`` ends with, or nothing."""
        return next((mark for mark in self._folded if line.endswith(mark)), "")

    def mark_after(self, line: str) -> str:
        """Return the mark that ``line`` begins with, or nothing."""
        return next((mark for mark in self._folded if line.startswith(mark)), "")
