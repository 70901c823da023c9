"""Having turns answered, one at a time: the model is waited for, room is made, the reply shown."""

import threading
import time
from collections.abc import Callable

from xverse_chat.chat.answering import Answering
from xverse_chat.chat.attachment import put_before
from xverse_chat.chat.backend import Backend
from xverse_chat.chat.loading import Loading
from xverse_chat.chat.turn import Turn, ask
from xverse_chat.errors import INTERRUPTED_EXIT_CODE, DeviceLostError, XverseChatError
from xverse_chat.terminal.commands.answers import tell_alternatives
from xverse_chat.terminal.commands.command import Desk
from xverse_chat.terminal.reply import POLL_S, Reply
from xverse_chat.terminal.room import RoomMaker
from xverse_chat.terminal.tally import ProgressTally
from xverse_chat.terminal.terminal_state import TerminalState


class Answerer:
    """Answers the turns of one program. ``announce`` is called when the model is there."""

    def __init__(
        self,
        desk: Desk,
        terminal: TerminalState,
        loading: Loading,
        tally: ProgressTally,
        interrupt: threading.Event,
        announce: Callable[[], None],
    ) -> None:
        self._desk = desk
        self._loading = loading
        self._tally = tally
        self._interrupt = interrupt
        self._announce = announce
        self._room = RoomMaker(desk.renderer, terminal, desk.texts, interrupt)
        self._answering: Answering | None = None
        self._turn: Turn | None = None
        self._carried_at: int | None = None

    def ask(self, question: str, *, instead_of: int | None = None) -> bool:
        """Have a message answered, with the files that go with it; False when it was not sent.

        ``instead_of`` is the number of the question whose place it takes.
        """
        desk = self._desk
        asked = put_before(desk.attachments, question) if desk.attachments else question
        before = desk.session.position
        turn = ask(desk.session, asked, instead_of=instead_of)
        is_sent = self.answer(turn)
        self._carried_at = before if is_sent and desk.attachments else None
        return is_sent

    def answer(self, turn: Turn) -> bool:
        """Have a turn answered; False when nothing was sent, which was told.

        Its question is saved before anything is waited for: the model, a choice, a summary.
        """
        desk = self._desk
        if self._loading.backend is None:
            turn.put_question()
        backend = self._wait_for_model()
        if backend is None:
            desk.exit_code = INTERRUPTED_EXIT_CODE
            return True
        if not self._has_room(turn, backend):
            turn.withdraw()
            return False
        settings = desk.settings
        self._turn = turn
        self._answering = Answering(lambda stop: turn.run(backend, settings=settings, stop=stop))
        reply = Reply(
            self._answering,
            desk.renderer,
            desk.texts,
            shows_statistics=desk.shows_statistics,
            is_question=turn.is_question,
        )
        try:
            desk.last = reply.show(
                self._interrupt, context_tokens=backend.description.context_tokens
            )
        except DeviceLostError as error:
            desk.exit_code = error.exit_code
            return True
        if desk.last is not None:
            if not desk.has_keys and desk.shows_statistics:  # there is no line at the foot
                desk.renderer.notice(desk.gauge.measure(desk.session, backend).told(desk.texts))
            tell_alternatives(desk)
        return True

    def previous_ended(self) -> bool:
        """Wait for a reply that was slow to stop; False when the user gave that up."""
        renderer, began = self._desk.renderer, time.monotonic()
        while self._answering is not None and not self._answering.join(POLL_S):
            if self._interrupt.is_set():
                renderer.waiting_over()
                renderer.notice(self._desk.texts.not_sent)
                return False
            renderer.waiting(self._desk.texts.still_stopping, time.monotonic() - began)
        renderer.waiting_over()
        self._settle_attachments()
        return True

    def settle(self) -> None:
        """Save what was said until now. May be called from a signal handler."""
        if self._turn is not None:
            self._turn.keep_what_was_said()
        self._desk.keeper.save()

    def _settle_attachments(self) -> None:
        """Let go of what the last message took along, unless that was taken back."""
        if self._carried_at is not None and self._desk.session.position != self._carried_at:
            self._desk.attachments.clear()
        self._carried_at = None

    def _wait_for_model(self) -> Backend | None:
        """Return the model when it is there, None when the user gave up waiting."""
        renderer = self._desk.renderer
        while (backend := self._loading.wait(POLL_S)) is None:
            if self._interrupt.is_set():
                renderer.waiting_over()
                return None
            renderer.loading(self._tally.snapshot())
        renderer.waiting_over()
        self._announce()
        return backend

    def _has_room(self, turn: Turn, backend: Backend) -> bool:
        """Tell whether the turn can be run; say so where it cannot."""
        try:
            return self._room.make_room(turn, backend, self._desk.settings)
        except XverseChatError as error:
            self._desk.renderer.error(error)
            if isinstance(error, DeviceLostError):
                self._desk.exit_code = error.exit_code
            return False
