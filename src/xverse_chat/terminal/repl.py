"""The conversation in a terminal: read a message, stream the reply, remember both."""

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from xverse_chat.chat.answering import Answering
from xverse_chat.chat.attachment import Attachment, encoding_notes, put_before
from xverse_chat.chat.backend import Backend, ModelDescription
from xverse_chat.chat.loading import Loading
from xverse_chat.chat.session import Session
from xverse_chat.chat.turn import run_turn
from xverse_chat.errors import DeviceLostError
from xverse_chat.progress import Progress
from xverse_chat.terminal.commands import Desk, Invocation, Unknown, invoke, parse, report_unknown
from xverse_chat.terminal.current_texts import CurrentTexts
from xverse_chat.terminal.entry import INTERRUPTED_EXIT_CODE, Departure, Editor, Entry
from xverse_chat.terminal.measures import format_bytes
from xverse_chat.terminal.plain_renderer import PlainRenderer
from xverse_chat.terminal.renderer import Renderer
from xverse_chat.terminal.reply import POLL_S, Reply
from xverse_chat.terminal.rich_renderer import RichRenderer
from xverse_chat.terminal.signals import watch_signals
from xverse_chat.terminal.tally import ProgressTally
from xverse_chat.terminal.terminal_state import TerminalState, wants_plain
from xverse_chat.terminal.texts import Texts


def run_conversation(
    load: Callable[[Progress], Backend],
    expected: ModelDescription,
    *,
    overrides: Mapping[str, Any],
    system: str | None,
    texts: CurrentTexts,
    plain: bool,
    screen_reader: bool = False,
    attachments: Sequence[Attachment] = (),
) -> NoReturn:
    """Hold a conversation while ``load`` brings the model, and end the process with its exit code.

    ``expected`` is what is known of the model before it is there, ``overrides`` are changes to
    its settings; ``attachments`` go with the first message. Raises the XverseChatError that
    loading ended with.
    """
    _take_any_bytes()
    can_redraw = not wants_plain(plain or screen_reader, os.environ, sys.stdout)
    renderer = _open_renderer(texts, can_redraw=can_redraw, screen_reader=screen_reader)
    terminal = TerminalState(can_redraw=can_redraw)
    desk = Desk(Session(system), renderer, texts, has_keys=can_redraw, attachments=[*attachments])
    conversation = Conversation(desk, terminal, load, expected)
    with terminal.quiet():
        exit_code = conversation.run(overrides)
    # A thread may be inside the model, and taking torch apart costs a second.
    os._exit(exit_code)


def _open_renderer(texts: Texts, *, can_redraw: bool, screen_reader: bool) -> Renderer:
    if screen_reader:
        from xverse_chat.terminal.screen_reader_renderer import ScreenReaderRenderer

        return ScreenReaderRenderer(sys.stdout, texts)
    return RichRenderer(sys.stdout, texts) if can_redraw else PlainRenderer(sys.stdout, texts)


def _take_any_bytes() -> None:
    """Have stdin hand over what is no UTF-8 as surrogates, which are cleaned later."""
    reconfigure = getattr(sys.stdin, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8", errors="surrogateescape")


class Conversation:
    """One conversation, from the welcome to the leave-taking."""

    def __init__(
        self,
        desk: Desk,
        terminal: TerminalState,
        load: Callable[[Progress], Backend],
        expected: ModelDescription,
    ) -> None:
        self._desk = desk
        self._terminal = terminal
        self._tally = ProgressTally()
        self._loading = Loading(load, self._tally)
        self._told = expected
        self._interrupt = threading.Event()
        self._answering: Answering | None = None
        self._carried_at: int | None = None

    def run(self, overrides: Mapping[str, Any]) -> int:
        """Talk until the user leaves; return the exit code."""
        watch_signals(self._interrupt, self._terminal, self._desk.renderer)
        self._desk.renderer.welcome(self._told)
        self._tell_attachments()
        editor = self._open_editor()
        while self._desk.exit_code is None:
            entry = editor.read()
            self._interrupt.clear()
            if isinstance(entry, Departure):
                return entry.exit_code
            self._terminal.expect_paste()
            self._take(entry, overrides)
            self._desk.renderer.blank()
        return self._desk.exit_code

    def _open_editor(self) -> Editor:
        """Return the line editor that suits the terminal, and see that the model is loaded."""
        desk = self._desk
        if not desk.has_keys:
            from xverse_chat.terminal.plain_editor import PlainEditor

            self._loading.start()
            return PlainEditor(desk.texts, self._loading, self._terminal, desk.renderer.notice)
        from xverse_chat.terminal.editor import LineEditor

        return LineEditor(
            desk.texts,
            self._loading,
            self._tally,
            begin=self._loading.start,
            announce=self._announce,
        )

    def _take(self, entry: Entry, overrides: Mapping[str, Any]) -> None:
        """Do what an entry says: run a command, or have a message answered."""
        meant = parse(entry.text, pasted=entry.pasted)
        if isinstance(meant, Unknown):
            report_unknown(meant, self._desk)
        elif isinstance(meant, Invocation):
            if not meant.command.edits_session or self._previous_reply_ended():
                invoke(meant, self._desk)
        elif self._previous_reply_ended():
            backend = self._wait_for_model()
            if backend is None:
                self._desk.exit_code = INTERRUPTED_EXIT_CODE
            else:
                self._answer(backend, meant, overrides)

    def _previous_reply_ended(self) -> bool:
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

    def _tell_attachments(self) -> None:
        attachments = self._desk.attachments
        if not attachments:
            return
        names = ", ".join(f"{file.name} ({format_bytes(file.size_bytes)})" for file in attachments)
        self._desk.renderer.notice(self._desk.texts.attached.format(names=names))
        for note in encoding_notes(attachments):
            self._desk.renderer.notice(self._desk.texts.told(note))
        self._desk.renderer.blank()

    def _settle_attachments(self) -> None:
        """Let go of what the last message took along, unless that was taken back."""
        count = len(self._desk.session.messages)
        if self._carried_at is not None and count > self._carried_at:
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

    def _announce(self) -> None:
        """Say what answers, unless that was said already."""
        backend = self._loading.wait(0)
        if backend is None:
            return
        found, told = backend.description, self._told
        if (found.model_id, found.precision, found.device) != (
            told.model_id,
            told.precision,
            told.device,
        ):
            self._desk.renderer.description(found)
        self._told = found

    def _answer(self, backend: Backend, question: str, overrides: Mapping[str, Any]) -> None:
        settings = backend.default_settings.overridden(overrides)
        session = self._desk.session
        if self._desk.attachments:
            self._carried_at = len(session.messages)
            question = put_before(self._desk.attachments, question)
        self._answering = Answering(
            lambda stop: run_turn(session, backend, question, settings=settings, stop=stop)
        )
        reply = Reply(self._answering, self._desk.renderer, self._desk.texts)
        try:
            reply.show(self._interrupt, context_tokens=backend.description.context_tokens)
        except DeviceLostError as error:
            self._desk.exit_code = error.exit_code
