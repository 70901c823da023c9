"""What is known of a program's run before its options are read."""

from collections.abc import Callable
from dataclasses import dataclass

from xverse_chat.cli.config_file import ConfigFile
from xverse_chat.terminal.current_texts import CurrentTexts
from xverse_chat.wording import Sentence


@dataclass(frozen=True, slots=True)
class Program:
    """A command. ``usage`` and ``intro`` head its help; ``stray_hint`` is for a word too many."""

    name: str
    run: Callable[..., None]
    usage: Sentence
    intro: tuple[Sentence, ...]
    stray_hint: Sentence


@dataclass(frozen=True, slots=True)
class Start:
    """A run of a program: the language it speaks, its settings' file, whether a script listens."""

    program: Program
    texts: CurrentTexts
    config: ConfigFile
    as_json: bool
