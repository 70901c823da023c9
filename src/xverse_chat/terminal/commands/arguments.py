"""What commands make of their arguments."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from xverse_chat.errors import UsageError
from xverse_chat.terminal.commands.command import Candidate
from xverse_chat.wording import Sentence, say

MOST_CANDIDATES = 200


def parse_number(argument: str) -> int:
    """Return the number that an argument is; raise UsageError for anything else."""
    if not argument.isascii() or not argument.isdigit() or len(argument) > 9:
        raise UsageError(
            say("What is wanted is a number, counted from 1, not {word!r}.", word=argument)
        )
    return int(argument)


def need(argument: str, missing: Sentence) -> str:
    """Return an argument; raise UsageError, saying what is ``missing``, where there is none."""
    if not argument:
        raise UsageError(missing)
    return argument


def parse_path(argument: str) -> Path:
    """Return the file that an argument names; quotes that a drop into the window puts go."""
    for quote in ("'", '"'):
        if len(argument) > 1 and argument[0] == argument[-1] == quote:
            argument = argument[1:-1]
    try:
        return Path(argument).expanduser()
    except RuntimeError:  # ~ and the name of nobody
        return Path(argument)


def file_candidates(typed: str, suffixes: tuple[str, ...] = ()) -> Iterator[Candidate]:
    """Yield the folders and files that a path can go on with.

    Only files with one of ``suffixes``, where there are any.
    """
    _, _, begun = typed.rpartition("/")
    prefix = typed[: len(typed) - len(begun)]
    found = []
    with suppress(OSError, RuntimeError), os.scandir(Path(prefix or ".").expanduser()) as entries:
        for entry in entries:
            if entry.name.startswith(begun) and entry.name.isprintable():
                is_hidden = entry.name.startswith(".") and not begun.startswith(".")
                is_folder = entry.is_dir()
                if not is_hidden and (is_folder or entry.name.endswith(suffixes or ("",))):
                    found.append(prefix + entry.name + ("/" if is_folder else ""))
            if len(found) == MOST_CANDIDATES:
                break
    yield from map(Candidate, sorted(found))
