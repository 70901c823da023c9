"""The conversation in a terminal: read a message, stream the reply, remember both."""

import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from xverse_chat.chat.attachment import Attachment
from xverse_chat.chat.backend import Backend, ModelDescription
from xverse_chat.chat.keeper import Keeper
from xverse_chat.chat.loading import Loading
from xverse_chat.chat.store import Opened
from xverse_chat.progress import Progress
from xverse_chat.terminal.answerer import Answerer
from xverse_chat.terminal.clipboard import Clipboard
from xverse_chat.terminal.commands.command import Desk
from xverse_chat.terminal.commands.dispatch import invoke, report_unknown
from xverse_chat.terminal.commands.parsing import Invocation, Unknown, parse
from xverse_chat.terminal.commands.reading import tell_attachments
from xverse_chat.terminal.current_texts import CurrentTexts
from xverse_chat.terminal.entry import Departure, Editor, Entry
from xverse_chat.terminal.history_file import HistoryFile
from xverse_chat.terminal.meter import Meter
from xverse_chat.terminal.plain_renderer import PlainRenderer
from xverse_chat.terminal.recall import Recall, recall, show_recalled, told_news
from xverse_chat.terminal.renderer import Renderer
from xverse_chat.terminal.rich_renderer import RichRenderer
from xverse_chat.terminal.signals import watch_signals
from xverse_chat.terminal.status_line import Status
from xverse_chat.terminal.tally import ProgressTally
from xverse_chat.terminal.terminal_state import TerminalState, wants_plain
from xverse_chat.terminal.texts import Texts


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
    screen_reader: bool = False,
    attachments: Sequence[Attachment] = (),
    history: HistoryFile | None = None,
    shows_statistics: bool = True,
) -> NoReturn:
    """Hold a conversation while ``load`` brings the model, and end the process with its exit code.

    ``keeper`` saves it, ``wanted`` is what it begins with. ``expected`` is what is known of the
    model before it is there, ``overrides`` are changes to its settings; ``attachments`` go with
    the first message; ``history`` is where typed lines are remembered; ``shows_statistics`` below
    each answer. Raises the XverseChatError that loading ended with, and what ``recall`` does.
    """
    opened = recall(wanted, keeper)
    if system is not None:
        keeper.session.set_system(system)
    _take_any_bytes()
    can_redraw = not wants_plain(plain or screen_reader, os.environ, sys.stdout)
    renderer = _open_renderer(texts, can_redraw=can_redraw, screen_reader=screen_reader)
    terminal = TerminalState(can_redraw=can_redraw)
    tally = ProgressTally()
    loading = Loading(load, tally)
    desk = Desk(
        keeper=keeper,
        renderer=renderer,
        texts=texts,
        described=expected,
        loaded=lambda: loading.backend,
        clipboard=Clipboard(terminal.write if can_redraw else None, os.environ),
        overrides=dict(overrides),
        shows_statistics=shows_statistics,
        has_keys=can_redraw,
        attachments=[*attachments],
    )
    conversation = Conversation(desk, terminal, loading, tally, history)
    with terminal.quiet():
        conversation.welcome(wanted, opened)
        exit_code = conversation.run()
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
        loading: Loading,
        tally: ProgressTally,
        history: HistoryFile | None,
    ) -> None:
        self._desk = desk
        self._terminal = terminal
        self._loading = loading
        self._tally = tally
        self._history = history
        self._interrupt = threading.Event()
        self._answerer = Answerer(desk, terminal, loading, tally, self._interrupt, self._announce)

    def welcome(self, wanted: Recall, opened: Opened | None) -> None:
        """Say what answers, what goes with the first message, and where the conversation is."""
        desk = self._desk
        desk.renderer.welcome(desk.described)
        if desk.attachments:
            tell_attachments(desk)
            desk.renderer.blank()
        show_recalled(wanted, opened, desk.renderer, desk.texts)
        if opened is not None:
            desk.draft = opened.session.unanswered
        if wanted.is_any:
            desk.renderer.blank()

    def run(self) -> int:
        """Talk until the user leaves; return the exit code."""
        desk = self._desk
        watch_signals(self._interrupt, self._terminal, desk.renderer, self._answerer.settle)
        editor = self._open_editor()
        try:
            while desk.exit_code is None:
                draft, desk.draft = desk.draft, ""
                entry = editor.read(draft)
                self._interrupt.clear()
                if isinstance(entry, Departure):
                    return entry.exit_code
                self._terminal.expect_paste()
                self._take(entry)
                self._tell_news()
                desk.renderer.blank()
            return desk.exit_code
        finally:
            self._answerer.settle()

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
            return PlainEditor(
                desk.texts,
                self._loading,
                self._terminal,
                desk.renderer.notice,
                history=self._history,
            )
        from xverse_chat.terminal.completion import CommandCompleter
        from xverse_chat.terminal.editor import LineEditor
        from xverse_chat.terminal.foot import Foot

        return LineEditor(
            desk.texts,
            self._loading,
            Foot(desk.texts, self._loading, self._tally, self._status),
            completer=CommandCompleter(desk),
            history=self._history,
            begin=self._loading.start,
            has_news=self._has_news,
            announce=self._announce,
        )

    def _status(self) -> Status:
        """Return what the foot of the screen shows."""
        desk, backend = self._desk, self._loading.backend
        meter = desk.gauge.measure(desk.session, backend) if backend is not None else Meter(0, 0)
        return Status(
            desk.described.model_id,
            desk.described.precision,
            meter.used_tokens,
            meter.context_tokens,
            desk.last.timings.decode_tokens_per_s if desk.last is not None else None,
        )

    def _take(self, entry: Entry) -> None:
        """Do what an entry says: run a command, or have a message answered."""
        desk = self._desk
        instead_of = desk.instead_of if entry.from_draft else None
        desk.instead_of = None
        meant = parse(entry.text, pasted=entry.pasted)
        if isinstance(meant, Unknown):
            report_unknown(meant, desk)
        elif isinstance(meant, Invocation):
            if meant.command.edits_session and not self._answerer.previous_ended():
                desk.draft = entry.text
                return
            turn = invoke(meant, desk)
            if turn is not None:
                self._answerer.answer(turn)
        elif not (
            self._answerer.previous_ended() and self._answerer.ask(meant, instead_of=instead_of)
        ):
            self._give_back(entry, instead_of)

    def _give_back(self, entry: Entry, instead_of: int | None) -> None:
        """Put a message that was not sent into the line again, unless it would be a command."""
        if isinstance(parse(entry.text), str):
            self._desk.draft, self._desk.instead_of = entry.text, instead_of

    def _has_news(self) -> bool:
        """Tell whether what answers is not what was said at the beginning."""
        return self._loading.backend is not None and (
            self._loading.backend.description != self._desk.described
        )

    def _announce(self) -> None:
        """Say what answers, unless that was said already."""
        if self._has_news() and self._loading.backend is not None:
            self._desk.described = self._loading.backend.description
            self._desk.renderer.description(self._desk.described)
