"""Which blocks of a streamed text have come to their end, and how the open one looks now.

Only the last block of a text can still change, if that is judged on complete lines: ``段落\\n#``
may yet become ``段落\\n#标签``, which is one paragraph. What is printed does therefore not depend
on how the text was cut into pieces, nor on when it was asked for.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from xverse_chat.terminal.markdown.blocks import Block, Code, split
from xverse_chat.terminal.markdown.fence import Fence
from xverse_chat.terminal.markdown.parser import parse

# A block longer than this is printed in parts, however it goes on: what is open is parsed again
# and again. It is more than the model can say in one reply.
LONGEST_BLOCK = 16_000

# Colouring code takes longer than all else; beyond this many characters, those read again for
# their context included, it stays as it is. No model says as much in one reply.
MOST_COLOURED_CHARACTERS = 200_000

# Blocks that an empty line ends. A list may go on after it, and so may indented code.
_ENDED_BY_EMPTY_LINE = frozenset(
    {"paragraph_open", "heading_open", "table_open", "blockquote_open", "hr", "formula_block"}
)
# Of a line that has only begun, what may turn out to be markup is not shown before that is clear.
_ONLY_MARKUP = re.compile(r"#{0,6}|[`~*_+=|:\-][`~*_=|: \-]*")
_MARKUP_AT_END = re.compile(r"[*_~`]{1,3}$")
_FENCE = re.compile(r"^ {0,3}(?:```|~~~)[^\n]*\n", re.MULTILINE)
_CODE = re.compile(r"`[^`]*`")


class Committer:
    """The blocks of one reply."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._text = ""
        self._start = 0  # where in the text the first block begins that is not at its end
        self._judged = 0  # up to where it is known to hold no end
        self._before: Block | Code | None = None
        self._fence: Fence | None = None
        self._code_characters = 0

    def add(self, text: str) -> None:
        """Take what has come."""
        self._pieces.append(text)

    def finished(self) -> list[Block | Code]:
        """Return the blocks that have come to their end since this was last asked."""
        self._text = "".join([self._text[self._start :], *self._pieces])
        self._judged = max(0, self._judged - self._start)
        self._start = 0
        self._pieces.clear()
        blocks: list[Block | Code] = []
        while self._take_code(blocks) if self._fence is not None else self._take_blocks(blocks):
            pass
        return blocks

    def rest(self) -> Sequence[Block | Code]:
        """Return what is open, as it looks now; ``finished`` was asked before."""
        complete, newline, part = self._text[self._start :].rpartition("\n")
        if self._fence is not None:
            code = self._fence.open_section("" if self._fence.may_close(part) else part)
            return [replace(code, is_coloured=self._can_colour)]
        return split(parse(complete + newline + _presentable(part)), self._before)

    def end(self) -> list[Block | Code]:
        """End the text and return all blocks that were not returned yet."""
        blocks = self.finished()
        if self._text[self._start :] and not self._text.endswith("\n"):
            self.add("\n")
            blocks += self.finished()
        if self._fence is not None:
            code = self._fence.last_section()
            return [*blocks, replace(code, is_coloured=self._can_colour)]
        return [*blocks, *split(parse(self._text[self._start :]), self._before)]

    def _take_blocks(self, blocks: list[Block | Code]) -> bool:
        """Take finished blocks from the front; tell whether there may be more."""
        start, longest = self._start, self._start + LONGEST_BLOCK
        is_long = len(self._text) > longest
        cut = self._text.rfind("\n", start, longest) + 1
        if is_long and not cut:
            cut = longest
        if cut <= self._judged and not is_long:
            return False
        # Up to the first fence, so that what comes after it is not parsed before it is closed.
        fence = _FENCE.search(self._text, max(start, self._judged), cut)
        if fence is not None:
            text = self._text[start : fence.end()]
            if self._take_to_fence(text, split(parse(text), self._before), blocks):
                return True
        text = self._text[start:cut]
        found = split(parse(text), self._before)
        if self._take_to_fence(text, found, blocks):
            return True
        ended = found if found and _is_ended(found[-1], text) else found[:-1]
        if ended:
            self._start += _offset(text, ended[-1].end)
        elif found and is_long:  # one block without an end, which is cut
            ended, self._start = found, cut
        elif is_long:  # nothing but empty lines, of which one is kept
            kept_from = cut if cut > start + 1 else longest
            self._text, self._start, cut = "\n" + self._text[kept_from:], 0, 1
        self._append(blocks, ended)
        self._judged = cut
        return is_long

    def _take_to_fence(self, text: str, found: Sequence[Block], blocks: list[Block | Code]) -> bool:
        """Take the blocks before the first fence of ``text`` and open it, if there is one."""
        for index, block in enumerate(found):
            if block.kind == "fence":
                self._append(blocks, found[:index])
                begin, end = _offset(text, block.start), _offset(text, block.start + 1)
                self._fence = Fence(text[begin:end].rstrip("\n"), has_gap=block.has_gap)
                self._start += end
                return True
        return False

    def _take_code(self, blocks: list[Block | Code]) -> bool:
        """Take finished sections of code from the front; tell whether the block has ended."""
        assert self._fence is not None
        while (end := self._text.find("\n", self._start)) >= 0:
            line = self._text[self._start : end]
            self._start = self._judged = end + 1
            if self._fence.closes(line):
                self._append_code(blocks, self._fence.last_section())
                self._fence = None
                return True
            section = self._fence.add(line)
            if section is not None:
                self._append_code(blocks, section)
        return False

    @property
    def _can_colour(self) -> bool:
        return self._code_characters < MOST_COLOURED_CHARACTERS

    def _append_code(self, blocks: list[Block | Code], section: Code) -> None:
        self._append(blocks, [replace(section, is_coloured=self._can_colour)])
        self._code_characters += sum(map(len, (*section.context, *section.lines)))

    def _append(self, blocks: list[Block | Code], more: Sequence[Block | Code]) -> None:
        blocks += more
        if more:
            self._before = more[-1]


def _is_ended(block: Block, text: str) -> bool:
    """Tell whether the last block of ``text``, complete lines, cannot go on."""
    return block.kind in _ENDED_BY_EMPTY_LINE and block.end < text.count("\n")


def _offset(text: str, line: int) -> int:
    """Return where a line of ``text`` begins, or its length if it has fewer lines."""
    offset = 0
    for _ in range(line):
        offset = text.find("\n", offset) + 1
        if not offset:
            return len(text)
    return offset


def _presentable(part: str) -> str:
    """Return a line that has only begun as it will probably look when it is complete.

    So that a heading is no text first and an opened emphasis shows no asterisks until it closes.
    """
    text = part.strip(" \t>")
    if _ONLY_MARKUP.fullmatch(text) or text.startswith(("```", "~~~")):
        return ""
    part = _MARKUP_AT_END.sub("", part).rstrip(" ")
    text = _CODE.sub("", part)
    if "`" in text:
        part += "`"
        text = text.partition("`")[0]
    return part + "**" if text.count("**") % 2 else part
