"""Options that show something and leave: help, version, completion.

The parser calls these before it looks at the other options.
"""

import sys

import typer

import xverse_chat
from xverse_chat.cli.completion_scripts import completion_script, install_completion
from xverse_chat.cli.declarations import Declaration, declarations
from xverse_chat.cli.outcome import write_note
from xverse_chat.cli.start import Start
from xverse_chat.cli.values import Shell
from xverse_chat.wording import Sentence, say


def show_help(context: typer.Context, wanted: bool) -> None:
    """Print the page of ``--help`` in the user's language."""
    if not wanted:
        return
    from xverse_chat.terminal.help_page import Section, print_help_page

    start: Start = context.obj
    told, program = start.texts.told, start.program
    panels: dict[Sentence, list[tuple[str, str]]] = {}
    for row in declarations(program.run):
        panels.setdefault(row.panel, []).append((_name(row), told(row.help)))
    print_help_page(
        told(program.usage),
        [told(paragraph) for paragraph in program.intro],
        [Section(told(panel), rows) for panel, rows in panels.items()],
        file=sys.stdout,
    )
    _leave()


def show_version(context: typer.Context, wanted: bool) -> None:
    """Print name and version."""
    if wanted:
        sys.stdout.write(f"{context.obj.program.name} {xverse_chat.__version__}\n")
        _leave()


def show_completion(shell: Shell | None) -> None:
    """Print what makes a shell complete the options of both programs."""
    if shell is not None:
        sys.stdout.write(completion_script(shell))
        _leave()


def install_for_shell(context: typer.Context, shell: Shell | None) -> None:
    """Write that where the shell reads it, and say where."""
    if shell is not None:
        for path in install_completion(shell):
            write_note(say("Written: {path}", path=path), context.obj.texts)
        write_note(say("Open a new terminal to use it."), context.obj.texts)
        _leave()


def _name(row: Declaration) -> str:
    words = ", ".join((*row.words, *row.off_words))
    if row.is_argument:
        return row.metavar
    return f"{words} {row.metavar}" if row.takes_value else words


def _leave() -> None:
    raise SystemExit(0)
