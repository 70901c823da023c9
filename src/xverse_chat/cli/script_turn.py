"""A script's question as one more turn of a saved conversation."""

import threading
from collections.abc import Generator, Sequence

from xverse_chat.chat.backend import Backend, Finish, Message
from xverse_chat.chat.budget import Overflow, look_ahead, refusal
from xverse_chat.chat.events import Policy
from xverse_chat.chat.keeper import Keeper
from xverse_chat.chat.store import Store
from xverse_chat.chat.summary import write_summary
from xverse_chat.chat.turn import ask
from xverse_chat.cli.outcome import write_note
from xverse_chat.cli.remembrance import Remembrance
from xverse_chat.config import GenerationSettings, conversations_folder
from xverse_chat.terminal.recall import Recall, recall, told_news
from xverse_chat.terminal.room import told_rounds
from xverse_chat.terminal.texts import Texts


class ScriptTurn:
    """The conversation that the options name, opened, and the question at its end.

    Notes about it go to stderr. Raises what ``recall`` does.
    """

    def __init__(
        self,
        remembrance: Remembrance,
        messages: Sequence[Message],
        *,
        model_id: str,
        texts: Texts,
    ) -> None:
        self._texts = texts
        self._keeper = Keeper(
            Store(conversations_folder()), model_id=model_id, saves=remembrance.saves
        )
        wanted = Recall(goes_on=remembrance.goes_on, name=remembrance.name)
        opened = recall(wanted, self._keeper)
        if opened is None:
            self._note(
                texts.new_name.format(name=wanted.name) if wanted.name else texts.none_to_continue
            )
        elif opened.is_copy:
            self._note(texts.resumed_copy)
        elif opened.was_torn:
            self._note(texts.resumed_torn)
        *system, question = messages
        if system:
            self._keeper.session.set_system(system[0].content)
        self._turn = ask(self._keeper.session, question.content)

    def run(
        self, backend: Backend, *, settings: GenerationSettings, stop: threading.Event
    ) -> Generator[str | Finish, None, None]:
        """Yield the pieces of the answer, then the Finish; both are saved, as in a terminal.

        Where the context is full nobody is asked: the conversation's own choice holds, without one
        the oldest rounds go. Raises ContextLengthError for a question that does not fit.
        """
        while (overflow := self._overflow(backend, settings)) is not None:
            if self._turn.session.policy is Policy.SUMMARISE:
                finish = self._summarise(overflow, backend, settings, stop)
                if finish is None or finish.reason == "interrupted":
                    break  # the turn sees that it is to stop, and ends as such a turn does
            else:
                self._drop(overflow)
        yield from self._turn.run(backend, settings=settings, stop=stop)
        if (news := self._keeper.news()) is not None:
            self._note(told_news(news, self._texts))

    def settle(self) -> None:
        """Save what was said until now. May be called from a signal handler."""
        self._turn.keep_what_was_said()
        self._keeper.save()

    def _overflow(self, backend: Backend, settings: GenerationSettings) -> Overflow | None:
        """Return what has to go before the question can be asked, None where nothing has to."""
        outlook = look_ahead(self._turn, backend, settings)
        if outlook.overflow is not None and self._turn.session.policy is Policy.REFUSE:
            raise refusal(outlook, outlook.overflow)
        return outlook.overflow

    def _drop(self, overflow: Overflow) -> None:
        self._turn.session.drop(overflow.through)
        self._note(
            self._texts.rounds_dropped.format(
                rounds=told_rounds(overflow, self._texts),
                needed=overflow.needed_tokens,
                kept=overflow.kept_tokens,
            )
        )

    def _summarise(
        self,
        overflow: Overflow,
        backend: Backend,
        settings: GenerationSettings,
        stop: threading.Event,
    ) -> Finish | None:
        """Have the model sum up what has to go; return how that ended, None when broken off."""
        session, finish = self._turn.session, None
        for event in write_summary(session, overflow, backend, settings=settings, stop=stop):
            finish = event if isinstance(event, Finish) else None
        if finish is not None:
            self._note(
                self._texts.rounds_summarised.format(
                    rounds=told_rounds(overflow, self._texts),
                    count=finish.usage.completion_tokens,
                    summary=session.summary_at(overflow.through),
                )
            )
        return finish

    def _note(self, text: str) -> None:
        write_note(text, self._texts)
