"""The page of ``--help``: readable in both languages, by people and by screen readers.

No boxes, and lines broken where Chinese may be broken.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

MOST_COLUMNS = 100
# Names wider than this have a line of their own.
NAME_COLUMNS = 28
# What begins no line: closing punctuation of both scripts.
_CLOSING = frozenset("，。；：！？、）”》」,.;:!?)")


@dataclass(frozen=True, slots=True)
class Section:
    """Rows of a name and its meaning under a heading."""

    heading: str
    rows: Sequence[tuple[str, str]]


def print_help_page(
    usage: str, intro: Sequence[str], sections: Iterable[Section], *, file: TextIO
) -> None:
    """Print the page, in colour where ``file`` is a terminal that has colour."""
    console = Console(file=file, highlight=False, markup=False, emoji=False)
    columns = min(console.width, MOST_COLUMNS)
    with console.capture() as page:  # where a pipe is closed, Rich would end the process
        _print(console, Text(usage, "bold"))
        for paragraph in intro:
            console.print()
            for line in wrap(paragraph, columns):
                _print(console, Text(line))
        for section in sections:
            console.print()
            _print(console, Text(section.heading, "bold"))
            for name, meaning in section.rows:
                _print_row(console, name, wrap(meaning, columns - NAME_COLUMNS))
    file.write(page.get())


def wrap(text: str, columns: int) -> list[str]:
    """Return ``text`` in lines of at most ``columns``, unless a word is wider."""
    lines = [""]
    for part in _unbreakable_parts(text):
        if lines[-1] and cell_len(lines[-1] + part.rstrip()) > columns:
            lines[-1] = lines[-1].rstrip()
            lines.append("")
        lines[-1] += part if lines[-1] else part.lstrip()
    return [line.rstrip() for line in lines]


def _unbreakable_parts(text: str) -> Iterator[str]:
    """Yield words with the space after them, and wide characters one by one.

    Punctuation that closes stays with what it closes.
    """
    part = ""
    for letter in text:
        ends_word = part.endswith(" ") or (part and _is_wide(part[-1])) or _is_wide(letter)
        if part and ends_word and letter != " " and letter not in _CLOSING:
            yield part
            part = ""
        part += letter
    if part:
        yield part


def _is_wide(letter: str) -> bool:
    return cell_len(letter) == 2


def _print_row(console: Console, name: str, meaning: Sequence[str]) -> None:
    line = Text.assemble("  ", (name, "cyan"))
    room = NAME_COLUMNS - line.cell_len
    if room >= 2:
        line.append(" " * room + meaning[0])
        meaning = meaning[1:]
    _print(console, line)
    for rest in meaning:
        _print(console, Text(" " * NAME_COLUMNS + rest))


def _print(console: Console, line: Text) -> None:
    console.print(line, soft_wrap=True)
