"""``--show-config``: every setting, its value and where that comes from.

What it prints is a configuration file that sets what is not left at its default.
"""

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from xverse_chat.cli.config_file import CONFIG_VARIABLE, ConfigFile
from xverse_chat.cli.declarations import VARIABLE_PREFIX, Declaration
from xverse_chat.cli.nearest import nearest_word
from xverse_chat.cli.origin import Origin, origin_of, told_origin
from xverse_chat.cli.outcome import write_json
from xverse_chat.cli.start import Start
from xverse_chat.config import DEFAULT_MODEL_ID, find_cache_dir
from xverse_chat.terminal.sanitise import sanitise
from xverse_chat.terminal.terminal_state import wants_screen_reader
from xverse_chat.wording import Sentence, say

_PREFIX = f"{VARIABLE_PREFIX}_"


def unknown_variables(known: Sequence[Declaration], environment: Iterable[str]) -> dict[str, str]:
    """Return the variables of our prefix that set nothing, with the nearest that does, or ``""``.

    ``known`` are the settings of both programs, which read the same variables.
    """
    names = {CONFIG_VARIABLE, *(name for row in known for name in row.variables)}
    ends = [name.removeprefix(_PREFIX) for name in names if name.startswith(_PREFIX)]
    unknown = {}
    for name in sorted(environment):
        if name.startswith(_PREFIX) and name not in names:
            nearest = nearest_word(name.removeprefix(_PREFIX), ends)
            unknown[name] = f"{_PREFIX}{nearest}" if nearest else ""
    return unknown


def show_config(
    context: Any, settings: Sequence[Declaration], start: Start, *, unknown: Mapping[str, str]
) -> None:
    """Write the settings to stdout, and the ``unknown_variables``."""
    texts, config = start.texts, start.config
    defaults: Mapping[str, Callable[[], Any]] = {
        "model": lambda: DEFAULT_MODEL_ID,
        "cache_dir": find_cache_dir,
        "lang": lambda: texts.language,
        "screen_reader": lambda: wants_screen_reader(None, os.environ),
    }
    rows = []
    for setting in settings:
        value = _plain(context.params[setting.name])
        if value is None and setting.name in defaults:
            value = _plain(defaults[setting.name]())
        origin = origin_of(context, setting.name)
        where = told_origin(context, setting, config)
        if origin is Origin.FILE:
            where = config.place(setting.key)
        elif origin is Origin.DEFAULT:
            where = say("default")
        rows.append((setting.key, value, origin, where))
    if start.as_json:
        shown = {
            key: {"value": value, "source": origin.value, "where": str(where)}
            for key, value, origin, where in rows
        }
        file = {"path": str(config.path), "is_there": config.is_there}
        write_json({"config_file": file, "settings": shown, "unknown_variables": list(unknown)})
        return
    sys.stdout.write(f"# {sanitise(texts.told(_file_note(config)))}\n")
    for key, value, origin, where in rows:
        mark = "# " if origin is Origin.DEFAULT else ""
        line = f"{mark}{key} = {'' if value is None else json.dumps(value, ensure_ascii=False)}"
        sys.stdout.write(f"{sanitise(line):<44}  # {sanitise(texts.told(where))}\n")
    for name, nearest in unknown.items():
        sys.stdout.write(f"# {sanitise(texts.told(_unknown_note(name, nearest)))}\n")


def _unknown_note(name: str, nearest: str) -> Sentence:
    if nearest:
        return say("{name} sets nothing. Did you mean {word}?", name=name, word=nearest)
    return say("{name} sets nothing.", name=name)


def _file_note(config: ConfigFile) -> str:
    if config.is_there:
        return say("The configuration file is {path}.", path=config.path)
    return say("The configuration file would be {path}; there is none.", path=config.path)


def _plain(value: Any) -> Any:
    """Return a value as JSON and TOML have it; ``quant`` is a number there."""
    if isinstance(value, Enum):
        return int(value.value) if str(value.value).isdecimal() else value.value
    return str(value) if isinstance(value, Path) else value
