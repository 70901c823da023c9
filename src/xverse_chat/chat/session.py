"""The conversation: messages are the truth, every KV cache is derived from them.

Standard library only.
"""

from collections.abc import Iterable

from xverse_chat.chat.backend import Message
from xverse_chat.errors import DataError
from xverse_chat.wording import say


class Session:
    """An ordered conversation: an optional system text, then messages in the order said."""

    def __init__(self, system: str | None = None, messages: Iterable[Message] = ()) -> None:
        self._system = (Message("system", system),) if system else ()
        self._messages = list(messages)

    @property
    def messages(self) -> tuple[Message, ...]:
        """Every message, the system text first."""
        return (*self._system, *self._messages)

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing was said yet."""
        return not self._messages

    def append(self, message: Message) -> None:
        """Add what was just said."""
        self._messages.append(message)

    def take_back(self) -> Message:
        """Remove the last message and return it. Raises IndexError when nothing was said."""
        return self._messages.pop()

    def clear(self) -> None:
        """Forget what was said; the system text stays."""
        self._messages.clear()


def check_answerable(messages: Iterable[Message]) -> tuple[Message, ...]:
    """Return the messages if a model can answer them: they end with a user's turn.

    Raises DataError otherwise, also for a system message that is not the first.
    """
    checked = tuple(messages)
    if not checked or checked[-1].role != "user":
        if not checked:
            raise DataError(say("There is no message to answer: the list is empty."))
        raise DataError(
            say(
                "The last message must be the user's, so that there is something to answer; "
                "here its role is {role}.",
                role=checked[-1].role,
            ),
            hint=say("End the list with a message whose role is user."),
        )
    for position, message in enumerate(checked[1:], start=2):
        if message.role == "system":
            raise DataError(
                say(
                    "Message {position} is a system message; only the first can be one.",
                    position=position,
                ),
                hint=say("Move the system text to the front, or leave it out."),
            )
    return checked
