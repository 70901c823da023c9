"""The table of commands: dispatch, ``/help``, completion and the documents come from it."""

from collections.abc import Iterable

from xverse_chat.errors import UsageError
from xverse_chat.terminal.commands.answers import ANSWERS
from xverse_chat.terminal.commands.command import Candidate, Command, Desk
from xverse_chat.terminal.commands.copying import COPY
from xverse_chat.terminal.commands.exporting import EXPORT
from xverse_chat.terminal.commands.keeping import KEEPING
from xverse_chat.terminal.commands.program import EXIT, LANGUAGE, show_keys
from xverse_chat.terminal.commands.reading import READ
from xverse_chat.terminal.commands.settings import SET
from xverse_chat.terminal.commands.showing import SHOWING
from xverse_chat.wording import say

_KEYS = "keys"


def _help(desk: Desk, argument: str) -> None:
    texts = desk.texts
    if argument.lower() == _KEYS:
        show_keys(desk)
        return
    name = "/" + argument.lower().lstrip("/")
    rows = [row for row in COMMANDS if not argument or name == row.name or name in row.aliases]
    if not rows:
        raise UsageError(
            say("There is no command {name}.", name=name), hint=say("/help lists the commands.")
        )
    # No heading: with it the list would not fit into a window of 24 rows.
    desk.renderer.table("", [(row.usage(texts), texts.told(row.help)) for row in rows])


def _names(desk: Desk, typed: str) -> Iterable[Candidate]:
    yield Candidate(_KEYS, desk.texts.help_keys)
    for row in COMMANDS:
        yield Candidate(row.name.removeprefix("/"), desk.texts.told(row.help))


HELP = Command(
    name="/help",
    run=_help,
    help=say("list the commands, or explain one; /help keys: the keys"),
    argument=say("[COMMAND]"),
    candidates=_names,
)
COMMANDS = (
    *KEEPING,
    *ANSWERS,
    READ,
    COPY,
    EXPORT,
    SET,
    *SHOWING,
    HELP,
    LANGUAGE,
    EXIT,
)
