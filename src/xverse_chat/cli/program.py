"""Running a program: from what was typed to an exit code, in the user's language."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path

import typer

from xverse_chat.cli.completion import COMPLETION_VARIABLE, complete
from xverse_chat.cli.config_file import ConfigFile, find_config, read_config
from xverse_chat.cli.declarations import (
    VARIABLE_PREFIX,
    Declaration,
    declarations,
    find_declaration,
    make_command,
)
from xverse_chat.cli.outcome import ending_well, prepare_streams
from xverse_chat.cli.show_config import show_config, unknown_variables
from xverse_chat.cli.start import Program, Start
from xverse_chat.cli.usage import usage_error
from xverse_chat.errors import UsageError, XverseChatError
from xverse_chat.terminal.current_texts import CurrentTexts
from xverse_chat.terminal.languages import choose_language
from xverse_chat.terminal.translation import Language
from xverse_chat.wording import say


def run_program(program: Program) -> None:
    """Run a program with what was typed, and end the process with its exit code."""
    arguments = sys.argv[1:]
    texts = CurrentTexts.of(_language(program, arguments))
    if shell := os.environ.get(COMPLETION_VARIABLE):
        _complete(program, arguments, shell, texts)
        return
    as_json = "--json" in arguments
    with ending_well(texts, as_json=as_json):
        prepare_streams()
        config = load_config(_typed("--config", arguments))
        texts.switch(_language(program, arguments, config))
        _run(Start(program, texts, config, as_json), arguments)


def load_config(named: str | None) -> ConfigFile:
    """Read the configuration file that holds, if there is one."""
    found = find_config(named)
    return read_config(found.path, known_settings()) if found.is_there else found


def known_settings() -> tuple[Declaration, ...]:
    """Return the settings of both programs: they read the same file."""
    from xverse_chat.cli.chat import chat
    from xverse_chat.cli.download import download

    rows = (*declarations(chat), *declarations(download))
    return tuple({row.key: row for row in rows if row.is_setting}.values())


def _complete(program: Program, arguments: list[str], shell: str, texts: CurrentTexts) -> None:
    """Write what can follow what is typed. Whatever is wrong is told when the line is run."""
    prepare_streams()
    config = None
    with suppress(XverseChatError):
        config = load_config(_typed("--config", arguments[:-1]))
        texts.switch(_language(program, arguments[:-1], config))
    folder = _early_value(program, "--cache-dir", arguments[:-1], config)
    cache_dir = Path(folder) if folder else None
    lines = complete(program, arguments, shell=shell, texts=texts, cache_dir=cache_dir)
    sys.stdout.writelines(lines)


def _run(start: Start, arguments: list[str]) -> None:
    program, command = start.program, make_command(start.program.run)
    table = declarations(program.run)
    try:
        context = command.make_context(
            program.name,
            arguments,
            obj=start,
            auto_envvar_prefix=VARIABLE_PREFIX,
            default_map=dict(start.config.values),
            allow_extra_args=True,
        )
    except typer.TyperException as error:
        raise usage_error(error, program=program.name, table=table, config=start.config) from error
    if context.args:
        words = " ".join(context.args)
        raise UsageError(
            say("Nothing can be done with {words!r}.", words=words), hint=program.stray_hint
        )
    with context:
        if context.params["show_config"]:
            settings = tuple(row for row in table if row.is_setting)
            unknown = unknown_variables(known_settings(), os.environ)
            show_config(context, settings, start, unknown=unknown)
        else:
            command.invoke(context)


def _language(
    program: Program, arguments: Sequence[str], config: ConfigFile | None = None
) -> Language:
    return choose_language(_early_value(program, "--lang", arguments, config), os.environ)


def _early_value(
    program: Program, word: str, arguments: Sequence[str], config: ConfigFile | None
) -> str | None:
    """Return what holds for an option before the options are parsed and found good."""
    row = find_declaration(declarations(program.run), word)
    assert row is not None, f"{program.name} has no {word}"
    variables = (os.environ.get(name) for name in row.variables)
    from_file = config.values.get(row.name) if config is not None else None
    values = (_typed(word, arguments), *variables, from_file)
    return next((str(value) for value in values if value), None)


def _typed(option: str, arguments: Sequence[str]) -> str | None:
    """Return what was typed after an option, the last time it was."""
    value = None
    for word, after in zip_longest(arguments, arguments[1:]):
        if word == option and after is not None:
            value = after
        elif word.startswith(f"{option}="):
            value = word.partition("=")[2]
    return value
