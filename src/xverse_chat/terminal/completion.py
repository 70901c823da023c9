"""Completing the names of commands."""

from collections.abc import Iterable

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from xverse_chat.terminal.commands import COMMANDS, SLASHES
from xverse_chat.terminal.texts import Texts


class CommandCompleter(Completer):
    """Completes the name of a command, while that is all there is."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        """Yield the commands whose name begins with what is before the cursor."""
        typed = document.text_before_cursor
        if typed[:1] in SLASHES and document.text == typed:
            for command in COMMANDS:
                if command.name.startswith("/" + typed[1:].lower()):
                    meaning = command.help(self._texts)
                    yield Completion(command.name, -len(typed), display_meta=meaning)
