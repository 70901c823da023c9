"""Which conversations a model can answer. Standard library only."""

from collections.abc import Iterable

from xverse_chat.chat.backend import Message
from xverse_chat.errors import DataError
from xverse_chat.wording import say


def check_answerable(messages: Iterable[Message]) -> tuple[Message, ...]:
    """Return the messages if a model can answer them.

    They end with a user's turn, or with an answer that was not said to its end and goes on.
    Raises DataError otherwise, also for a system message that is not the first.
    """
    checked = tuple(messages)
    if not checked:
        raise DataError(say("There is no message to answer: the list is empty."))
    if checked[-1].role != "user" and not checked[-1].is_unfinished:
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
