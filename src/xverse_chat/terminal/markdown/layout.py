"""The lines of a block: what is bold, what is indented, what stands before a line."""

from collections.abc import Sequence

from markdown_it.token import Token
from rich.cells import cell_len
from rich.segment import Segment

from xverse_chat.terminal.markdown.blocks import Block, Code, are_apart, number_of, siblings
from xverse_chat.terminal.markdown.breaking import break_line
from xverse_chat.terminal.markdown.highlighting import highlight
from xverse_chat.terminal.markdown.inline import inline_lines
from xverse_chat.terminal.markdown.styles import DIM, MARKER, PLAIN, Line, heading_style
from xverse_chat.terminal.markdown.tables import read_table

# Quotes and lists are not indented where their text would have less room than this.
LEAST_WIDTH = 12
# Longer lines are hard to read: the eye loses its way back. Tables and code take what there is.
WIDEST_TEXT = 120
RULE_COLUMNS = 24
_QUOTE_BAR = [Segment("│ ", DIM)]


class Layout:
    """Lays out blocks in ``width`` cells.

    Lines of code may be longer: the terminal wraps them itself, and gives them back whole to
    whoever copies them.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._text_width = WIDEST_TEXT
        self._least_width = min(LEAST_WIDTH, width // 2)

    def lines(self, block: Block | Code) -> list[Line]:
        """Return the lines of a block, with the empty one before it."""
        gap: list[Line] = [[]] if block.has_gap else []
        if isinstance(block, Code):
            return gap + self.code(block)
        return gap + self._block(block.tokens, self._width, block.number)

    def code(self, code: Code) -> list[Line]:
        """Return lines of code, below the name of the language."""
        label: list[Line] = [[Segment(code.info, DIM)]] if code.info and code.is_first else []
        return label + highlight(
            code.lines, code.language if code.is_coloured else "", code.context
        )

    def heading(self, level: int, lines: list[Line]) -> list[Line]:
        """Return a heading."""
        style = heading_style(level)
        return [[Segment(text, style + (own or PLAIN)) for text, own, _ in line] for line in lines]

    def table(self, tokens: Sequence[Token], width: int) -> list[Line]:
        """Return a table."""
        return read_table(tokens).lines(width)

    def rule(self, width: int) -> list[Line]:
        """Return what parts two sections."""
        return [[Segment("─" * min(RULE_COLUMNS, width), DIM)]]

    def quote(self, tokens: Sequence[Token], width: int) -> list[Line]:
        """Return quoted blocks, with a bar before each line."""
        indent = _cells(_QUOTE_BAR)
        if width - indent < self._least_width:
            return self.blocks(tokens, width)
        return [[*_QUOTE_BAR, *line] for line in self.blocks(tokens, width - indent)]

    def blocks(self, tokens: Sequence[Token], width: int) -> list[Line]:
        """Return blocks one below the other."""
        lines: list[Line] = []
        before: Sequence[Token] | None = None
        for block in siblings(tokens):
            if before is not None and are_apart(before, block):
                lines.append([])
            lines += self._block(block, width)
            before = block
        return lines

    def _block(self, tokens: Sequence[Token], width: int, number: int | None = None) -> list[Line]:
        opening = tokens[0]
        match opening.type:
            case "paragraph_open":
                return self._text(tokens[1], width)
            case "heading_open":
                lines = self._text(tokens[1], width)
                return self.heading(int(opening.tag[1:]), lines)
            case "list_item_open":
                return self._item(tokens, width, number)
            case "bullet_list_open" | "ordered_list_open":
                return self._list(tokens, width)
            case "blockquote_open":
                return self.quote(tokens[1:-1], width)
            case "table_open":
                return self.table(tokens, width)
            case "hr":
                return self.rule(width)
            case "fence" | "code_block":
                return self.code(_code_of(opening))
            case _:  # a formula
                return _broken([[Segment(line)] for line in opening.content.split("\n")], width)

    def _text(self, inline: Token, width: int) -> list[Line]:
        return _broken(inline_lines(inline.children or []), min(width, self._text_width))

    def _list(self, tokens: Sequence[Token], width: int) -> list[Line]:
        lines: list[Line] = []
        before: Sequence[Token] | None = None
        number: int | None = None
        for item in siblings(tokens[1:-1]):
            if before is not None and are_apart(before, item):
                lines.append([])
            number = number_of(item[0], number)
            lines += self._item(item, width, number)
            before = item
        return lines

    def _item(self, tokens: Sequence[Token], width: int, number: int | None) -> list[Line]:
        """Return an item: what follows its first line begins below the text, not the marker."""
        opening = tokens[0]
        marker = "• " if number is None else f"{number}{opening.markup} "
        if "checked" in opening.meta:
            marker += "[x] " if opening.meta["checked"] else "[ ] "
        indent = cell_len(marker)
        first = Segment(marker, MARKER)
        if width - indent < self._least_width:
            return [[first], *self.blocks(tokens[1:-1], width)]
        lines = self.blocks(tokens[1:-1], width - indent) or [[]]
        blanks = Segment(" " * indent)
        return [[first, *lines[0]], *([blanks, *line] if line else [] for line in lines[1:])]


def _code_of(token: Token) -> Code:
    """Return the code of a block inside another one."""
    content = token.content.removesuffix("\n") if token.type == "fence" else token.content.rstrip()
    lines = tuple(content.split("\n")) if token.content else ()
    return Code(lines, token.info.strip(), is_first=True, is_last=True, has_gap=False)


def _broken(lines: Sequence[Line], width: int) -> list[Line]:
    return [part for line in lines for part in break_line(line, width)]


def _cells(line: Line) -> int:
    return sum(cell_len(run.text) for run in line)
