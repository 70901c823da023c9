"""The table of commands: dispatch, ``/help``, completion and the documents come from it."""

from collections.abc import Iterable

from xverse_chat.errors import UsageError
from xverse_chat.terminal.commands.answers import ANSWERS
from xverse_chat.terminal.commands.command import Candidate, Command, Desk, Group
from xverse_chat.terminal.commands.copying import COPY
from xverse_chat.terminal.commands.exporting import EXPORT
from xverse_chat.terminal.commands.keeping import KEEPING
from xverse_chat.terminal.commands.program import EXIT, LANGUAGE, explain, show_help
from xverse_chat.terminal.commands.reading import READ
from xverse_chat.terminal.commands.settings import SET
from xverse_chat.terminal.commands.showing import SHOWING
from xverse_chat.wording import say


def _help(desk: Desk, argument: str) -> None:
    if not argument:
        show_help(desk, GROUPS)
        return
    name = "/" + argument.lower().lstrip("/")
    command = next((row for row in COMMANDS if name == row.name or name in row.aliases), None)
    if command is None:
        raise UsageError(
            say("There is no command {name}.", name=name), hint=say("/help lists the commands.")
        )
    explain(desk, command)


def _names(desk: Desk, typed: str) -> Iterable[Candidate]:
    for row in COMMANDS:
        yield Candidate(row.name.removeprefix("/"), desk.texts.told(row.help))


HELP = Command(
    name="/help",
    run=_help,
    help=say("list commands and keys, or explain a command"),
    argument=say("[COMMAND]"),
    candidates=_names,
)
GROUPS = (
    Group(say("Conversations"), KEEPING),
    Group(say("Questions and answers"), ANSWERS),
    Group(say("Files and clipboard"), (READ, COPY, EXPORT)),
    Group(say("How it answers"), (SET, *SHOWING)),
    Group(say("The program"), (HELP, LANGUAGE, EXIT)),
)
COMMANDS = tuple(command for group in GROUPS for command in group.commands)
