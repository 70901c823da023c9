"""Everything that was ever said, and where in it the conversation stands. Standard library only.

Messages are numbered from 1 as they are said. Each stands after another one, or at the beginning
(0): an answer given anew, or an edited question, stands beside the earlier one.
"""

from dataclasses import dataclass

from xverse_chat.chat.backend import Message
from xverse_chat.errors import DataError, UsageError
from xverse_chat.wording import say


@dataclass(frozen=True, slots=True)
class _Node:
    message: Message
    after: int


class MessageTree:
    """Messages, each after another, and the ``position``: the number of the last one, or 0."""

    def __init__(self) -> None:
        self._nodes: list[_Node] = []
        self._position = 0

    @property
    def position(self) -> int:
        """The message that the conversation ends with; 0 before the first."""
        return self._position

    @property
    def total(self) -> int:
        """How many messages were ever said."""
        return len(self._nodes)

    def message(self, number: int) -> Message:
        """Return a message by its number."""
        return self._nodes[number - 1].message

    def add(self, message: Message, *, after: int) -> None:
        """Add a message, and stand there. Raises DataError where ``after`` was never said."""
        self.check(after)
        self._nodes.append(_Node(message, after))
        self._position = len(self._nodes)

    def replace(self, number: int, message: Message) -> None:
        """Put another message in the place of one."""
        self._nodes[number - 1] = _Node(message, self._nodes[number - 1].after)

    def move(self, position: int) -> None:
        """Stand elsewhere. Raises DataError where that was never said."""
        self.check(position)
        self._position = position

    def check(self, number: int, *, least: int = 0) -> None:
        """Raise DataError unless ``number`` is from ``least`` to that of the newest message."""
        if not least <= number <= len(self._nodes):
            raise DataError(
                say(
                    "it speaks of message {number} where there are {count}",
                    number=number,
                    count=len(self._nodes),
                )
            )

    def path(self, position: int | None = None) -> list[int]:
        """Return the numbers of the messages up to ``position`` (its own by default), in order."""
        numbers = []
        number = self._position if position is None else position
        while number:
            numbers.append(number)
            number = self._nodes[number - 1].after
        return numbers[::-1]

    def first_question(self) -> str:
        """Return the first question ever asked; empty before it."""
        asked = (node.message.content for node in self._nodes if node.message.role == "user")
        return next(asked, "")

    def before_question(self, number: int) -> int:
        """Return the position before the ``number``-th question of the path, from 1.

        Raises UsageError when there is none.
        """
        asked = [n for n in self.path() if self.message(n).role == "user"]
        if not 1 <= number <= len(asked):
            raise UsageError(
                say(
                    "There is no question {number}; there are {count}.",
                    number=number,
                    count=len(asked),
                )
            )
        return self._nodes[asked[number - 1] - 1].after

    def alternatives(self) -> list[int]:
        """Return the answers to the last question, in the order said; none without an answer."""
        if not self._position or self.message(self._position).role != "assistant":
            return []
        after = self._nodes[self._position - 1].after
        return [
            number
            for number, node in enumerate(self._nodes, start=1)
            if node.after == after and node.message.role == "assistant"
        ]

    def last_below(self) -> int:
        """Return what was last said after this place, on any way; the place itself for nothing."""
        below = {self._position}
        for number, node in enumerate(self._nodes, start=1):
            if node.after in below:
                below.add(number)
        return max(below)
