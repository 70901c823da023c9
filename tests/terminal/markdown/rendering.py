"""Text to lines without a terminal, and texts that are likely to be Markdown."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import strategies as st

from xverse_chat.terminal.markdown.blocks import Block, Code
from xverse_chat.terminal.markdown.committer import Committer
from xverse_chat.terminal.markdown.layout import Layout
from xverse_chat.terminal.markdown.styles import PLAIN, Line

# Halves of everything that Markdown knows, beside Chinese and English.
PARTS = st.sampled_from(
    [
        *("\n", "\n\n", "\n", " ", "    ", "　　", "- ", "* ", "1. ", "2) ", "10. ", "> ", "# "),
        *("#", "```", "~~~", "python", "|", "|---|", "| a | b |\n|---|---|\n", "---", "===", "***"),
        *("**", "*", "_", "~~", "`", "[", "](http://x)", "![", "<b>", "$$", "$", "\\(", "\\)"),
        *(
            "\\",
            "[x] ",
            "&lt;",
            "&#10;",
            "[a]: /u",
            "\t",
            "<br>",
            ":",
            "中文",
            "，",
            "。",
            "「",
            "」",
        ),
        *("“", "”", "word", "a_b", "x = 1", "def f():", "好", "🎉", "👩‍👩‍👧", "é"),
    ]
)
_BEGINNINGS = st.sampled_from(
    ["", "", "  ", "   ", "    ", "- ", "* ", "1. ", "2. ", "> ", ">", "```", "~~~", "# ", "|"]
)
# Lines that begin as blocks do: quotes and lists with something inside them, or nothing.
_LINES = st.tuples(_BEGINNINGS, _BEGINNINGS, st.sampled_from(["", "甲", "乙", "a|b", "---", "$$"]))
TEXTS = st.lists(PARTS, max_size=60).map("".join) | st.lists(_LINES.map("".join), max_size=12).map(
    "\n".join
)


def cut(text: str, places: Sequence[int]) -> list[str]:
    """Return ``text`` in pieces."""
    bounds = [0, *sorted(min(place, len(text)) for place in places), len(text)]
    return [text[start:end] for start, end in pairwise(bounds)]


def committed(pieces: Sequence[str]) -> list[Block | Code]:
    """Return what is printed of a text that comes in pieces and is looked at after each."""
    committer = Committer()
    blocks: list[Block | Code] = []
    for piece in pieces:
        committer.add(piece)
        blocks += committer.finished()
        committer.rest()
    return blocks + committer.end()


def laid_out(blocks: Sequence[Block | Code], width: int = 80) -> list[Line]:
    """Return the lines of blocks."""
    layout = Layout(width)
    return [line for block in blocks for line in layout.lines(block)]


def rows(text: str, width: int = 80) -> list[str]:
    """Return the lines of a text, without their styles."""
    return [plain(line) for line in laid_out(committed([text]), width)]


def plain(line: Line) -> str:
    """Return a line without its styles."""
    return "".join(run.text for run in line)


def styled(text: str, width: int = 80) -> list[tuple[str, str]]:
    """Return the runs of a text with their styles, as Rich writes them."""
    runs = [run for line in laid_out(committed([text]), width) for run in line]
    return [(run.text, str(run.style or PLAIN)) for run in runs if run.text]
