"""A conversation as somebody else may read it: what an export holds. Standard library only."""

import re
from dataclasses import dataclass

from xverse_chat.chat.backend import Message
from xverse_chat.chat.clock import local_time

# A text file that is shown by ``cat`` must not steer the terminal.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Transcript:
    """The messages on the way to the end of a conversation, the system text first.

    ``created`` in UTC as ``2026-11-24T13:59:55Z``; empty where it was not kept.
    """

    title: str
    created: str
    model_id: str
    messages: tuple[Message, ...]

    @property
    def facts(self) -> str:
        """What answered, and when it began by the clock of this place."""
        return " · ".join(filter(None, (self.model_id, local_time(self.created))))


@dataclass(frozen=True, slots=True)
class ExportLabels:
    """The words of an export that nobody said, in the user's language.

    ``language`` is a code such as ``zh-CN``.
    """

    language: str
    untitled: str
    system: str
    user: str
    assistant: str
    interrupted: str
    cut_off: str

    def speaker(self, message: Message) -> str:
        """Return who said a message."""
        names = {"system": self.system, "user": self.user, "assistant": self.assistant}
        return names[message.role]

    def ending(self, message: Message) -> str:
        """Return how a message ended; empty where it was said to its end."""
        if message.interrupted:
            return self.interrupted
        return self.cut_off if message.cut_off else ""


def without_controls(text: str) -> str:
    """Return ``text`` without control characters; a line break of any kind stays one."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
