"""Showing one reply as it comes, and ending it when the user says so. Standard library only."""

import threading
import time

from xverse_chat.chat.answering import Answering
from xverse_chat.chat.backend import Finish
from xverse_chat.errors import DeviceLostError, XverseChatError
from xverse_chat.terminal.renderer import Renderer
from xverse_chat.terminal.texts import Texts

POLL_S = 0.05
# An interrupted reply that does not end within this time is left to end by itself.
STOP_PATIENCE_S = 0.6


class Reply:
    """One reply on the screen."""

    def __init__(
        self,
        answering: Answering,
        renderer: Renderer,
        texts: Texts,
        *,
        shows_statistics: bool = True,
        is_question: bool = True,
    ) -> None:
        """Show what ``answering`` says; without ``is_question`` nothing could be taken back."""
        self._is_question = is_question
        self._shows_statistics = shows_statistics
        self._answering = answering
        self._renderer = renderer
        self._texts = texts
        self._is_said = False

    def show(self, interrupt: threading.Event, *, context_tokens: int) -> Finish | None:
        """Show the reply to its end, its error, or shortly after ``interrupt`` is set.

        Returns how it ended, None where that is not known. Raises DeviceLostError when it was
        shown: no other reply will come.
        """
        self._renderer.begin_reply()
        try:
            finish = self._stream(interrupt)
        except XverseChatError as error:
            self._renderer.end_reply()
            self._renderer.error(error)
            if isinstance(error, DeviceLostError):
                raise
            return None
        if finish is None or finish.reason == "interrupted":
            note = self._texts.interrupted if self._is_said else self._unsaid()
            self._end(note, finish if self._is_said else None)
        else:
            self._end("" if self._is_said else self._texts.nothing_said, finish)
            self._explain(finish, context_tokens)
        return finish

    def _unsaid(self) -> str:
        return self._texts.taken_back if self._is_question else self._texts.left_as_it_was

    def _end(self, note: str, finish: Finish | None) -> None:
        self._renderer.end_reply(note, finish if self._shows_statistics else None)

    def _stream(self, interrupt: threading.Event) -> Finish | None:
        """Return how the reply ended, or None when it would not end."""
        began = time.monotonic()
        stopped_at = float("inf")
        while not self._answering.is_over:
            now = time.monotonic()
            if interrupt.is_set() and not self._answering.is_stopping:
                self._answering.stop()
                stopped_at = now
            if now - stopped_at >= STOP_PATIENCE_S:
                self._answering.abandon()
                return None
            event = self._answering.poll(POLL_S)
            if isinstance(event, Finish):
                return event
            if event:
                self._is_said = True
                self._renderer.piece(event)
            elif self._is_said:
                self._renderer.refresh()
            else:
                self._renderer.waiting("", now - began)
        return None

    def _explain(self, finish: Finish, context_tokens: int) -> None:
        texts = self._texts
        if finish.dropped_messages:
            dropped = texts.dropped.format(context=context_tokens, count=finish.dropped_messages)
            self._renderer.notice(dropped)
        if finish.reason == "length":
            count = finish.usage.completion_tokens
            self._renderer.notice(texts.cut_off.format(count=count))
