"""What a line editor hands over: a message, or the wish to leave. Standard library only."""

from dataclasses import dataclass
from typing import Protocol

# Far more than any context holds: what is too long is told in tokens, by whoever counts them.
MAX_MESSAGE_BYTES = 2**20
SECOND_INTERRUPT_WITHIN_S = 2.0


@dataclass(frozen=True, slots=True)
class Entry:
    """A message as it was typed; ``pasted`` when part of it was, which makes it no command.

    ``from_draft`` when it was made of the text that stood in the line.
    """

    text: str
    pasted: bool = False
    from_draft: bool = False


@dataclass(frozen=True, slots=True)
class Departure:
    """The wish to leave, with the exit code of the way it was said."""

    exit_code: int


class Editor(Protocol):
    """Where messages are written."""

    def read(self, draft: str = "") -> Entry | Departure:
        """Let the user write a message; ``draft`` stands in the line already.

        Raises the XverseChatError that loading the model ended with, if it does so meanwhile.
        """


def message_bytes(text: str) -> int:
    """Return the size of a message; ``text`` may hold lone surrogates."""
    return len(text.encode("utf-8", "surrogatepass"))
