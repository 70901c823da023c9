"""What can follow what is typed after a program's name; a shell asks for it at every Tab.

A shell runs the program with ``_XVERSE_CHAT_COMPLETE`` set to the shell's name, and with the words
up to the cursor; nothing is parsed, and torch is not loaded.
"""

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

from xverse_chat.cli.declarations import Declaration, declarations, find_declaration
from xverse_chat.cli.start import Program
from xverse_chat.config import (
    APPLICATION_NAME,
    DEFAULT_MODEL_ID,
    DEMO_MODEL_ID,
    conversations_folder,
    find_cache_dir,
)
from xverse_chat.errors import DiskError
from xverse_chat.terminal.texts import Texts

# Enough to choose from, and read before the finger has left the key.
MOST_CONVERSATIONS = 100
COMPLETION_VARIABLE = "_XVERSE_CHAT_COMPLETE"


def complete(
    program: Program, words: Sequence[str], *, shell: str, texts: Texts, cache_dir: Path | None
) -> Iterator[str]:
    """Yield a line for each candidate, as the shell's script reads it; none stands for files.

    The last of ``words`` is the one to complete, empty where it is not begun.
    """
    table = declarations(program.run)
    *before, current = words or [""]
    option, prefix, begun = _option_to_fill(table, before, current)
    if option is not None:
        values = _values(option, cache_dir)
        yield from (_line(prefix + value, "", shell) for value in values if value.startswith(begun))
    elif current.startswith("-") or not any(row.is_argument for row in table):
        for row in table:
            for word in (*row.words, *row.off_words):
                if word.startswith(current) and word.startswith("--") and not row.is_argument:
                    yield _line(word, texts.told(row.help), shell)
    else:
        ids = (name for name in _model_names(cache_dir) if name != DEMO_MODEL_ID)
        yield from (_line(name, "", shell) for name in ids if name.startswith(current))


def _option_to_fill(
    table: Sequence[Declaration], before: list[str], current: str
) -> tuple[Declaration | None, str, str]:
    """Return the option whose value is typed, what stands before the value, and its beginning."""
    if current.startswith("--") and "=" in current:
        word, _, begun = current.partition("=")
        return _with_value(table, word), f"{word}=", begun
    if current == "=" and before:  # bash makes three words of --option=value
        return _with_value(table, before[-1]), "", ""
    if before[-1:] == ["="] and len(before) > 1:
        return _with_value(table, before[-2]), "", current
    return (_with_value(table, before[-1]) if before else None), "", current


def _with_value(table: Sequence[Declaration], word: str) -> Declaration | None:
    option = find_declaration(table, word)
    return option if option is not None and option.takes_value else None


def _values(option: Declaration, cache_dir: Path | None) -> Iterable[str]:
    if option.choices:
        return option.choices
    candidates = _CANDIDATES.get(option.name)
    return candidates(cache_dir) if candidates is not None else ()


def _model_names(cache_dir: Path | None) -> Iterator[str]:
    """Yield the models that are here, and those that need no looking for."""
    names = {DEFAULT_MODEL_ID: None, DEMO_MODEL_ID: None}
    with suppress(OSError):
        for path in sorted((find_cache_dir(cache_dir) / APPLICATION_NAME).iterdir()):
            owner, dashes, name = (
                path.name.removesuffix("-int4").removesuffix("-int8").partition("--")
            )
            if dashes and not owner.startswith("."):
                names[f"{owner}/{name}"] = None
    yield from names


def _conversation_titles(cache_dir: Path | None) -> Iterator[str]:
    """Yield the names of the conversations talked in last."""
    from xverse_chat.chat.store import Store

    with suppress(DiskError):
        rows = islice(Store(conversations_folder()).rows(), MOST_CONVERSATIONS)
        yield from dict.fromkeys(row.title for row in rows if row.title)


def _line(word: str, meaning: str, shell: str) -> str:
    if shell == "bash":
        return f"{shlex.quote(word)}\n"
    if shell == "zsh":
        word, meaning = word.replace(":", "\\:"), meaning and f":{meaning}"
        return f"{word}{meaning}\n"
    return f"{word}\t{meaning}\n"


# What can follow an option that is no choice of a few words, by the option's name.
_CANDIDATES: Mapping[str, Callable[[Path | None], Iterable[str]]] = {
    "model": _model_names,
    "session": _conversation_titles,
    "device": lambda cache_dir: ("auto", "cpu", "cuda"),
}
