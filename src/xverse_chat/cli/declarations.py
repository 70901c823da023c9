"""The options of a program as its signature declares them: the one table of them.

Help, completion, the configuration file, the variables and ``--show-config`` come from it, and
the tests hold the documents to it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import typer

from xverse_chat.wording import NOTHING, Sentence

VARIABLE_PREFIX = "XVERSE_CHAT"


@dataclass(frozen=True, slots=True)
class Declaration:
    """One option or argument. ``words`` are the names it is typed by, the long one first.

    ``off_words`` switch it off. ``kind`` is bool, int, float, str, Path or an Enum; ``variables``
    are those that set it, none where it is no lasting setting.
    """

    name: str
    words: tuple[str, ...]
    off_words: tuple[str, ...]
    kind: type
    metavar: str
    help: Sentence
    panel: Sentence
    variables: tuple[str, ...]
    is_argument: bool

    @property
    def is_setting(self) -> bool:
        """Whether variables and the configuration file can set it."""
        return bool(self.variables)

    @property
    def key(self) -> str:
        """Its name in the configuration file."""
        return self.name.replace("_", "-")

    @property
    def takes_value(self) -> bool:
        """Whether a word follows it."""
        return self.kind is not bool

    @property
    def choices(self) -> tuple[str, ...]:
        """The words it can be, where they are few."""
        return _choice_words(self.kind)


@cache
def make_command(program: Callable[..., None]) -> Any:
    """Return the parser of a program's options."""
    application = typer.Typer(add_completion=False)
    application.command(add_help_option=False)(program)
    return typer.main.get_command(application)


@cache
def declarations(program: Callable[..., None]) -> tuple[Declaration, ...]:
    """Return the options and arguments of a program, in the order of its signature."""
    hints = get_type_hints(program, include_extras=True)
    return tuple(
        _declare(parameter, hints[parameter.name]) for parameter in make_command(program).params
    )


def find_declaration(table: Sequence[Declaration], word: str) -> Declaration | None:
    """Return what is typed as ``word``."""
    return next((row for row in table if word in (*row.words, *row.off_words)), None)


def _declare(parameter: Any, hint: Any) -> Declaration:
    annotation, info = get_args(hint)
    kind = _plain_kind(annotation)
    variables: tuple[str, ...] = ()
    if getattr(parameter, "allow_from_autoenv", False):
        own = f"{VARIABLE_PREFIX}_{parameter.name.upper()}"
        variables = tuple(parameter.envvar or (own,))
    return Declaration(
        name=parameter.name,
        words=tuple(sorted(parameter.opts, key=len, reverse=True)),
        off_words=tuple(parameter.secondary_opts),
        kind=kind,
        metavar=parameter.metavar or "|".join(_choice_words(kind)),
        help=info.help or NOTHING,
        panel=info.rich_help_panel or NOTHING,
        variables=variables,
        is_argument=parameter.param_type_name == "argument",
    )


def _plain_kind(annotation: Any) -> type:
    plain = _without_none(annotation)
    kind: type = get_args(plain)[0] if get_origin(plain) is list else plain
    return kind


def _without_none(annotation: Any) -> Any:
    kinds = [kind for kind in get_args(annotation) if kind is not NoneType]
    is_optional = NoneType in get_args(annotation)
    return kinds[0] if is_optional else annotation


def _choice_words(kind: type) -> tuple[str, ...]:
    return tuple(str(choice.value) for choice in kind) if issubclass(kind, Enum) else ()
