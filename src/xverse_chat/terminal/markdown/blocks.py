"""The blocks a reply is made of: what can be printed as one once its end has come."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from markdown_it.token import Token

# What is coloured again for each frame, only to know how what is seen begins.
MOST_LIVE_CONTEXT_CHARACTERS = 4000

# Blocks that have an empty line around them, whether or not the model left one.
_SET_APART = frozenset({"table_open", "fence", "code_block"})


@dataclass(frozen=True, slots=True)
class Block:
    """A block at the top of a text, or one item of a list there.

    It begins in line ``start`` of the text that was parsed and ends before line ``end``.
    ``has_gap`` tells whether an empty line comes before it; ``number`` is that of an item.
    """

    tokens: Sequence[Token]
    start: int
    end: int
    has_gap: bool
    number: int | None = None

    @property
    def kind(self) -> str:
        """The type of its first token."""
        return self.tokens[0].type


@dataclass(frozen=True, slots=True)
class Code:
    """A block of code, or a part of one; ``info`` is what the model says about it.

    ``context`` are lines before it that were printed and tell how it is coloured.
    """

    lines: tuple[str, ...]
    info: str
    is_first: bool
    is_last: bool
    has_gap: bool
    is_coloured: bool = True
    context: tuple[str, ...] = ()

    @property
    def language(self) -> str:
        """The first word of what is said about it, which names the language by custom."""
        return self.info.split()[0] if self.info else ""

    def last(self, count: int) -> "Code":
        """Return no more than its last lines, and little context: to show it while it grows."""
        hidden = self.lines[:-count]
        context = (*self.context, *hidden)
        if sum(map(len, context)) > MOST_LIVE_CONTEXT_CHARACTERS:
            context = ()
        is_whole = not hidden
        return replace(
            self,
            lines=self.lines[-count:],
            is_first=self.is_first and is_whole,
            has_gap=self.has_gap and is_whole,
            context=context,
        )


def split(tokens: Sequence[Token], before: Block | Code | None) -> list[Block]:
    """Return the blocks of a text that follows ``before``, which ended where the text begins."""
    blocks: list[Block] = []
    end = 0
    for part in _parts(tokens):
        block = _block(part, before, end)
        blocks.append(block)
        before, end = block, block.end
    return blocks


def siblings(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """Yield each run of tokens from an opening one to what closes it, or one that needs none."""
    start = 0
    level = 0
    for index, token in enumerate(tokens):
        level += token.nesting
        if level == 0:
            yield tokens[start : index + 1]
            start = index + 1


def start_of(tokens: Sequence[Token]) -> int:
    """Return the first line."""
    return tokens[0].map[0] if tokens[0].map is not None else 0


def end_of(tokens: Sequence[Token]) -> int:
    """Return the line after the last that holds anything: a list counts empty lines after it."""
    ends = [0]
    for token in tokens:
        if token.map is not None:
            is_list = token.type == "list_item_open" or token.type.endswith("_list_open")
            ends.append(token.map[0] + 1 if is_list else token.map[1])
    return max(ends)


def are_apart(first: Sequence[Token], second: Sequence[Token]) -> bool:
    """Tell whether the model left an empty line between two blocks."""
    return start_of(second) > end_of(first)


def number_of(item: Token, before: int | None) -> int | None:
    """Return the number of an item of a numbered list after the item ``before``.

    It is the one that the model wrote, unless that does not count on: many write 1 each time.
    """
    if not item.info:
        return None
    written = int(item.info)
    return written if before is None or written > before else before + 1


def _parts(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    for part in siblings(tokens):
        if part[0].type.endswith("_list_open"):
            yield from siblings(part[1:-1])
        else:
            yield part


def _block(part: Sequence[Token], before: Block | Code | None, end: int) -> Block:
    """Return the block of ``part``; what is before it ended at line ``end``."""
    opening, start = part[0], start_of(part)
    number = None
    if opening.type == "list_item_open":
        number = number_of(opening, _number_before(opening, before))
    has_gap = before is not None and (start > end or _want_space(before, opening.type))
    return Block(part, start, end_of(part), has_gap, number)


def _number_before(item: Token, before: Block | Code | None) -> int | None:
    """Return the number of the item before this one, if it is of the same list."""
    if not isinstance(before, Block) or before.kind != "list_item_open":
        return None
    return before.number if before.tokens[0].markup == item.markup else None


def _want_space(before: Block | Code, following: str) -> bool:
    is_apart = isinstance(before, Code) or before.kind in _SET_APART
    return is_apart or following in _SET_APART or following == "heading_open"
