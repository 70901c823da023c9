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
from xverse_chat.chat.budget import context_used
from xverse_chat.chat.keeper import Keeper
from xverse_chat.chat.loading import Loading
from xverse_chat.chat.store import Opened
from xverse_chat.chat.turn import Turn, ask
from xverse_chat.config import GenerationSettings
from xverse_chat.errors import DeviceLostError, XverseChatError
from xverse_chat.progress import Progress
from xverse_chat.terminal.commands import Desk, Invocation, Unknown, invoke, parse, report_unknown
from xverse_chat.terminal.current_texts import CurrentTexts
from xverse_chat.terminal.entry import INTERRUPTED_EXIT_CODE, Departure, Editor, Entry
from xverse_chat.terminal.measures import format_bytes
from xverse_chat.terminal.meter import Meter
from xverse_chat.terminal.plain_renderer import PlainRenderer
from xverse_chat.terminal.recall import Recall, recall, show_recalled, told_news
from xverse_chat.terminal.reply import POLL_S, Reply
from xverse_chat.terminal.rich_renderer import RichRenderer
from xverse_chat.terminal.room import RoomMaker
from xverse_chat.terminal.signals import watch_signals
from xverse_chat.terminal.tally import ProgressTally
from xverse_chat.terminal.terminal_state import TerminalState, wants_plain


def run_conversation(
    load: Callable[[Progress], Backend],
    expected: ModelDescription,
    *,
    keeper: Keeper,
    wanted: Recall,
    overrides: Mapping[str, Any],
    system: str | None,
    texts: CurrentTexts,
    plain: bool,
    attachments: Sequence[Attachment] = (),
) -> NoReturn:
    """Hold a conversation while ``load`` brings the model, and end the process with its exit code.

    ``keeper`` saves it, ``wanted`` is what it begins with. ``expected`` is what is known of the
    model before it is there, ``overrides`` are changes to its settings; ``attachments`` go with
    the first message. Raises the XverseChatError that loading ended with, and what ``recall``
    does.
    """
    opened = recall(wanted, keeper)
    if system is not None:
        keeper.session.set_system(system)
    _take_any_bytes()
    can_redraw = not wants_plain(plain, os.environ, sys.stdout)
    renderer = (RichRenderer if can_redraw else PlainRenderer)(sys.stdout, texts)
    terminal = TerminalState(can_redraw=can_redraw)
    desk = Desk(keeper, renderer, texts, has_keys=can_redraw, attachments=[*attachments])
    conversation = Conversation(desk, terminal, load, expected)
    with terminal.quiet():
        conversation.welcome(wanted, opened)
        exit_code = conversation.run(overrides)
    # A thread may be inside the model, and taking torch apart costs a second.
    os._exit(exit_code)


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
        self._room = RoomMaker(desk.renderer, terminal, desk.texts, self._interrupt)
        self._answering: Answering | None = None
        self._turn: Turn | None = None
        self._carried_at: int | None = None

    def welcome(self, wanted: Recall, opened: Opened | None) -> None:
        """Say what answers, what goes with the first message, and where the conversation is."""
        desk = self._desk
        desk.renderer.welcome(self._told)
        self._tell_attachments()
        show_recalled(wanted, opened, desk.renderer, desk.texts)
        if opened is not None:
            desk.draft = opened.session.unanswered
        if wanted.is_any:
            desk.renderer.blank()

    def run(self, overrides: Mapping[str, Any]) -> int:
        """Talk until the user leaves; return the exit code."""
        watch_signals(self._interrupt, self._terminal, self._settle)
        desk = self._desk
        editor = self._open_editor()
        try:
            while desk.exit_code is None:
                self._measure()
                draft, desk.draft = desk.draft, ""
                entry = editor.read(draft)
                self._interrupt.clear()
                if isinstance(entry, Departure):
                    return entry.exit_code
                self._terminal.expect_paste()
                self._take(entry, overrides)
                self._tell_news()
                desk.renderer.blank()
            return desk.exit_code
        finally:
            self._settle()

    def _measure(self) -> None:
        """See how full the context is, unless a reply is still on its way."""
        backend = self._loading.wait(0)
        is_busy = self._answering is not None and not self._answering.join(0)
        if backend is not None and not is_busy:
            used = context_used(self._desk.session, backend)
            self._desk.meter = Meter(used, backend.description.context_tokens)

    def _settle(self) -> None:
        """Save what was said until now. May be called from a signal handler."""
        if self._turn is not None:
            self._turn.keep_what_was_said()
        self._desk.keeper.save()

    def _tell_news(self) -> None:
        """Say that saving fails, or works again."""
        news = self._desk.keeper.news()
        if news is not None:
            self._desk.renderer.notice(told_news(news, self._desk.texts))

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
        elif not self._previous_reply_ended():
            self._give_back(entry)
        else:
            turn = self._ask(meant)
            backend = self._wait_for_model()
            if backend is None:
                self._desk.exit_code = INTERRUPTED_EXIT_CODE
            elif not self._answer(backend, turn, overrides):
                self._give_back(entry)

    def _give_back(self, entry: Entry) -> None:
        """Put a message that was not sent into the line again, unless it would be a command."""
        if isinstance(parse(entry.text), str):
            self._desk.draft = entry.text

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
        self._measure()

    def _ask(self, question: str) -> Turn:
        """Put a question into the conversation: from here on it is saved."""
        desk = self._desk
        if desk.attachments:
            self._carried_at = len(desk.session.messages)
            question = put_before(desk.attachments, question)
        turn = ask(desk.session, question)
        turn.put_question()
        return turn

    def _answer(self, backend: Backend, turn: Turn, overrides: Mapping[str, Any]) -> bool:
        """Have a turn answered; False where that cannot be, and all is as before."""
        desk = self._desk
        settings = backend.default_settings.overridden(overrides)
        if not self._has_room(turn, backend, settings):
            turn.withdraw()
            return False
        self._turn = turn
        self._answering = Answering(lambda stop: turn.run(backend, settings=settings, stop=stop))
        reply = Reply(self._answering, desk.renderer, desk.texts)
        context_tokens = backend.description.context_tokens
        try:
            reply.show(self._interrupt, context_tokens=context_tokens)
        except DeviceLostError as error:
            desk.exit_code = error.exit_code
        return True

    def _has_room(self, turn: Turn, backend: Backend, settings: GenerationSettings) -> bool:
        """Tell whether the turn can be run; say so where it cannot."""
        try:
            return self._room.make_room(turn, backend, settings)
        except XverseChatError as error:
            self._desk.renderer.error(error)
            if isinstance(error, DeviceLostError):
                self._desk.exit_code = error.exit_code
            return False
