"""Patterns of sentences: ``[a|b|]`` stands for one of the choices, ``{v}`` for a value."""

import re
from collections.abc import Sequence
from functools import cache
from random import Random

_CHOICE = re.compile(r"\[([^\[\]]*)\]")


def say(rng: Random, patterns: Sequence[str], **values: str) -> str:
    """Return one of the patterns, choices made and values filled in."""
    return fill(choose(rng, patterns), **values)


def choose(rng: Random, patterns: Sequence[str]) -> str:
    """Return one of the patterns with its choices made and its values still open."""
    parts = _parts(rng.choice(patterns))
    return "".join(part[0] if len(part) == 1 else rng.choice(part) for part in parts)


def fill(text: str, **values: str) -> str:
    """Put values into their places."""
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text


def typed(rng: Random, text: str, language: str) -> str:
    """Write a pattern as people type: careless about capitals, full stops and width.

    Values must still be open, since they are kept as they are.
    """
    if language == "en":
        text = text[:1].upper() + text[1:]
        if rng.random() < 0.3:
            text = re.sub(r"[A-Z]", lambda letter: letter[0].lower(), text)
        if rng.random() < 0.1:
            text = text.replace("'", rng.choice(["’", ""]))
    elif rng.random() < 0.15:
        text = text.translate(_HALF_WIDTH)
    elif rng.random() < 0.08:
        text = text.replace("，", " ").replace("。", " ").strip()
    return text.rstrip(".。!！?？ ") if rng.random() < 0.35 else text


_HALF_WIDTH = str.maketrans("，。？！：", ",.?!:")


@cache
def _parts(pattern: str) -> tuple[tuple[str, ...], ...]:
    pieces = _CHOICE.split(pattern)
    return tuple(
        tuple(piece.split("|")) if index % 2 else (piece,)
        for index, piece in enumerate(pieces)
        if piece or index % 2
    )
