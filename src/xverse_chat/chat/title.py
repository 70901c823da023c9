"""A title for a conversation, from how it begins. Standard library only."""

import unicodedata

TITLE_COLUMNS = 30


def make_title(text: str) -> str:
    """Return the first line of ``text``, cut to what a list has room for."""
    line = next((line for line in map(one_line, text.split("\n")) if line), "")
    return shorten(line, TITLE_COLUMNS)


def shorten(text: str, columns: int) -> str:
    """Return ``text`` in one line of at most ``columns``; an ellipsis tells that it was longer."""
    line = one_line(text)
    if _columns(line) <= columns:
        return line
    while line and _columns(line) > columns - 1:
        line = line[: -max(1, (_columns(line) - columns) // 2)]
    return line.rstrip() + "…"


def _columns(text: str) -> int:
    """Return how many columns a terminal needs: Chinese takes two a character."""
    return sum(
        0
        if unicodedata.combining(character)
        else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )


def one_line(text: str) -> str:
    """Return ``text`` with a space for whatever breaks lines or is no character."""
    shown = (
        " " if unicodedata.category(character) in ("Cc", "Zl", "Zp") else character
        for character in text
    )
    return " ".join("".join(shown).split())
