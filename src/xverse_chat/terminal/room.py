"""Making room when a conversation outgrows the context: told before, chosen once."""

import threading
import time

from xverse_chat.chat.answering import Answering
from xverse_chat.chat.backend import Backend, Finish
from xverse_chat.chat.budget import Outlook, Overflow, look_ahead, refusal
from xverse_chat.chat.events import Policy
from xverse_chat.chat.summary import write_summary
from xverse_chat.chat.title import shorten
from xverse_chat.chat.turn import Turn
from xverse_chat.config import GenerationSettings
from xverse_chat.terminal.choice import choose
from xverse_chat.terminal.renderer import Renderer
from xverse_chat.terminal.reply import POLL_S, STOP_PATIENCE_S
from xverse_chat.terminal.terminal_state import TerminalState
from xverse_chat.terminal.texts import Texts

QUESTION_COLUMNS = 24


class RoomMaker:
    """Sees that a turn fits, by the way that the user chose for the conversation."""

    def __init__(
        self,
        renderer: Renderer,
        terminal: TerminalState,
        texts: Texts,
        interrupt: threading.Event,
    ) -> None:
        self._renderer = renderer
        self._terminal = terminal
        self._texts = texts
        self._interrupt = interrupt

    def make_room(self, turn: Turn, backend: Backend, settings: GenerationSettings) -> bool:
        """Tell whether the turn can be run now; False when the user would rather not.

        Raises ContextLengthError for a message that cannot fit, and where the user chose to
        refuse; whatever else the summary fails of.
        """
        outlook = look_ahead(turn, backend, settings)
        overflow = outlook.overflow
        if overflow is None:
            return True
        if turn.session.policy is not Policy.REFUSE:
            turn.put_question()
        policy = turn.session.policy or self._ask(turn, outlook, overflow)
        if policy is None:
            self._renderer.notice(self._texts.not_sent)
            return False
        if policy is Policy.REFUSE:
            raise refusal(outlook, overflow)
        if policy is Policy.SUMMARISE:
            if not self._summarise(turn, backend, settings, overflow):
                self._renderer.notice(self._texts.not_sent)
                return False
            # The summary takes room itself: look again before anything is computed.
            return self.make_room(turn, backend, settings)
        turn.session.drop(overflow.through)
        self._renderer.notice(
            self._texts.rounds_dropped.format(
                rounds=told_rounds(overflow, self._texts),
                needed=overflow.needed_tokens,
                kept=overflow.kept_tokens,
            )
        )
        return True

    def _ask(self, turn: Turn, outlook: Outlook, overflow: Overflow) -> Policy | None:
        """Say what would have to go, and have the user choose for the rest of the conversation."""
        texts = self._texts
        self._renderer.notice(
            texts.context_full.format(
                needed=overflow.needed_tokens,
                budget=overflow.budget_tokens,
                context=outlook.context_tokens,
                rounds=told_rounds(overflow, texts),
            )
        )
        chosen = choose(
            texts.context_question,
            (texts.context_drop, texts.context_summarise, texts.context_refuse),
            renderer=self._renderer,
            terminal=self._terminal,
            texts=texts,
        )
        if chosen is None:
            return None
        policy = tuple(Policy)[chosen]
        turn.session.choose_policy(policy)
        return policy

    def _summarise(
        self, turn: Turn, backend: Backend, settings: GenerationSettings, overflow: Overflow
    ) -> bool:
        """Have the model sum up what has to go; False when the user broke that off."""
        writing = Answering(
            lambda stop: write_summary(
                turn.session, overflow, backend, settings=settings, stop=stop
            )
        )
        rounds = told_rounds(overflow, self._texts)
        finish = self._wait(writing, self._texts.summarising.format(rounds=rounds))
        if finish is None or finish.reason == "interrupted":
            return False
        self._renderer.notice(
            self._texts.rounds_summarised.format(
                rounds=rounds,
                count=finish.usage.completion_tokens,
                summary=turn.session.summary_at(overflow.through),
            )
        )
        return True

    def _wait(self, writing: Answering, told: str) -> Finish | None:
        """Return how the summary ended, None when it would not; raise what it failed of."""
        began, finish = time.monotonic(), None
        try:
            while finish is None and not writing.is_over:
                if self._interrupt.is_set():
                    writing.abandon()
                    writing.join(STOP_PATIENCE_S)
                    return None
                event = writing.poll(POLL_S)
                finish = event if isinstance(event, Finish) else None
                self._renderer.waiting(told, time.monotonic() - began)
        finally:
            self._renderer.waiting_over()
        return finish


def told_rounds(overflow: Overflow, texts: Texts) -> str:
    """Return which rounds have to go, and with which questions they begin and end."""
    first, last = overflow.questions[0], overflow.questions[-1]
    if overflow.first_round == overflow.last_round:
        return texts.round_one.format(
            number=overflow.first_round, question=shorten(first, QUESTION_COLUMNS)
        )
    return texts.rounds_many.format(
        first=overflow.first_round,
        last=overflow.last_round,
        opening=shorten(first, QUESTION_COLUMNS),
        closing=shorten(last, QUESTION_COLUMNS),
    )
