"""The conversation: messages are the truth, every KV cache is derived from them.

Standard library only. A session is what its events make of it: every change is one more event,
and the same events in the same order make the same session, which is how it is saved.
"""

from collections.abc import Callable, Iterable, Sequence

from xverse_chat.chat.backend import FinishReason, Message
from xverse_chat.chat.events import (
    Dropped,
    Event,
    Grown,
    Moved,
    Named,
    Policy,
    PolicyChosen,
    Said,
    Summarised,
    SystemSet,
    finished_message,
)
from xverse_chat.chat.message_tree import MessageTree
from xverse_chat.chat.summary_text import with_summary
from xverse_chat.chat.title import make_title
from xverse_chat.errors import DataError, UsageError
from xverse_chat.wording import say


class Session:
    """A conversation: an optional system text, then messages in the order said.

    Messages are numbered from 1 as they are said and never lost: what is taken back or answered
    anew stays aside, and the conversation is the way from the first message to its ``position``.
    """

    def __init__(self, system: str | None = None, messages: Iterable[Message] = ()) -> None:
        self._events: list[Event] = []
        self._system = ""
        self._tree = MessageTree()
        self._name = ""
        self._policy: Policy | None = None
        self._dropped: set[int] = set()
        self._summaries: dict[int, str] = {}
        self.unanswered = ""
        self.on_change: Callable[[], None] = _nothing
        if system:
            self.set_system(system)
        for message in messages:
            self.append(message)

    @classmethod
    def replay(cls, events: Iterable[Event]) -> "Session":
        """Return the session that these events made.

        A question at the very end was never answered: it is put aside, its text is in
        ``unanswered``. Raises DataError for events that cannot be.
        """
        session = cls()
        before = 0
        for event in events:
            before = session.position
            session._apply(event)
        last = session._events[-1] if session._events else None
        if isinstance(last, Said) and last.message.role == "user":
            session._apply(Moved(before))
            session.unanswered = last.message.content
        return session

    @property
    def events(self) -> Sequence[Event]:
        """Everything that happened, in order. Only ever grows."""
        return self._events

    @property
    def messages(self) -> tuple[Message, ...]:
        """Every message of the conversation, the system text first."""
        system = (Message("system", self._system),) if self._system else ()
        return (*system, *map(self.message, self.path()))

    @property
    def is_empty(self) -> bool:
        """Tell whether the conversation holds no message."""
        return self.position == 0

    @property
    def position(self) -> int:
        """The number of the last message, 0 where there is none."""
        return self._tree.position

    @property
    def total(self) -> int:
        """How many messages were ever said, taken back or not."""
        return self._tree.total

    @property
    def system(self) -> str:
        """The text before the conversation; empty for none."""
        return self._system

    @property
    def policy(self) -> Policy | None:
        """What was chosen for a full context; None until it was."""
        return self._policy

    @property
    def name(self) -> str:
        """The name that the user gave; empty for none."""
        return self._name

    @property
    def title(self) -> str:
        """The name, else the beginning of the first question ever asked; empty before it."""
        return self._name or make_title(self._tree.first_question())

    @property
    def questions(self) -> tuple[str, ...]:
        """The user's messages in the conversation, in order; commands count them from 1."""
        return tuple(message.content for message in self.messages if message.role == "user")

    @property
    def alternatives(self) -> tuple[Message, ...]:
        """The answers the last question was given, in the order said; empty without an answer."""
        return tuple(map(self.message, self._tree.alternatives()))

    @property
    def alternative(self) -> int:
        """Which of ``alternatives`` is the conversation's, from 1; 0 where there are none."""
        numbers = self._tree.alternatives()
        return numbers.index(self.position) + 1 if numbers else 0

    @property
    def can_go_on(self) -> bool:
        """Tell whether the last message is an answer that was not said to its end."""
        return not self.is_empty and self.message(self.position).is_unfinished

    @property
    def summary(self) -> str:
        """What the model is given instead of the first messages; empty for nothing."""
        return self._summary_of(self.path())

    def summary_at(self, through: int) -> str:
        """Return the summary that stands for the messages up to number ``through``."""
        return self._summaries.get(through, "")

    def path(self, position: int | None = None) -> list[int]:
        """Return the numbers of the messages up to ``position`` (its own by default), in order."""
        return self._tree.path(position)

    def message(self, number: int) -> Message:
        """Return a message by its number."""
        return self._tree.message(number)

    def given(self, position: int | None = None, *, is_open: bool = False) -> list[int]:
        """Return the numbers of the messages up to ``position`` that the model is given.

        ``is_open`` where the last one is to be answered or to go on, and cannot be left out.
        """
        path = self.path(position)
        closed = path[:-1] if is_open else path
        left_out = [
            at for at, n in enumerate(closed, 1) if n in self._dropped or n in self._summaries
        ]
        return path[left_out[-1] if left_out else 0 :]

    def prompt(self, position: int | None = None, *, is_open: bool = False) -> tuple[Message, ...]:
        """Return what the model is given up to ``position``, system text and summary first."""
        path = self.path(position)
        closed = path[:-1] if is_open else path
        system = with_summary(self._system, self._summary_of(closed))
        spoken = map(self.message, self.given(position, is_open=is_open))
        return (*((Message("system", system),) if system else ()), *spoken)

    def append(self, message: Message) -> None:
        """Add what was just said."""
        self.put(message, after=self.position)

    def put(self, message: Message, *, after: int) -> None:
        """Add what was said after message ``after``, and have the conversation end with it."""
        self.unanswered = ""
        self._do(Said(after, message))

    def grow(self, content: str, reason: FinishReason) -> None:
        """Let the last answer go on by ``content``."""
        self._do(Grown(self.position, content, reason))

    def undo(self, rounds: int = 1) -> tuple[str, ...]:
        """Put the last ``rounds`` questions with their answers aside; return the questions.

        Raises UsageError when there are not so many.
        """
        count = len(self.questions)
        if not 1 <= rounds <= count:
            raise UsageError(
                say(
                    "There are {count} questions to take back, not {rounds}.",
                    count=count,
                    rounds=rounds,
                )
            )
        taken = self.questions[count - rounds :]
        self.move(self.before_question(count - rounds + 1))
        return taken

    def redo(self) -> bool:
        """Return to what was last said below this place; False when nothing was."""
        before = self.position
        last = self._tree.last_below()
        self.move(last)
        return last != before

    def before_question(self, number: int) -> int:
        """Return the position before the ``number``-th question, from 1.

        Raises UsageError when there is none.
        """
        return self._tree.before_question(number)

    def choose(self, alternative: int) -> None:
        """Have the conversation end with another of ``alternatives``, from 1.

        Raises UsageError when there is none.
        """
        numbers = self._tree.alternatives()
        if not 1 <= alternative <= len(numbers):
            raise UsageError(
                say(
                    "There is no answer {number}; there are {count}.",
                    number=alternative,
                    count=len(numbers),
                )
            )
        self.move(numbers[alternative - 1])

    def move(self, position: int) -> None:
        """Have the conversation end with message ``position``; 0 is before the first."""
        if position != self.position:
            self._do(Moved(position))

    def set_system(self, system: str) -> None:
        """Change the text before the conversation; empty removes it."""
        if system != self._system:
            self._do(SystemSet(system))

    def rename(self, name: str) -> None:
        """Give the conversation a name; an empty one gives back its title."""
        if name != self._name:
            self._do(Named(name))

    def choose_policy(self, policy: Policy) -> None:
        """Choose what happens when the context is full."""
        if policy is not self._policy:
            self._do(PolicyChosen(policy))

    def drop(self, through: int) -> None:
        """Give the model no message up to number ``through`` any more."""
        self._do(Dropped(through))

    def summarise(self, through: int, content: str) -> None:
        """Give the model ``content`` instead of the messages up to number ``through``."""
        self._do(Summarised(through, content))

    def _do(self, event: Event) -> None:
        self._apply(event)
        self.on_change()

    def _apply(self, event: Event) -> None:
        match event:
            case Said(after, message):
                self._tree.add(message, after=after)
            case Grown(number, content, reason):
                self._tree.check(number, least=1)
                message = self.message(number)
                if message.role != "assistant":
                    raise DataError(say("it lets a question go on as if it were an answer"))
                self._tree.replace(number, finished_message(message.content + content, reason))
            case Moved(to):
                self._tree.move(to)
            case SystemSet(content):
                self._system = content
            case Named(name):
                self._name = name
            case PolicyChosen(policy):
                self._policy = policy
            case Dropped(through):
                self._tree.check(through, least=1)
                self._dropped.add(through)
            case Summarised(through, content):
                self._tree.check(through, least=1)
                self._summaries[through] = content
        self._events.append(event)

    def _summary_of(self, path: Sequence[int]) -> str:
        return next((self._summaries[n] for n in reversed(path) if n in self._summaries), "")


def _nothing() -> None:
    pass
