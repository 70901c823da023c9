"""Telling a command from a message."""

import difflib
from dataclasses import dataclass

from xverse_chat.terminal.commands.command import Command
from xverse_chat.terminal.commands.table import COMMANDS
from xverse_chat.terminal.entry import Entry

# What an input method for Chinese types for the slash key.
SLASHES = ("/", "／", "、")


@dataclass(frozen=True, slots=True)
class Invocation:
    """A line that calls a command."""

    command: Command
    argument: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A line that looks like a command and is none."""

    word: str
    suggestion: str | None


def parse(text: str, *, pasted: bool = False) -> str | Invocation | Unknown:
    """Return the message a line is, or the command it calls.

    Only one typed line can be a command; ``//`` stands for a slash that begins a message.
    """
    line = text.strip()
    if pasted or "\n" in line:
        return text
    if line.startswith("//"):
        return line[1:]
    word, _, argument = line.partition(" ")
    command = find(word) if word[:1] in SLASHES else _find_word(line)
    if command is not None:
        return Invocation(command, argument.strip() if word[:1] in SLASHES else "")
    if line.startswith("/"):
        return Unknown(word, nearest(word))
    return text


def as_typed(entry: Entry) -> str:
    """Return what has to be typed to send an entry again: what was pasted is no command."""
    is_message = not entry.pasted or isinstance(parse(entry.text), str)
    return entry.text if is_message else "/" + entry.text.lstrip()


def find(word: str) -> Command | None:
    """Return the command of this name, after a slash of any kind."""
    name = "/" + word[1:].lower()
    return next((row for row in COMMANDS if name == row.name or name in row.aliases), None)


def nearest(word: str) -> str | None:
    """Return the name of a command that is near to a word."""
    names = [name for row in COMMANDS for name in (row.name, *row.aliases)]
    return next(iter(difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.5)), None)


def _find_word(line: str) -> Command | None:
    return next((row for row in COMMANDS if line.lower() in row.words), None)
