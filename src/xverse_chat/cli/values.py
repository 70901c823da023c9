"""What the words after an option mean: numbers and choices, and an error that says what is wrong.

The same functions read the words of environment variables and of the configuration file.
"""

from collections.abc import Callable
from enum import Enum
from typing import TypeVar

import typer

from xverse_chat.wording import say

Choice = TypeVar("Choice", bound=Enum)


class Bits(Enum):
    """4 or 8 bits for each weight."""

    FOUR = "4"
    EIGHT = "8"


class Dtype(Enum):
    """The precisions to compute in."""

    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"
    FLOAT32 = "float32"


class InterfaceLanguage(Enum):
    """The languages of the interface."""

    CHINESE = "zh"
    ENGLISH = "en"


class Shell(Enum):
    """The shells that can complete what is typed."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def number(text: str) -> float:
    """Return the number that ``text`` is."""
    try:
        return float(text)
    except ValueError as error:
        raise typer.BadParameter(say("must be a number, not {value!r}", value=text)) from error


def whole_number(text: str) -> int:
    """Return the whole number that ``text`` is."""
    try:
        return int(text)
    except ValueError as error:
        raise typer.BadParameter(
            say("must be a whole number, not {value!r}", value=text)
        ) from error


def one_of(choices: type[Choice]) -> Callable[[str], Choice]:
    """Return what finds the choice that a text is."""

    def choose(text: str) -> Choice:
        try:
            return choices(text)
        except ValueError as error:
            known = ", ".join(str(choice.value) for choice in choices)
            raise typer.BadParameter(
                say("must be one of {choices}, not {value!r}", choices=known, value=text)
            ) from error

    return choose
