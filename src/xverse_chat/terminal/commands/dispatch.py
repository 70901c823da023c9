"""Running a command, and saying so where there is none."""

from xverse_chat.chat.turn import Turn
from xverse_chat.errors import XverseChatError
from xverse_chat.terminal.commands.command import Desk
from xverse_chat.terminal.commands.parsing import Invocation, Unknown


def invoke(invocation: Invocation, desk: Desk) -> Turn | None:
    """Run a command, unless it was given an argument that it does not take.

    Returns a turn that is to be answered now. What goes wrong is told.
    """
    command = invocation.command
    if invocation.argument and not command.argument:
        desk.renderer.notice(desk.texts.no_argument.format(name=command.name))
        return None
    try:
        return command.run(desk, invocation.argument)
    except XverseChatError as error:
        desk.renderer.error(error)
        return None


def report_unknown(unknown: Unknown, desk: Desk) -> None:
    """Say that there is no such command, and which one may have been meant."""
    texts = desk.texts
    said = texts.unknown_command.format(word=unknown.word)
    if unknown.suggestion is not None:
        said += texts.did_you_mean.format(name=unknown.suggestion)
    desk.renderer.notice(f"{said}\n{texts.see_help}")
