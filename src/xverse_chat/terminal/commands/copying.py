"""``/copy``: an answer, or a block of code in it, into the clipboard."""

import re
from collections.abc import Iterable

from xverse_chat.chat.title import shorten
from xverse_chat.errors import UsageError
from xverse_chat.terminal.commands.arguments import parse_number
from xverse_chat.terminal.commands.command import Candidate, Command, Desk
from xverse_chat.terminal.sanitise import sanitise
from xverse_chat.wording import say

_OPENING = re.compile(r"^([ >]*)(`{3,}(?=[^`]*$)|~{3,})")
_COLUMNS = 50


def code_blocks(text: str) -> list[str]:
    """Return what stands in the fenced code blocks of a Markdown text, the last one open or not."""
    blocks: list[list[str]] = []
    fence, indent = "", ""
    for line in text.split("\n"):
        if fence and _closes(line, fence):
            fence = ""
        elif fence:
            blocks[-1].append(_without_indent(line, indent))
        elif mark := _OPENING.match(line):
            indent, fence = mark.groups()
            blocks.append([])
    return ["\n".join(block) for block in blocks]


def _closes(line: str, fence: str) -> bool:
    bare = line.strip(" >")
    return bare.startswith(fence) and not bare.strip(fence[0])


def _without_indent(line: str, indent: str) -> str:
    """Return a line without as much of the indent of its block as it has."""
    at = 0
    while at < len(indent) and at < len(line) and line[at] == indent[at]:
        at += 1
    return line[at:]


def _copy(desk: Desk, argument: str) -> None:
    answer = _answer(desk)
    if not argument:
        _put(desk, answer)
        return
    number, blocks = parse_number(argument), code_blocks(answer)
    if not 1 <= number <= len(blocks):
        raise UsageError(
            say(
                "There is no code block {number} in the last answer; it has {count}.",
                number=number,
                count=len(blocks),
            )
        )
    _put(desk, blocks[number - 1])


def _put(desk: Desk, text: str) -> None:
    where = desk.clipboard.put(sanitise(text))
    desk.tell(say("Copied {count} characters. {where}", count=len(text), where=where))


def _answer(desk: Desk) -> str:
    said = [message for message in desk.session.messages if message.role == "assistant"]
    if not said or not said[-1].content:
        raise UsageError(say("There is no answer yet that could be copied."))
    return said[-1].content


def _blocks(desk: Desk, typed: str) -> Iterable[Candidate]:
    said = [message for message in desk.session.messages if message.role == "assistant"]
    for number, block in enumerate(code_blocks(said[-1].content) if said else [], start=1):
        yield Candidate(str(number), shorten(block.strip().partition("\n")[0], _COLUMNS))


COPY = Command(
    name="/copy",
    run=_copy,
    help=say("copy the last answer, or one of its code blocks"),
    argument=say("[NUMBER]"),
    candidates=_blocks,
)
