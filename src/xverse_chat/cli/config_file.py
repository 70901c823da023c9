"""The configuration file: settings by the names of their options, in TOML.

It is the user's own, or one that was named. Nothing is ever read from the working folder: a folder
that somebody else filled must not choose the server, nor anything else.
"""

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from xverse_chat.cli.declarations import Declaration
from xverse_chat.cli.nearest import nearest_word
from xverse_chat.config import config_path
from xverse_chat.errors import DataError, DiskError, UsageError
from xverse_chat.wording import Sentence, foreign, say, system_reason

CONFIG_VARIABLE = "XVERSE_CHAT_CONFIG"

_MAX_BYTES = 2**20
_TOML_PLACE = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """What a configuration file says: ``values`` as words for each option's name."""

    path: Path
    is_there: bool = False
    values: Mapping[str, str | bool] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)

    def place(self, key: str) -> Sentence | str:
        """Return where a key stands."""
        if key not in self.lines:
            return str(self.path)
        return say("{path}, line {line}", path=self.path, line=self.lines[key])

    def where(self, key: str) -> Sentence:
        """Return a key and where it stands."""
        return say("{key} ({place})", key=key, place=self.place(key))


def find_config(named: str | None) -> ConfigFile:
    """Return the file that was named by ``--config``, or by a variable, or the user's own, unread.

    Raises UsageError where one was named that is not there.
    """
    if named is not None:
        path = Path(named).expanduser()
    elif variable := os.environ.get(CONFIG_VARIABLE):
        path = Path(variable).expanduser()
        if not path.is_absolute():
            raise UsageError(
                say(
                    "{variable} is {path!r}, which is another file in every folder.",
                    variable=CONFIG_VARIABLE,
                    path=variable,
                ),
                hint=say("Give the whole path, from / or ~ on."),
            )
    else:
        path = config_path()
        return ConfigFile(path, is_there=path.is_file())
    if not path.exists():
        raise UsageError(say("There is no file {path}.", path=path))
    return ConfigFile(path, is_there=True)


def read_config(path: Path, settings: Sequence[Declaration]) -> ConfigFile:
    """Read a configuration file that may set any of ``settings``.

    Raises DataError where it is no TOML, UsageError for a key that is none, or a value of another
    kind, with the line where it stands.
    """
    text = _read_text(path)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _damaged(path, str(error)) from error
    by_key = {setting.key: setting for setting in settings}
    lines = {key: line for key in data if (line := _line_of(key, text)) is not None}
    file = ConfigFile(path, is_there=True, lines=lines)
    values: dict[str, str | bool] = {}
    for key, value in data.items():
        if key not in by_key:
            raise _unknown(file, key, list(by_key))
        setting = by_key[key]
        values[setting.name] = _words(value, setting, file.where(key))
    return ConfigFile(path, is_there=True, values=values, lines=lines)


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise DiskError(
            say("{path} cannot be read: {reason}.", path=path, reason=system_reason(error))
        ) from error
    if len(content) > _MAX_BYTES:
        raise DataError(say("{path} is no configuration file: it is too large.", path=path))
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise DataError(
            say(
                "{source} is not UTF-8 text: byte {position} is wrong.",
                source=path,
                position=error.start,
            ),
            hint=say("Save it as UTF-8."),
        ) from error


def _damaged(path: Path, said: str) -> DataError:
    found = _TOML_PLACE.fullmatch(said)
    fault, line, column = found.groups() if found else (said, None, None)
    if line is None:
        message = say("{path} is not TOML: {fault}.", path=path, fault=foreign(fault))
    else:
        message = say(
            "{path} is not TOML: {fault} in line {line}, column {column}.",
            path=path,
            fault=foreign(fault),
            line=line,
            column=column,
        )
    hint = say('A setting looks like this: temperature = 0.7, or this: model = "demo".')
    return DataError(message, hint=hint)


def _unknown(file: ConfigFile, key: str, known: Sequence[str]) -> UsageError:
    nearest = nearest_word(key.replace("_", "-"), known)
    return UsageError(
        say("{where} is no setting.", where=file.where(key)),
        hint=say("Did you mean {word}?", word=nearest)
        if nearest
        else say("xverse-chat --show-config lists the settings."),
    )


def _words(value: Any, setting: Declaration, where: Sentence) -> str | bool:
    """Return a value as it would be typed after the option."""
    kind = setting.kind
    if kind is bool and isinstance(value, bool):
        return value
    if isinstance(value, bool) or not isinstance(value, _accepted(kind)):
        raise UsageError(say("{where} {fault}.", where=where, fault=_wanted(kind)))
    if kind is Path and not Path(str(value)).expanduser().is_absolute():
        raise UsageError(
            say("{where} {fault}.", where=where, fault=say("must be a whole path, from / or ~ on"))
        )
    return str(value)


def _accepted(kind: type) -> tuple[type, ...]:
    if issubclass(kind, Enum):
        return (str, int)  # quant = 4
    return {bool: (bool,), int: (int,), float: (int, float)}.get(kind, (str,))


def _wanted(kind: type) -> Sentence:
    if kind is bool:
        return say("must be true or false")
    if kind is int:
        return say("must be a whole number")
    if kind is float:
        return say("must be a number")
    return say('must be text in quotes, as in "…"')


def _line_of(key: str, text: str) -> int | None:
    """Return the line that sets a key at the top level, if it stands there plainly."""
    found = re.search(rf"^[ \t]*([\"']?){re.escape(key)}\1[ \t]*[.=]", text, re.MULTILINE)
    found = found or re.search(rf"^[ \t]*\[+[ \t]*([\"']?){re.escape(key)}\1", text, re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else None
