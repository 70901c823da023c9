"""What stands inside a paragraph, as runs of styled text."""

from collections.abc import Iterator, Sequence

from markdown_it.token import Token
from rich.segment import Segment
from rich.style import Style

from xverse_chat.terminal.markdown.styles import (
    ADDRESS,
    BOLD,
    CODE,
    ITALIC,
    LINK,
    PLAIN,
    STRIKE,
    Line,
)

_STYLES = {"strong": BOLD, "em": ITALIC, "s": STRIKE, "link": LINK}
_LINE_BREAKS = ("<br>", "<br/>", "<br />")


def inline_lines(tokens: Sequence[Token]) -> list[Line]:
    """Return the lines that the text has of its own: each newline of the model begins one."""
    lines: list[Line] = [[]]
    for run in _runs(tokens, PLAIN):
        if run.text == "\n":
            lines.append([])
        elif run.text:
            lines[-1].append(run)
    return lines


def cell_lines(tokens: Sequence[Token], style: Style) -> list[Line]:
    """Return the lines of a table's cell, where only the tag ``<br>`` can begin one."""
    lines: list[Line] = [[]]
    for run in _runs(tokens, style):
        text = run.text
        for tag in _LINE_BREAKS:
            text = text.replace(tag, "\n")
        first, *others = text.split("\n")
        lines[-1].append(Segment(first, run.style))
        lines += [[Segment(part, run.style)] for part in others]
    return lines


def _runs(tokens: Sequence[Token], base: Style) -> Iterator[Segment]:
    """Yield runs of text; a newline is a run of its own."""
    depths = dict.fromkeys(_STYLES, 0)
    style = base
    address = ""
    label: list[str] = []
    for token in tokens:
        name, _, edge = token.type.rpartition("_")
        if name in depths:
            depths[name] += token.nesting
            style = base
            for each, depth in depths.items():
                style = style + _STYLES[each] if depth > 0 else style
            if name == "link" and edge == "open":
                address, label = str(token.attrs.get("href", "")), []
            elif name == "link" and address != "".join(label):
                yield Segment(f" <{_one_line(address)}>", base + ADDRESS)
        elif token.type in ("softbreak", "hardbreak"):
            yield Segment("\n", style)
        elif token.type == "image":
            yield Segment(f"[{_one_line(token.content)}]", style + LINK)
            yield Segment(f" <{_one_line(str(token.attrs.get('src', '')))}>", base + ADDRESS)
        else:
            label.append(token.content)
            shown = style + CODE if token.type == "code_inline" else style
            yield Segment(_one_line(token.content), shown)


def _one_line(text: str) -> str:
    """Return text that an entity such as ``&#10;`` may have brought a control character into."""
    return text.replace("\t", " ").replace("\n", " ")
