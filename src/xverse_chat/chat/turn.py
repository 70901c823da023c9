"""One turn: a question becomes a streamed answer, whatever happens on the way.

Standard library only. Invariant: a turn in which nothing was said changes nothing.
"""

import threading
from collections.abc import Generator
from contextlib import closing
from dataclasses import replace

from xverse_chat.chat.backend import Backend, Finish, FinishReason, Message
from xverse_chat.chat.events import finished_message
from xverse_chat.chat.session import Session
from xverse_chat.config import GenerationSettings
from xverse_chat.errors import UsageError
from xverse_chat.wording import say

# Longer than an answer takes to be written to a disk that is alive.
_KEEP_PATIENCE_S = 2.0


class Turn:
    """What is to be answered, and what of the answer was said so far.

    Made by ``ask``, ``ask_again`` or ``go_on``; making one changes nothing yet.
    """

    def __init__(
        self, session: Session, base: int, *, question: str | None, tries: int = 0
    ) -> None:
        self._session = session
        self._base = base
        self._question = question
        self._tries = tries
        self._grows = question is None and tries == 0
        self._before = session.position
        self._asked: int | None = None
        self._pieces: list[str] = []
        self._lock = threading.Lock()
        self._is_open = False

    @property
    def session(self) -> Session:
        """The conversation that it is a turn of."""
        return self._session

    @property
    def is_question(self) -> bool:
        """Tell whether something new is asked."""
        return self._question is not None

    @property
    def base(self) -> int:
        """The message after which the question stands; without one, the last that is given."""
        return self._base

    @property
    def messages(self) -> tuple[Message, ...]:
        """What the model is given."""
        if self._question is None:
            return self._session.prompt(self._base, is_open=True)
        return (*self._session.prompt(self._base), Message("user", self._question))

    @property
    def given(self) -> list[int]:
        """The numbers of those of ``messages`` that were said before."""
        return self._session.given(self._base, is_open=self._question is None)

    def put_question(self) -> None:
        """Have the question in the conversation, and with it saved, before it can be answered."""
        if self._question is not None and self._asked is None:
            self._session.put(Message("user", self._question), after=self._base)
            self._asked = self._session.position

    def withdraw(self) -> None:
        """Leave the conversation as it was before ``put_question``."""
        self._session.move(self._before)

    def run(
        self, backend: Backend, *, settings: GenerationSettings, stop: threading.Event
    ) -> Generator[str | Finish, None, None]:
        """Yield the pieces of the answer, then the Finish, and keep the question and the answer.

        However the turn ends (to its end, by ``stop``, by closing this generator, by an error),
        what was said of the answer is kept, marked interrupted unless it ended by itself. Where
        nothing was said everything is as before, except when the model chose to say nothing.
        """
        messages = self.messages
        if self._tries and settings.seed is not None:
            settings = replace(settings, seed=(settings.seed + self._tries) % 2**63)
        self.put_question()
        self._is_open = True
        finish: Finish | None = None
        try:
            with closing(backend.stream(messages, settings, stop)) as stream:
                for event in stream:
                    if isinstance(event, Finish):
                        finish = event
                    else:
                        self._pieces.append(event)
                        yield event
        finally:
            self._keep("interrupted" if finish is None else finish.reason)
        if finish is not None:
            yield finish

    def keep_what_was_said(self) -> None:
        """Keep the answer as far as it came, if that was not done. From any thread."""
        self._keep("interrupted")

    def _keep(self, reason: FinishReason) -> None:
        if not self._lock.acquire(timeout=_KEEP_PATIENCE_S):
            return  # a signal came in the middle of keeping it
        try:
            if not self._is_open:
                return
            self._is_open = False
            answer = "".join(self._pieces)
            if not answer and reason == "interrupted":
                self.withdraw()
            elif self._grows:
                self._session.grow(answer, reason)
            else:
                after = self._base if self._asked is None else self._asked
                self._session.put(finished_message(answer, reason), after=after)
        finally:
            self._lock.release()


def ask(session: Session, question: str, *, instead_of: int | None = None) -> Turn:
    """Ask a question at the end of the conversation, or instead of its n-th question, from 1.

    Instead of one means that it and what follows are put aside as soon as there is an answer.
    A question at the end that has no answer is put aside as well. Raises UsageError when there
    is no such question.
    """
    if instead_of is not None:
        return Turn(session, session.before_question(instead_of), question=question)
    base = session.position
    if session.messages and session.messages[-1].role == "user":
        base = session.before_question(len(session.questions))
    return Turn(session, base, question=question)


def ask_again(session: Session) -> Turn:
    """Have the last question answered anew; earlier answers stay as its alternatives.

    A seed in the settings is shifted, so that the same one gives another answer. Raises
    UsageError when nothing was asked.
    """
    if session.unanswered:
        return ask(session, session.unanswered)
    path = session.path()
    while path and session.message(path[-1]).role != "user":
        path.pop()
    if not path:
        raise UsageError(say("Nothing was asked yet that could be answered again."))
    return Turn(session, path[-1], question=None, tries=max(1, len(session.alternatives)))


def go_on(session: Session) -> Turn:
    """Go on with the last answer where it broke off.

    Raises UsageError when there is none, or it was said to its end.
    """
    if not session.can_go_on:
        raise UsageError(
            say("The last answer was said to its end."),
            hint=say("Only an answer that was interrupted or cut off can go on."),
        )
    return Turn(session, session.position, question=None)
