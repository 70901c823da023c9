"""Completing commands: their names, then what can follow them."""

from collections.abc import Iterable

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from xverse_chat.terminal.commands.command import Desk
from xverse_chat.terminal.commands.parsing import SLASHES, find
from xverse_chat.terminal.commands.table import COMMANDS
from xverse_chat.terminal.sanitise import sanitise_line


class CommandCompleter(Completer):
    """Completes the one line that is a command, at its end."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        """Yield the commands whose name begins with what is typed, or the arguments that do."""
        typed = document.text_before_cursor
        if typed[:1] not in SLASHES or document.text != typed or "\n" in typed:
            return
        word, space, argument = typed.partition(" ")
        if not space:
            for row in COMMANDS:
                if row.name.startswith("/" + word[1:].lower()):
                    meaning = self._desk.texts.told(row.help)
                    yield Completion(row.name, -len(typed), display_meta=meaning)
        elif (command := find(word)) is not None and command.argument:
            argument = argument.lstrip()
            for candidate in command.candidates(self._desk, argument):
                if candidate.text.startswith(argument) and candidate.text.isprintable():
                    meaning = sanitise_line(candidate.meaning)
                    yield Completion(candidate.text, -len(argument), display_meta=meaning)
