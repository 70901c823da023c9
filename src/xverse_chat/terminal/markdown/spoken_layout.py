"""The lines of a block for a screen reader: what others see by its form is said in words."""

from collections.abc import Sequence

from markdown_it.token import Token
from rich.segment import Segment

from xverse_chat.terminal.markdown.blocks import Block, Code
from xverse_chat.terminal.markdown.layout import Layout
from xverse_chat.terminal.markdown.styles import Line
from xverse_chat.terminal.markdown.tables import Cell, read_table
from xverse_chat.terminal.texts import Texts

# No line is broken: a screen reader would pause at the break.
_ENDLESS = 1_000_000


class SpokenLayout(Layout):
    """Lays out blocks without colours, borders or empty lines."""

    def __init__(self, texts: Texts) -> None:
        super().__init__(_ENDLESS)
        self._text_width = _ENDLESS
        self._texts = texts

    def lines(self, block: Block | Code) -> list[Line]:
        """Return the lines of a block that hold anything."""
        return [line for line in super().lines(block) if line]

    def code(self, code: Code) -> list[Line]:
        """Return code between two lines that say that it is some."""
        lines: list[Line] = [[Segment(line)] for line in code.lines if line.strip()]
        if code.is_first:
            form = self._texts.spoken_code_in if code.language else self._texts.spoken_code
            lines.insert(0, [Segment(form.format(language=code.language))])
        if code.is_last:
            lines.append([Segment(self._texts.spoken_code_end)])
        return lines

    def heading(self, level: int, lines: list[Line]) -> list[Line]:
        """Return a heading that is called one."""
        return _after(self._texts.spoken_heading, lines)

    def quote(self, tokens: Sequence[Token], width: int) -> list[Line]:
        """Return a quote that is called one."""
        return _after(self._texts.spoken_quote, self.blocks(tokens, width))

    def rule(self, width: int) -> list[Line]:
        """Return nothing: there is nothing to say."""
        return []

    def table(self, tokens: Sequence[Token], width: int) -> list[Line]:
        """Return one line for each row, with the heading of each cell before it."""
        table = read_table(tokens)
        size = self._texts.spoken_table.format(columns=len(table.headings), rows=len(table.rows))
        lines: list[Line] = [[Segment(size)]]
        for row in table.rows or [[[[]] for _ in table.headings]]:
            pairs = zip(table.headings, row, strict=True)
            said = [f"{_said(heading)}: {_said(cell)}" for heading, cell in pairs]
            lines.append([Segment("; ".join(said))])
        return lines


def _after(label: str, lines: list[Line]) -> list[Line]:
    return [[Segment(label), *lines[0]], *lines[1:]] if lines else [[Segment(label)]]


def _said(cell: Cell) -> str:
    return " ".join("".join(run.text for run in line) for line in cell)
