"""A fenced block of code as it comes: line by line, in sections. Standard library only.

A section ends where a part of the program seems to: before a line that is not indented, after an
empty one. It can be coloured by itself. A few characters that open what may go on over empty
lines are counted for that.

Of a section that gets long, parts are printed while it is still coming, so that its beginning
can be read in the scrollback. How a part is coloured depends on what is before it in the section,
which is therefore read again: parts grow with the section, so that this remains a few times.
"""

import re

from xverse_chat.terminal.markdown.blocks import Code

LEAST_SECTION_LINES = 12
MOST_SECTION_LINES = 400
MOST_SECTION_CHARACTERS = 16_000
# They fit into a window of 24 rows.
MOST_OPEN_LINES = 16
PART_OF_SECTION = 4

_OPENING = re.compile(r"( {0,3})(`{3,}|~{3,})(.*)")
_PAIRS = (("/*", "*/"), ("<!--", "-->"), ("<script", "</script"), ("<style", "</style"))
_QUOTES = ('"""', "'''", "`")


class Fence:
    """The block that ``opening``, a line, opens."""

    def __init__(self, opening: str, *, has_gap: bool) -> None:
        found = _OPENING.match(opening)
        assert found is not None, "the parser found a fence here"
        indent, marker, info = found.groups()
        self._closing = re.compile(rf" {{0,3}}{re.escape(marker[0])}{{{len(marker)},}}[ \t]*")
        self._indent = len(indent)
        self._info = info.strip()
        self._has_gap = has_gap
        self._is_first = True
        self._lines: list[str] = []
        self._printed = 0  # of these lines
        self._characters = 0

    def closes(self, line: str) -> bool:
        """Tell whether ``line`` is the end of the block."""
        return self._closing.fullmatch(line) is not None

    def may_close(self, part: str) -> bool:
        """Tell whether ``part``, which is not at its end, may become the line that closes."""
        return part.strip(" ") in ("`", "``", "~", "~~") or self.closes(part)

    def add(self, line: str) -> Code | None:
        """Take one line; return what is before it and can be printed, if there is any."""
        line = self._dedented(line)
        count = len(self._lines)
        ended = None
        is_end = self._ends_before(line)
        has_part = count - self._printed >= max(MOST_OPEN_LINES, count // PART_OF_SECTION)
        if has_part or (is_end and count > self._printed):
            ended = self._section(self._lines, is_last=False)
            self._printed, self._is_first = count, False
        if is_end:
            self._lines, self._printed, self._characters = [], 0, 0
        self._lines.append(line)
        self._characters += len(line)
        return ended

    def open_section(self, part: str) -> Code:
        """Return the section that has not ended, with a line that has only begun."""
        lines = [*self._lines, self._dedented(part)] if part else self._lines
        return self._section(lines, is_last=False)

    def last_section(self) -> Code:
        """Return the section that ends with the block."""
        return self._section(self._lines, is_last=True)

    def _section(self, lines: list[str], *, is_last: bool) -> Code:
        return Code(
            tuple(lines[self._printed :]),
            self._info,
            self._is_first,
            is_last,
            has_gap=self._has_gap and self._is_first,
            context=tuple(lines[: self._printed]),
        )

    def _dedented(self, line: str) -> str:
        blanks = len(line) - len(line.lstrip(" "))
        return line[min(blanks, self._indent) :]

    def _ends_before(self, line: str) -> bool:
        lines = self._lines
        if len(lines) >= MOST_SECTION_LINES or self._characters >= MOST_SECTION_CHARACTERS:
            return True
        if len(lines) < LEAST_SECTION_LINES or lines[-1].strip():
            return False
        if line[:1] in (" ", "\t", "", ")", "]", "}"):
            return False
        text = "\n".join(lines)
        return all(text.count(quote) % 2 == 0 for quote in _QUOTES) and all(
            text.count(opening) == text.count(closing) for opening, closing in _PAIRS
        )
